
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_agw_redis_peer.h"


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
static void ngx_http_agw_redis_peer_failed(
    ngx_http_agw_redis_sentinel_t *sentinel, const char *why);
static void ngx_http_agw_redis_peer_answered(
    ngx_http_agw_redis_sentinel_t *sentinel, agw_str_t host, agw_str_t port);
static ngx_int_t ngx_http_agw_redis_peer_name(ngx_http_agw_redis_peer_t *peer,
    agw_str_t host, agw_str_t port);


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

        ngx_http_agw_redis_peer_skip(peer, "it is a name: \"resolver\" in "
                                           "\"http\" must be set");
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
        p = ngx_snprintf(why, sizeof(why) - 1,
                         "it cannot be resolved: %s: \"resolver\" must be a "
                         "name server that knows it",
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
    ngx_http_agw_redis_sentinel_t  *sentinel;

    sentinel = &peer->sentinel;

    sentinel->conf = peer->conf;
    sentinel->log = peer->log;
    sentinel->quiet = peer->quiet;
    sentinel->answered = ngx_http_agw_redis_peer_answered;
    sentinel->failed = ngx_http_agw_redis_peer_failed;
    sentinel->data = peer;

    if (ngx_http_agw_redis_sentinel_ask(sentinel,
                                        ngx_http_agw_redis_peer_current(peer),
                                        addr)
        != NGX_OK)
    {
        ngx_http_agw_redis_peer_skip(peer, (char *) sentinel->conn.why);
        return NGX_DECLINED;
    }

    return NGX_AGAIN;
}


static void
ngx_http_agw_redis_peer_failed(ngx_http_agw_redis_sentinel_t *sentinel,
    const char *why)
{
    ngx_http_agw_redis_peer_t *peer = sentinel->data;

    ngx_http_agw_redis_peer_skip(peer, why);
    ngx_http_agw_redis_peer_go_on(peer);
}


static void
ngx_http_agw_redis_peer_answered(ngx_http_agw_redis_sentinel_t *sentinel,
    agw_str_t host, agw_str_t port)
{
    const char                 *why;
    ngx_http_agw_redis_peer_t  *peer = sentinel->data;

    why = NULL;

    if (ngx_http_agw_redis_peer_name(peer, host, port) != NGX_OK) {
        why = ngx_http_agw_redis_sentinel_malformed;

    } else if (ngx_strncmp(peer->before, peer->named.text.data,
                           peer->named.text.len)
               == 0 && peer->before[peer->named.text.len] == '\0')
    {
        /* the primary may be one that swallows all, for a second each time */

        peer->pending = 0;
        why = "the sentinel names the same master";

    } else {
        (void) ngx_cpystrn(peer->before, peer->named.text.data,
                           peer->named.text.len + 1);
    }

    if (why) {
        ngx_http_agw_redis_peer_skip(peer, why);
    }

    ngx_http_agw_redis_peer_go_on(peer);
}


ngx_int_t
ngx_http_agw_redis_peer_moved(ngx_http_agw_redis_peer_t *peer,
    const char *text, size_t len)
{
    size_t     i;
    agw_str_t  host, port;

    for (i = len; i && text[i - 1] != ':'; i--) {
        /* void */
    }

    if (i < 2 || peer->pool == NULL) {
        return NGX_DECLINED;
    }

    host.data = (const u_char *) text;
    host.len = i - 1;

    port.data = host.data + i;
    port.len = len - i;

    return ngx_http_agw_redis_peer_name(peer, host, port);
}


/* sets `named`, from what a server said */

static ngx_int_t
ngx_http_agw_redis_peer_name(ngx_http_agw_redis_peer_t *peer, agw_str_t host,
    agw_str_t port)
{
    size_t                      i;
    ngx_int_t                   n, rc;
    ngx_addr_t                 *addr;
    ngx_http_agw_redis_host_t  *named;

    named = &peer->named;

    n = ngx_atoi((u_char *) port.data, port.len);

    if (n < 1 || n > 65535 || host.len == 0 || host.len > 253) {
        return NGX_DECLINED;
    }

    for (i = 0; i < host.len; i++) {
        if (host.data[i] <= ' ' || host.data[i] > '~') {
            return NGX_DECLINED;     /* it is shown in logs */
        }
    }

    ngx_memzero(named, sizeof(ngx_http_agw_redis_host_t));

    addr = ngx_pcalloc(peer->pool, sizeof(ngx_addr_t));
    named->host.data = ngx_pnalloc(peer->pool, host.len);
    named->text.data = ngx_pnalloc(peer->pool,
                                   host.len + sizeof("[]:65535"));

    if (addr == NULL || named->host.data == NULL || named->text.data == NULL) {
        return NGX_DECLINED;
    }

    ngx_memcpy(named->host.data, host.data, host.len);
    named->host.len = host.len;
    named->port = (in_port_t) n;

    named->text.len = ngx_sprintf(named->text.data,
                                  ngx_strlchr(named->host.data,
                                              named->host.data + host.len, ':')
                                  ? "[%V]:%i" : "%V:%i",
                                  &named->host, n)
                      - named->text.data;

    rc = ngx_parse_addr(peer->pool, addr, named->host.data, host.len);

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

    ngx_http_agw_redis_sentinel_stop(&peer->sentinel);

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
