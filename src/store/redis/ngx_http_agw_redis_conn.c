
/*
 * From connect() over TLS to the end; commands and replies are the pipeline's.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include "ngx_http_agw_redis_conn.h"
#include "ngx_http_agw_redis_pipeline.h"
#include "ngx_http_agw_redis_tls.h"


#define NGX_HTTP_AGW_REDIS_KEEPIDLE   30         /* seconds */
#define NGX_HTTP_AGW_REDIS_KEEPINTVL  10
#define NGX_HTTP_AGW_REDIS_KEEPCNT    3


static ngx_int_t ngx_http_agw_redis_conn_start(ngx_http_agw_redis_conn_t *conn,
    const ngx_addr_t *addr);
static u_char *ngx_http_agw_redis_conn_log(ngx_log_t *log, u_char *buf,
    size_t len);
static void ngx_http_agw_redis_conn_event(ngx_event_t *ev);
static void ngx_http_agw_redis_conn_connected(ngx_http_agw_redis_conn_t *conn);
static void ngx_http_agw_redis_conn_keepalive(ngx_connection_t *c);
static void ngx_http_agw_redis_conn_secured(void *data, const char *fault);
static void ngx_http_agw_redis_conn_ready(ngx_http_agw_redis_conn_t *conn);
static void ngx_http_agw_redis_conn_timeout(ngx_event_t *ev);
static void ngx_http_agw_redis_conn_fail(ngx_http_agw_redis_conn_t *conn);


ngx_int_t
ngx_http_agw_redis_conn_open(ngx_http_agw_redis_conn_t *conn,
    const ngx_http_agw_redis_host_t *host, const ngx_addr_t *addr)
{
    conn->host = host;
    conn->text = host->text;
    conn->timed_out = 0;
    conn->malformed = 0;
    conn->connected = 0;
    conn->ready = 0;

    ngx_memzero(&conn->timer, sizeof(ngx_event_t));

    conn->conn_log = *conn->log;
    conn->conn_log.handler = ngx_http_agw_redis_conn_log;
    conn->conn_log.data = conn;
    conn->conn_log.action = NULL;

    if (conn->quiet && !(conn->log->log_level & NGX_LOG_DEBUG_ALL)) {
        conn->conn_log.log_level = NGX_LOG_ALERT;
    }

    conn->timer.handler = ngx_http_agw_redis_conn_timeout;
    conn->timer.data = conn;
    conn->timer.log = &conn->conn_log;
    conn->timer.cancelable = 1;

    ngx_http_agw_redis_pipeline_fault(conn, 0, "no memory");

    conn->pool = ngx_create_pool(1024, &conn->conn_log);
    if (conn->pool == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_agw_redis_pipeline_begin(conn) != NGX_OK
        || ngx_http_agw_redis_conn_start(conn, addr) != NGX_OK)
    {
        ngx_http_agw_redis_conn_close(conn, 1);
        return NGX_ERROR;
    }

    ngx_add_timer(&conn->timer, NGX_HTTP_AGW_REDIS_TIMEOUT);

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_redis_conn_start(ngx_http_agw_redis_conn_t *conn,
    const ngx_addr_t *addr)
{
    ngx_int_t               rc;
    ngx_connection_t       *c;
    ngx_peer_connection_t  *peer;

    peer = &conn->peer;

    ngx_memzero(peer, sizeof(ngx_peer_connection_t));

    peer->sockaddr = ngx_palloc(conn->pool, addr->socklen);
    if (peer->sockaddr == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(peer->sockaddr, addr->sockaddr, addr->socklen);

    peer->socklen = addr->socklen;
    peer->name = &conn->text;
    peer->get = ngx_event_get_peer;
    peer->log = &conn->conn_log;
    peer->log_error = NGX_ERROR_ERR;
    peer->so_keepalive = addr->sockaddr->sa_family != AF_UNIX;

    ngx_set_socket_errno(0);

    rc = ngx_event_connect_peer(peer);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_http_agw_redis_pipeline_fault(conn, ngx_socket_errno,
                                          "connect() failed");
        return NGX_ERROR;
    }

    c = peer->connection;

    c->data = conn;
    c->pool = conn->pool;
    c->log = &conn->conn_log;
    c->log->connection = c->number;
    c->sendfile = 0;
    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = ngx_http_agw_redis_conn_event;
    c->write->handler = ngx_http_agw_redis_conn_event;

    conn->connection = c;

    if (rc == NGX_OK) {
        ngx_post_event(c->write, &ngx_posted_events);
    }

    return NGX_OK;
}


/* what nginx itself says of the connection is said to be of the store */

static u_char *
ngx_http_agw_redis_conn_log(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char                     *p;
    ngx_http_agw_redis_conn_t  *conn = log->data;

    p = ngx_snprintf(buf, len, " of auth_gateway's store");

    if (conn->host) {
        p = ngx_snprintf(p, len - (p - buf), ", server: %V",
                         &conn->host->text);
    }

    return p;
}


static void
ngx_http_agw_redis_conn_event(ngx_event_t *ev)
{
    ngx_connection_t           *c;
    ngx_http_agw_redis_conn_t  *conn;

    c = ev->data;
    conn = c->data;

    if (c->close) {
        ngx_http_agw_redis_pipeline_fault(conn, 0, "nginx ends it");
        ngx_http_agw_redis_conn_fail(conn);
        return;
    }

    if (!conn->connected) {
        ngx_http_agw_redis_conn_connected(conn);

    } else if ((ev->write ? ngx_http_agw_redis_pipeline_write(conn)
                          : ngx_http_agw_redis_pipeline_read(conn))
               == NGX_ERROR)
    {
        ngx_http_agw_redis_conn_fail(conn);
    }
}


static void
ngx_http_agw_redis_conn_connected(ngx_http_agw_redis_conn_t *conn)
{
    int                err;
    socklen_t          len;
    ngx_connection_t  *c;

    c = conn->connection;
    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        ngx_http_agw_redis_pipeline_fault(conn, err, "connect() failed");
        ngx_http_agw_redis_conn_fail(conn);
        return;
    }

    conn->connected = 1;

    if (conn->peer.sockaddr->sa_family != AF_UNIX) {

        if (ngx_tcp_nodelay(c) != NGX_OK) {
            ngx_http_agw_redis_pipeline_fault(conn, 0, "setsockopt() failed");
            ngx_http_agw_redis_conn_fail(conn);
            return;
        }

        ngx_http_agw_redis_conn_keepalive(c);
    }

    if (conn->conf->ssl == NULL) {
        ngx_http_agw_redis_conn_ready(conn);
        return;
    }

    ngx_add_timer(&conn->timer, NGX_HTTP_AGW_REDIS_TIMEOUT);

    ngx_http_agw_redis_tls(c, conn->conf, conn->host,
                           ngx_http_agw_redis_conn_secured, conn);
}


