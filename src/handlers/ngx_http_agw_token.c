
/*
 * Each kind of token is two functions: one reads the request and queries the
 * store, the other sends the response.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_api_key_auth.h"
#include "ngx_http_agw_body.h"
#include "ngx_http_agw_business.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_exchange.h"
#include "ngx_http_agw_grant_scope.h"
#include "ngx_http_agw_headers.h"
#include "ngx_http_agw_issue.h"
#include "ngx_http_agw_refusal.h"
#include "ngx_http_agw_request_check.h"
#include "ngx_http_agw_str.h"
#include "ngx_http_agw_token.h"
#include "ngx_http_agw_verify.h"


static ngx_int_t ngx_http_agw_token_handler(ngx_http_request_t *r);
static ngx_uint_t ngx_http_agw_has_dpop(const ngx_http_request_t *r);
static ngx_int_t ngx_http_agw_token_business(ngx_http_request_t *r,
    const agw_matched_t *business);
static void ngx_http_agw_partner_query(ngx_http_request_t *r,
    agw_reason_t reason, agw_params_t *params);
static agw_reason_t ngx_http_agw_grant_type(const agw_params_t *params);
static ngx_uint_t ngx_http_agw_is_exchange(const agw_params_t *params);
static agw_reason_t ngx_http_agw_exchange_grant(ngx_http_request_t *r,
    ngx_http_agw_grant_t *grant, const agw_params_t *params);
static void ngx_http_agw_exchange_query(ngx_http_request_t *r,
    agw_reason_t reason);
static void ngx_http_agw_exchange_finish(ngx_http_request_t *r,
    agw_reason_t reason, const agw_business_row_t *row);
static agw_reason_t ngx_http_agw_partner_grant(ngx_http_request_t *r,
    ngx_http_agw_grant_t *grant, const agw_params_t *params);
static void ngx_http_agw_partner_finish(ngx_http_request_t *r,
    agw_reason_t reason);
static void ngx_http_agw_business_query(ngx_http_request_t *r,
    agw_reason_t reason, agw_params_t *params);
static agw_reason_t ngx_http_agw_business_grant(ngx_http_request_t *r,
    ngx_http_agw_grant_t *grant, const agw_params_t *params);
static void ngx_http_agw_business_finish(ngx_http_request_t *r,
    agw_reason_t reason, const agw_business_row_t *row);
static void ngx_http_agw_token_finish(ngx_http_request_t *r,
    agw_reason_t reason);
static ngx_int_t ngx_http_agw_token_refuse(ngx_http_request_t *r,
    agw_reason_t reason);
static ngx_int_t ngx_http_agw_token_send(ngx_http_request_t *r);


const ngx_http_agw_endpoint_t  ngx_http_agw_token_endpoint = {
    .directive = "auth_gateway_token",
    .handler = ngx_http_agw_token_handler,
    .methods = "POST",
    .takes_credentials = 1,
    .needs_store = 1,
    .needs_signer = 1
};


static ngx_int_t
ngx_http_agw_token_handler(ngx_http_request_t *r)
{
    agw_reason_t                    reason;
    agw_matched_t                   business;
    ngx_http_agw_ctx_t             *ctx;
    const ngx_http_agw_loc_conf_t  *lcf;

    /* the body of a subrequest is its parent's, and so are its credentials */

    if (r != r->main) {
        return NGX_HTTP_FORBIDDEN;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);
    ctx = ngx_http_agw_ctx(r);

    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->grant = ngx_pcalloc(r->pool, sizeof(ngx_http_agw_grant_t));
    if (ctx->grant == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* checked here, whatever earlier phases did */

    reason = ngx_http_agw_check_request(r, &business);

    if (reason == AGW_OK && r->method != NGX_HTTP_POST) {
        reason = AGW_METHOD_NOT_ALLOWED;
    }

    if (reason == AGW_OK && ngx_http_agw_has_dpop(r)) {
        reason = AGW_DPOP_UNSUPPORTED;
    }

    if (reason != AGW_OK) {
        return ngx_http_agw_token_refuse(r, reason);
    }

    if (lcf->token_kind == AGW_KIND_BUSINESS) {
        return ngx_http_agw_token_business(r, &business);
    }

    return ngx_http_agw_read_params(r, NGX_HTTP_AGW_BODY_ANY,
                                    ngx_http_agw_partner_query);
}


