
/*
 * Passes writes and readings on to the engine.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_store_engine.h"
#include "ngx_http_agw_store_revocations.h"


void
ngx_http_agw_store_revoke(ngx_http_agw_store_t *store,
    ngx_http_agw_write_t *write)
{
    store->engine->revocations->revoke(store->state, write);
}


void
ngx_http_agw_store_maintain(ngx_http_agw_store_t *store,
    ngx_http_agw_write_t *write)
{
    store->engine->revocations->maintain(store->state, write);
}


ngx_int_t
ngx_http_agw_store_read_revocations(ngx_http_agw_store_t *store,
    ngx_http_agw_reading_t *reading)
{
    return store->engine->revocations->read(store->state, reading);
}


void
ngx_http_agw_store_stop_reading(ngx_http_agw_store_t *store,
    ngx_http_agw_reading_t *reading)
{
    if (store->engine->revocations->stop != NULL) {
        store->engine->revocations->stop(store->state, reading);
    }
}


ngx_uint_t
ngx_http_agw_store_is_followed(const ngx_http_agw_store_t *store)
{
    return store->engine->revocations->stop != NULL;
}


void
ngx_http_agw_store_know(ngx_http_agw_store_t *store, int64_t stamp)
{
    if (store->engine->revocations->know != NULL) {
        store->engine->revocations->know(store->state, stamp);
    }
}
