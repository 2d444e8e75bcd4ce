
/*
 * What is asked at each connect, before anything else: AUTH, SELECT, ROLE,
 * INFO, and the script that compares run_id and epoch with the stored ones.
 *
 * An ACL user needs for it: auth (of everybody), select, role, info, eval, and
 * what the script calls on the keys of the prefix.
 */


#ifndef NGX_HTTP_AGW_REDIS_HANDSHAKE_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_HANDSHAKE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_redis_conn.h"


typedef struct ngx_http_agw_redis_handshake_s  ngx_http_agw_redis_handshake_t;

/*
 * The result.  NGX_OK: server is complete.  NGX_ERROR: why says what is wrong
 * and what to do, and the connection is of no use; moved is set if a node of a
 * cluster said that another one has our keys.
 */

typedef void (*ngx_http_agw_redis_handshake_pt)(
    ngx_http_agw_redis_handshake_t *handshake, ngx_int_t rc);

struct ngx_http_agw_redis_handshake_s {

    /* set by the caller */

    ngx_http_agw_redis_handshake_pt  handler;
    void                            *data;
    ngx_http_agw_redis_conn_t       *conn;       /* that is open */
    ngx_http_agw_redis_worker_t     *worker;

    /* afterwards */

    ngx_http_agw_redis_server_t      server;
    u_char                           why[384];
    u_char                           moved[300];     /* "host:port", or "" */

    /* private */

    ngx_http_agw_redis_command_t     auth;
    ngx_http_agw_redis_command_t     select;
    ngx_http_agw_redis_command_t     role;
    ngx_http_agw_redis_command_t     info;
    ngx_http_agw_redis_command_t     script;
};


/*
 * Begins.  Returns NGX_OK if the handler will be called, which it is exactly
 * once and never inside of this call, unless the connection ends before.  Or
 * NGX_ERROR, with why set.  After NGX_ERROR of either kind the caller closes
 * the connection, and forgets what waits there.
 */

ngx_int_t ngx_http_agw_redis_handshake_start(
    ngx_http_agw_redis_handshake_t *handshake);


#endif /* NGX_HTTP_AGW_REDIS_HANDSHAKE_H_INCLUDED_ */
