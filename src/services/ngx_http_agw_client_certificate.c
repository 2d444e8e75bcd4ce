
/*
 * What was read is kept in the pool of the connection, so a request compares 43
 * bytes.  A proxy sends requests of many clients on one connection: the last
 * certificate that it named is kept, with its text, and is read again only if
 * another text follows.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

#include "agw_certificate.h"
#include "ngx_http_agw_client_certificate.h"
#include "ngx_http_agw_headers.h"
#include "ngx_http_agw_log.h"
#include "ngx_http_agw_str.h"


typedef struct {
    agw_certificate_t    own;        /* of the connection */
    ngx_int_t            own_rc;     /* NGX_AGAIN: not looked for yet */
    agw_certificate_t    named;      /* by a variable */
    ngx_int_t            named_rc;
    u_char              *text;       /* of the latter */
    size_t               len;
    size_t               size;       /* of its buffer */
} ngx_http_agw_certificates_t;


static ngx_int_t ngx_http_agw_find_certificate(ngx_http_request_t *r,
    const agw_certificate_t **certificate);
static ngx_http_agw_certificates_t *ngx_http_agw_certificates(
    ngx_http_request_t *r);
static void ngx_http_agw_certificates_done(void *data);
static ngx_int_t ngx_http_agw_own_certificate(ngx_http_request_t *r,
    ngx_http_agw_certificates_t *certificates);
static ngx_int_t ngx_http_agw_named_text(ngx_http_request_t *r,
    ngx_str_t *text);
static ngx_int_t ngx_http_agw_only_header(ngx_http_request_t *r,
    agw_str_t name, ngx_str_t *text);
static ngx_int_t ngx_http_agw_named_certificate(
    ngx_http_agw_certificates_t *certificates, const ngx_str_t *text);
static ngx_int_t ngx_http_agw_certificate_rc(int rc);


