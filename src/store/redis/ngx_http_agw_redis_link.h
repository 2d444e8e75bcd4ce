
/*
 * A connection that is kept: it finds a primary, authenticates, shakes hands,
 * and reconnects by itself.  While Redis is known to be out of reach, its
 * circuit is open: commands are declined at once.
 */


#ifndef NGX_HTTP_AGW_REDIS_LINK_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_LINK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_redis_conn.h"


typedef void (*ngx_http_agw_redis_link_pt)(void *data);


/*
 * Creates a link and begins to connect.  purpose is for logs ("look-ups").
 * on_ready is called after each handshake that succeeded, before the commands
 * that waited for it are sent, and not inside of a function of this file; it
 * may be NULL.  The link is freed with the worker; NULL if memory runs out.
 *
 * Call it in a worker, after the fork.
 */

ngx_http_agw_redis_link_t *ngx_http_agw_redis_link_create(
    ngx_http_agw_redis_worker_t *worker, const char *purpose,
    ngx_http_agw_redis_link_pt on_ready, void *data, ngx_log_t *log);


/*
 * The link obeys what all workers of the node know, see
 * ngx_http_agw_redis_circuit.h: while the store is silent to all of them,
 * commands are declined, those that wait are answered, and it is probed.
 */

void ngx_http_agw_redis_link_share(ngx_http_agw_redis_link_t *link);


/*
 * Sends a command.  NGX_OK: its handler will be called, see
 * ngx_http_agw_redis_conn.h; NGX_DECLINED: it is not sent and its handler not
 * called, since Redis is out of reach or too many wait.  The arguments are
 * copied.  While a link connects for the first time, or anew after a
 * connection that the server ended, commands wait for it, and their deadline
 * counts from now.
 */

ngx_int_t ngx_http_agw_redis_send(ngx_http_agw_redis_link_t *link,
    ngx_http_agw_redis_command_t *command, ngx_uint_t argc, const char **argv,
    const size_t *argvlen);


/*
 * The reply will be dropped: the handler is not called, and the command is the
 * caller's at once.  It may be carried out all the same.  A command that is not
 * waiting is left alone.
 */

void ngx_http_agw_redis_cancel(ngx_http_agw_redis_command_t *command);


/*
 * Closes the connection, logs why, and connects to the next host: the server
 * answered what no primary does.  The handlers of waiting commands are called
 * with NULL.  May be called in a handler.
 */

void ngx_http_agw_redis_link_reset(ngx_http_agw_redis_link_t *link,
    const char *why);


/*
 * To be called with each REDIS_REPLY_ERROR that is not expected.  Returns 1 if
 * it is about the server and not the command (READONLY, LOADING, MASTERDOWN,
 * CLUSTERDOWN, MOVED, NOAUTH and their like): then the link was reset, and the
 * reason logged.  Else 0: the caller logs it.
 */

ngx_uint_t ngx_http_agw_redis_link_refused(ngx_http_agw_redis_link_t *link,
    const redisReply *reply);


/*
 * Ends the link for good, in exit_process: no handler is called any more.
 */

void ngx_http_agw_redis_link_close(ngx_http_agw_redis_link_t *link);


#endif /* NGX_HTTP_AGW_REDIS_LINK_H_INCLUDED_ */
