
/*
 * Hosts are addresses (IPv6 in brackets), names, or the path of a socket.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_url.h"


#define NGX_HTTP_AGW_REDIS_PORT           6379
#define NGX_HTTP_AGW_REDIS_SENTINEL_PORT  26379
#define NGX_HTTP_AGW_REDIS_DB_MAX         65535
#define NGX_HTTP_AGW_REDIS_NAME_MAX       253


static ngx_int_t ngx_http_agw_redis_url_unix(ngx_conf_t *cf,
    ngx_http_agw_redis_conf_t *conf, ngx_str_t *path);
static ngx_int_t ngx_http_agw_redis_url_db(ngx_http_agw_redis_conf_t *conf,
    ngx_str_t *hosts);
static ngx_int_t ngx_http_agw_redis_url_host(ngx_conf_t *cf,
    ngx_http_agw_redis_conf_t *conf, ngx_str_t *word, in_port_t port);
static ngx_int_t ngx_http_agw_redis_url_port(ngx_str_t *word,
    ngx_str_t *name, in_port_t *port);
static ngx_int_t ngx_http_agw_redis_url_address(ngx_conf_t *cf,
    ngx_http_agw_redis_host_t *host);
static ngx_uint_t ngx_http_agw_redis_url_is_name(ngx_str_t *name);
static ngx_int_t ngx_http_agw_redis_url_invalid(ngx_conf_t *cf,
    ngx_str_t *url);


ngx_uint_t
ngx_http_agw_redis_url_has_password(ngx_conf_t *cf, ngx_str_t *url)
{
    static ngx_str_t  path = ngx_string("redis:unix:");

    if (ngx_strlchr(url->data, url->data + url->len, '@') == NULL
        || (url->len > path.len
            && ngx_strncmp(url->data, path.data, path.len) == 0))
    {
        return 0;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "the address in \"auth_gateway_store\" must be without "
                       "a user and a password: they go into \"user=\" and "
                       "\"password_file=\"");

    return 1;
}


ngx_int_t
ngx_http_agw_redis_url(ngx_conf_t *cf, ngx_http_agw_redis_conf_t *conf,
    ngx_str_t *url, ngx_uint_t sentinel, ngx_uint_t *tls)
{
    u_char     *p, *last;
    in_port_t   port;
    ngx_str_t   rest, word;

    conf->shown = *url;

    *tls = url->data[sizeof("redis") - 1] == 's';

    rest.data = url->data + sizeof("redis:") - 1 + *tls;
    rest.len = url->data + url->len - rest.data;

    if (ngx_array_init(&conf->hosts, cf->pool, 2,
                       sizeof(ngx_http_agw_redis_host_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!*tls && rest.len > 5 && ngx_strncmp(rest.data, "unix:", 5) == 0) {
        rest.data += 5;
        rest.len -= 5;

        return ngx_http_agw_redis_url_unix(cf, conf, &rest);
    }

    if (rest.len < 3 || rest.data[0] != '/' || rest.data[1] != '/') {
        return ngx_http_agw_redis_url_invalid(cf, url);
    }

    rest.data += 2;
    rest.len -= 2;

    if (ngx_http_agw_redis_url_db(conf, &rest) != NGX_OK) {
        return ngx_http_agw_redis_url_invalid(cf, url);
    }

    port = sentinel ? NGX_HTTP_AGW_REDIS_SENTINEL_PORT
                    : NGX_HTTP_AGW_REDIS_PORT;

    last = rest.data + rest.len;
    word.data = rest.data;

    for ( ;; ) {
        p = ngx_strlchr(word.data, last, ',');
        word.len = (p ? p : last) - word.data;

        switch (ngx_http_agw_redis_url_host(cf, conf, &word, port)) {

        case NGX_OK:
            break;

        case NGX_DECLINED:
            return ngx_http_agw_redis_url_invalid(cf, url);

        default:
            return NGX_ERROR;
        }

        if (p == NULL) {
            return NGX_OK;
        }

        word.data = p + 1;
    }
}


static ngx_int_t
ngx_http_agw_redis_url_unix(ngx_conf_t *cf, ngx_http_agw_redis_conf_t *conf,
    ngx_str_t *path)
{
    ngx_url_t                   u;
    ngx_http_agw_redis_host_t  *host;

    if (path->data[0] != '/') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid path \"%V\" in \"auth_gateway_store\", it "
                           "must be absolute: \"redis:unix:/<path>\"", path);
        return NGX_ERROR;
    }

    ngx_memzero(&u, sizeof(ngx_url_t));

    /* with the word's "unix:" */

    u.url.data = path->data - 5;
    u.url.len = path->len + 5;

    if (ngx_strlchr(path->data, path->data + path->len, ':')
        || ngx_parse_url(cf->pool, &u) != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid path \"%V\" in \"auth_gateway_store\", it "
                           "must be that of a unix socket, without a colon%s%s",
                           path, u.err ? ": " : "", u.err ? u.err : "");
        return NGX_ERROR;
    }

    host = ngx_array_push(&conf->hosts);
    if (host == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(host, sizeof(ngx_http_agw_redis_host_t));

    host->host = *path;
    host->text = u.url;
    host->addrs = u.addrs;
    host->naddrs = u.naddrs;

    return NGX_OK;
}


/* takes "/db" off the end of the hosts */

