
/*
 * Variables for the upstream and the log.  The first one that is used verifies
 * the token.  They are empty without a valid token, and in a request that goes
 * on though it should be refused.  A subrequest has those of the main request.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_grammar.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_enforce.h"
#include "ngx_http_agw_event.h"
#include "ngx_http_agw_str.h"
#include "ngx_http_agw_variables.h"
#include "ngx_http_agw_verify.h"


#define NGX_HTTP_AGW_CLAIM_PREFIX  "auth_gateway_claim_"


typedef enum {
    NGX_HTTP_AGW_VAR_PARTNER_ID = 0,
    NGX_HTTP_AGW_VAR_BUSINESS_ID,
    NGX_HTTP_AGW_VAR_SCOPE,
    NGX_HTTP_AGW_VAR_TOKEN_ID,
    NGX_HTTP_AGW_VAR_TOKEN_KIND,
    NGX_HTTP_AGW_VAR_KEY_ID,
    NGX_HTTP_AGW_VAR_EXPIRES
} ngx_http_agw_var_t;


typedef enum {
    NGX_HTTP_AGW_VAR_EVENT = 0,
    NGX_HTTP_AGW_VAR_EVENT_PARTNER_ID,
    NGX_HTTP_AGW_VAR_EVENT_BUSINESS_ID,
    NGX_HTTP_AGW_VAR_EVENT_TOKEN_ID
} ngx_http_agw_event_var_t;


static ngx_int_t ngx_http_agw_token_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_agw_claim_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_agw_result_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_agw_event_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_agw_authorization_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_uint_t ngx_http_agw_lets_through(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx);
static ngx_int_t ngx_http_agw_upgrade_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static const ngx_http_agw_ctx_t *ngx_http_agw_decision(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_agw_identity(ngx_http_request_t *r,
    ngx_http_agw_ctx_t **ctx);
static ngx_uint_t ngx_http_agw_is_withheld(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx);
static ngx_int_t ngx_http_agw_expires(ngx_http_request_t *r, int64_t expires,
    agw_str_t *text);
static void ngx_http_agw_set_value(ngx_http_variable_value_t *v,
    agw_str_t text);


static ngx_http_variable_t  ngx_http_agw_variables[] = {

    { ngx_string("auth_gateway_partner_id"), NULL,
      ngx_http_agw_token_variable, NGX_HTTP_AGW_VAR_PARTNER_ID,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("auth_gateway_business_id"), NULL,
      ngx_http_agw_token_variable, NGX_HTTP_AGW_VAR_BUSINESS_ID,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("auth_gateway_scope"), NULL,
      ngx_http_agw_token_variable, NGX_HTTP_AGW_VAR_SCOPE,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("auth_gateway_token_id"), NULL,
      ngx_http_agw_token_variable, NGX_HTTP_AGW_VAR_TOKEN_ID,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("auth_gateway_token_kind"), NULL,
      ngx_http_agw_token_variable, NGX_HTTP_AGW_VAR_TOKEN_KIND,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("auth_gateway_key_id"), NULL,
      ngx_http_agw_token_variable, NGX_HTTP_AGW_VAR_KEY_ID,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("auth_gateway_expires"), NULL,
      ngx_http_agw_token_variable, NGX_HTTP_AGW_VAR_EXPIRES,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string(NGX_HTTP_AGW_CLAIM_PREFIX), NULL,
      ngx_http_agw_claim_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE|NGX_HTTP_VAR_PREFIX, 0 },

    { ngx_string("auth_gateway_result"), NULL,
      ngx_http_agw_result_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("auth_gateway_event"), NULL,
      ngx_http_agw_event_variable, NGX_HTTP_AGW_VAR_EVENT,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("auth_gateway_event_partner_id"), NULL,
      ngx_http_agw_event_variable, NGX_HTTP_AGW_VAR_EVENT_PARTNER_ID,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("auth_gateway_event_business_id"), NULL,
      ngx_http_agw_event_variable, NGX_HTTP_AGW_VAR_EVENT_BUSINESS_ID,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("auth_gateway_event_token_id"), NULL,
      ngx_http_agw_event_variable, NGX_HTTP_AGW_VAR_EVENT_TOKEN_ID,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("auth_gateway_authorization"), NULL,
      ngx_http_agw_authorization_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("auth_gateway_upgrade"), NULL,
      ngx_http_agw_upgrade_variable, (uintptr_t) "websocket",
      0, 0 },

    { ngx_string("auth_gateway_connection"), NULL,
      ngx_http_agw_upgrade_variable, (uintptr_t) "upgrade",
      0, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_agw_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_agw_variables; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_token_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_int_t               rc;
    agw_str_t               text;
    ngx_http_agw_ctx_t     *ctx;
    static const agw_str_t  kinds[] = {
        [AGW_KIND_PARTNER] = agw_string("partner"),
        [AGW_KIND_BUSINESS] = agw_string("business")
    };

    v->not_found = 1;

    rc = ngx_http_agw_identity(r, &ctx);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    switch ((ngx_http_agw_var_t) data) {

    case NGX_HTTP_AGW_VAR_PARTNER_ID:
        text = ctx->claims->partner_id;
        break;

    case NGX_HTTP_AGW_VAR_BUSINESS_ID:
        text = ctx->business_id.len ? ngx_http_agw_to_core(ctx->business_id)
                                    : ctx->claims->business_id;
        break;

    case NGX_HTTP_AGW_VAR_SCOPE:
        text = ctx->claims->scope;
        break;

    case NGX_HTTP_AGW_VAR_TOKEN_ID:
        text = ctx->claims->jti;
        break;

    case NGX_HTTP_AGW_VAR_TOKEN_KIND:
        text = kinds[ctx->claims->kind];
        break;

    case NGX_HTTP_AGW_VAR_KEY_ID:
        text = agw_key_kid(ctx->key);
        break;

    default:                         /* NGX_HTTP_AGW_VAR_EXPIRES */

        if (ngx_http_agw_expires(r, ctx->claims->exp, &text) != NGX_OK) {
            return NGX_ERROR;
        }

        break;
    }

    ngx_http_agw_set_value(v, text);

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_claim_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char              *buf;
    json_t              *json;
    ngx_int_t            rc;
    agw_str_t            name;
    ngx_str_t           *var = (ngx_str_t *) data;
    ngx_http_agw_ctx_t  *ctx;

    v->not_found = 1;

    rc = ngx_http_agw_identity(r, &ctx);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    buf = ngx_pnalloc(r->pool, AGW_CLAIM_BUF_SIZE);
    json = ngx_http_agw_claims_json(r, ctx);

    if (buf == NULL || json == NULL) {
        return NGX_ERROR;
    }

    name.data = var->data + sizeof(NGX_HTTP_AGW_CLAIM_PREFIX) - 1;
    name.len = var->len - (sizeof(NGX_HTTP_AGW_CLAIM_PREFIX) - 1);

    ngx_http_agw_set_value(v, agw_claim_text(json, name, buf));

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_result_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    agw_str_t                  text;
    const char                *name;
    const ngx_http_agw_ctx_t  *ctx;

    v->not_found = 1;

    ctx = ngx_http_agw_decision(r);

    if (ctx == NULL) {
        return NGX_OK;
    }

    name = agw_reason_info(ctx->result)->name;

    text.data = (const u_char *) name;
    text.len = ngx_strlen(name);

    ngx_http_agw_set_value(v, text);

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_event_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    agw_str_t                  text;
    const ngx_http_agw_ctx_t  *ctx;

    v->not_found = 1;

    ctx = ngx_http_agw_decision(r);

    if (ctx == NULL) {
        return NGX_OK;
    }

    text = ngx_http_agw_event(ctx);

    if (text.len == 0) {
        return NGX_OK;
    }

    switch ((ngx_http_agw_event_var_t) data) {

    case NGX_HTTP_AGW_VAR_EVENT_PARTNER_ID:
        text = ngx_http_agw_event_partner_id(ctx);
        break;

    case NGX_HTTP_AGW_VAR_EVENT_BUSINESS_ID:
        text = ngx_http_agw_event_business_id(ctx);
        break;

    case NGX_HTTP_AGW_VAR_EVENT_TOKEN_ID:
        text = ngx_http_agw_to_core(ctx->event_token_id);
        break;

    default:                         /* NGX_HTTP_AGW_VAR_EVENT */
        break;
    }

    ngx_http_agw_set_value(v, text);

    return NGX_OK;
}


