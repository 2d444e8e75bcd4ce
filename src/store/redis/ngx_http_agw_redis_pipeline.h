
/*
 * The commands and the replies of a connection, in one order.
 */


#ifndef NGX_HTTP_AGW_REDIS_PIPELINE_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_PIPELINE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_agw_redis_conn.h"


/*
 * Sends a command; the arguments are copied.  Returns NGX_OK, or NGX_DECLINED
 * if it is not open or too many are waiting: then the handler is not called.
 */

ngx_int_t ngx_http_agw_redis_pipeline_send(ngx_http_agw_redis_conn_t *conn,
    ngx_http_agw_redis_command_t *command, ngx_uint_t argc,
    const char **argv, const size_t *argvlen);


/* likewise a slot, which is taken if it returns NGX_OK */

ngx_int_t ngx_http_agw_redis_pipeline_push(ngx_http_agw_redis_conn_t *conn,
    ngx_http_agw_redis_slot_t *slot);


/*
 * Answers all that waits with NULL, while the connection stays: their replies
 * may come late, and are dropped.  A reply that does not come ends it, as if
 * its command were still waiting.
 */

void ngx_http_agw_redis_pipeline_release(ngx_http_agw_redis_conn_t *conn);


/*
 * The rest is for the connection.  _write() and _read() do what can be done at
 * once, _expire() looks for a command whose time is over; they return NGX_OK,
 * NGX_ERROR if the connection has to end, with conn->why set, or NGX_DONE if a
 * handler has ended it.
 */

ngx_int_t ngx_http_agw_redis_pipeline_begin(ngx_http_agw_redis_conn_t *conn);
ngx_int_t ngx_http_agw_redis_pipeline_write(ngx_http_agw_redis_conn_t *conn);
ngx_int_t ngx_http_agw_redis_pipeline_read(ngx_http_agw_redis_conn_t *conn);
ngx_int_t ngx_http_agw_redis_pipeline_expire(ngx_http_agw_redis_conn_t *conn);


/*
 * Frees all; the handlers of waiting commands are called with NULL, unless
 * forget is set.
 */

void ngx_http_agw_redis_pipeline_end(ngx_http_agw_redis_conn_t *conn,
    ngx_uint_t forget);


/* sets conn->why, with the text of a system's error unless err is 0 */

void ngx_http_agw_redis_pipeline_fault(ngx_http_agw_redis_conn_t *conn,
    ngx_err_t err, const char *fmt, ...);


#endif /* NGX_HTTP_AGW_REDIS_PIPELINE_H_INCLUDED_ */
