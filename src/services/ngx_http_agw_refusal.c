
/*
 * Refusals: one reason becomes a status, a challenge, a body and a line of
 * the log.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_reason.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_refusal.h"
#include "ngx_http_agw_response.h"


#define NGX_HTTP_AGW_RETRY_AFTER   1         /* seconds */

/* more than any row of the table, twice; bytes */

#define NGX_HTTP_AGW_REFUSAL_SIZE  1024

/* more than any fault of core/, and than a number and its words */

#define NGX_HTTP_AGW_FAULT_SIZE    128


static ngx_int_t ngx_http_agw_refusal_body(ngx_http_request_t *r,
    agw_reason_t reason, ngx_http_agw_challenge_t challenge,
    ngx_str_t *body);
static ngx_uint_t ngx_http_agw_refusal_format(
    const ngx_http_agw_loc_conf_t *lcf);
static u_char *ngx_http_agw_api_error(u_char *p, u_char *last,
    const agw_reason_info_t *info);
static ngx_int_t ngx_http_agw_log_refusal(ngx_http_request_t *r,
    agw_reason_t reason);
static ngx_str_t ngx_http_agw_request_id(ngx_http_request_t *r);
static ngx_str_t ngx_http_agw_fault(const ngx_http_agw_ctx_t *ctx,
    agw_reason_t reason, u_char *buf);
static ngx_int_t ngx_http_agw_challenge(ngx_http_request_t *r,
    agw_reason_t reason, ngx_http_agw_challenge_t challenge);
static ngx_int_t ngx_http_agw_add_retry_after(ngx_http_request_t *r);
static ngx_int_t ngx_http_agw_basic_challenge(ngx_http_request_t *r,
    ngx_str_t *value);
