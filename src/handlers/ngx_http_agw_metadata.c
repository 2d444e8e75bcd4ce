
/*
 * The two documents that tell clients where everything is, and how to verify
 * what they get: rendered once, with the configuration.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "agw_base64.h"
#include "ngx_http_agw_admit.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_metadata.h"
#include "ngx_http_agw_reply.h"
#include "ngx_http_agw_send.h"


#define NGX_HTTP_AGW_ETAG_BYTES  16

#define NGX_HTTP_AGW_WELL_KNOWN  "/.well-known/oauth-authorization-server"


static ngx_int_t ngx_http_agw_document_handler(ngx_http_request_t *r);
static char *ngx_http_agw_prepare_jwks(ngx_conf_t *cf,
    ngx_http_agw_loc_conf_t *conf);
static char *ngx_http_agw_prepare_metadata(ngx_conf_t *cf,
    ngx_http_agw_loc_conf_t *conf);
static ngx_int_t ngx_http_agw_split_issuer(agw_str_t issuer,
    agw_str_t *origin, agw_str_t *path);
static void ngx_http_agw_warn_of_place(ngx_conf_t *cf, agw_str_t path);
static json_t *ngx_http_agw_metadata_json(agw_str_t issuer, agw_str_t origin,
    const ngx_http_agw_loc_conf_t *conf);
static ngx_int_t ngx_http_agw_add_endpoint(json_t *json, const char *name,
    agw_str_t origin, const ngx_str_t *path);
static json_t *ngx_http_agw_scopes(agw_str_t scope);
static char *ngx_http_agw_render(ngx_conf_t *cf,
    ngx_http_agw_document_t *document, json_t *json, const char *type);


const ngx_http_agw_answer_t  ngx_http_agw_jwks_answer = {
    .directive = "auth_gateway_jwks",
    .handler = ngx_http_agw_document_handler,
    .methods = "GET, HEAD",
    .needs_key = 1,
    .prepare = ngx_http_agw_prepare_jwks
};


const ngx_http_agw_answer_t  ngx_http_agw_metadata_answer = {
    .directive = "auth_gateway_metadata",
    .handler = ngx_http_agw_document_handler,
    .methods = "GET, HEAD",
    .prepare = ngx_http_agw_prepare_metadata
};


static ngx_int_t
ngx_http_agw_document_handler(ngx_http_request_t *r)
{
    agw_reason_t                    reason;
    ngx_http_agw_ctx_t             *ctx;
    const ngx_http_agw_loc_conf_t  *lcf;

    if (r != r->main) {
        return NGX_HTTP_FORBIDDEN;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);
    ctx = ngx_http_agw_ctx(r);

    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* no credentials are taken here, so any transport will do */

    reason = ngx_http_agw_admit_path(r);

    if (reason == AGW_OK && !(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        reason = AGW_METHOD_NOT_ALLOWED;
    }

    if (reason != AGW_OK) {
        return ngx_http_agw_refuse(r, reason, NGX_HTTP_AGW_BEARER);
    }

    ctx->result = AGW_OK;
    ctx->decided = 1;

    return ngx_http_agw_send_document(r, &lcf->document);
}


static char *
ngx_http_agw_prepare_jwks(ngx_conf_t *cf, ngx_http_agw_loc_conf_t *conf)
{
    json_t                   *json;
    ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_conf_get_module_srv_conf(cf,
                                             ngx_http_auth_gateway_module);

    json = agw_keyring_public_jwks(sscf->keyring);

    if (json != NULL
        && json_array_size(json_object_get(json, "keys")) == 0) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"auth_gateway_jwks\" has no key to publish: a "
                           "secret and the keys of other issuers never are");
    }

    return ngx_http_agw_render(cf, &conf->document, json,
                               "application/jwk-set+json");
}


static char *
ngx_http_agw_prepare_metadata(ngx_conf_t *cf, ngx_http_agw_loc_conf_t *conf)
{
    agw_str_t                 issuer, origin, path;
    ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_conf_get_module_srv_conf(cf,
                                             ngx_http_auth_gateway_module);

    issuer = ngx_http_agw_to_core(sscf->issuer);

    if (ngx_http_agw_split_issuer(issuer, &origin, &path) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"auth_gateway_metadata\" with \"%V\" as "
                           "\"auth_gateway_issuer\", accepted is one such as "
                           "\"https://api.example.com\" or "
                           "\"https://api.example.com/books\", without query "
                           "and fragment", &sscf->issuer);
        return NGX_CONF_ERROR;
    }

    ngx_http_agw_warn_of_place(cf, path);

    return ngx_http_agw_render(cf, &conf->document,
                         ngx_http_agw_metadata_json(issuer, origin, conf),
                         "application/json");
}


/* RFC 8414, section 2: https, no query, no fragment */

