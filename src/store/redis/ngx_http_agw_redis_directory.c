
/*
 * Look-ups over Redis.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_directory.h"


static ngx_int_t ngx_http_agw_redis_find(void *state,
    ngx_http_agw_query_t *query);


const ngx_http_agw_directory_engine_t  ngx_http_agw_redis_directory = {
    ngx_http_agw_redis_find,
    ngx_http_agw_redis_find
};


static ngx_int_t
ngx_http_agw_redis_find(void *state, ngx_http_agw_query_t *query)
{
    return NGX_ERROR;
}


void
ngx_http_agw_redis_directory_open(ngx_http_agw_redis_worker_t *worker)
{
    /* void */
}


void
ngx_http_agw_redis_directory_close(ngx_http_agw_redis_worker_t *worker)
{
    /* void */
}