static ngx_int_t ngx_http_agw_bearer_challenge(ngx_http_request_t *r,
    agw_reason_t reason, ngx_str_t *value);


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

    if (ngx_http_agw_log_refusal(r, reason) != NGX_OK
        || ngx_http_agw_challenge(r, reason, challenge) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (reason == AGW_METHOD_NOT_ALLOWED
        && ngx_http_agw_add_header(r, "Allow", lcf->endpoint->methods)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (reason == AGW_STORE_UNAVAILABLE
        && ngx_http_agw_add_retry_after(r) != NGX_OK)
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


/* nothing in the table needs escaping */

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


/* a token request is OAuth's own, also where the resources are of thred */

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
 * Layer's ApiError, which is left open: its API has one as the body, its
 * browser library looks for one in an array.
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

    if (ngx_http_agw_log_refusal(r, reason) != NGX_OK
        || ngx_http_agw_challenge(r, reason, NGX_HTTP_AGW_BEARER) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    ctx->deferred = r->headers_out.www_authenticate;

    return NGX_HTTP_UNAUTHORIZED;
}


/* one line a refusal, in which nothing is the client's text */

static ngx_int_t
ngx_http_agw_log_refusal(ngx_http_request_t *r, agw_reason_t reason)
{
    u_char                     buf[NGX_HTTP_AGW_FAULT_SIZE];
    ngx_log_t                 *log;
    ngx_str_t                  fault, kid, partner, id;
    ngx_http_agw_ctx_t        *ctx;
    ngx_http_core_srv_conf_t  *cscf;

    ctx = ngx_http_agw_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ctx->result = reason;
    ctx->decided = 1;

    fault = ngx_http_agw_fault(ctx, reason, buf);

    ngx_str_set(&kid, "-");
    ngx_str_set(&partner, "-");

    if (ctx->key != NULL) {
        kid = ngx_http_agw_from_core(agw_key_kid(ctx->key));
    }

    if (ctx->partner_id.len) {
        partner = ctx->partner_id;
    }

    id = ngx_http_agw_request_id(r);

    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    log = ngx_http_agw_log(r);

    ngx_log_error(NGX_LOG_INFO, log, 0,
                  "auth_gateway: refused, reason: %s%V, kid: %V, "
                  "partner: %V, request_id: %V, client: %V, server: %V",
                  agw_reason_info(reason)->name, &fault, &kid, &partner,
                  &id, &r->connection->addr_text, &cscf->server_name);

    return NGX_OK;
}


/* indexed, so that it is the same wherever else the request is logged */

static ngx_str_t
ngx_http_agw_request_id(ngx_http_request_t *r)
{
    ngx_str_t                        id;
    ngx_http_variable_value_t       *value;
    const ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    value = ngx_http_get_indexed_variable(r, mcf->request_id);

    if (value == NULL || value->not_found) {
        ngx_str_set(&id, "-");
        return id;
    }

    id.data = value->data;
    id.len = value->len;

    return id;
}


/* what about the claims or the API key, in brackets, if that is the reason */

static ngx_str_t
ngx_http_agw_fault(const ngx_http_agw_ctx_t *ctx, agw_reason_t reason,
    u_char *buf)
{
    u_char              *p, *last;
    ngx_str_t            fault;
    const agw_claims_t  *claims;

    p = buf;
    last = buf + NGX_HTTP_AGW_FAULT_SIZE;

    if ((reason == AGW_MALFORMED_CLAIMS || reason == AGW_INVALID_CLIENT)
        && ctx->fault != NULL)
    {
        p = ngx_slprintf(p, last, " (%s)", ctx->fault);
    }

    if (reason == AGW_LIFETIME_EXCEEDED && ctx->token != NULL) {
        claims = &ctx->token->claims;
        p = ngx_slprintf(p, last, " (life of %L s is over "
                         "auth_gateway_max_lifetime)",
                         claims->exp - claims->iat);
    }

    fault.data = buf;
    fault.len = p - buf;

    return fault;
}


static ngx_int_t
ngx_http_agw_add_retry_after(ngx_http_request_t *r)
{
    ngx_str_t  value;

    value.data = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "%T", (time_t) NGX_HTTP_AGW_RETRY_AFTER)
                - value.data;

    return ngx_http_agw_push_header(r, "Retry-After", &value) ? NGX_OK
                                                              : NGX_ERROR;
}


/*
 * A 401 always has one (RFC 9110, section 15.5.2), a 403 and a 400 only
 * where the token is what they are about.
 */

static ngx_int_t
ngx_http_agw_challenge(ngx_http_request_t *r, agw_reason_t reason,
    ngx_http_agw_challenge_t challenge)
{
    ngx_str_t                 value;
    ngx_table_elt_t          *header;
    const agw_reason_info_t  *info;

    /* those of a pass which led to this one */

    ngx_http_agw_forget_challenges(r);

    info = agw_reason_info(reason);

    if (info->status != NGX_HTTP_UNAUTHORIZED
        && (challenge == NGX_HTTP_AGW_BASIC
            || (reason != AGW_MALFORMED_CREDENTIALS
                && reason != AGW_WRONG_KIND
                && reason != AGW_INSUFFICIENT_SCOPE
                && reason != AGW_WRONG_BUSINESS)))
    {
        return NGX_OK;
    }

    header = NULL;

    if (challenge != NGX_HTTP_AGW_BEARER
        && ngx_http_agw_basic_challenge(r, &value) == NGX_OK)
    {
        header = ngx_http_agw_push_header(r, "WWW-Authenticate", &value);

        if (header == NULL) {
            return NGX_ERROR;
        }
    }

    if (challenge != NGX_HTTP_AGW_BASIC
        && ngx_http_agw_bearer_challenge(r, reason, &value) == NGX_OK)
    {
        header = ngx_http_agw_push_header(r, "WWW-Authenticate", &value);
    }

    /* here nginx finds it, should another module satisfy the request */

    r->headers_out.www_authenticate = header;

    return header ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_agw_basic_challenge(ngx_http_request_t *r, ngx_str_t *value)
{
    u_char                         *end;
    size_t                          size;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    size = sizeof("Basic realm=\"\"") + lcf->realm.len;

    value->data = ngx_pnalloc(r->pool, size);
    if (value->data == NULL) {
        return NGX_ERROR;
    }

    end = ngx_snprintf(value->data, size, "Basic realm=\"%V\"", &lcf->realm);
    value->len = end - value->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_bearer_challenge(ngx_http_request_t *r, agw_reason_t reason,
    ngx_str_t *value)
{
    u_char                         *p, *last;
    size_t                          size;
    const agw_reason_info_t        *info;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    info = agw_reason_info(reason);

    size = sizeof("Bearer realm=\"\", error=\"\", error_description=\"\", "
                  "scope=\"\"")
           + lcf->realm.len + lcf->scope.len
           + ngx_strlen(info->error) + ngx_strlen(info->description);

    value->data = ngx_pnalloc(r->pool, size);
    if (value->data == NULL) {
        return NGX_ERROR;
    }

    last = value->data + size;
    p = ngx_slprintf(value->data, last, "Bearer realm=\"%V\"", &lcf->realm);

    /* no credentials at all: nothing more is said (RFC 6750, section 3.1) */

    if (reason != AGW_NO_CREDENTIALS) {
        p = ngx_slprintf(p, last, ", error=\"%s\"", info->error);
    }

    if (reason != AGW_NO_CREDENTIALS
        && info->status == NGX_HTTP_UNAUTHORIZED)
    {
        p = ngx_slprintf(p, last, ", error_description=\"%s\"",
                         info->description);
    }

    if (info->status == NGX_HTTP_FORBIDDEN
        && (lcf->require & AGW_REQUIRE_BUSINESS) && lcf->endpoint == NULL)
    {
        p = ngx_slprintf(p, last, ", scope=\"%V\"", &lcf->scope);
    }

    value->len = p - value->data;

    return NGX_OK;
}
