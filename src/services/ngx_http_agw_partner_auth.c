
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_credentials.h"
#include "ngx_http_agw_api_key_auth.h"
#include "ngx_http_agw_body.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_partner_auth.h"
#include "ngx_http_agw_request_check.h"
#include "ngx_http_agw_str.h"
#include "ngx_http_agw_verify.h"


static void ngx_http_agw_partner_auth_read(ngx_http_request_t *r,
    agw_reason_t reason, agw_params_t *params);
static agw_reason_t ngx_http_agw_partner_auth_bearer(ngx_http_request_t *r,
    const agw_params_t *params);
static void ngx_http_agw_partner_auth_finish(ngx_http_request_t *r,
    agw_reason_t reason);


ngx_int_t
ngx_http_agw_authenticate_partner(ngx_http_request_t *r,
    ngx_http_agw_partner_auth_pt handler)
{
    agw_reason_t                  reason;
    ngx_http_agw_ctx_t           *ctx;
    ngx_http_agw_partner_auth_t  *auth;

    /* the body of a subrequest is its parent's, and so are its credentials */

    if (r != r->main) {
        return NGX_HTTP_FORBIDDEN;
    }

    ctx = ngx_http_agw_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    auth = ngx_pcalloc(r->pool, sizeof(ngx_http_agw_partner_auth_t));
    if (auth == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    auth->handler = handler;
    auth->challenge = NGX_HTTP_AGW_EITHER;

    ctx->partner_auth = auth;

    reason = ngx_http_agw_check_request(r, &auth->business);

    if (reason == AGW_OK && r->method != NGX_HTTP_POST) {
        reason = AGW_METHOD_NOT_ALLOWED;
    }

    if (reason != AGW_OK) {
        return ngx_http_agw_refuse_partner(r, reason);
    }

    return ngx_http_agw_read_params(r, NGX_HTTP_AGW_BODY_FORM,
                                    ngx_http_agw_partner_auth_read);
}


static void
ngx_http_agw_partner_auth_read(ngx_http_request_t *r, agw_reason_t reason,
    agw_params_t *params)
{
    agw_str_t            token;
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    ctx->params = params;

    if (reason != AGW_OK) {
        ngx_http_agw_partner_auth_finish(r, reason);
        return;
    }

    if (r->headers_in.authorization != NULL
        && agw_bearer_split(
                 ngx_http_agw_to_core(r->headers_in.authorization->value),
                 &token) != AGW_NO_CREDENTIALS)
    {
        ctx->partner_auth->challenge = NGX_HTTP_AGW_BEARER;

        reason = ngx_http_agw_partner_auth_bearer(r, params);

        ngx_http_agw_partner_auth_finish(r, reason);
        return;
    }

    reason = ngx_http_agw_authenticate_api_key(r, params,
                                           ngx_http_agw_partner_auth_finish);

    if (reason != AGW_OK) {
        ngx_http_agw_partner_auth_finish(r, reason);
    }
}


/* only one way to authenticate (RFC 6749, section 2.3) */

static agw_reason_t
ngx_http_agw_partner_auth_bearer(ngx_http_request_t *r,
    const agw_params_t *params)
{
    agw_str_t                       secret, assertion;
    agw_reason_t                    reason;
    ngx_http_agw_ctx_t             *ctx;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    if (agw_params_text(params, "client_secret", &secret) != 0
        || secret.len)
    {
        return AGW_INVALID_REQUEST;
    }

    if ((lcf->client_auth & NGX_HTTP_AGW_AUTH_JWT)
        && (agw_params_text(params, "client_assertion", &assertion) != 0
            || assertion.len))
    {
        return AGW_INVALID_REQUEST;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    reason = ngx_http_agw_verify_now(r, ctx);

    if (reason == AGW_OK && ctx->claims->kind != AGW_KIND_PARTNER) {
        reason = AGW_WRONG_KIND;
    }

    return reason;
}


static void
ngx_http_agw_partner_auth_finish(ngx_http_request_t *r, agw_reason_t reason)
{
    ngx_http_agw_ctx_t           *ctx;
    ngx_http_agw_partner_auth_t  *auth;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    auth = ctx->partner_auth;

    if (reason != AGW_NO_CREDENTIALS
        && auth->challenge == NGX_HTTP_AGW_EITHER)
    {
        auth->challenge = NGX_HTTP_AGW_BASIC;
    }

    if (reason == AGW_OK) {
        auth->partner_id = ctx->api_key_auth ? ctx->api_key_auth->partner_id
                                             : ctx->partner_id;
    }

    auth->handler(r, reason);
}


ngx_int_t
ngx_http_agw_refuse_partner(ngx_http_request_t *r, agw_reason_t reason)
{
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    return ngx_http_agw_refuse(r, reason, ctx->partner_auth->challenge);
}
