
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
#include "ngx_http_agw_store_admin.h"
#include "ngx_http_agw_store_directory.h"
#include "ngx_http_agw_store_revocations.h"


/*
 * The functions are those of ngx_http_agw_store_directory.h.  use_once() is
 * NULL where one nginx alone uses the store.
 */

typedef struct {
    ngx_int_t  (*find_api_keys)(void *state,
                               ngx_http_agw_directory_query_t *query);
    ngx_int_t  (*find_business)(void *state,
                               ngx_http_agw_directory_query_t *query);
    ngx_int_t  (*use_once)(void *state,
                               ngx_http_agw_directory_query_t *query);
} ngx_http_agw_directory_engine_t;


/*
 * Those of ngx_http_agw_store_revocations.h.  stop() is NULL where readings
 * never wait; know() is NULL where the writes tell enough.
 */

typedef struct {
    void       (*revoke)(void *state, ngx_http_agw_write_t *write);
    void       (*maintain)(void *state, ngx_http_agw_write_t *write);
    ngx_int_t  (*read)(void *state, ngx_http_agw_reading_t *reading);
    void       (*stop)(void *state, ngx_http_agw_reading_t *reading);
    void       (*know)(void *state, int64_t stamp);
} ngx_http_agw_revocations_engine_t;


/*
 * That of ngx_http_agw_store_admin.h, for all operations but REVOKE, which is a
 * revoke() as above.  The arrays of results are initialized.
 */

typedef struct {
    void       (*run)(void *state, ngx_http_agw_admin_t *op);
} ngx_http_agw_admin_engine_t;


/*
 * Those of ngx_http_agw_store.h.  create() parses the words of the directive,
 * sets *name, which is the first word, to more if that does not tell the store
 * from others, and returns the engine's state, which all other functions are
 * called with; or NULL, logged.  complete() may be NULL, and so may admin, if
 * the engine has no administration.
 */

typedef struct {
    ngx_str_t    scheme;             /* with its colon */
    ngx_str_t    syntax;             /* in quotes, as an error names it */
    const char  *name;               /* as the status has it */
    const char  *library;            /* likewise, that it is built on */

    const char *(*library_version)(void);

    void      *(*create)(ngx_conf_t *cf, ngx_str_t *words, ngx_uint_t n,
                         ngx_str_t *name);
    ngx_int_t  (*complete)(ngx_conf_t *cf, void *state);
    void       (*make)(void *state,
                       const ngx_http_agw_store_limits_t *limits,
                       ngx_cycle_t *cycle);
    void       (*open)(void *state,
                       const ngx_http_agw_store_limits_t *limits,
                       ngx_http_agw_store_shared_t *shared,
                       ngx_cycle_t *cycle);
    void       (*close)(void *state);

    const ngx_http_agw_directory_engine_t    *directory;
    const ngx_http_agw_revocations_engine_t  *revocations;
    const ngx_http_agw_admin_engine_t        *admin;
} ngx_http_agw_store_engine_t;


struct ngx_http_agw_store_s {
    const ngx_http_agw_store_engine_t  *engine;
    void                               *state;       /* the engine's */
    ngx_str_t                           name;
};


extern const ngx_http_agw_store_engine_t  ngx_http_agw_sqlite_engine;
extern const ngx_http_agw_store_engine_t  ngx_http_agw_redis_engine;
extern const ngx_http_agw_store_engine_t  ngx_http_agw_rediss_engine;


#endif /* NGX_HTTP_AGW_STORE_ENGINE_H_INCLUDED_ */
