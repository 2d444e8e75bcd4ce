
/*
 * Passes queries on to the engine.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_store_engine.h"
#include "ngx_http_agw_store_directory.h"


ngx_int_t
ngx_http_agw_store_find_api_keys(ngx_http_agw_store_t *store,
    ngx_http_agw_directory_query_t *query)
{
    return store->engine->directory->find_api_keys(store->state, query);
}


ngx_int_t
ngx_http_agw_store_find_business(ngx_http_agw_store_t *store,
    ngx_http_agw_directory_query_t *query)
{
    return store->engine->directory->find_business(store->state, query);
}


ngx_int_t
ngx_http_agw_store_use_once(ngx_http_agw_store_t *store,
    ngx_http_agw_directory_query_t *query)
{
    if (store->engine->directory->use_once == NULL) {
        query->first = 1;
        return NGX_OK;
    }

    return store->engine->directory->use_once(store->state, query);
}
