
/*
 * A sentinel is asked over a connection of its own, which ends with its
 * answer.  What it names is only believed once ROLE says the same.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_agw_redis_peer.h"
#include "ngx_http_agw_redis_pipeline.h"


static ngx_int_t ngx_http_agw_redis_peer_host(ngx_http_agw_redis_peer_t *peer);
static ngx_int_t ngx_http_agw_redis_peer_resolve(
    ngx_http_agw_redis_peer_t *peer, const ngx_http_agw_redis_host_t *host);
static void ngx_http_agw_redis_peer_resolved(ngx_resolver_ctx_t *ctx);
static ngx_int_t ngx_http_agw_redis_peer_take(ngx_http_agw_redis_peer_t *peer,
    ngx_resolver_ctx_t *ctx);
static const ngx_http_agw_redis_host_t *ngx_http_agw_redis_peer_current(
    ngx_http_agw_redis_peer_t *peer);
static void ngx_http_agw_redis_peer_skip(ngx_http_agw_redis_peer_t *peer,
    const char *why);
static void ngx_http_agw_redis_peer_go_on(ngx_http_agw_redis_peer_t *peer);
static ngx_int_t ngx_http_agw_redis_peer_ask(ngx_http_agw_redis_peer_t *peer,
    const ngx_addr_t *addr);
static void ngx_http_agw_redis_peer_opened(ngx_http_agw_redis_conn_t *conn);
static void ngx_http_agw_redis_peer_closed(ngx_http_agw_redis_conn_t *conn);
static void ngx_http_agw_redis_peer_answer(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);
static const char *ngx_http_agw_redis_peer_primary(
    ngx_http_agw_redis_peer_t *peer, const redisReply *reply);
static ngx_int_t ngx_http_agw_redis_peer_authenticate(
    ngx_http_agw_redis_peer_t *peer);
static void ngx_http_agw_redis_peer_authenticated(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);
static ngx_int_t ngx_http_agw_redis_peer_name(ngx_http_agw_redis_peer_t *peer,
    const char *host, size_t len, const char *port, size_t port_len);


void
ngx_http_agw_redis_peer_begin(ngx_http_agw_redis_peer_t *peer,
    ngx_uint_t another)
{
    ngx_http_agw_redis_peer_stop(peer);

    if (another) {
        peer->index = (peer->index + 1) % peer->conf->hosts.nelts;
    }

    peer->tried = 0;
    peer->before[0] = '\0';
}


ngx_int_t
ngx_http_agw_redis_peer_next(ngx_http_agw_redis_peer_t *peer)
{
    ngx_int_t          rc;
    const ngx_addr_t  *addr;

    for ( ;; ) {

        if (peer->pending) {
            peer->pending = 0;
            peer->asked = 1;

            rc = ngx_http_agw_redis_peer_resolve(peer, &peer->named);

        } else if (peer->next < peer->naddrs) {
            addr = &peer->addrs[peer->next++];

            if (peer->asked || peer->conf->sentinel.len == 0) {
                peer->host = ngx_http_agw_redis_peer_current(peer);
                peer->addr = addr;
                return NGX_OK;
            }

            rc = ngx_http_agw_redis_peer_ask(peer, addr);

        } else {
            rc = ngx_http_agw_redis_peer_host(peer);

            if (rc == NGX_DONE) {
                return NGX_DECLINED;
            }
        }

        if (rc == NGX_AGAIN) {
            return NGX_AGAIN;
        }
    }
}


/* goes on to the next host; NGX_DONE: all were tried */

static ngx_int_t
ngx_http_agw_redis_peer_host(ngx_http_agw_redis_peer_t *peer)
{
    const ngx_http_agw_redis_host_t  *host;

    if (peer->tried == peer->conf->hosts.nelts) {
        return NGX_DONE;
    }

    if (peer->tried++) {
        ngx_http_agw_redis_peer_stop(peer);
        peer->index = (peer->index + 1) % peer->conf->hosts.nelts;
    }

    if (peer->pool == NULL) {
        peer->pool = ngx_create_pool(1024, peer->log);
        if (peer->pool == NULL) {
            return NGX_DECLINED;
        }
    }

    host = peer->conf->hosts.elts;

    return ngx_http_agw_redis_peer_resolve(peer, &host[peer->index]);
}


/* NGX_OK: its addresses are set; NGX_AGAIN; NGX_DECLINED: it was skipped */