/*
 * A client that sends a proof (RFC 9449, section 5) would take a plain token
 * for one that nobody else can use.
 */

static ngx_uint_t
ngx_http_agw_has_dpop(const ngx_http_request_t *r)
{
    ngx_http_agw_headers_t  headers;
    static const agw_str_t  dpop = agw_string("DPoP");

    headers = ngx_http_agw_headers(r);

    return ngx_http_agw_next_header(&headers, dpop) != NULL;
}


/* the token is verified before the body is read */

static ngx_int_t
ngx_http_agw_token_business(ngx_http_request_t *r,
    const agw_matched_t *business)
{
    ngx_uint_t                      types;
    agw_reason_t                    reason;
    ngx_http_agw_ctx_t             *ctx;
    const ngx_http_agw_loc_conf_t  *lcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    if (business->reason == AGW_AMBIGUOUS_PATH) {
        return ngx_http_agw_token_refuse(r, AGW_AMBIGUOUS_PATH);
    }

    reason = ngx_http_agw_verify_now(r, ctx);
    if (reason != AGW_OK) {
        return ngx_http_agw_token_refuse(r, reason);
    }

    if (ctx->claims->kind != AGW_KIND_PARTNER) {
        return ngx_http_agw_token_refuse(r, AGW_WRONG_KIND);
    }

    if (business->reason != AGW_OK) {
        return ngx_http_agw_token_refuse(r, business->reason);
    }

    ctx->grant->partner_id = ctx->claims->partner_id;
    ctx->grant->business_id = business->business_id;
    ctx->grant->x5t = ctx->claims->x5t;

    types = lcf->error_format == NGX_HTTP_AGW_FORMAT_LAYER
            ? NGX_HTTP_AGW_BODY_JSON : NGX_HTTP_AGW_BODY_ANY;

    return ngx_http_agw_read_params(r, types, ngx_http_agw_business_query);
}


static void
ngx_http_agw_partner_query(ngx_http_request_t *r, agw_reason_t reason,
    agw_params_t *params)
{
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    ctx->params = params;

    if (reason == AGW_OK && ngx_http_agw_is_exchange(params)) {
        reason = ngx_http_agw_exchange_grant(r, ctx->grant, params);

        if (reason == AGW_OK) {
            reason = ngx_http_agw_authenticate_api_key(r, params,
                                                ngx_http_agw_exchange_query);
        }

    } else if (reason == AGW_OK) {
        reason = ngx_http_agw_grant_type(params);

        if (reason == AGW_OK) {
            reason = ngx_http_agw_partner_grant(r, ctx->grant, params);
        }

        if (reason == AGW_OK) {
            reason = ngx_http_agw_authenticate_api_key(r, params,
                                                ngx_http_agw_partner_finish);
        }
    }

    if (reason != AGW_OK) {
        ngx_http_finalize_request(r, ngx_http_agw_token_refuse(r, reason));
    }
}


/* RFC 6749, section 4.4.2, but grant_type may be absent */

static agw_reason_t
ngx_http_agw_grant_type(const agw_params_t *params)
{
    agw_str_t               type;
    static const agw_str_t  client_credentials =
                                agw_string("client_credentials");

    if (agw_params_text(params, "grant_type", &type) != 0) {
        return AGW_INVALID_REQUEST;
    }

    return (type.len == 0 || agw_str_eq(type, client_credentials))
           ? AGW_OK : AGW_UNSUPPORTED_GRANT_TYPE;
}


