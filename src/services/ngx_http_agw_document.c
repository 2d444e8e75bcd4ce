
/*
 * Document and entity tag belong to the configuration: a request only sends
 * them.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "agw_base64.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_document.h"
#include "ngx_http_agw_refusal.h"
#include "ngx_http_agw_request_check.h"
#include "ngx_http_agw_response.h"


#define NGX_HTTP_AGW_ETAG_BYTES  16


char *
ngx_http_agw_document_render(ngx_conf_t *cf, ngx_http_agw_document_t *document,
    json_t *json, const char *type)
{
    size_t      size;
    u_char      digest[EVP_MAX_MD_SIZE], *p;
    agw_str_t   head;

    document->type.data = (u_char *) type;
    document->type.len = ngx_strlen(type);

    size = json_dumpb(json, NULL, 0, JSON_COMPACT);

    document->body.data = ngx_pnalloc(cf->pool, size);
    document->etag.data = ngx_pnalloc(cf->pool, 2 + AGW_BASE64URL_SIZE(
                                                    NGX_HTTP_AGW_ETAG_BYTES));

    if (size == 0 || document->body.data == NULL
        || document->etag.data == NULL)
    {
        json_decref(json);
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a document could not be rendered: memory ran "
                           "out");
        return NGX_CONF_ERROR;
    }

    document->body.len = json_dumpb(json, (char *) document->body.data, size,
                                    JSON_COMPACT);

    json_decref(json);

    if (document->body.len != size) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a document could not be written: memory ran out");
        return NGX_CONF_ERROR;
    }

    if (EVP_Digest(document->body.data, document->body.len, digest, NULL,
                   EVP_sha256(), NULL)
        != 1)
    {
        ERR_clear_error();
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a document could not be digested: OpenSSL "
                           "failed");
        return NGX_CONF_ERROR;
    }

    head.data = digest;
    head.len = NGX_HTTP_AGW_ETAG_BYTES;

    p = document->etag.data;

    *p++ = '"';
    p += agw_base64url_encode(head, p);
    *p++ = '"';

    document->etag.len = p - document->etag.data;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_agw_document_handler(ngx_http_request_t *r)
{
    ngx_int_t                       rc;
    const ngx_http_agw_loc_conf_t  *lcf;

    if (!ngx_http_agw_document_is_allowed(r, &rc)) {
        return rc;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    return ngx_http_agw_send_document(r, &lcf->document);
}


ngx_uint_t
ngx_http_agw_document_is_allowed(ngx_http_request_t *r, ngx_int_t *rc)
{
    agw_reason_t         reason;
    ngx_http_agw_ctx_t  *ctx;

    if (r != r->main) {
        *rc = NGX_HTTP_FORBIDDEN;
        return 0;
    }

    ctx = ngx_http_agw_ctx(r);

    if (ctx == NULL) {
        *rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
        return 0;
    }

    /* there are no credentials, so any transport is allowed */

    reason = ngx_http_agw_check_path(r);

    if (reason == AGW_OK && !(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        reason = AGW_METHOD_NOT_ALLOWED;
    }

    if (reason != AGW_OK) {
        *rc = ngx_http_agw_refuse(r, reason, NGX_HTTP_AGW_BEARER);
        return 0;
    }

    ngx_http_agw_decide(ctx, AGW_OK);

    return 1;
}