static ngx_int_t
ngx_http_agw_redis_peer_resolve(ngx_http_agw_redis_peer_t *peer,
    const ngx_http_agw_redis_host_t *host)
{
    ngx_str_t            name;
    ngx_resolver_t      *resolver;
    ngx_resolver_ctx_t  *ctx;

    peer->addrs = host->addrs;
    peer->naddrs = host->naddrs;
    peer->next = 0;

    resolver = peer->conf->clcf->resolver;

    if (!host->name) {
        return NGX_OK;
    }

    if (resolver == NULL || resolver->connections.nelts == 0) {
        if (host->naddrs) {
            return NGX_OK;
        }

        ngx_http_agw_redis_peer_skip(peer, "it is a name, which needs a "
                                           "\"resolver\" in \"http\"");
        return NGX_DECLINED;
    }

    peer->naddrs = 0;

    /* the resolver writes to the name */

    name.len = host->host.len;
    name.data = ngx_pstrdup(peer->pool, (ngx_str_t *) &host->host);

    ctx = name.data ? ngx_resolve_start(resolver, NULL) : NULL;

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        ngx_http_agw_redis_peer_skip(peer, "it cannot be resolved: no memory");
        return NGX_DECLINED;
    }

    ctx->name = name;
    ctx->handler = ngx_http_agw_redis_peer_resolved;
    ctx->data = peer;
    ctx->timeout = NGX_HTTP_AGW_REDIS_TIMEOUT;
    ctx->cancelable = 1;

    peer->ctx = ctx;
    peer->within = 1;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        peer->within = 0;
        peer->ctx = NULL;

        ngx_http_agw_redis_peer_skip(peer, "it cannot be resolved");
        return NGX_DECLINED;
    }

    peer->within = 0;

    return peer->ctx ? NGX_AGAIN : NGX_OK;
}


/* of a name in the resolver's cache it is called at once */

static void
ngx_http_agw_redis_peer_resolved(ngx_resolver_ctx_t *ctx)
{
    u_char                     *p, why[128];
    ngx_http_agw_redis_peer_t  *peer = ctx->data;

    if (ctx->state) {
        p = ngx_snprintf(why, sizeof(why) - 1, "it cannot be resolved: %s",
                         ngx_resolver_strerror(ctx->state));
        *p = '\0';

        ngx_http_agw_redis_peer_skip(peer, (char *) why);

    } else if (ngx_http_agw_redis_peer_take(peer, ctx) != NGX_OK) {
        ngx_http_agw_redis_peer_skip(peer, "no memory");
    }

    peer->ctx = NULL;

    ngx_resolve_name_done(ctx);

    if (!peer->within) {
        ngx_http_agw_redis_peer_go_on(peer);
    }
}


