
/*
 * nginx's TLS client verifies nothing by itself: OpenSSL's result of the chain
 * is read afterwards, and the name is compared here.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_agw_redis_tls.h"


#if (NGX_SSL)

#include <openssl/x509v3.h>


#define NGX_HTTP_AGW_REDIS_DEPTH  10        /* of a chain of certificates */


typedef struct {
    ngx_connection_t           *connection;
    ngx_str_t                   name;        /* as the certificate has it */
    ngx_uint_t                  address;     /* that is an address */
    ngx_http_agw_redis_tls_pt   handler;
    void                       *data;
    void                       *owner;       /* c->data, during the handshake */
} ngx_http_agw_redis_tls_t;


static const char *ngx_http_agw_redis_tls_start(ngx_http_agw_redis_tls_t *tls,
    const ngx_http_agw_redis_conf_t *conf);
static void ngx_http_agw_redis_tls_done(ngx_connection_t *c);
static const char *ngx_http_agw_redis_tls_check(ngx_http_agw_redis_tls_t *tls,
    u_char *buf, size_t size);
static ngx_uint_t ngx_http_agw_redis_tls_is_name(ngx_http_agw_redis_tls_t *tls,
    X509 *cert);


ngx_int_t
ngx_http_agw_redis_tls_conf(ngx_conf_t *cf, ngx_http_agw_redis_conf_t *conf)
{
    ngx_pool_cleanup_t  *cln;

    conf->ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (conf->ssl == NULL) {
        return NGX_ERROR;
    }

    conf->ssl->log = cf->log;

    if (ngx_ssl_create(conf->ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(conf->ssl);
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = conf->ssl;

    if (conf->certificate.len
        && ngx_ssl_certificate(cf, conf->ssl, &conf->certificate,
                               &conf->certificate_key, NULL)
           != NGX_OK)
    {
        goto failed;
    }

    /* sets what nginx needs to read the result of verification itself */

    if (conf->ca.len) {
        if (ngx_ssl_trusted_certificate(cf, conf->ssl, &conf->ca,
                                        NGX_HTTP_AGW_REDIS_DEPTH)
            != NGX_OK)
        {
            goto failed;
        }

        return NGX_OK;
    }

    if (SSL_CTX_set_default_verify_paths(conf->ssl->ctx) == 0) {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "SSL_CTX_set_default_verify_paths() failed");
        return NGX_ERROR;
    }

    return NGX_OK;

failed:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"ca=\", \"certificate=\" and \"certificate_key=\" in "
                       "\"auth_gateway_store\" must be files in PEM, see the "
                       "line above");

    return NGX_ERROR;
}


void
ngx_http_agw_redis_tls(ngx_connection_t *c,
    const ngx_http_agw_redis_conf_t *conf,
    const ngx_http_agw_redis_host_t *host, ngx_http_agw_redis_tls_pt handler,
    void *data)
{
    const char                *fault;
    ngx_http_agw_redis_tls_t  *tls;

    tls = ngx_pcalloc(c->pool, sizeof(ngx_http_agw_redis_tls_t));
    if (tls == NULL) {
        handler(data, "no memory");
        return;
    }

    tls->connection = c;
    tls->name = conf->name.len ? conf->name : host->host;
    tls->handler = handler;
    tls->data = data;

    fault = ngx_http_agw_redis_tls_start(tls, conf);

    if (fault) {
        handler(data, fault);
        return;
    }

    /* nginx's handler of the handshake has c alone */

    tls->owner = c->data;
    c->data = tls;

    if (ngx_ssl_handshake(c) == NGX_AGAIN) {
        c->ssl->handler = ngx_http_agw_redis_tls_done;
        return;
    }

    ngx_http_agw_redis_tls_done(c);
}


