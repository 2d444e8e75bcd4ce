
/*
 * A configured store, whatever its engine: created, opened and closed here.
 * Its three interfaces are ngx_http_agw_store_directory.h,
 * ngx_http_agw_store_revocations.h and ngx_http_agw_store_admin.h.
 */


#ifndef NGX_HTTP_AGW_STORE_H_INCLUDED_
#define NGX_HTTP_AGW_STORE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct ngx_http_agw_store_s  ngx_http_agw_store_t;


/* what this node tells a store; times in seconds */

typedef struct {
    time_t                   horizon;        /* the longest token lifetime */
    time_t                   ahead;          /* most that an iat is ahead */
    ngx_str_t                thread_pool;    /* for writes */
} ngx_http_agw_store_limits_t;


/*
 * In shared memory, zeroed at first: what the workers of this node tell each
 * other about a store that is another machine.
 */

typedef struct {
    ngx_atomic_t             heard;          /* ngx_current_msec of its last
                                                reply to any of them, or 0 */
    ngx_atomic_t             silent;         /* it replies to none of them */
    ngx_atomic_t             outages;        /* how often that began */
} ngx_http_agw_store_shared_t;


/*
 * Where a reading of the revocations goes on: where an earlier one ended, or
 * zeros.  The mark is the last change that was read, and its random tag:
 * another copy of the store, for example an older one, does not have both.
 */

typedef struct {
    uint64_t                 store_id;       /* 0: none */
    int64_t                  stamp;          /* the last that was read */
    int64_t                  mark;           /* the engine's */
    int64_t                  mark_tag;
} ngx_http_agw_position_t;


/*
 * Parses `auth_gateway_store` (one or more words after the name) into
 * *store.  Returns NGX_CONF_OK, or NGX_CONF_ERROR with the reason logged.
 */

char *ngx_http_agw_store_create(ngx_conf_t *cf, ngx_str_t *words,
    ngx_uint_t n, ngx_http_agw_store_t **store);


/*
 * To be called when all of `http` has been read.  Returns NGX_OK, or NGX_ERROR
 * with the reason logged.
 */

ngx_int_t ngx_http_agw_store_complete(ngx_conf_t *cf,
    ngx_http_agw_store_t *store);


/* the engine, and the library that it is built on */

typedef struct {
    const char              *engine;
    const char              *library;
    const char              *version;        /* of the library */
} ngx_http_agw_store_about_t;


/* all of it is static */

void ngx_http_agw_store_about(const ngx_http_agw_store_t *store,
    ngx_http_agw_store_about_t *about);


/* a name that identifies the store; it contains no password */

ngx_str_t ngx_http_agw_store_name(const ngx_http_agw_store_t *store);


/*
 * Creates or migrates the store.  Called in the master before it starts
 * workers, so that the store can be filled before the first request.  If that
 * fails, it is logged, and the workers create the store when they open it.
 */

void ngx_http_agw_store_make(ngx_http_agw_store_t *store,
    const ngx_http_agw_store_limits_t *limits, ngx_cycle_t *cycle);


/*
 * Opens the store in a worker, after the fork, and closes it when the worker
 * exits.  If it cannot be opened, that is logged, and the next query tries
 * again.  limits and shared must live as long as the worker.
 */

void ngx_http_agw_store_open(ngx_http_agw_store_t *store,
    const ngx_http_agw_store_limits_t *limits,
    ngx_http_agw_store_shared_t *shared, ngx_cycle_t *cycle);
void ngx_http_agw_store_close(ngx_http_agw_store_t *store);


#endif /* NGX_HTTP_AGW_STORE_H_INCLUDED_ */
