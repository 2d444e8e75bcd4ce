
/*
 * What the workers of a configuration will be able to do.
 */


#ifndef NGX_HTTP_AGW_WORKERS_H_INCLUDED_
#define NGX_HTTP_AGW_WORKERS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* returns NGX_OK, NGX_BUSY or NGX_ERROR; logs by itself, and never exits */

typedef ngx_int_t (*ngx_http_agw_as_worker_pt)(void *data);


/* the user that the workers will run as; in cycle's pool, NULL: no memory */

const char *ngx_http_agw_worker_name(ngx_cycle_t *cycle);


/*
 * Calls handler(data) as a worker: in a child that has the user and the groups
 * of one, and ends after.  What handler changes in memory is lost.  Returns
 * what handler returned; or NGX_ABORT, logged, where it did not return within
 * that many seconds, or there was no child.
 */

ngx_int_t ngx_http_agw_as_worker(ngx_cycle_t *cycle, ngx_log_t *log,
    ngx_http_agw_as_worker_pt handler, void *data, ngx_uint_t seconds);


#endif /* NGX_HTTP_AGW_WORKERS_H_INCLUDED_ */
