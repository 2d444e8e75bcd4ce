
/*
 * A store, as configured: its life, whatever engine is behind.  What is asked
 * of it and written to it is in ngx_http_agw_store_directory.h and
 * ngx_http_agw_store_revocations.h.
 */


#ifndef NGX_HTTP_AGW_STORE_H_INCLUDED_
#define NGX_HTTP_AGW_STORE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct ngx_http_agw_store_s  ngx_http_agw_store_t;


/* what a store is to know of its nodes: seconds */

typedef struct {
    time_t                   horizon;        /* no token lives longer */
    time_t                   ahead;          /* of an iat, at most */
    ngx_str_t                thread_pool;    /* where writes wait */
} ngx_http_agw_store_limits_t;


/*
 * Parses `auth_gateway_store` (one or more words after the name) into
 * *store.  Returns NGX_CONF_OK, or NGX_CONF_ERROR with the reason logged.
 */

char *ngx_http_agw_store_create(ngx_conf_t *cf, ngx_str_t *words,
    ngx_uint_t n, ngx_http_agw_store_t **store);


/* what tells it from other stores, without a password */

ngx_str_t ngx_http_agw_store_name(const ngx_http_agw_store_t *store);


/*
 * Makes it, or migrates it, in the master before the workers are there, so
 * that it can be filled before the first request.  It may fail, which is
 * logged: then opening it does that.
 */

void ngx_http_agw_store_make(ngx_http_agw_store_t *store,
    const ngx_http_agw_store_limits_t *limits, ngx_cycle_t *cycle);


/*
 * Opens it in a worker, after the fork, and closes it when the worker exits.
 * Opening may fail: that is logged, and tried again when something is asked.
 * limits live as long as the worker.
 */

void ngx_http_agw_store_open(ngx_http_agw_store_t *store,
    const ngx_http_agw_store_limits_t *limits, ngx_cycle_t *cycle);
void ngx_http_agw_store_close(ngx_http_agw_store_t *store);


#endif /* NGX_HTTP_AGW_STORE_H_INCLUDED_ */
