
/*
 * One connection to one address, over TCP, a unix socket or TLS; its commands
 * are sent by ngx_http_agw_redis_pipeline.h.  It knows nothing of passwords, of
 * other hosts and of reconnecting: that is ngx_http_agw_redis_link.h, which is
 * what the rest of the engine uses.
 */


#ifndef NGX_HTTP_AGW_REDIS_CONN_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_CONN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include "agw_resp.h"
#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_redis_command.h"
#include "ngx_http_agw_redis_objects.h"


typedef struct ngx_http_agw_redis_conn_s     ngx_http_agw_redis_conn_t;


/*
 * Zeroed when it is created; the owner sets the first fields, and keeps it
 * where it is.  It may be opened again once it is closed.
 */

struct ngx_http_agw_redis_conn_s {

    /*
     * Called at most once after each open() that returned NGX_OK, and never
     * inside of it or of send(): opened, when commands may be sent; closed,
     * when the connection has ended by itself, after the handlers of its
     * commands.  After close() neither is called.  replied is called before
     * the handler of each reply that is no error; it may be NULL.
     */
    void                         (*opened)(ngx_http_agw_redis_conn_t *conn);
    void                         (*closed)(ngx_http_agw_redis_conn_t *conn);
    void                         (*replied)(ngx_http_agw_redis_conn_t *conn);
    void                          *data;
    const ngx_http_agw_redis_conf_t  *conf;
    ngx_log_t                     *log;
    unsigned                       quiet:1;  /* nginx logs alerts alone */

    /* when closed() is called, or open() has failed: why, for the log */

    u_char                         why[256];
    unsigned                       timed_out:1;
    unsigned                       malformed:1;  /* a reply was */

    /* private */

    ngx_connection_t              *connection;   /* NULL: closed */
    ngx_uint_t                     number;   /* grows with each close */
    ngx_pool_t                    *pool;     /* as long as connection */
    const ngx_http_agw_redis_host_t  *host;
    ngx_str_t                      text;     /* the host's, for nginx */
    ngx_peer_connection_t          peer;
    ngx_log_t                      conn_log;
    ngx_event_t                    timer;    /* connecting; then of replies */
    ngx_queue_t                    waiting;  /* slots, oldest first */
    ngx_uint_t                     nwaiting;
    ngx_uint_t                     held;     /* those that are not idle */
    redisReader                   *reader;
    ngx_http_agw_redis_objects_t   objects;  /* of the reader's reply */
    agw_resp_t                     resp;
    u_char                        *out;      /* not yet sent, from sent on */
    size_t                         out_sent;
    size_t                         out_len;
    size_t                         out_size;
    unsigned                       connected:1;
    unsigned                       ready:1;  /* opened() was called */
    unsigned                       answered:1;   /* there was a reply */
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
 * Ends it, if it is open.  The handlers of waiting commands are called with
 * NULL, unless forget is set.
 */

void ngx_http_agw_redis_conn_close(ngx_http_agw_redis_conn_t *conn,
    ngx_uint_t forget);


#endif /* NGX_HTTP_AGW_REDIS_CONN_H_INCLUDED_ */