static ngx_int_t
ngx_http_agw_redis_url_db(ngx_http_agw_redis_conf_t *conf, ngx_str_t *hosts)
{
    u_char     *slash, *last;
    ngx_int_t   db;

    last = hosts->data + hosts->len;
    slash = ngx_strlchr(hosts->data, last, '/');

    if (slash == NULL) {
        return NGX_OK;
    }

    hosts->len = slash - hosts->data;

    if (last - slash == 1) {
        return NGX_OK;
    }

    db = ngx_atoi(slash + 1, last - slash - 1);

    if (db == NGX_ERROR || db > NGX_HTTP_AGW_REDIS_DB_MAX) {
        return NGX_ERROR;
    }

    conf->db = db;

    return NGX_OK;
}


/* NGX_DECLINED: the word is no host */

static ngx_int_t
ngx_http_agw_redis_url_host(ngx_conf_t *cf, ngx_http_agw_redis_conf_t *conf,
    ngx_str_t *word, in_port_t port)
{
    ngx_str_t                   name;
    ngx_http_agw_redis_host_t  *host;

    if (ngx_http_agw_redis_url_port(word, &name, &port) != NGX_OK) {
        return NGX_DECLINED;
    }

    host = ngx_array_push(&conf->hosts);
    if (host == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(host, sizeof(ngx_http_agw_redis_host_t));

    host->port = port;
    host->host.len = name.len;
    host->host.data = ngx_pstrdup(cf->pool, &name);
    host->text.data = ngx_pnalloc(cf->pool, name.len + sizeof("[]:65535"));

    if (host->host.data == NULL || host->text.data == NULL) {
        return NGX_ERROR;
    }

    host->text.len = ngx_sprintf(host->text.data,
                                 ngx_strlchr(name.data, name.data + name.len,
                                             ':')
                                 ? "[%V]:%ui" : "%V:%ui",
                                 &name, (ngx_uint_t) port)
                     - host->text.data;

    return ngx_http_agw_redis_url_address(cf, host);
}


/* host, host:port, [address] or [address]:port */

static ngx_int_t
ngx_http_agw_redis_url_port(ngx_str_t *word, ngx_str_t *name, in_port_t *port)
{
    u_char     *p, *last;
    ngx_int_t   n;

    *name = *word;
    last = word->data + word->len;

    if (word->len && word->data[0] == '[') {
        p = ngx_strlchr(word->data, last, ']');

        if (p == NULL) {
            return NGX_ERROR;
        }

        name->data++;
        name->len = p - name->data;

        if (ngx_strlchr(name->data, p, ':') == NULL) {
            return NGX_ERROR;
        }

        if (++p == last) {
            return NGX_OK;
        }

        if (*p != ':') {
            return NGX_ERROR;
        }

    } else {
        p = ngx_strlchr(word->data, last, ':');

        if (p == NULL) {
            return name->len ? NGX_OK : NGX_ERROR;
        }

        name->len = p - name->data;
    }

    n = ngx_atoi(p + 1, last - p - 1);

    if (name->len == 0 || n < 1 || n > 65535) {
        return NGX_ERROR;
    }

    *port = (in_port_t) n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_redis_url_address(ngx_conf_t *cf, ngx_http_agw_redis_host_t *host)
{
    ngx_int_t    rc;
    ngx_addr_t  *addr;

    addr = ngx_pcalloc(cf->pool, sizeof(ngx_addr_t));
    if (addr == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_parse_addr(cf->pool, addr, host->host.data, host->host.len);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {
        host->name = 1;
        return ngx_http_agw_redis_url_is_name(&host->host) ? NGX_OK
                                                           : NGX_DECLINED;
    }

    ngx_inet_set_port(addr->sockaddr, host->port);

    addr->name = host->text;

    host->addrs = addr;
    host->naddrs = 1;

    return NGX_OK;
}


/* the last label of a name is no number, or it is an address mistyped */

static ngx_uint_t
ngx_http_agw_redis_url_is_name(ngx_str_t *name)
{
    u_char      c;
    size_t      i;
    ngx_uint_t  numeric;

    numeric = 1;

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if (c == '.') {
            if (i == 0 || name->data[i - 1] == '.') {
                return 0;
            }

            numeric = 1;
            continue;
        }

        if (c >= '0' && c <= '9') {
            continue;
        }

        numeric = 0;

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'
              || c == '_'))
        {
            return 0;
        }
    }

    return !numeric && name->len <= NGX_HTTP_AGW_REDIS_NAME_MAX;
}


static ngx_int_t
ngx_http_agw_redis_url_invalid(ngx_conf_t *cf, ngx_str_t *url)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\" in \"auth_gateway_store\", it "
                       "must be \"redis://<host>[:<port>][,...][/<db>]\", "
                       "the same with \"rediss:\", or "
                       "\"redis:unix:/<path>\"", url);

    return NGX_ERROR;
}


ngx_int_t
ngx_http_agw_redis_url_resolve(ngx_conf_t *cf, ngx_http_agw_redis_host_t *host)
{
    ngx_url_t  u;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = host->text;
    u.default_port = host->port;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK || u.naddrs == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "host \"%V\" of \"auth_gateway_store\" must be one "
                           "that can be resolved%s%s: with a \"resolver\" in "
                           "\"http\", nginx would start without",
                           &host->host, u.err ? ": " : "",
                           u.err ? u.err : "");
        return NGX_ERROR;
    }

    host->addrs = u.addrs;
    host->naddrs = u.naddrs;

    return NGX_OK;
}