static ngx_int_t
ngx_http_agw_redis_peer_take(ngx_http_agw_redis_peer_t *peer,
    ngx_resolver_ctx_t *ctx)
{
    ngx_uint_t   i;
    ngx_addr_t  *addrs;

    addrs = ngx_pcalloc(peer->pool, ctx->naddrs * sizeof(ngx_addr_t));
    if (addrs == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < ctx->naddrs; i++) {
        addrs[i].socklen = ctx->addrs[i].socklen;
        addrs[i].sockaddr = ngx_palloc(peer->pool, addrs[i].socklen);
        if (addrs[i].sockaddr == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(addrs[i].sockaddr, ctx->addrs[i].sockaddr,
                   addrs[i].socklen);
        ngx_inet_set_port(addrs[i].sockaddr,
                          ngx_http_agw_redis_peer_current(peer)->port);
    }

    peer->addrs = addrs;
    peer->naddrs = ctx->naddrs;

    return NGX_OK;
}


static const ngx_http_agw_redis_host_t *
ngx_http_agw_redis_peer_current(ngx_http_agw_redis_peer_t *peer)
{
    const ngx_http_agw_redis_host_t  *host;

    host = peer->conf->hosts.elts;

    return peer->asked ? &peer->named : &host[peer->index];
}


static void
ngx_http_agw_redis_peer_skip(ngx_http_agw_redis_peer_t *peer, const char *why)
{
    peer->skipped(peer, &ngx_http_agw_redis_peer_current(peer)->text,
                  (u_char *) why);
}


static void
ngx_http_agw_redis_peer_go_on(ngx_http_agw_redis_peer_t *peer)
{
    ngx_int_t  rc;

    rc = ngx_http_agw_redis_peer_next(peer);

    if (rc != NGX_AGAIN) {
        peer->found(peer, rc);
    }
}


static ngx_int_t
ngx_http_agw_redis_peer_ask(ngx_http_agw_redis_peer_t *peer,
    const ngx_addr_t *addr)
{
    ngx_http_agw_redis_conn_t  *conn;

    conn = &peer->conn;

    conn->opened = ngx_http_agw_redis_peer_opened;
    conn->closed = ngx_http_agw_redis_peer_closed;
    conn->data = peer;
    conn->conf = peer->conf;
    conn->log = peer->log;
    conn->quiet = peer->quiet;

    peer->authenticated = 0;

    if (ngx_http_agw_redis_conn_open(conn,
                                     ngx_http_agw_redis_peer_current(peer),
                                     addr)
        != NGX_OK)
    {
        ngx_http_agw_redis_peer_skip(peer, (char *) conn->why);
        return NGX_DECLINED;
    }

    return NGX_AGAIN;
}


static void
ngx_http_agw_redis_peer_opened(ngx_http_agw_redis_conn_t *conn)
{
    size_t                      argvlen[3];
    const char                 *argv[3];
    ngx_http_agw_redis_peer_t  *peer = conn->data;

    argv[0] = "SENTINEL";
    argvlen[0] = sizeof("SENTINEL") - 1;
    argv[1] = "GET-MASTER-ADDR-BY-NAME";
    argvlen[1] = sizeof("GET-MASTER-ADDR-BY-NAME") - 1;
    argv[2] = (char *) peer->conf->sentinel.data;
    argvlen[2] = peer->conf->sentinel.len;

    peer->command.handler = ngx_http_agw_redis_peer_answer;
    peer->command.data = peer;
    peer->command.idle = 1;

    if (ngx_http_agw_redis_pipeline_send(conn, &peer->command, 3, argv, argvlen)
        != NGX_OK)
    {
        ngx_http_agw_redis_conn_close(conn, 1);
        ngx_http_agw_redis_peer_skip(peer, "no memory");
        ngx_http_agw_redis_peer_go_on(peer);
    }
}


static void
ngx_http_agw_redis_peer_closed(ngx_http_agw_redis_conn_t *conn)
{
    ngx_http_agw_redis_peer_t *peer = conn->data;

    ngx_http_agw_redis_peer_skip(peer, (char *) conn->why);
    ngx_http_agw_redis_peer_go_on(peer);
}


static void
ngx_http_agw_redis_peer_answer(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    const char                 *fault;
    ngx_http_agw_redis_peer_t  *peer = command->data;

    if (reply == NULL) {
        return;                      /* closed() will be called */
    }

    if (reply->type == REDIS_REPLY_ERROR && !peer->authenticated
        && peer->conf->password.len
        && ngx_strncmp(reply->str, "NOAUTH", 6) == 0
        && ngx_http_agw_redis_peer_authenticate(peer) == NGX_OK)
    {
        return;
    }

    fault = ngx_http_agw_redis_peer_primary(peer, reply);

    ngx_http_agw_redis_conn_close(&peer->conn, 1);

    if (fault) {
        ngx_http_agw_redis_peer_skip(peer, fault);
    }

    ngx_http_agw_redis_peer_go_on(peer);
}


/* NULL: it is named; or what is wrong with the answer */

static const char *
ngx_http_agw_redis_peer_primary(ngx_http_agw_redis_peer_t *peer,
    const redisReply *reply)
{
    redisReply  **element;

    if (reply->type == REDIS_REPLY_NIL) {
        return "the sentinel does not know a master of the name of "
               "\"sentinel=\"";
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        if (ngx_strncmp(reply->str, "NOAUTH", 6) == 0
            || ngx_strncmp(reply->str, "NOPERM", 6) == 0)
        {
            return "the sentinel wants a user and a password that may ask it";
        }

        return ngx_strncmp(reply->str, "IDONTKNOW", 9) == 0
               ? "the sentinel does not know who is the master"
               : "it is no sentinel: it does not answer SENTINEL "
                 "GET-MASTER-ADDR-BY-NAME";
    }

    element = reply->element;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
        || element[0]->type != REDIS_REPLY_STRING
        || element[1]->type != REDIS_REPLY_STRING
        || ngx_http_agw_redis_peer_name(peer, element[0]->str, element[0]->len,
                                        element[1]->str, element[1]->len)
           != NGX_OK)
    {
        return "the sentinel's answer is malformed";
    }

    /* the primary may be one that swallows all, for a second each time */

    if (ngx_strncmp(peer->before, peer->named.text.data, peer->named.text.len)
        == 0 && peer->before[peer->named.text.len] == '\0')
    {
        peer->pending = 0;
        return "the sentinel names the same master";
    }

    (void) ngx_cpystrn(peer->before, peer->named.text.data,
                       peer->named.text.len + 1);

    return NULL;
}


