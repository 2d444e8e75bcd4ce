
/*
 * The engine is chosen by the scheme of the directive's first word.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_store_engine.h"


static const ngx_http_agw_store_engine_t  *ngx_http_agw_store_engines[] = {
    &ngx_http_agw_sqlite_engine,
#if (NGX_HTTP_AGW_HIREDIS)
    &ngx_http_agw_redis_engine,
    &ngx_http_agw_rediss_engine,
#endif
    NULL
};


static char *ngx_http_agw_store_unknown(ngx_conf_t *cf, ngx_str_t *word);


char *
ngx_http_agw_store_create(ngx_conf_t *cf, ngx_str_t *words, ngx_uint_t n,
    ngx_http_agw_store_t **store)
{
    size_t                              len;
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

    return ngx_http_agw_store_unknown(cf, &words[0]);
}


/* what follows a scheme may contain a password: it is not logged */

static char *
ngx_http_agw_store_unknown(ngx_conf_t *cf, ngx_str_t *word)
{
    u_char                             *p, *last;
    size_t                              len;
    u_char                              syntax[NGX_MAX_CONF_ERRSTR];
    const ngx_http_agw_store_engine_t  **e;

    p = syntax;
    last = syntax + sizeof(syntax);

    for (e = ngx_http_agw_store_engines; *e; e++) {
        p = ngx_slprintf(p, last, "%s%V", p == syntax ? "" : " or ",
                         &(*e)->syntax);
    }

    for (len = 0; len < word->len && word->data[len] != ':'; len++) {
        /* void */
    }

#if !(NGX_HTTP_AGW_HIREDIS)

    if (ngx_strncmp(word->data, "redis:", 6) == 0
        || ngx_strncmp(word->data, "rediss:", 7) == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%*s:\" in \"auth_gateway_store\" must be used "
                           "with a module that is built with hiredis, and "
                           "this one is built without hiredis",
                           len, word->data);
        return NGX_CONF_ERROR;
    }

#endif

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown scheme \"%*s\" in \"auth_gateway_store\", it "
                       "must be %*s", len, word->data, (size_t) (p - syntax),
                       syntax);

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
ngx_http_agw_store_about(const ngx_http_agw_store_t *store,
    ngx_http_agw_store_about_t *about)
{
    about->engine = store->engine->name;
    about->library = store->engine->library;
    about->version = store->engine->library_version();
}


void
ngx_http_agw_store_make(ngx_http_agw_store_t *store,
    const ngx_http_agw_store_limits_t *limits, ngx_cycle_t *cycle)
{
    store->engine->make(store->state, limits, cycle);
}


void
ngx_http_agw_store_open(ngx_http_agw_store_t *store,
    const ngx_http_agw_store_limits_t *limits,
    ngx_http_agw_store_shared_t *shared, ngx_cycle_t *cycle)
{
    store->engine->open(store->state, limits, shared, cycle);
}


void
ngx_http_agw_store_close(ngx_http_agw_store_t *store)
{
    store->engine->close(store->state);
}