static ngx_uint_t
ngx_http_agw_is_exchange(const agw_params_t *params)
{
    agw_str_t               type;
    static const agw_str_t  exchange =
                                agw_string(NGX_HTTP_AGW_TOKEN_EXCHANGE);

    return agw_params_text(params, "grant_type", &type) == 0
           && agw_str_eq(type, exchange);
}


/* what a business token endpoint would grant, but for the form of errors */

static agw_reason_t
ngx_http_agw_exchange_grant(ngx_http_request_t *r,
    ngx_http_agw_grant_t *grant, const agw_params_t *params)
{
    agw_reason_t         reason;
    ngx_http_agw_ctx_t  *ctx;

    reason = ngx_http_agw_read_exchange(r, params);
    if (reason != AGW_OK) {
        return reason;
    }

    reason = ngx_http_agw_business_grant(r, grant, params);

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    grant->business_id = ngx_http_agw_subject_business(ctx);
    grant->exchanged = 1;
    grant->bare = 0;

    return reason;
}


/* the partner has authenticated; its token and the business come next */

static void
ngx_http_agw_exchange_query(ngx_http_request_t *r, agw_reason_t reason)
{
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    if (reason == AGW_OK) {
        ctx->grant->partner_id =
                        ngx_http_agw_to_core(ctx->api_key_auth->partner_id);

        reason = ngx_http_agw_verify_subject(r, ctx->grant->partner_id);
    }

    if (reason == AGW_OK) {
        ctx->grant->x5t = ngx_http_agw_subject_claims(ctx)->x5t;
        ctx->grant->issued_at = ngx_time();

        reason = ngx_http_agw_find_business(r, ctx->grant->partner_id,
                                            ctx->grant->business_id,
                                            ngx_http_agw_subject_claims(ctx),
                                            ngx_http_agw_exchange_finish);
    }

    if (reason != AGW_OK) {
        ngx_http_finalize_request(r, ngx_http_agw_token_refuse(r, reason));
    }
}


static void
ngx_http_agw_exchange_finish(ngx_http_request_t *r, agw_reason_t reason,
    const agw_business_row_t *row)
{
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    reason = ngx_http_agw_exchange_reason(r, reason);

    if (reason == AGW_OK) {
        reason = ngx_http_agw_verify_subject_again(r);
    }

    if (reason == AGW_OK) {
        ctx->grant->seq = row->stamp;

        reason = ngx_http_agw_grant_scope(r, ctx->grant, row->limited,
                                          row->scopes);
    }

    ngx_http_agw_token_finish(r, reason);
}


static agw_reason_t
ngx_http_agw_partner_grant(ngx_http_request_t *r,
    ngx_http_agw_grant_t *grant, const agw_params_t *params)
{
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    grant->kind = AGW_KIND_PARTNER;
    grant->lifetime = lcf->partner_lifetime;

    return ngx_http_agw_ask_scope(r, grant, params);
}


static void
ngx_http_agw_partner_finish(ngx_http_request_t *r, agw_reason_t reason)
{
    ngx_http_agw_ctx_t           *ctx;
    ngx_http_agw_api_key_auth_t  *auth;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    auth = ctx->api_key_auth;

    if (reason == AGW_OK) {
        ctx->grant->partner_id = ngx_http_agw_to_core(auth->partner_id);
        ctx->grant->issued_at = auth->queried_at;
        ctx->grant->seq = auth->stamp;

        reason = ngx_http_agw_grant_scope(r, ctx->grant, auth->limited,
                                          auth->scopes);
    }

    ngx_http_agw_token_finish(r, reason);
}


static void
ngx_http_agw_business_query(ngx_http_request_t *r, agw_reason_t reason,
    agw_params_t *params)
{
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    if (reason == AGW_OK) {
        reason = ngx_http_agw_grant_type(params);
    }

    if (reason == AGW_OK) {
        reason = ngx_http_agw_business_grant(r, ctx->grant, params);
    }

    /* again, since the body may have taken long to arrive */

    if (reason == AGW_OK) {
        reason = ngx_http_agw_verify_now(r, ctx);
    }

    if (reason == AGW_OK) {
        ctx->grant->issued_at = ngx_time();

        reason = ngx_http_agw_find_business(r, ctx->grant->partner_id,
                                            ctx->grant->business_id,
                                            ctx->claims,
                                            ngx_http_agw_business_finish);
    }

    if (reason != AGW_OK) {
        ngx_http_finalize_request(r, ngx_http_agw_token_refuse(r, reason));
    }
}


