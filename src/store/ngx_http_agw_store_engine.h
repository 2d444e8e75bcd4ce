
/*
 * What an engine provides: all of the functions below.  Only src/store includes
 * this.  A new engine has a folder beside sqlite/, which the file `config`
 * lists; its table is declared at the end of this file, and listed in
 * ngx_http_agw_store.c.
 */


#ifndef NGX_HTTP_AGW_STORE_ENGINE_H_INCLUDED_
#define NGX_HTTP_AGW_STORE_ENGINE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_store.h"
#include "ngx_http_agw_store_directory.h"
#include "ngx_http_agw_store_revocations.h"


/* the functions are those of ngx_http_agw_store_directory.h */

typedef struct {
    ngx_int_t  (*find_api_keys)(void *state, ngx_http_agw_query_t *query);
    ngx_int_t  (*find_business)(void *state, ngx_http_agw_query_t *query);
} ngx_http_agw_directory_engine_t;


/* those of ngx_http_agw_store_revocations.h */

typedef struct {
    void       (*revoke)(void *state, ngx_http_agw_write_t *write);
    void       (*maintain)(void *state, ngx_http_agw_write_t *write);
    ngx_int_t  (*read)(void *state, ngx_http_agw_reading_t *reading);
} ngx_http_agw_revocations_engine_t;


/*
 * Those of ngx_http_agw_store.h.  create() parses the words of the directive,
 * and returns the engine's state, which all other functions are called with; or
 * NULL, logged.
 */

typedef struct {
    ngx_str_t    scheme;             /* with its colon */
    ngx_str_t    syntax;             /* in quotes, as an error names it */

    void      *(*create)(ngx_conf_t *cf, ngx_str_t *words, ngx_uint_t n);
    void       (*make)(void *state,
                       const ngx_http_agw_store_limits_t *limits,
                       ngx_cycle_t *cycle);
    void       (*open)(void *state,
                       const ngx_http_agw_store_limits_t *limits,
                       ngx_cycle_t *cycle);
    void       (*close)(void *state);

    const ngx_http_agw_directory_engine_t    *directory;
    const ngx_http_agw_revocations_engine_t  *revocations;
} ngx_http_agw_store_engine_t;


struct ngx_http_agw_store_s {
    const ngx_http_agw_store_engine_t  *engine;
    void                               *state;       /* the engine's */
    ngx_str_t                           name;
};


extern const ngx_http_agw_store_engine_t  ngx_http_agw_sqlite_engine;


#endif /* NGX_HTTP_AGW_STORE_ENGINE_H_INCLUDED_ */
