
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_grammar.h"
#include "agw_url.h"
#include "ngx_http_agw_client_certificate.h"
#include "ngx_http_agw_exchange.h"
#include "ngx_http_agw_str.h"
#include "ngx_http_agw_verify.h"


struct ngx_http_agw_subject_s {
    agw_str_t                 token;
    agw_str_t                 business_id;   /* that is asked for */
    agw_claims_t              claims;
    const agw_key_t          *key;
};


static agw_reason_t ngx_http_agw_exchange_types(const agw_params_t *params,
    agw_str_t *token);
static agw_reason_t ngx_http_agw_exchange_target(ngx_http_request_t *r,
    const agw_params_t *params, agw_str_t *business_id);
static agw_reason_t ngx_http_agw_exchange_resource(ngx_http_request_t *r,
    agw_str_t resource, agw_str_t *business_id);
static agw_reason_t ngx_http_agw_subject_fault(ngx_http_agw_ctx_t *ctx,
    agw_reason_t reason);
static void ngx_http_agw_subject_done(void *data);


agw_reason_t
ngx_http_agw_read_exchange(ngx_http_request_t *r, const agw_params_t *params)
{
    agw_reason_t              reason;
    ngx_http_agw_ctx_t       *ctx;
    ngx_pool_cleanup_t       *cln;
    ngx_http_agw_subject_t   *subject;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_agw_subject_t));
    if (cln == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    subject = cln->data;
    ngx_memzero(subject, sizeof(ngx_http_agw_subject_t));

    cln->handler = ngx_http_agw_subject_done;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    ctx->subject = subject;

    reason = ngx_http_agw_exchange_types(params, &subject->token);

    if (reason == AGW_OK) {
        reason = ngx_http_agw_exchange_target(r, params,
                                              &subject->business_id);
    }

    return reason;
}


/* RFC 8693, section 2.1; nobody acts for another here */

static agw_reason_t
ngx_http_agw_exchange_types(const agw_params_t *params, agw_str_t *token)
{
    agw_str_t               type, requested, actor, actor_type;
    static const agw_str_t  access_token =
                                agw_string(NGX_HTTP_AGW_ACCESS_TOKEN);
    static const agw_str_t  jwt =
                       agw_string("urn:ietf:params:oauth:token-type:jwt");

    if (agw_params_text(params, "subject_token", token) != 0
        || agw_params_text(params, "subject_token_type", &type) != 0
        || agw_params_text(params, "requested_token_type", &requested) != 0
        || agw_params_text(params, "actor_token", &actor) != 0
        || agw_params_text(params, "actor_token_type", &actor_type) != 0)
    {
        return AGW_INVALID_REQUEST;
    }

    if (token->len == 0 || actor.len || actor_type.len
        || (requested.len && !agw_str_eq(requested, access_token)))
    {
        return AGW_INVALID_REQUEST;
    }

    return (agw_str_eq(type, access_token) || agw_str_eq(type, jwt))
           ? AGW_OK : AGW_INVALID_REQUEST;
}


/* both may be there, if they name the same business */

static agw_reason_t
ngx_http_agw_exchange_target(ngx_http_request_t *r,
    const agw_params_t *params, agw_str_t *business_id)
{
    agw_str_t     resource, audience;
    agw_reason_t  reason;

    if (agw_params_text(params, "resource", &resource) != 0
        || agw_params_text(params, "audience", &audience) != 0
        || (resource.len == 0 && audience.len == 0))
    {
        return AGW_INVALID_REQUEST;
    }

    if (audience.len && !agw_is_id(audience)) {
        return AGW_INVALID_TARGET;
    }

    *business_id = audience;

    if (resource.len == 0) {
        return AGW_OK;
    }

    reason = ngx_http_agw_exchange_resource(r, resource, business_id);

    if (reason == AGW_OK && audience.len
        && !agw_str_eq(*business_id, audience))
    {
        reason = AGW_INVALID_TARGET;
    }

    return reason;
}


/*
 * The URL of the business itself, by the templates of the guarded paths.  The
 * whole path must match: so a less specific template names nothing.
 */