/* before a firewall forgets it, and a command is the first to learn that */

static void
ngx_http_agw_redis_conn_keepalive(ngx_connection_t *c)
{
#if (NGX_HAVE_KEEPALIVE_TUNABLE)

    int         value;
    ngx_uint_t  i;

    static const struct {
        int  option;
        int  value;
    } options[] = {
        { TCP_KEEPIDLE, NGX_HTTP_AGW_REDIS_KEEPIDLE },
        { TCP_KEEPINTVL, NGX_HTTP_AGW_REDIS_KEEPINTVL },
        { TCP_KEEPCNT, NGX_HTTP_AGW_REDIS_KEEPCNT }
    };

    for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        value = options[i].value;

        if (setsockopt(c->fd, IPPROTO_TCP, options[i].option,
                       (const void *) &value, sizeof(int))
            == -1)
        {
            ngx_log_error(NGX_LOG_INFO, c->log, ngx_socket_errno,
                          "setsockopt(TCP_KEEPIDLE) failed, ignored");
            return;
        }
    }

#endif
}


static void
ngx_http_agw_redis_conn_secured(void *data, const char *fault)
{
    ngx_http_agw_redis_conn_t *conn = data;

    if (fault) {
        ngx_http_agw_redis_pipeline_fault(conn, 0, "%s", fault);
        ngx_http_agw_redis_conn_fail(conn);
        return;
    }

    ngx_http_agw_redis_conn_ready(conn);
}


static void
ngx_http_agw_redis_conn_ready(ngx_http_agw_redis_conn_t *conn)
{
    ngx_connection_t  *c;

    c = conn->connection;

    if (conn->timer.timer_set) {
        ngx_del_timer(&conn->timer);
    }

    c->read->handler = ngx_http_agw_redis_conn_event;
    c->write->handler = ngx_http_agw_redis_conn_event;

    conn->ready = 1;

    /* it may have come with the last packet of a TLS handshake */

    ngx_post_event(c->read, &ngx_posted_events);

    conn->opened(conn);
}


static void
ngx_http_agw_redis_conn_timeout(ngx_event_t *ev)
{
    ngx_http_agw_redis_conn_t *conn = ev->data;

    if (!conn->ready) {
        ngx_http_agw_redis_pipeline_fault(conn, 0, "%s took longer than %d ms",
                                          conn->connected
                                          ? "it may have no TLS there: the "
                                            "TLS handshake" : "connect()",
                                          NGX_HTTP_AGW_REDIS_TIMEOUT);
        conn->timed_out = 1;
        ngx_http_agw_redis_conn_fail(conn);
        return;
    }

    if (ngx_http_agw_redis_pipeline_expire(conn) != NGX_OK) {
        conn->timed_out = 1;
        ngx_http_agw_redis_conn_fail(conn);
    }
}


static void
ngx_http_agw_redis_conn_fail(ngx_http_agw_redis_conn_t *conn)
{
    ngx_http_agw_redis_conn_close(conn, 0);

    conn->closed(conn);
}


void
ngx_http_agw_redis_conn_close(ngx_http_agw_redis_conn_t *conn,
    ngx_uint_t forget)
{
    ngx_connection_t  *c;

    c = conn->connection;

    conn->connection = NULL;
    conn->ready = 0;
    conn->number++;

    if (conn->timer.timer_set) {
        ngx_del_timer(&conn->timer);
    }

    if (c) {
        ngx_http_agw_redis_tls_close(c);
        ngx_close_connection(c);
    }

    if (conn->pool) {
        ngx_destroy_pool(conn->pool);
        conn->pool = NULL;
    }

    ngx_http_agw_redis_pipeline_end(conn, forget);
}