static agw_reason_t
ngx_http_agw_business_grant(ngx_http_request_t *r,
    ngx_http_agw_grant_t *grant, const agw_params_t *params)
{
    int64_t                          seconds;
    agw_reason_t                     reason;
    const ngx_http_agw_loc_conf_t   *lcf;
    const ngx_http_agw_main_conf_t  *mcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    grant->kind = AGW_KIND_BUSINESS;
    grant->lifetime = lcf->business_lifetime;

    /* Layer's AuthToken has only the token, its lifetime and its type */

    grant->bare = (lcf->error_format == NGX_HTTP_AGW_FORMAT_LAYER);

    reason = ngx_http_agw_ask_scope(r, grant, params);
    if (reason != AGW_OK) {
        return reason;
    }

    switch (agw_params_duration(params, "session_duration", &seconds)) {

    case 0:
        return AGW_OK;

    case 1:

        if (seconds > mcf->max_lifetime) {
            return AGW_INVALID_REQUEST;
        }

        grant->lifetime = (time_t) seconds;

        return AGW_OK;

    default:
        return AGW_INVALID_REQUEST;
    }
}


static void
ngx_http_agw_business_finish(ngx_http_request_t *r, agw_reason_t reason,
    const agw_business_row_t *row)
{
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    /* the store looked only for revocations that this node had not read */

    if (reason == AGW_OK) {
        reason = ngx_http_agw_verify_now(r, ctx);
    }

    if (reason == AGW_OK) {
        ctx->grant->seq = row->stamp;

        reason = ngx_http_agw_grant_scope(r, ctx->grant, row->limited,
                                          row->scopes);
    }

    ngx_http_agw_token_finish(r, reason);
}


/* the grant is whole, or refused */

static void
ngx_http_agw_token_finish(ngx_http_request_t *r, agw_reason_t reason)
{
    ngx_http_finalize_request(r, reason == AGW_OK
                                 ? ngx_http_agw_token_send(r)
                                 : ngx_http_agw_token_refuse(r, reason));
}


static ngx_int_t
ngx_http_agw_token_refuse(ngx_http_request_t *r, agw_reason_t reason)
{
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    return ngx_http_agw_refuse(r, reason,
                               lcf->token_kind == AGW_KIND_BUSINESS
                               ? NGX_HTTP_AGW_BEARER : NGX_HTTP_AGW_BASIC);
}


static ngx_int_t
ngx_http_agw_token_send(ngx_http_request_t *r)
{
    ngx_int_t            rc;
    agw_reason_t         reason;
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    reason = ngx_http_agw_bind_grant(r, ctx->grant);

    /* RFC 8693, section 2.2.2: never 401, the partner has authenticated */

    if (reason == AGW_CERTIFICATE_MISMATCH && ctx->grant->exchanged) {
        reason = AGW_INVALID_REQUEST;
    }

    if (reason != AGW_OK) {
        return ngx_http_agw_token_refuse(r, reason);
    }

    rc = ngx_http_agw_issue(r, ctx->grant);

    if (rc == NGX_DECLINED) {
        return ngx_http_agw_token_refuse(r, AGW_INTERNAL_ERROR);
    }

    ngx_http_agw_decide(ctx, AGW_OK);

    ctx->event = NGX_HTTP_AGW_EVENT_ISSUED;
    ctx->event_business_id = ngx_http_agw_from_core(ctx->grant->business_id);
    ctx->event_token_id = ngx_http_agw_from_core(ctx->grant->jti);

    return rc;
}
