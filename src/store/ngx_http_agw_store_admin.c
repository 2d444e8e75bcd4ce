
/*
 * Passes operations on to the engine.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_store_admin.h"
#include "ngx_http_agw_store_engine.h"


static void ngx_http_agw_admin_revoked(ngx_http_agw_write_t *write,
    ngx_int_t rc);


ngx_int_t
ngx_http_agw_store_administer(ngx_http_agw_store_t *store,
    ngx_http_agw_admin_t *op)
{
    if (store->engine->admin == NULL) {
        return NGX_DECLINED;
    }

    if (ngx_array_init(&op->records, op->pool, 4, sizeof(agw_record_t))
        != NGX_OK
        || ngx_array_init(&op->revocations, op->pool, 2,
                          sizeof(agw_revocation_t))
           != NGX_OK)
    {
        op->handler(op, NGX_ERROR);
        return NGX_AGAIN;
    }

    if (op->what == NGX_HTTP_AGW_ADMIN_REVOKE) {
        op->write.handler = ngx_http_agw_admin_revoked;
        op->write.data = op;

        store->engine->revocations->revoke(store->state, &op->write);
        return NGX_AGAIN;
    }

    store->engine->admin->run(store->state, op);

    return NGX_AGAIN;
}


/* the array has room, and the strings are the caller's: this cannot fail */

static void
ngx_http_agw_admin_revoked(ngx_http_agw_write_t *write, ngx_int_t rc)
{
    agw_revocation_t      *revocation;
    ngx_http_agw_admin_t  *op = write->data;

    if (rc == NGX_OK) {
        revocation = ngx_array_push(&op->revocations);
        *revocation = write->revocation;
    }

    op->handler(op, rc);
}