static agw_reason_t
ngx_http_agw_exchange_resource(ngx_http_request_t *r, agw_str_t resource,
    agw_str_t *business_id)
{
    agw_str_t                       origin, path, id, found;
    ngx_uint_t                      i;
    agw_reason_t                    reason;
    const agw_template_t           *templates;
    const ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);

    if (sscf->templates == NULL
        || agw_url_split(ngx_http_agw_to_core(sscf->issuer), &origin, &path)
           != 0
        || agw_url_resource(resource, origin, &path) != 0)
    {
        return AGW_INVALID_TARGET;
    }

    templates = sscf->templates->elts;
    found.len = 0;
    found.data = NULL;

    for (i = 0; i < sscf->templates->nelts; i++) {
        reason = agw_template_match(&templates[i], AGW_MATCH_WHOLE, path, &id);

        if (reason == AGW_NO_BUSINESS_IN_PATH) {
            continue;
        }

        if (reason != AGW_OK || (found.len && !agw_str_eq(found, id))) {
            return AGW_INVALID_TARGET;
        }

        found = id;
    }

    if (found.len == 0) {
        return AGW_INVALID_TARGET;
    }

    *business_id = found;

    return AGW_OK;
}


agw_reason_t
ngx_http_agw_verify_subject(ngx_http_request_t *r, agw_str_t partner_id)
{
    agw_reason_t             reason;
    ngx_http_agw_ctx_t      *ctx;
    ngx_http_agw_subject_t  *subject;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    subject = ctx->subject;

    reason = ngx_http_agw_verify_other(r, subject->token, &subject->claims,
                                       &subject->key);

    if (reason != AGW_OK) {
        return ngx_http_agw_subject_fault(ctx, reason);
    }

    /* another issuer's token is a business token, or of the wrong kind */

    if (subject->claims.kind != AGW_KIND_PARTNER) {
        return ngx_http_agw_subject_fault(ctx, AGW_WRONG_KIND);
    }

    if (!agw_str_eq(subject->claims.partner_id, partner_id)) {
        ctx->fault = "another partner's";
        return AGW_INVALID_REQUEST;
    }

    return ngx_http_agw_verify_subject_again(r);
}


agw_reason_t
ngx_http_agw_verify_subject_again(ngx_http_request_t *r)
{
    agw_reason_t             reason;
    ngx_http_agw_ctx_t      *ctx;
    ngx_http_agw_subject_t  *subject;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    subject = ctx->subject;

    reason = ngx_http_agw_verify_claims(r, &subject->claims, subject->key);

    if (reason == AGW_OK) {
        reason = ngx_http_agw_check_binding(r, ctx, &subject->claims);
    }

    return reason == AGW_OK ? AGW_OK : ngx_http_agw_subject_fault(ctx, reason);
}


agw_str_t
ngx_http_agw_subject_business(const ngx_http_agw_ctx_t *ctx)
{
    return ctx->subject->business_id;
}


const agw_claims_t *
ngx_http_agw_subject_claims(const ngx_http_agw_ctx_t *ctx)
{
    return &ctx->subject->claims;
}


agw_reason_t
ngx_http_agw_exchange_reason(ngx_http_request_t *r, agw_reason_t reason)
{
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    switch (reason) {

    case AGW_REVOKED:
        return ngx_http_agw_subject_fault(ctx, reason);

    case AGW_UNKNOWN_BUSINESS:
    case AGW_NOT_OWNER:
    case AGW_ARCHIVED_BUSINESS:
        ctx->fault = agw_reason_info(reason)->name;
        return AGW_INVALID_TARGET;

    default:
        return reason;
    }
}


static agw_reason_t
ngx_http_agw_subject_fault(ngx_http_agw_ctx_t *ctx, agw_reason_t reason)
{
    if (reason == AGW_INTERNAL_ERROR || reason == AGW_STORE_UNAVAILABLE) {
        return reason;
    }

    ctx->fault = agw_reason_info(reason)->name;

    return AGW_INVALID_REQUEST;
}


static void
ngx_http_agw_subject_done(void *data)
{
    ngx_http_agw_subject_t *subject = data;

    agw_claims_done(&subject->claims);
}
