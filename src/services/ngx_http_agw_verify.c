
/*
 * The pure functions of core/ are called with the clock and the configuration.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <jansson.h>

#include "agw_credentials.h"
#include "agw_json.h"
#include "agw_jws.h"
#include "ngx_http_agw_client_certificate.h"
#include "ngx_http_agw_counters.h"
#include "ngx_http_agw_log.h"
#include "ngx_http_agw_revocations.h"
#include "ngx_http_agw_str.h"
#include "ngx_http_agw_verify.h"


typedef agw_reason_t (*ngx_http_agw_read_claims_pt)(agw_claims_t *claims,
    agw_str_t payload);


static agw_reason_t ngx_http_agw_verify_token(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx);
static agw_reason_t ngx_http_agw_verify_new(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx, agw_str_t token);
static agw_reason_t ngx_http_agw_verify_keep(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx, agw_str_t token, agw_claims_t *claims);
static agw_reason_t ngx_http_agw_verify_signed(ngx_http_request_t *r,
    agw_str_t token, u_char *buf, ngx_http_agw_read_claims_pt read_claims,
    agw_jws_t *jws, agw_claims_t *claims);
static agw_reason_t ngx_http_agw_verify_again(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx);
static agw_reason_t ngx_http_agw_verify_rules(ngx_http_request_t *r,
    agw_claims_t *claims, const agw_key_t *key);
static agw_reason_t ngx_http_agw_verify_standing(ngx_http_request_t *r,
    const agw_claims_t *claims, const agw_key_t *key, uint64_t *generation);
static void ngx_http_agw_hold_token(ngx_http_agw_ctx_t *ctx,
    agw_verified_t *token);


agw_reason_t
ngx_http_agw_verify(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx)
{
    if (!ctx->token_checked) {
        ctx->token_reason = ngx_http_agw_verify_token(r, ctx);
        ctx->token_checked = 1;

        if (ctx->token_reason == AGW_OK) {
            ctx->claims = &ctx->token->claims;
        }
    }

    return ctx->token_reason;
}


agw_reason_t
ngx_http_agw_verify_now(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx)
{
    if (!ctx->token_checked || ctx->token_reason != AGW_OK) {
        return ngx_http_agw_verify(r, ctx);
    }

    return ngx_http_agw_verify_again(r, ctx);
}


json_t *
ngx_http_agw_claims_json(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx)
{
    u_char       buf[AGW_JWS_BUF_SIZE];
    agw_str_t    payload;
    ngx_log_t   *log;
    const char  *fault;

    if (ctx->json != NULL) {
        return ctx->json;
    }

    if (agw_jws_payload(ctx->token->token, buf, &payload) != 0) {
        return NULL;
    }

    ctx->json = agw_json_object(payload, &fault);

    if (ctx->json == NULL && fault == agw_json_no_memory) {
        log = ngx_http_agw_log(r);

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: no memory to read a token");
    }

    return ctx->json;
}


agw_reason_t
ngx_http_agw_verify_other(ngx_http_request_t *r, agw_str_t token,
    agw_claims_t *claims, const agw_key_t **key)
{
    u_char        buf[AGW_JWS_BUF_SIZE];
    agw_jws_t     jws;
    agw_reason_t  reason;

    ngx_memzero(claims, sizeof(agw_claims_t));

    /* buf goes out of scope, so claims->json has to own the strings */

    reason = ngx_http_agw_verify_signed(r, token, buf, agw_claims_read_json,
                                        &jws, claims);
    *key = jws.key;

    return reason;
}


/* a cached token is a b64token, since these bytes were accepted before */

static agw_reason_t
ngx_http_agw_verify_token(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx)
{
    agw_str_t                        token;
    agw_reason_t                     reason;
    agw_verified_t                  *verified;
    const ngx_http_agw_srv_conf_t   *sscf;
    const ngx_http_agw_main_conf_t  *mcf;

    if (r->headers_in.authorization == NULL) {
        return AGW_NO_CREDENTIALS;
    }

    reason = agw_bearer_split(
                 ngx_http_agw_to_core(r->headers_in.authorization->value),
                 &token);

    if (reason != AGW_OK) {
        return reason;
    }

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    /* the cache is for requests: an explanation verifies the token anew */

    if (ctx->explanation != NULL) {
        return ngx_http_agw_verify_new(r, ctx, token);
    }

    verified = agw_token_cache_find(mcf->cache, sscf->verified_under, token);

    if (verified == NULL) {
        ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                       "auth_gateway token cache: miss");

        if (mcf->cache != NULL) {
            ngx_http_agw_count(NGX_HTTP_AGW_COUNT_CACHE_MISSES);
        }

        return ngx_http_agw_verify_new(r, ctx, token);
    }

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "auth_gateway token cache: hit");

    ngx_http_agw_count(NGX_HTTP_AGW_COUNT_CACHE_HITS);

    ngx_http_agw_hold_token(ctx, verified);

    return ngx_http_agw_verify_again(r, ctx);
}


/* at first sight */

static agw_reason_t
ngx_http_agw_verify_new(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx,
    agw_str_t token)
{
    u_char        buf[AGW_JWS_BUF_SIZE];
    agw_jws_t     jws;
    agw_claims_t  claims;
    agw_reason_t  reason;

    reason = ngx_http_agw_verify_signed(r, token, buf, agw_claims_read, &jws,
                                        &claims);

    if (reason == AGW_OK) {
        ctx->key = jws.key;

        reason = ngx_http_agw_verify_keep(r, ctx, token, &claims);

        agw_claims_done(&claims);

        return reason;
    }

    /* a malformed token has no valid signature: its form is the reason */

    if (agw_bearer_parse(
                 ngx_http_agw_to_core(r->headers_in.authorization->value),
                 &token)
        != AGW_OK)
    {
        return AGW_MALFORMED_CREDENTIALS;
    }

    ctx->key = jws.key;

    if (reason == AGW_MALFORMED_CLAIMS) {
        ctx->fault = claims.fault;
    }

    return reason;
}


