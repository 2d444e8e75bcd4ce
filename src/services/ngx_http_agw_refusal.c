
/*
 * A reason becomes a status, a challenge, a body and a line of the log.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_reason.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_refusal.h"
#include "ngx_http_agw_refusal_log.h"
#include "ngx_http_agw_response.h"


/* bytes; more than any reason's code and description, twice */

#define NGX_HTTP_AGW_REFUSAL_SIZE  1024


static ngx_int_t ngx_http_agw_refusal_begin(ngx_http_request_t *r,
    agw_reason_t reason, ngx_http_agw_challenge_t challenge);
static ngx_int_t ngx_http_agw_refusal_body(ngx_http_request_t *r,
    agw_reason_t reason, ngx_http_agw_challenge_t challenge,
    ngx_str_t *body);
static ngx_uint_t ngx_http_agw_refusal_format(
    const ngx_http_agw_loc_conf_t *lcf);
static u_char *ngx_http_agw_api_error(u_char *p, u_char *last,
    const agw_reason_info_t *info);


ngx_int_t
ngx_http_agw_refuse(ngx_http_request_t *r, agw_reason_t reason,
    ngx_http_agw_challenge_t challenge)
{
    ngx_str_t                       body;
    const agw_reason_info_t        *info;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    info = agw_reason_info(reason);

    ngx_http_agw_forget_caching(r);

    if (ngx_http_agw_refusal_begin(r, reason, challenge) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (reason == AGW_METHOD_NOT_ALLOWED
        && ngx_http_agw_add_header(r, "Allow", lcf->endpoint->methods)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (reason == AGW_STORE_UNAVAILABLE
        && ngx_http_agw_add_header(r, "Retry-After",
                                   NGX_HTTP_AGW_RETRY_AFTER)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (lcf->intercept_errors) {
        return info->status;
    }

    if (ngx_http_agw_refusal_body(r, reason, challenge, &body) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_agw_send_refusal(r, info->status, &body);
}


/* what every refusal does: result, log line, challenge */

static ngx_int_t
ngx_http_agw_refusal_begin(ngx_http_request_t *r, agw_reason_t reason,
    ngx_http_agw_challenge_t challenge)
{
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_agw_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ngx_http_agw_decide(ctx, reason);

    ngx_http_agw_log_refusal(r, ctx, reason);

    return ngx_http_agw_add_challenges(r, reason, challenge);
}


/* no text of a reason needs escaping */

static ngx_int_t
ngx_http_agw_refusal_body(ngx_http_request_t *r, agw_reason_t reason,
    ngx_http_agw_challenge_t challenge, ngx_str_t *body)
{
    u_char                         *p, *last;
    const char                     *error;
    const agw_reason_info_t        *info;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    info = agw_reason_info(reason);

    p = ngx_pnalloc(r->pool, NGX_HTTP_AGW_REFUSAL_SIZE);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;
    last = p + NGX_HTTP_AGW_REFUSAL_SIZE;

    switch (ngx_http_agw_refusal_format(lcf)) {

    case NGX_HTTP_AGW_FORMAT_THRED:
        p = ngx_slprintf(p, last, "{\"error\":\"%s\",\"error_code\":\"%s\","
                         "\"details\":{}}",
                         info->description, info->thred_code);
        break;

    case NGX_HTTP_AGW_FORMAT_LAYER:
        p = ngx_http_agw_api_error(p, last, info);
        p = ngx_slprintf(p, last, ",\"errors\":[");
        p = ngx_http_agw_api_error(p, last, info);
        p = ngx_slprintf(p, last, "}]}");
        break;

    default:
        error = info->error;

        if (reason == AGW_NO_CREDENTIALS
            && challenge != NGX_HTTP_AGW_BEARER)
        {
            error = "invalid_client";
        }

        p = ngx_slprintf(p, last, "{\"error\":\"%s\","
                         "\"error_description\":\"%s\"}",
                         error, info->description);
        break;
    }

    body->len = p - body->data;

    return NGX_OK;
}


/* an endpoint has OAuth errors if the format of its location is thred */

static ngx_uint_t
ngx_http_agw_refusal_format(const ngx_http_agw_loc_conf_t *lcf)
{
    if (lcf->error_format == NGX_HTTP_AGW_FORMAT_THRED
        && lcf->endpoint != NULL)
    {
        return NGX_HTTP_AGW_FORMAT_OAUTH2;
    }

    return lcf->error_format;
}


/*
 * Layer's ApiError, without its closing brackets: its API has the object as
 * the body, its browser library expects it in an array.
 */

static u_char *
ngx_http_agw_api_error(u_char *p, u_char *last, const agw_reason_info_t *info)
{
    p = ngx_slprintf(p, last, "{\"type\":\"%s\",\"description\":\"%s\"",
                     info->layer_type, info->description);

    if (info->layer_enum != NULL) {
        p = ngx_slprintf(p, last, ",\"error_enum\":\"%s\"",
                         info->layer_enum);
    }

    return ngx_slprintf(p, last, ",\"meta\":{}");
}


ngx_int_t
ngx_http_agw_unauthorized(ngx_http_request_t *r, agw_reason_t reason)
{
    ngx_http_agw_ctx_t  *ctx;

    if (ngx_http_agw_refusal_begin(r, reason, NGX_HTTP_AGW_BEARER)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    ctx->deferred = r->headers_out.www_authenticate;

    return NGX_HTTP_UNAUTHORIZED;
}
