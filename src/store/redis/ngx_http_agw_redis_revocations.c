
/*
 * Revocations over Redis.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_revocations.h"


static void ngx_http_agw_redis_write(void *state, ngx_http_agw_write_t *write);
static ngx_int_t ngx_http_agw_redis_read(void *state,
    ngx_http_agw_reading_t *reading);


const ngx_http_agw_revocations_engine_t  ngx_http_agw_redis_revocations = {
    ngx_http_agw_redis_write,
    ngx_http_agw_redis_write,
    ngx_http_agw_redis_read,
    NULL,
    NULL
};


static void
ngx_http_agw_redis_write(void *state, ngx_http_agw_write_t *write)
{
    write->handler(write, NGX_ERROR);
}


static ngx_int_t
ngx_http_agw_redis_read(void *state, ngx_http_agw_reading_t *reading)
{
    return NGX_ERROR;
}


void
ngx_http_agw_redis_revocations_open(ngx_http_agw_redis_worker_t *worker)
{
    /* void */
}


void
ngx_http_agw_redis_revocations_close(ngx_http_agw_redis_worker_t *worker)
{
    /* void */
}