/*
 * For an upstream that goes on checking the header by itself, as long as the
 * location does not refuse what it should; not for the error page of a refusal.
 */

static ngx_int_t
ngx_http_agw_authorization_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_agw_ctx_t        *ctx;
    const ngx_http_agw_ctx_t  *decision;

    v->not_found = 1;

    r = r->main;

    if (!ngx_http_agw_may_be_lenient(r)
        || r->headers_in.authorization == NULL)
    {
        return NGX_OK;
    }

    ctx = ngx_http_agw_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    decision = ngx_http_agw_last_decision(r);

    if (decision != NULL && decision->result != AGW_OK
        && !decision->would_refuse && !decision->overruled)
    {
        return NGX_OK;
    }

    if (ctx->would_refuse || ngx_http_agw_lets_through(r, ctx)) {
        ngx_http_agw_set_value(v,
                 ngx_http_agw_to_core(r->headers_in.authorization->value));
    }

    return NGX_OK;
}


/*
 * Whether the location would let a request through that it has not refused.  A
 * variable is not asked before the access phase: there is no result yet, and a
 * `map` of it would keep its answer.
 */

static ngx_uint_t
ngx_http_agw_lets_through(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx)
{
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    if (lcf->enforce == NGX_HTTP_AGW_ENFORCE_VARIABLE
        && !ctx->passed && !ctx->doubtful && !ctx->overruled)
    {
        return 0;
    }

    return ngx_http_agw_is_lenient(r, ctx);
}