static const char *
ngx_http_agw_redis_tls_start(ngx_http_agw_redis_tls_t *tls,
    const ngx_http_agw_redis_conf_t *conf)
{
    u_char             *name;
    ngx_addr_t          addr;
    ngx_connection_t   *c;

    c = tls->connection;

    if (ngx_ssl_create_connection(conf->ssl, c, NGX_SSL_CLIENT) != NGX_OK) {
        return "TLS has no memory";
    }

    /* OpenSSL wants it terminated */

    name = ngx_pnalloc(c->pool, tls->name.len + 1);
    if (name == NULL) {
        return "no memory";
    }

    (void) ngx_cpystrn(name, tls->name.data, tls->name.len + 1);
    tls->name.data = name;

    switch (ngx_parse_addr(c->pool, &addr, tls->name.data, tls->name.len)) {

    case NGX_OK:
        tls->address = 1;
        return NULL;

    case NGX_DECLINED:
        break;

    default:
        return "no memory";
    }

    if (SSL_set_tlsext_host_name(c->ssl->connection, (char *) name) == 0) {
        return "the name of the server could not be set for TLS: it must "
               "have at most 255 bytes";
    }

    return NULL;
}


static void
ngx_http_agw_redis_tls_done(ngx_connection_t *c)
{
    u_char                     buf[192];
    const char                *fault;
    ngx_http_agw_redis_tls_t  *tls;

    tls = c->data;
    c->data = tls->owner;

    fault = ngx_http_agw_redis_tls_check(tls, buf, sizeof(buf));

    tls->handler(tls->data, fault);
}


static const char *
ngx_http_agw_redis_tls_check(ngx_http_agw_redis_tls_t *tls, u_char *buf,
    size_t size)
{
    long               rc;
    X509              *cert;
    u_char            *p;
    ngx_uint_t         ok;
    ngx_connection_t  *c;

    c = tls->connection;

    if (!c->ssl->handshaked) {
        return "the TLS handshake failed: the server must have TLS 1.2 or 1.3 "
               "on this port, and must accept \"certificate=\"";
    }

    rc = SSL_get_verify_result(c->ssl->connection);

    if (rc != X509_V_OK) {
        p = ngx_snprintf(buf, size - 1,
                         "the server's certificate is refused: %s (%l)",
                         X509_verify_cert_error_string(rc), rc);
        *p = '\0';
        return (const char *) buf;
    }

    cert = SSL_get_peer_certificate(c->ssl->connection);
    if (cert == NULL) {
        return "the server has no certificate, and must have one";
    }

    ok = ngx_http_agw_redis_tls_is_name(tls, cert);

    X509_free(cert);

    if (!ok) {
        p = ngx_snprintf(buf, size - 1,
                         "the server's certificate is not of \"%V\": "
                         "\"name=\" must be a name in it", &tls->name);
        *p = '\0';
        return (const char *) buf;
    }

    return NULL;
}


static ngx_uint_t
ngx_http_agw_redis_tls_is_name(ngx_http_agw_redis_tls_t *tls, X509 *cert)
{
    const char  *name = (const char *) tls->name.data;

    if (tls->address) {
        return X509_check_ip_asc(cert, name, 0) == 1;
    }

    return X509_check_host(cert, name, tls->name.len, 0, NULL) == 1;
}


void
ngx_http_agw_redis_tls_close(ngx_connection_t *c)
{
    if (c->ssl == NULL) {
        return;
    }

    c->ssl->no_wait_shutdown = 1;

    /* if the alert cannot be sent at once, without one: nobody waits */

    if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
        c->error = 1;
        (void) ngx_ssl_shutdown(c);
    }
}

#else

ngx_int_t
ngx_http_agw_redis_tls_conf(ngx_conf_t *cf, ngx_http_agw_redis_conf_t *conf)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"rediss:\" in \"auth_gateway_store\" must be with an "
                       "nginx that was built with TLS");

    return NGX_ERROR;
}


void
ngx_http_agw_redis_tls(ngx_connection_t *c,
    const ngx_http_agw_redis_conf_t *conf,
    const ngx_http_agw_redis_host_t *host, ngx_http_agw_redis_tls_pt handler,
    void *data)
{
    handler(data, "nginx must be built with TLS");
}


void
ngx_http_agw_redis_tls_close(ngx_connection_t *c)
{
    /* void */
}

#endif
