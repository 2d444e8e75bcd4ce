
/*
 * Commands that wait until a link is ready, each until its deadline.
 */


#ifndef NGX_HTTP_AGW_REDIS_EARLY_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_EARLY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_agw_redis_conn.h"


typedef struct {
    ngx_queue_t    slots;            /* oldest first */
    ngx_uint_t     count;
    ngx_uint_t     held;             /* of them, not idle */
    ngx_event_t    timer;
    ngx_log_t     *log;
} ngx_http_agw_redis_early_t;


/* early is zeroed before */

void ngx_http_agw_redis_early_init(ngx_http_agw_redis_early_t *early,
    ngx_log_t *log);


/* NGX_OK, or NGX_DECLINED if too many wait already or memory runs out */

ngx_int_t ngx_http_agw_redis_early_push(ngx_http_agw_redis_early_t *early,
    ngx_http_agw_redis_command_t *command, ngx_uint_t argc, const char **argv,
    const size_t *argvlen);


/* sends them all on a connection that is open */

void ngx_http_agw_redis_early_send(ngx_http_agw_redis_early_t *early,
    ngx_http_agw_redis_conn_t *conn);


/* ends them all: their handlers are called with NULL, unless forget is set */

void ngx_http_agw_redis_early_end(ngx_http_agw_redis_early_t *early,
    ngx_uint_t forget);


#endif /* NGX_HTTP_AGW_REDIS_EARLY_H_INCLUDED_ */
