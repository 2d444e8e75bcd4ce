
/*
 * Chooses the engine by the scheme.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_store_engine.h"


#if (NGX_HTTP_AGW_HIREDIS)
#define NGX_HTTP_AGW_SCHEMES  "\"sqlite:<path>\", \"redis://<host>\", "      \
                              "\"rediss://<host>\" or \"redis:unix:<path>\""
#else
#define NGX_HTTP_AGW_SCHEMES  "\"sqlite:<path>\""
#endif


static const ngx_http_agw_store_engine_t  *ngx_http_agw_store_engines[] = {
    &ngx_http_agw_sqlite_engine,
#if (NGX_HTTP_AGW_HIREDIS)
    &ngx_http_agw_redis_engine,
    &ngx_http_agw_rediss_engine,
#endif
    NULL
};


char *
ngx_http_agw_store_create(ngx_conf_t *cf, ngx_str_t *words, ngx_uint_t n,
    ngx_http_agw_store_t **store)
{
    size_t                              len;
    ngx_str_t                           scheme;
    const ngx_http_agw_store_engine_t  *engine, **e;

    for (e = ngx_http_agw_store_engines; *e; e++) {
        engine = *e;
        len = engine->scheme.len;

        if (words[0].len < len
            || ngx_strncmp(words[0].data, engine->scheme.data, len) != 0)
        {
            continue;
        }

        *store = ngx_pcalloc(cf->pool, sizeof(ngx_http_agw_store_t));
        if (*store == NULL) {
            return NGX_CONF_ERROR;
        }

        (*store)->engine = engine;
        (*store)->name = words[0];
        (*store)->state = engine->create(cf, words, n, &(*store)->name);

        return (*store)->state ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    /* what follows a scheme may contain a password: it is not logged */

    scheme = words[0];

    for (len = 0; len < scheme.len && scheme.data[len] != ':'; len++) {
        /* void */
    }

    scheme.len = len;

#if !(NGX_HTTP_AGW_HIREDIS)

    if (ngx_strncmp(scheme.data, "redis", 5) == 0
        && (scheme.len == 5 || (scheme.len == 6 && scheme.data[5] == 's')))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V:\" in \"auth_gateway_store\" must be with a "
                           "module that is built with hiredis, and this one "
                           "is built without hiredis", &scheme);
        return NGX_CONF_ERROR;
    }

#endif

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown scheme \"%V\" in \"auth_gateway_store\", it "
                       "must be " NGX_HTTP_AGW_SCHEMES, &scheme);

    return NGX_CONF_ERROR;
}


ngx_int_t
ngx_http_agw_store_complete(ngx_conf_t *cf, ngx_http_agw_store_t *store)
{
    return store->engine->complete ? store->engine->complete(cf, store->state)
                                   : NGX_OK;
}


ngx_str_t
ngx_http_agw_store_name(const ngx_http_agw_store_t *store)
{
    return store->name;
}


void
ngx_http_agw_store_make(ngx_http_agw_store_t *store,
    const ngx_http_agw_store_limits_t *limits, ngx_cycle_t *cycle)
{
    store->engine->make(store->state, limits, cycle);
}


void
ngx_http_agw_store_open(ngx_http_agw_store_t *store,
    const ngx_http_agw_store_limits_t *limits, ngx_cycle_t *cycle)
{
    store->engine->open(store->state, limits, cycle);
}


void
ngx_http_agw_store_close(ngx_http_agw_store_t *store)
{
    store->engine->close(store->state);
}