/* the password goes only to a sentinel that wants one */

static ngx_int_t
ngx_http_agw_redis_peer_authenticate(ngx_http_agw_redis_peer_t *peer)
{
    size_t                            argvlen[3];
    ngx_uint_t                        argc;
    const char                       *argv[3];
    const ngx_http_agw_redis_conf_t  *conf;

    conf = peer->conf;
    argc = 0;

    argv[argc] = "AUTH";
    argvlen[argc++] = sizeof("AUTH") - 1;

    if (conf->user.len) {
        argv[argc] = (char *) conf->user.data;
        argvlen[argc++] = conf->user.len;
    }

    argv[argc] = (char *) conf->password.data;
    argvlen[argc++] = conf->password.len;

    peer->authenticated = 1;
    peer->command.handler = ngx_http_agw_redis_peer_authenticated;

    return ngx_http_agw_redis_pipeline_send(&peer->conn, &peer->command, argc,
                                        argv, argvlen);
}


static void
ngx_http_agw_redis_peer_authenticated(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    ngx_http_agw_redis_peer_t *peer = command->data;

    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_agw_redis_conn_close(&peer->conn, 1);
        ngx_http_agw_redis_peer_skip(peer, "the sentinel refuses the user or "
                                           "the password");
        ngx_http_agw_redis_peer_go_on(peer);
        return;
    }

    ngx_http_agw_redis_peer_opened(&peer->conn);
}


ngx_int_t
ngx_http_agw_redis_peer_moved(ngx_http_agw_redis_peer_t *peer,
    const char *text, size_t len)
{
    size_t  i;

    for (i = len; i && text[i - 1] != ':'; i--) {
        /* void */
    }

    if (i < 2 || peer->pool == NULL) {
        return NGX_DECLINED;
    }

    return ngx_http_agw_redis_peer_name(peer, text, i - 1, text + i, len - i);
}


/* sets `named`, from what a server said */

static ngx_int_t
ngx_http_agw_redis_peer_name(ngx_http_agw_redis_peer_t *peer,
    const char *host, size_t len, const char *port, size_t port_len)
{
    size_t                      i;
    ngx_int_t                   n, rc;
    ngx_addr_t                 *addr;
    ngx_http_agw_redis_host_t  *named;

    named = &peer->named;

    n = ngx_atoi((u_char *) port, port_len);

    if (n < 1 || n > 65535 || len == 0 || len > 253) {
        return NGX_DECLINED;
    }

    for (i = 0; i < len; i++) {
        if (host[i] <= ' ' || host[i] > '~') {
            return NGX_DECLINED;     /* it is shown in logs */
        }
    }

    ngx_memzero(named, sizeof(ngx_http_agw_redis_host_t));

    addr = ngx_pcalloc(peer->pool, sizeof(ngx_addr_t));
    named->host.data = ngx_pnalloc(peer->pool, len);
    named->text.data = ngx_pnalloc(peer->pool, len + sizeof("[]:65535"));

    if (addr == NULL || named->host.data == NULL || named->text.data == NULL) {
        return NGX_DECLINED;
    }

    ngx_memcpy(named->host.data, host, len);
    named->host.len = len;
    named->port = (in_port_t) n;

    named->text.len = ngx_sprintf(named->text.data,
                                  ngx_strlchr(named->host.data,
                                              named->host.data + len, ':')
                                  ? "[%V]:%i" : "%V:%i",
                                  &named->host, n)
                      - named->text.data;

    rc = ngx_parse_addr(peer->pool, addr, named->host.data, len);

    if (rc == NGX_ERROR) {
        return NGX_DECLINED;
    }

    if (rc == NGX_OK) {
        ngx_inet_set_port(addr->sockaddr, named->port);
        named->addrs = addr;
        named->naddrs = 1;

    } else {
        named->name = 1;
    }

    peer->pending = 1;

    return NGX_OK;
}


void
ngx_http_agw_redis_peer_stop(ngx_http_agw_redis_peer_t *peer)
{
    if (peer->ctx) {
        ngx_resolve_name_done(peer->ctx);
        peer->ctx = NULL;
    }

    ngx_http_agw_redis_conn_close(&peer->conn, 1);

    peer->addrs = NULL;
    peer->naddrs = 0;
    peer->next = 0;
    peer->asked = 0;
    peer->pending = 0;

    if (peer->pool) {
        ngx_destroy_pool(peer->pool);
        peer->pool = NULL;
    }
}
