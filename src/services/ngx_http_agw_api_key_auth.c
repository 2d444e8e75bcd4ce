
/*
 * The store has the SHA-256 of an API key.  A slow hash would gain nothing,
 * since a key is random and long, and cannot be guessed.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/evp.h>
#include <openssl/err.h>

#include "agw_base64.h"
#include "agw_credentials.h"
#include "agw_decoding.h"
#include "agw_grammar.h"
#include "ngx_http_agw_api_key_auth.h"
#include "ngx_http_agw_assertion_auth.h"
#include "ngx_http_agw_client_certificate.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_key_use.h"
#include "ngx_http_agw_secret.h"
#include "ngx_http_agw_request_query.h"
#include "ngx_http_agw_str.h"


typedef struct {
    ngx_http_agw_request_query_t  store;     /* must be first */
    ngx_http_agw_api_key_auth_t   auth;      /* that of ctx */
    ngx_http_agw_api_key_auth_pt  handler;
    unsigned                      keyless:1; /* the API key is empty */
} ngx_http_agw_api_key_query_t;


/* what a partner authenticates with */

typedef struct {
    agw_basic_t                   basic;
    agw_str_t                     thumbprint;    /* empty: it is basic */
} ngx_http_agw_presented_t;


static agw_reason_t ngx_http_agw_api_key_credentials(ngx_http_request_t *r,
    const agw_params_t *params, ngx_http_agw_presented_t *presented);
static agw_reason_t ngx_http_agw_presented_assertion(ngx_http_request_t *r,
    const agw_params_t *params, ngx_http_agw_api_key_auth_pt handler);
static agw_reason_t ngx_http_agw_presented_certificate(ngx_http_request_t *r,
    agw_str_t id, ngx_http_agw_presented_t *presented);
static agw_reason_t ngx_http_agw_not_accepted(ngx_http_request_t *r,
    const char *fault);
static const char *ngx_http_agw_credential_fault(
    const ngx_http_agw_api_key_query_t *kq, agw_api_key_state_t state);
static agw_reason_t ngx_http_agw_api_key_basic(ngx_http_request_t *r,
    agw_basic_t *basic);
static ngx_int_t ngx_http_agw_secret_in_args(ngx_http_request_t *r);
static ngx_int_t ngx_http_agw_api_key_digest(ngx_http_agw_api_key_t *key,
    const agw_credentials_t *reading);
static void ngx_http_agw_api_key_decide(ngx_http_agw_request_query_t *rq,
    ngx_int_t rc);