/*
 * Keeps a reference to the token even if it is refused, so that the log can
 * name its partner; but caches it only if it is accepted.
 */

static agw_reason_t
ngx_http_agw_verify_keep(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx,
    agw_str_t token, agw_claims_t *claims)
{
    uint64_t                         generation;
    ngx_log_t                       *log;
    agw_reason_t                     reason;
    agw_verified_t                  *verified;
    const ngx_http_agw_srv_conf_t   *sscf;
    const ngx_http_agw_main_conf_t  *mcf;

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    generation = 0;
    reason = ngx_http_agw_verify_rules(r, claims, ctx->key);

    ctx->fault = claims->fault;

    if (reason == AGW_OK) {
        reason = ngx_http_agw_check_binding(r, ctx, claims);
    }

    if (reason == AGW_OK) {
        reason = ngx_http_agw_verify_standing(r, claims, ctx->key,
                                              &generation);
    }

    verified = agw_verified_create(sscf->verified_under, ctx->key, token,
                                   claims);

    if (verified == NULL) {
        log = ngx_http_agw_log(r);

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: no memory for a token");
        return AGW_INTERNAL_ERROR;
    }

    verified->generation = generation;

    ngx_http_agw_hold_token(ctx, verified);

    if (reason == AGW_OK && ctx->explanation == NULL
        && agw_token_cache_add(mcf->cache, verified))
    {
        ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                       "auth_gateway token cache: stored");
    }

    return reason;
}


/*
 * Verifies the signature and reads the claims, but does not check times,
 * issuer and audience.  jws->key is NULL, or the key that the token names.
 * After AGW_OK the caller has to call agw_claims_done().
 */

static agw_reason_t
ngx_http_agw_verify_signed(ngx_http_request_t *r, agw_str_t token,
    u_char *buf, ngx_http_agw_read_claims_pt read_claims, agw_jws_t *jws,
    agw_claims_t *claims)
{
    ngx_log_t                      *log;
    agw_reason_t                    reason;
    const ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);

    jws->key = NULL;

    if (sscf->keyring == NULL) {
        return AGW_UNKNOWN_KEY;
    }

    reason = agw_jws_verify(jws, sscf->keyring, token, buf);

    if (reason == AGW_OK) {
        reason = read_claims(claims, jws->payload);
    }

    if (reason == AGW_INTERNAL_ERROR) {
        log = ngx_http_agw_log(r);

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: no memory to read a token");
    }

    return reason;
}


/* checks what may have changed since the token was accepted */

static agw_reason_t
ngx_http_agw_verify_again(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx)
{
    agw_reason_t                     reason;
    const ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    reason = agw_claims_check_time(&ctx->token->claims, mcf->leeway,
                                   ngx_time());

    if (reason == AGW_OK && ctx->token->claims.x5t.len) {
        reason = ngx_http_agw_check_binding(r, ctx, &ctx->token->claims);
    }

    if (reason != AGW_OK) {
        return reason;
    }

    return ngx_http_agw_check_revoked(mcf->revocations, &ctx->token->claims,
                                      ctx->token->key, &ctx->token->generation);
}


/* signed by one of our keys, so the log may name the partner, valid or not */

static void
ngx_http_agw_hold_token(ngx_http_agw_ctx_t *ctx, agw_verified_t *token)
{
    ctx->token = token;
    ctx->key = token->key;
    ctx->partner_id = ngx_http_agw_from_core(token->claims.partner_id);
}


agw_reason_t
ngx_http_agw_verify_claims(ngx_http_request_t *r, agw_claims_t *claims,
    const agw_key_t *key)
{
    uint64_t      generation;
    agw_reason_t  reason;

    generation = 0;
    reason = ngx_http_agw_verify_rules(r, claims, key);

    return reason == AGW_OK
           ? ngx_http_agw_verify_standing(r, claims, key, &generation)
           : reason;
}


/*
 * A token under another issuer's key must have that issuer's iss; a token under
 * our own key must not have such an iss.
 */

static agw_reason_t
ngx_http_agw_verify_rules(ngx_http_request_t *r, agw_claims_t *claims,
    const agw_key_t *key)
{
    agw_str_t                       issuer;
    agw_reason_t                    reason;
    agw_claims_rules_t              rules;
    const ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);

    rules = sscf->rules;
    issuer = agw_key_issuer(key);

    if (issuer.len) {
        rules.issuer = issuer;

    } else if (claims->seq == AGW_SEQ_MALFORMED) {
        claims->fault = "seq: not an integer of 0 to 2^52";
        return AGW_MALFORMED_CLAIMS;
    }

    reason = agw_claims_check(claims, &rules, ngx_time());
    if (reason != AGW_OK) {
        return reason;
    }

    if (issuer.len == 0
        && agw_keyring_has_issuer(sscf->keyring, claims->iss))
    {
        return AGW_WRONG_ISSUER;
    }

    return AGW_OK;
}


/* another issuer's token must be a business token */

static agw_reason_t
ngx_http_agw_verify_standing(ngx_http_request_t *r,
    const agw_claims_t *claims, const agw_key_t *key, uint64_t *generation)
{
    agw_reason_t                     reason;
    const ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    reason = ngx_http_agw_check_revoked(mcf->revocations, claims, key,
                                        generation);
    if (reason != AGW_OK) {
        return reason;
    }

    return agw_key_issuer(key).len == 0 || claims->kind == AGW_KIND_BUSINESS
           ? AGW_OK : AGW_WRONG_KIND;
}
