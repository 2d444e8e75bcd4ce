
/*
 * The Redis engine: the directory and the revocations of a fleet.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_redis_admin.h"
#include "ngx_http_agw_redis_conf.h"
#include "ngx_http_agw_redis_directory.h"
#include "ngx_http_agw_redis_revocations.h"
#include "ngx_http_agw_store_engine.h"


static void *ngx_http_agw_redis_create(ngx_conf_t *cf, ngx_str_t *words,
    ngx_uint_t n, ngx_str_t *name);
static ngx_int_t ngx_http_agw_redis_complete(ngx_conf_t *cf, void *state);
static void ngx_http_agw_redis_make(void *state,
    const ngx_http_agw_store_limits_t *limits, ngx_cycle_t *cycle);
static void ngx_http_agw_redis_open(void *state,
    const ngx_http_agw_store_limits_t *limits,
    ngx_http_agw_store_shared_t *shared, ngx_cycle_t *cycle);
static void ngx_http_agw_redis_close(void *state);
static const char *ngx_http_agw_redis_library_version(void);


const ngx_http_agw_store_engine_t  ngx_http_agw_redis_engine = {
    ngx_string("redis:"),
    ngx_string("\"redis://<host>\" or \"redis:unix:<path>\""),
    "redis",
    "hiredis",
    ngx_http_agw_redis_library_version,
    ngx_http_agw_redis_create,
    ngx_http_agw_redis_complete,
    ngx_http_agw_redis_make,
    ngx_http_agw_redis_open,
    ngx_http_agw_redis_close,
    &ngx_http_agw_redis_directory,
    &ngx_http_agw_redis_revocations,
    &ngx_http_agw_redis_admin
};


/* the same over TLS */

const ngx_http_agw_store_engine_t  ngx_http_agw_rediss_engine = {
    ngx_string("rediss:"),
    ngx_string("\"rediss://<host>\""),
    "redis",
    "hiredis",
    ngx_http_agw_redis_library_version,
    ngx_http_agw_redis_create,
    ngx_http_agw_redis_complete,
    ngx_http_agw_redis_make,
    ngx_http_agw_redis_open,
    ngx_http_agw_redis_close,
    &ngx_http_agw_redis_directory,
    &ngx_http_agw_redis_revocations,
    &ngx_http_agw_redis_admin
};


static void *
ngx_http_agw_redis_create(ngx_conf_t *cf, ngx_str_t *words, ngx_uint_t n,
    ngx_str_t *name)
{
    ngx_http_agw_redis_t  *redis;

    redis = ngx_pcalloc(cf->pool, sizeof(ngx_http_agw_redis_t));
    if (redis == NULL) {
        return NULL;
    }

    redis->conf = ngx_http_agw_redis_conf(cf, words, n, name);

    return redis->conf ? redis : NULL;
}


static ngx_int_t
ngx_http_agw_redis_complete(ngx_conf_t *cf, void *state)
{
    ngx_http_agw_redis_t  *redis = state;

    return ngx_http_agw_redis_conf_resolve(cf, redis->conf);
}


/* each handshake makes what is missing */

static void
ngx_http_agw_redis_make(void *state,
    const ngx_http_agw_store_limits_t *limits, ngx_cycle_t *cycle)
{
    /* void */
}


static void
ngx_http_agw_redis_open(void *state,
    const ngx_http_agw_store_limits_t *limits,
    ngx_http_agw_store_shared_t *shared, ngx_cycle_t *cycle)
{
    ngx_pool_t                   *pool;
    ngx_http_agw_redis_t         *redis = state;
    ngx_http_agw_redis_worker_t  *worker;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, cycle->log);
    if (pool == NULL) {
        return;
    }

    worker = ngx_pcalloc(pool, sizeof(ngx_http_agw_redis_worker_t));
    if (worker == NULL) {
        ngx_destroy_pool(pool);
        return;
    }

    worker->conf = redis->conf;
    worker->limits = limits;
    worker->shared = shared;
    worker->pool = pool;
    worker->log = cycle->log;

    redis->worker = worker;

    ngx_http_agw_redis_directory_open(worker);
    ngx_http_agw_redis_revocations_open(worker);
}


static void
ngx_http_agw_redis_close(void *state)
{
    ngx_http_agw_redis_t  *redis = state;

    if (redis->worker == NULL) {
        return;
    }

    ngx_http_agw_redis_admin_close(redis->worker);
    ngx_http_agw_redis_revocations_close(redis->worker);
    ngx_http_agw_redis_directory_close(redis->worker);

    ngx_destroy_pool(redis->worker->pool);
    redis->worker = NULL;
}


/* hiredis tells only what it was compiled as */

static const char *
ngx_http_agw_redis_library_version(void)
{
    return ngx_value(HIREDIS_MAJOR) "." ngx_value(HIREDIS_MINOR) "."
           ngx_value(HIREDIS_PATCH);
}
