
/*
 * One connection to one address, over TCP, a unix socket or TLS: commands are
 * pipelined, replies come in their order.  It knows nothing of passwords, of
 * other hosts and of reconnecting: that is ngx_http_agw_redis_link.h, which is
 * what the rest of the engine uses.
 */


#ifndef NGX_HTTP_AGW_REDIS_CONN_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_CONN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include <hiredis/hiredis.h>

#include "agw_resp.h"
#include "ngx_http_agw_redis.h"


#define NGX_HTTP_AGW_REDIS_TIMEOUT   1000    /* ms, to connect, for a reply */


typedef struct ngx_http_agw_redis_command_s  ngx_http_agw_redis_command_t;
typedef struct ngx_http_agw_redis_conn_s     ngx_http_agw_redis_conn_t;


/*
 * Called exactly once for each command that was taken (NGX_OK) and was not
 * cancelled, and never inside of the call that took it: with the reply, which
 * is valid during the call and may be a REDIS_REPLY_ERROR; or with NULL if none
 * came, since the connection ended or the deadline passed: the command may have
 * been carried out all the same.  It may send, cancel, reset and close.
 *
 * A reply is of the types of RESP2, and its depth, elements and bytes are
 * within the limits of agw_resp.h; its shape is the server's: check each type.
 */

typedef void (*ngx_http_agw_redis_reply_pt)(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);


/*
 * The caller owns a command, zeroes it, sets the first fields, and keeps it
 * until the handler is called or the command is cancelled; then it may be
 * used again, in the handler already.
 */

struct ngx_http_agw_redis_command_s {
    ngx_http_agw_redis_reply_pt    handler;
    void                          *data;     /* the handler's */
    ngx_msec_t                     timeout;  /* 0: NGX_HTTP_AGW_REDIS_TIMEOUT */
    unsigned                       idle:1;   /* a worker that exits gracefully
                                                does not wait for its reply */
    /* private */

    ngx_queue_t                    queue;
    ngx_msec_t                     deadline;
    ngx_http_agw_redis_conn_t     *conn;     /* NULL: it is not waiting */
    unsigned                       dropped:1;
};


/*
 * Private but for the first fields, which the owner sets before open().  It
 * is zeroed when it is created, and kept by the owner for good.
 */

struct ngx_http_agw_redis_conn_s {

    /*
     * Called once after each open() that returned NGX_OK, unless close() is
     * called before: opened, when commands may be sent; and closed, when it
     * has ended by itself, with why; the handlers of the commands have been
     * called with NULL by then.  Never inside of open() or send().
     */
    void                         (*opened)(ngx_http_agw_redis_conn_t *conn);
    void                         (*closed)(ngx_http_agw_redis_conn_t *conn);
    void                          *data;
    const ngx_http_agw_redis_conf_t  *conf;
    ngx_log_t                     *log;
    unsigned                       quiet:1;  /* log nothing but alerts */

    /* after closed() or an open() that failed: a reason, for the log */

    u_char                         why[256];
    unsigned                       timed_out:1;

    /* private */

    ngx_connection_t              *connection;   /* NULL: closed */
    ngx_pool_t                    *pool;     /* as long as connection */
    const ngx_http_agw_redis_host_t  *host;
    ngx_peer_connection_t          peer;
    ngx_log_t                      conn_log;
    ngx_event_t                    timer;    /* connecting; then of replies */
    ngx_queue_t                    waiting;  /* commands, oldest first */
    ngx_uint_t                     nwaiting;
    ngx_uint_t                     nheld;    /* those that are not idle */
    ngx_uint_t                     dropped;  /* cancelled, reply is to come */
    ngx_uint_t                     number;   /* of the connection */
    redisReader                   *reader;
    agw_resp_t                     resp;
    u_char                        *out;      /* not yet sent */
    size_t                         out_sent;
    size_t                         out_len;
    size_t                         out_size;
    unsigned                       ready:1;  /* opened() was called */
    unsigned                       secret:1; /* out is wiped */
};


/*
 * Connects to addr, which is one of host's and is copied, within
 * NGX_HTTP_AGW_REDIS_TIMEOUT for TCP and once more for TLS.  host must live as
 * long as the connection.  Returns NGX_OK if opened() or closed() will be
 * called, or NGX_ERROR, with conn->why set and nothing left.
 */

ngx_int_t ngx_http_agw_redis_conn_open(ngx_http_agw_redis_conn_t *conn,
    const ngx_http_agw_redis_host_t *host, const ngx_addr_t *addr);


/*
 * Queues a command.  The arguments are copied.  Returns NGX_OK, or
 * NGX_DECLINED if it is not open or too many are waiting: then the handler is
 * not called.
 */

ngx_int_t ngx_http_agw_redis_conn_send(ngx_http_agw_redis_conn_t *conn,
    ngx_http_agw_redis_command_t *command, ngx_uint_t argc,
    const char **argv, const size_t *argvlen);


/*
 * Ends it, if it is open.  The handlers of waiting commands are called with
 * NULL, unless forget is set; closed() is not called.
 */

void ngx_http_agw_redis_conn_close(ngx_http_agw_redis_conn_t *conn,
    ngx_uint_t forget);


#endif /* NGX_HTTP_AGW_REDIS_CONN_H_INCLUDED_ */
