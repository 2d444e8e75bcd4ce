
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
