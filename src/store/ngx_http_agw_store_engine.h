
/*
 * What an engine gives to the store, and nobody above sees.
 */


#ifndef NGX_HTTP_AGW_STORE_ENGINE_H_INCLUDED_
#define NGX_HTTP_AGW_STORE_ENGINE_H_INCLUDED_


#include "ngx_http_agw_store.h"


/*
 * create() parses the words of the directive into the engine's own state and
 * logs what it refuses; the other functions are as in the store's header.
 */

typedef struct {
    ngx_str_t    scheme;             /* with its colon */

    void      *(*create)(ngx_conf_t *cf, ngx_str_t *words, ngx_uint_t n);
    void       (*make)(void *state,
                       const ngx_http_agw_store_limits_t *limits,
                       ngx_cycle_t *cycle);
    void       (*open)(void *state,
                       const ngx_http_agw_store_limits_t *limits,
                       ngx_cycle_t *cycle);
    void       (*close)(void *state);
    ngx_int_t  (*find_api_keys)(void *state, ngx_http_agw_query_t *query);
    ngx_int_t  (*find_business)(void *state, ngx_http_agw_query_t *query);
    void       (*revoke)(void *state, ngx_http_agw_write_t *write);
    void       (*tend)(void *state, ngx_http_agw_write_t *write);
    ngx_int_t  (*read_revocations)(void *state,
                                   ngx_http_agw_reading_t *reading);
} ngx_http_agw_store_engine_t;


extern const ngx_http_agw_store_engine_t  ngx_http_agw_sqlite_engine;


#endif /* NGX_HTTP_AGW_STORE_ENGINE_H_INCLUDED_ */