static ngx_int_t
ngx_http_agw_split_issuer(agw_str_t issuer, agw_str_t *origin,
    agw_str_t *path)
{
    u_char                  c;
    size_t                  i, authority;
    static const agw_str_t  https = agw_string("https://");

    if (!agw_str_begins(issuer, https)) {
        return NGX_ERROR;
    }

    authority = 0;

    for (i = https.len; i < issuer.len; i++) {
        c = issuer.data[i];

        if (c <= 0x20 || c >= 0x7f || c == '?' || c == '#' || c == '@'
            || c == '"' || c == '\\' || c == '<' || c == '>')
        {
            return NGX_ERROR;
        }

        if (c == '/' && authority == 0) {
            authority = i;
        }
    }

    if (authority == 0) {
        authority = issuer.len;
    }

    origin->data = issuer.data;
    origin->len = authority;

    path->data = issuer.data + authority;
    path->len = issuer.len - authority;

    return authority > https.len ? NGX_OK : NGX_ERROR;
}


/*
 * RFC 8414, section 3.1: the well-known segment stands before the issuer's
 * path, whose last slash is left out.  An operator may serve the document
 * elsewhere as well, so it is no more than a warning.
 */

static void
ngx_http_agw_warn_of_place(ngx_conf_t *cf, agw_str_t path)
{
    ngx_str_t                  name, tail;
    const size_t               len = sizeof(NGX_HTTP_AGW_WELL_KNOWN) - 1;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    name = clcf->name;

    /* the block of an `if` is named after its location */

    if (clcf->noname || name.len == 0 || name.data[0] != '/'
#if (NGX_PCRE)
        || clcf->regex != NULL
#endif
        )
    {
        return;
    }

    if (path.len && path.data[path.len - 1] == '/') {
        path.len--;
    }

    if (name.len == len + path.len
        && ngx_strncmp(name.data, NGX_HTTP_AGW_WELL_KNOWN, len) == 0
        && ngx_memcmp(name.data + len, path.data, path.len) == 0)
    {
        return;
    }

    tail = ngx_http_agw_from_core(path);

    ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                       "\"auth_gateway_metadata\" in location \"%V\" is not "
                       "where clients look for it: \"%s%V\"", &name,
                       NGX_HTTP_AGW_WELL_KNOWN, &tail);
}


static json_t *
ngx_http_agw_metadata_json(agw_str_t issuer, agw_str_t origin,
    const ngx_http_agw_loc_conf_t *conf)
{
    int                              rc;
    json_t                          *json;
    const ngx_http_agw_endpoints_t  *at;

    at = conf->endpoints;

    json = json_pack("{s:s%, s:[], s:[s], s:[ss]}",
                     "issuer", issuer.data, issuer.len,
                     "response_types_supported",
                     "grant_types_supported", "client_credentials",
                     "token_endpoint_auth_methods_supported",
                     "client_secret_basic", "client_secret_post");
    if (json == NULL) {
        return NULL;
    }

    rc = json_object_set_new(json, "scopes_supported",
                             ngx_http_agw_scopes(
                                 ngx_http_agw_to_core(conf->partner_scope)));

    if (rc != 0
        || ngx_http_agw_add_endpoint(json, "token_endpoint", origin,
                                     &at->token) != NGX_OK
        || ngx_http_agw_add_endpoint(json, "jwks_uri", origin,
                                     &at->jwks) != NGX_OK
        || ngx_http_agw_add_endpoint(json, "revocation_endpoint", origin,
                                     &at->revoke) != NGX_OK
        || ngx_http_agw_add_endpoint(json, "introspection_endpoint", origin,
                                     &at->introspect) != NGX_OK)
    {
        json_decref(json);
        return NULL;
    }

    return json;
}


/* what has no path is left out */

static ngx_int_t
ngx_http_agw_add_endpoint(json_t *json, const char *name, agw_str_t origin,
    const ngx_str_t *path)
{
    json_t  *url;

    if (path->len == 0) {
        return NGX_OK;
    }

    url = json_sprintf("%.*s%.*s", (int) origin.len,
                       (const char *) origin.data, (int) path->len,
                       (const char *) path->data);

    return json_object_set_new(json, name, url) == 0 ? NGX_OK : NGX_ERROR;
}


/* those that a partner token may have, and that of a business token */

static json_t *
ngx_http_agw_scopes(agw_str_t scope)
{
    int         rc;
    json_t     *scopes;
    agw_str_t   word;

    scopes = json_array();
    rc = 0;

    while (agw_scope_next(&scope, &word)) {
        rc |= json_array_append_new(scopes,
                                    json_stringn((const char *) word.data,
                                                 word.len));
    }

    rc |= json_array_append_new(scopes, json_string(AGW_BUSINESS_ACCESS));

    if (rc != 0) {
        json_decref(scopes);
        return NULL;
    }

    return scopes;
}


/* drops the reference to json; NULL is an allocation that failed */

static char *
ngx_http_agw_render(ngx_conf_t *cf, ngx_http_agw_document_t *document,
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
