
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_revocation_batch.h"


static u_char *ngx_http_agw_batch_copy(u_char *p, agw_str_t *id);


ngx_int_t
ngx_http_agw_batch_add(ngx_http_agw_batch_t *batch,
    const ngx_http_agw_revocations_t *revocations,
    const agw_revocation_t *revocation)
{
    u_char            *p;
    ngx_int_t          rc;
    agw_revocation_t  *entry;

    rc = NGX_OK;

    if (batch->n == NGX_HTTP_AGW_BATCH) {
        rc = ngx_http_agw_batch_flush(batch, revocations);
    }

    entry = &batch->entries[batch->n];
    p = batch->text[batch->n];

    batch->n++;

    *entry = *revocation;

    p = ngx_http_agw_batch_copy(p, &entry->partner_id);
    p = ngx_http_agw_batch_copy(p, &entry->business_id);
    (void) ngx_http_agw_batch_copy(p, &entry->jti);

    return rc;
}


/* an id that is longer names nothing that there is */

static u_char *
ngx_http_agw_batch_copy(u_char *p, agw_str_t *id)
{
    const u_char  *from;

    if (id->len > AGW_ID_MAX) {
        id->len = 0;
    }

    from = id->data;
    id->data = p;

    return id->len ? ngx_cpymem(p, from, id->len) : p;
}


ngx_int_t
ngx_http_agw_batch_flush(ngx_http_agw_batch_t *batch,
    const ngx_http_agw_revocations_t *revocations)
{
    ngx_uint_t  n;

    n = batch->n;
    batch->n = 0;

    return n ? ngx_http_agw_revocations_add(revocations, batch->entries, n)
             : NGX_OK;
}
