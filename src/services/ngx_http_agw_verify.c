
/*
 * The clock and the configuration, for the pure part in core/.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_credentials.h"
#include "agw_jws.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_verify.h"


static agw_reason_t ngx_http_agw_verify_token(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx);
static agw_reason_t ngx_http_agw_verify_claims(const agw_claims_t *claims,
    const agw_key_t *key, const ngx_http_agw_srv_conf_t *sscf);


agw_reason_t
ngx_http_agw_verify(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx)
{
    if (!ctx->asked) {
        ctx->verified = ngx_http_agw_verify_token(r, ctx);
        ctx->asked = 1;
    }

    return ctx->verified;
}


agw_reason_t
ngx_http_agw_verify_now(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx)
{
    agw_reason_t                     reason;
    const ngx_http_agw_main_conf_t  *mcf;

    reason = ngx_http_agw_verify(r, ctx);

    if (reason != AGW_OK) {
        return reason;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    return agw_claims_check_time(&ctx->claims, mcf->leeway, ngx_time());
}


static agw_reason_t
ngx_http_agw_verify_token(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx)
{
    u_char                          buf[AGW_JWS_BUF_SIZE];
    agw_jws_t                       jws;
    agw_str_t                       token;
    agw_reason_t                    reason;
    const ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);

    if (r->headers_in.authorization == NULL) {
        return AGW_NO_CREDENTIALS;
    }

    reason = agw_bearer_parse(
                 ngx_http_agw_to_core(r->headers_in.authorization->value),
                 &token);

    if (reason != AGW_OK) {
        return reason;
    }

    if (sscf->keyring == NULL) {
        return AGW_UNKNOWN_KEY;
    }

    reason = agw_jws_verify(&jws, sscf->keyring, token, buf);

    ctx->key = jws.key;

    if (reason != AGW_OK) {
        return reason;
    }

    reason = agw_claims_read(&ctx->claims, jws.payload);

    if (reason != AGW_OK) {
        return reason;
    }

    /* signed by one of our keys: the log may name it, valid or not */

    ctx->partner_id = ngx_http_agw_from_core(ctx->claims.partner_id);

    return ngx_http_agw_verify_claims(&ctx->claims, jws.key, sscf);
}


/*
 * What another issuer signed carries its iss, what we signed never does; and
 * of its tokens those of a business are all that is accepted here.
 */

static agw_reason_t
ngx_http_agw_verify_claims(const agw_claims_t *claims, const agw_key_t *key,
    const ngx_http_agw_srv_conf_t *sscf)
{
    agw_str_t            issuer;
    agw_reason_t         reason;
    agw_claims_rules_t   rules;

    rules = sscf->rules;
    issuer = agw_key_issuer(key);

    if (issuer.len) {
        rules.issuer = issuer;
    }

    reason = agw_claims_check(claims, &rules, ngx_time());
    if (reason != AGW_OK) {
        return reason;
    }

    if (issuer.len) {
        return claims->kind == AGW_KIND_BUSINESS ? AGW_OK : AGW_WRONG_KIND;
    }

    return agw_keyring_has_issuer(sscf->keyring, claims->iss)
           ? AGW_WRONG_ISSUER : AGW_OK;
}