/*
 * "websocket" is the only protocol that a client may switch to (RFC 6455,
 * section 4.1).  HTTP/2 has no such header (RFC 9113, section 8.2.2).
 */

static ngx_int_t
ngx_http_agw_upgrade_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    agw_str_t               text;
    ngx_table_elt_t        *upgrade;
    static const agw_str_t  websocket = agw_string("websocket");

    v->not_found = 1;

    upgrade = r->headers_in.upgrade;

    if (upgrade == NULL || r->http_version != NGX_HTTP_VERSION_11
        || !agw_same_nocase(ngx_http_agw_to_core(upgrade->value), websocket))
    {
        return NGX_OK;
    }

    text.data = (const u_char *) data;
    text.len = ngx_strlen(text.data);

    ngx_http_agw_set_value(v, text);

    return NGX_OK;
}


/* for the log; a subrequest that decided nothing has the main request's */

static const ngx_http_agw_ctx_t *
ngx_http_agw_decision(ngx_http_request_t *r)
{
    const ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_agw_last_decision(r);

    if (ctx == NULL && r != r->main) {
        ctx = ngx_http_agw_last_decision(r->main);
    }

    return ctx;
}


/*
 * Returns NGX_OK and the context with the claims, NGX_DECLINED if there is no
 * verified token, or NGX_ERROR.  nginx runs no access phase for a subrequest,
 * so it has the identity of the main request; but none if that was refused,
 * and its error page makes the subrequest.
 */

static ngx_int_t
ngx_http_agw_identity(ngx_http_request_t *r, ngx_http_agw_ctx_t **ctx)
{
    ngx_uint_t                 is_main;
    const ngx_http_agw_ctx_t  *decision;

    is_main = (r == r->main);
    r = r->main;

    *ctx = ngx_http_agw_ctx(r);
    if (*ctx == NULL) {
        return NGX_ERROR;
    }

    if (!is_main && !(*ctx)->passed) {
        decision = ngx_http_agw_last_decision(r);

        if (decision != NULL && decision->result != AGW_OK) {
            return NGX_DECLINED;
        }
    }

    if (ngx_http_agw_is_withheld(r, *ctx)) {
        return NGX_DECLINED;
    }

    return ngx_http_agw_verify(r, *ctx) == AGW_OK ? NGX_OK : NGX_DECLINED;
}


/*
 * Whether the request goes on though it would be refused, or may yet do so: an
 * identity that an earlier phase has kept, in a `map` say, would go upstream.
 */

static ngx_uint_t
ngx_http_agw_is_withheld(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx)
{
    if (ctx->would_refuse) {
        return 1;
    }

    if (ctx->passed || ctx->choosing) {
        return 0;
    }

    return ctx->doubtful
           || (!ctx->decided && ngx_http_agw_may_be_lenient(r));
}


static ngx_int_t
ngx_http_agw_expires(ngx_http_request_t *r, int64_t expires, agw_str_t *text)
{
    u_char  *p;

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;
    text->len = ngx_sprintf(p, "%L", expires) - p;

    return NGX_OK;
}


/* an empty variable is "not found", so that no header is sent */

static void
ngx_http_agw_set_value(ngx_http_variable_value_t *v, agw_str_t text)
{
    if (text.len == 0) {
        return;
    }

    v->data = (u_char *) text.data;
    v->len = text.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
}