ngx_int_t
ngx_http_agw_client_certificate(ngx_http_request_t *r, agw_str_t *thumbprint)
{
    ngx_int_t                 rc;
    ngx_log_t                *log;
    const agw_certificate_t  *certificate;

    rc = ngx_http_agw_find_certificate(r, &certificate);

    if (rc == NGX_ABORT) {
        log = ngx_http_agw_log(r);

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: no memory to read a certificate");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    thumbprint->data = certificate->thumbprint;
    thumbprint->len = AGW_THUMBPRINT_SIZE;

    return ngx_time() <= certificate->not_after ? NGX_OK : NGX_ERROR;
}


/* what there was no memory for is not kept: the next request tries again */

static ngx_int_t
ngx_http_agw_find_certificate(ngx_http_request_t *r,
    const agw_certificate_t **certificate)
{
    ngx_int_t                       rc;
    ngx_str_t                       text;
    const ngx_http_agw_loc_conf_t  *lcf;
    ngx_http_agw_certificates_t    *certificates;

    certificates = ngx_http_agw_certificates(r);
    if (certificates == NULL) {
        return NGX_ABORT;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    if (lcf->client_certificate == NULL) {

        *certificate = &certificates->own;

        if (certificates->own_rc != NGX_AGAIN) {
            return certificates->own_rc;
        }

        rc = ngx_http_agw_own_certificate(r, certificates);

        if (rc != NGX_ABORT) {
            certificates->own_rc = rc;
        }

        return rc;
    }

    *certificate = &certificates->named;

    rc = ngx_http_agw_named_text(r, &text);

    return rc == NGX_OK ? ngx_http_agw_named_certificate(certificates, &text)
                        : rc;
}


agw_reason_t
ngx_http_agw_check_binding(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx,
    const agw_claims_t *claims)
{
    ngx_int_t  rc;
    agw_str_t  thumbprint;

    if (claims->x5t.len == 0) {
        return AGW_OK;
    }

    /* of a request that nobody sent, it is what was asked */

    if (ctx->asked_certificate != NULL) {
        thumbprint = *ctx->asked_certificate;
        rc = thumbprint.len ? NGX_OK : NGX_DECLINED;

    } else {
        rc = ngx_http_agw_client_certificate(r, &thumbprint);
    }

    if (rc == NGX_OK && agw_str_eq(thumbprint, claims->x5t)) {
        return AGW_OK;
    }

    if (rc == NGX_ABORT) {
        return AGW_INTERNAL_ERROR;
    }

    ctx->fault = rc == NGX_OK ? "another certificate"
                 : rc == NGX_DECLINED ? "no certificate"
                 : "an unreadable or expired certificate";

    return AGW_CERTIFICATE_MISMATCH;
}


/*
 * In HTTP/2 the streams share the pool of their connection; in HTTP/3 each has
 * its own, but they share the connection below them.
 */

static ngx_http_agw_certificates_t *
ngx_http_agw_certificates(ngx_http_request_t *r)
{
    ngx_connection_t             *c;
    ngx_pool_cleanup_t           *cln;
    ngx_http_agw_certificates_t  *certificates;

    c = r->connection;

#if (NGX_HTTP_V3)
    if (c->quic != NULL) {
        c = c->quic->parent;
    }
#endif

    for (cln = c->pool->cleanup; cln != NULL; cln = cln->next) {
        if (cln->handler == ngx_http_agw_certificates_done) {
            return cln->data;
        }
    }

    cln = ngx_pool_cleanup_add(c->pool, sizeof(ngx_http_agw_certificates_t));
    if (cln == NULL) {
        return NULL;
    }

    certificates = cln->data;
    ngx_memzero(certificates, sizeof(ngx_http_agw_certificates_t));

    certificates->own_rc = NGX_AGAIN;

    cln->handler = ngx_http_agw_certificates_done;

    return certificates;
}


static void
ngx_http_agw_certificates_done(void *data)
{
    ngx_http_agw_certificates_t  *certificates = data;

    if (certificates->text != NULL) {
        ngx_free(certificates->text);
    }
}


/* whoever issued it: the token says which certificate it must be */

static ngx_int_t
ngx_http_agw_own_certificate(ngx_http_request_t *r,
    ngx_http_agw_certificates_t *certificates)
{
#if (NGX_HTTP_SSL)

    int    rc;
    X509  *x509;

    if (r->connection->ssl == NULL) {
        return NGX_DECLINED;
    }

    x509 = SSL_get_peer_certificate(r->connection->ssl->connection);
    if (x509 == NULL) {
        return NGX_DECLINED;
    }

    rc = agw_certificate_take(&certificates->own, x509);

    X509_free(x509);

    return ngx_http_agw_certificate_rc(rc);

#else

    return NGX_DECLINED;

#endif
}


static ngx_int_t
ngx_http_agw_named_text(ngx_http_request_t *r, ngx_str_t *text)
{
    ngx_int_t                       rc;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    if (lcf->certificate_header.len) {
        rc = ngx_http_agw_only_header(r, lcf->certificate_header, text);

    } else {
        rc = ngx_http_complex_value(r, lcf->client_certificate, text) == NGX_OK
             ? NGX_OK : NGX_ABORT;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    return text->len ? NGX_OK : NGX_DECLINED;
}


/*
 * The variable has the first of several: a client's, maybe, before the
 * proxy's.  So no other may stand beside it; and none is spelled with a '_',
 * which a proxy that sets or removes the one with a '-' lets through.
 */

static ngx_int_t
ngx_http_agw_only_header(ngx_http_request_t *r, agw_str_t name,
    ngx_str_t *text)
{
    ngx_uint_t               found;
    const ngx_table_elt_t   *header;
    ngx_http_agw_headers_t   headers;

    found = 0;
    ngx_str_null(text);
    headers = ngx_http_agw_headers(r);

    for ( ;; ) {
        header = ngx_http_agw_next_header(&headers, name);

        if (header == NULL) {
            return NGX_OK;
        }

        if (header->hash == 0) {
            continue;
        }

        if (found
            || ngx_strlchr(header->key.data,
                           header->key.data + header->key.len, '_')
               != NULL)
        {
            return NGX_ERROR;
        }

        *text = header->value;
        found = 1;
    }
}


static ngx_int_t
ngx_http_agw_named_certificate(ngx_http_agw_certificates_t *certificates,
    const ngx_str_t *text)
{
    u_char     *p;
    ngx_int_t   rc;

    if (certificates->len == text->len
        && ngx_memcmp(certificates->text, text->data, text->len) == 0)
    {
        return certificates->named_rc;
    }

    certificates->len = 0;

    if (text->len > AGW_CERTIFICATE_MAX) {
        return NGX_ERROR;
    }

    if (certificates->size < text->len) {
        p = ngx_alloc(text->len, ngx_cycle->log);
        if (p == NULL) {
            return NGX_ABORT;
        }

        if (certificates->text != NULL) {
            ngx_free(certificates->text);
        }

        certificates->text = p;
        certificates->size = text->len;
    }

    rc = ngx_http_agw_certificate_rc(
                                agw_certificate_read(&certificates->named,
                                                ngx_http_agw_to_core(*text)));
    if (rc == NGX_ABORT) {
        return rc;
    }

    ngx_memcpy(certificates->text, text->data, text->len);
    certificates->len = text->len;
    certificates->named_rc = rc;

    return rc;
}


static ngx_int_t
ngx_http_agw_certificate_rc(int rc)
{
    switch (rc) {

    case 0:
        return NGX_OK;

    case AGW_CERTIFICATE_NO_MEMORY:
        return NGX_ABORT;

    default:
        return NGX_ERROR;
    }
}