agw_reason_t
ngx_http_agw_authenticate_api_key(ngx_http_request_t *r,
    const agw_params_t *params, ngx_http_agw_api_key_auth_pt handler)
{
    ngx_uint_t                       i;
    agw_reason_t                     reason;
    const agw_basic_t               *basic;
    ngx_http_agw_ctx_t              *ctx;
    ngx_http_agw_directory_query_t  *query;
    ngx_http_agw_presented_t         presented;
    ngx_http_agw_api_key_query_t    *kq;

    ctx = ngx_http_agw_ctx(r);
    kq = ngx_pcalloc(r->pool, sizeof(ngx_http_agw_api_key_query_t));

    if (ctx == NULL || kq == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    presented.thumbprint.len = 0;

    reason = ngx_http_agw_presented_assertion(r, params, handler);

    if (reason != AGW_NO_CREDENTIALS) {
        return reason;
    }

    reason = ngx_http_agw_api_key_credentials(r, params, &presented);
    if (reason != AGW_OK) {
        return reason;
    }

    basic = &presented.basic;

    ctx->api_key_auth = &kq->auth;

    kq->auth.queried_at = ngx_time();
    kq->keyless = (basic->readings[0].secret.len == 0);
    kq->handler = handler;

    query = &kq->store.query;
    query->nkeys = basic->nreadings;
    query->now = kq->auth.queried_at;
    query->thumbprint = presented.thumbprint;

    for (i = 0; i < query->nkeys; i++) {
        if (ngx_http_agw_api_key_digest(&query->keys[i], &basic->readings[i])
            != NGX_OK)
        {
            return AGW_INTERNAL_ERROR;
        }
    }

    ngx_http_agw_request_query(r, &kq->store, ngx_http_agw_store_find_api_keys,
                               ngx_http_agw_api_key_decide);

    return AGW_OK;
}


/* as ngx_http_agw_authenticate_api_key(); AGW_NO_CREDENTIALS: there is none */

static agw_reason_t
ngx_http_agw_presented_assertion(ngx_http_request_t *r,
    const agw_params_t *params, ngx_http_agw_api_key_auth_pt handler)
{
    agw_str_t                       id, secret, assertion, type;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    if (!(lcf->client_auth & NGX_HTTP_AGW_AUTH_JWT)) {
        return AGW_NO_CREDENTIALS;
    }

    if (agw_params_text(params, "client_assertion", &assertion) != 0
        || agw_params_text(params, "client_assertion_type", &type) != 0
        || agw_params_text(params, "client_secret", &secret) != 0
        || agw_params_text(params, "client_id", &id) != 0)
    {
        return AGW_INVALID_REQUEST;
    }

    if (assertion.len == 0) {
        return AGW_NO_CREDENTIALS;
    }

    /* only one way to authenticate (RFC 6749, section 2.3) */

    if (secret.len || r->headers_in.authorization != NULL
        || ngx_http_agw_secret_in_args(r))
    {
        return AGW_INVALID_REQUEST;
    }

    return ngx_http_agw_authenticate_assertion(r, assertion, type, id,
                                               handler);
}


static agw_reason_t
ngx_http_agw_api_key_credentials(ngx_http_request_t *r,
    const agw_params_t *params, ngx_http_agw_presented_t *presented)
{
    agw_str_t                       id, secret, assertion;
    agw_basic_t                    *basic;
    agw_reason_t                    reason;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);
    basic = &presented->basic;

    if (agw_params_text(params, "client_id", &id) != 0
        || agw_params_text(params, "client_secret", &secret) != 0
        || ngx_http_agw_secret_in_args(r))
    {
        return AGW_INVALID_REQUEST;
    }

    /* RFC 8705, section 2: else a certificate is no credential */

    if ((lcf->client_auth & NGX_HTTP_AGW_AUTH_TLS) && id.len
        && secret.len == 0 && r->headers_in.authorization == NULL
        && agw_params_text(params, "client_assertion", &assertion) == 0
        && assertion.len == 0)
    {
        return ngx_http_agw_presented_certificate(r, id, presented);
    }

    reason = ngx_http_agw_api_key_basic(r, basic);

    if (secret.len) {

        /* only one way to authenticate (RFC 6749, section 2.3) */

        if (r->headers_in.authorization || id.len == 0) {
            return AGW_INVALID_REQUEST;
        }

        basic->readings[0].id = id;
        basic->readings[0].secret = secret;
        basic->nreadings = 1;

        return lcf->client_auth & NGX_HTTP_AGW_AUTH_POST
               ? AGW_OK
               : ngx_http_agw_not_accepted(r, "method not accepted");
    }

    /* the readings differ only if the raw one has '%' or '+', as no id has */

    if (reason == AGW_OK && id.len
        && !agw_str_eq(id, basic->readings[0].id))
    {
        return AGW_INVALID_REQUEST;
    }

    if (reason == AGW_OK && !(lcf->client_auth & NGX_HTTP_AGW_AUTH_BASIC)) {
        return ngx_http_agw_not_accepted(r, "method not accepted");
    }

    return reason;
}


/* the partner that is named must have this one in the store */

