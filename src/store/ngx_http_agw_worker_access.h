
/*
 * Finds out, in the master, what its workers will be able to read and write.
 */


#ifndef NGX_HTTP_AGW_WORKER_ACCESS_H_INCLUDED_
#define NGX_HTTP_AGW_WORKER_ACCESS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* returns NGX_OK, NGX_BUSY or NGX_ERROR, with errors logged; must not exit */

typedef ngx_int_t (*ngx_http_agw_run_as_worker_pt)(void *data);


/*
 * Returns the name or the number of the user of the workers, from cycle's
 * pool; or NULL if memory ran out.
 */

const char *ngx_http_agw_worker_name(ngx_cycle_t *cycle);


/*
 * Calls handler(data) in a child process that has a worker's user and groups,
 * and that exits afterwards: what handler changes in memory is lost.  Returns
 * what handler returned; or NGX_ABORT, logged, if handler did not return
 * within that many seconds, or if no child could be started.
 */

ngx_int_t ngx_http_agw_run_as_worker(ngx_cycle_t *cycle, ngx_log_t *log,
    ngx_http_agw_run_as_worker_pt handler, void *data, ngx_uint_t seconds);


#endif /* NGX_HTTP_AGW_WORKER_ACCESS_H_INCLUDED_ */