static agw_reason_t
ngx_http_agw_presented_certificate(ngx_http_request_t *r, agw_str_t id,
    ngx_http_agw_presented_t *presented)
{
    u_char     *p;
    ngx_int_t   rc;
    agw_str_t   thumbprint;

    rc = ngx_http_agw_client_certificate(r, &thumbprint);

    if (rc == NGX_DECLINED) {
        return AGW_NO_CREDENTIALS;
    }

    if (rc == NGX_ABORT) {
        return AGW_INTERNAL_ERROR;
    }

    if (rc != NGX_OK) {
        return ngx_http_agw_not_accepted(r,
                                    "an unreadable or expired certificate");
    }

    p = ngx_pnalloc(r->pool, thumbprint.len);
    if (p == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    ngx_memcpy(p, thumbprint.data, thumbprint.len);

    ngx_memzero(&presented->basic, sizeof(agw_basic_t));

    presented->thumbprint.data = p;
    presented->thumbprint.len = thumbprint.len;
    presented->basic.readings[0].id = id;
    presented->basic.nreadings = 1;

    return AGW_OK;
}


static agw_reason_t
ngx_http_agw_not_accepted(ngx_http_request_t *r, const char *fault)
{
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    ctx->fault = fault;

    return AGW_INVALID_CLIENT;
}


static agw_reason_t
ngx_http_agw_api_key_basic(ngx_http_request_t *r, agw_basic_t *basic)
{
    u_char     *buf;
    agw_str_t   value;

    if (r->headers_in.authorization == NULL) {
        return AGW_NO_CREDENTIALS;
    }

    value = ngx_http_agw_to_core(r->headers_in.authorization->value);

    buf = ngx_http_agw_secret_buf(r->pool,
                                  2 * AGW_BASE64_DECODED(value.len) + 1);
    if (buf == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    return agw_basic_parse(value, basic, buf);
}


/* a secret in a URL ends up in logs: it is refused, right or wrong */

static ngx_int_t
ngx_http_agw_secret_in_args(ngx_http_request_t *r)
{
    u_char                 *p, *last, *end;
    size_t                  len;
    agw_str_t               name;
    u_char                  buf[sizeof("client_assertion") * 3];
    static const agw_str_t  secret = agw_string("client_secret");
    static const agw_str_t  assertion = agw_string("client_assertion");

    if (r->args.len == 0) {
        return 0;
    }

    last = r->args.data + r->args.len;

    for (p = r->args.data; p < last; p = end + (end < last)) {

        for (end = p; end < last && *end != '&'; end++) { /* void */ }

        name.data = p;

        for (name.len = 0; p + name.len < end && p[name.len] != '=';
             name.len++)
        {
            /* void */
        }

        if (name.len > sizeof(buf)) {
            continue;
        }

        if (agw_form_decode(name, buf, &len) != 0) {
            continue;
        }

        name.data = buf;
        name.len = len;

        if (agw_str_eq(name, secret) || agw_str_eq(name, assertion)) {
            return 1;
        }
    }

    return 0;
}


/*
 * An id that no partner can have is replaced by one that no partner has, so
 * that the store takes as long.
 */

static ngx_int_t
ngx_http_agw_api_key_digest(ngx_http_agw_api_key_t *key,
    const agw_credentials_t *reading)
{
    u_char                  digest[EVP_MAX_MD_SIZE];
    unsigned                len;
    static const agw_str_t  nobody =
                            agw_string(NGX_HTTP_AGW_NOBODY);

    key->partner_id = agw_is_id(reading->id) ? reading->id : nobody;

    if (EVP_Digest(reading->secret.data, reading->secret.len, digest, &len,
                   EVP_sha256(), NULL) != 1)
    {
        ERR_clear_error();
        return NGX_ERROR;
    }

    ngx_hex_dump(key->key_sha256, digest, len);

    return NGX_OK;
}


static void
ngx_http_agw_api_key_decide(ngx_http_agw_request_query_t *rq, ngx_int_t rc)
{
    ngx_uint_t                             i;
    agw_reason_t                           reason;
    ngx_http_agw_ctx_t                    *ctx;
    agw_api_key_state_t                    best;
    const agw_api_key_row_t               *row;
    const ngx_http_agw_directory_query_t  *query;
    ngx_http_agw_api_key_query_t          *kq;

    kq = (ngx_http_agw_api_key_query_t *) rq;
    ctx = ngx_http_get_module_ctx(rq->request, ngx_http_auth_gateway_module);
    query = &rq->query;

    best = AGW_API_KEY_UNKNOWN_PARTNER;

    for (i = 0; rc == NGX_OK && i < query->nkeys; i++) {
        row = &query->api_keys[i];

        if (row->partner_found) {
            ctx->partner_id =
                        ngx_http_agw_from_core(query->keys[i].partner_id);
        }

        best = ngx_max(best, row->state);

        if (row->state == AGW_API_KEY_GOOD) {
            kq->auth.partner_id = ctx->partner_id;
            kq->auth.stamp = row->stamp;
            kq->auth.limited = row->limited;
            kq->auth.scopes = row->scopes;

            if (query->thumbprint.len == 0) {
                ngx_http_agw_key_used(&query->keys[i], query->now);
            }

            break;
        }
    }

    ctx->fault = ngx_http_agw_credential_fault(kq, best);

    if (rc != NGX_OK) {
        reason = AGW_STORE_UNAVAILABLE;

    } else {
        reason = best == AGW_API_KEY_GOOD ? AGW_OK : AGW_INVALID_CLIENT;
    }

    kq->handler(rq->request, reason);
}


static const char *
ngx_http_agw_credential_fault(const ngx_http_agw_api_key_query_t *kq,
    agw_api_key_state_t state)
{
    if (kq->store.query.thumbprint.len) {
        return state == AGW_API_KEY_WRONG ? "unknown certificate"
               : state == AGW_API_KEY_EXPIRED ? "expired certificate"
               : agw_api_key_state_text(state);
    }

    return state == AGW_API_KEY_WRONG && kq->keyless
           ? "no key" : agw_api_key_state_text(state);
}
