
/*
 * A revocation is durable, and every worker applies it, before the response is
 * sent.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_business.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_partner_auth.h"
#include "ngx_http_agw_response.h"
#include "ngx_http_agw_revocations.h"
#include "ngx_http_agw_revoke.h"
#include "ngx_http_agw_str.h"
#include "ngx_http_agw_token_param.h"


static ngx_int_t ngx_http_agw_revoke_handler(ngx_http_request_t *r);
static void ngx_http_agw_revoke_token(ngx_http_request_t *r,
    agw_reason_t reason);
static void ngx_http_agw_revoke_business(ngx_http_request_t *r,
    agw_reason_t reason);
static void ngx_http_agw_revoke_found(ngx_http_request_t *r,
    agw_reason_t reason, const agw_business_row_t *row);
static void ngx_http_agw_revoke_finish(ngx_http_request_t *r,
    agw_reason_t reason);


const ngx_http_agw_endpoint_t  ngx_http_agw_revoke_endpoint = {
    .directive = "auth_gateway_revoke",
    .handler = ngx_http_agw_revoke_handler,
    .methods = "POST",
    .takes_credentials = 1,
    .needs_store = 1,
    .needs_key = 1
};


static ngx_int_t
ngx_http_agw_revoke_handler(ngx_http_request_t *r)
{
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    return ngx_http_agw_authenticate_partner(r,
                                lcf->revoked_kind == AGW_REVOCATION_BUSINESS
                                ? ngx_http_agw_revoke_business
                                : ngx_http_agw_revoke_token);
}


/*
 * An expired token is revoked too, since another node's clock may be behind.
 * No row is written for a token that has expired on every clock, nor for one
 * that is not this partner's (RFC 7009, section 2.2).
 */

static void
ngx_http_agw_revoke_token(ngx_http_request_t *r, agw_reason_t reason)
{
    agw_claims_t                    *claims;
    const agw_key_t                 *key;
    agw_revocation_t                 revocation;
    ngx_http_agw_ctx_t              *ctx;
    const ngx_http_agw_main_conf_t  *mcf;

    if (reason != AGW_OK) {
        ngx_http_agw_revoke_finish(r, reason);
        return;
    }

    /* from here on a reason concerns the token, not the partner */

    reason = ngx_http_agw_token_param(r, &claims, &key);

    if (reason != AGW_OK) {
        ngx_http_agw_revoke_finish(r, reason == AGW_UNKNOWN_KEY ? AGW_OK
                                                                : reason);
        return;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    if (ngx_http_agw_long_expired(mcf->revocations, claims, key)) {
        ngx_http_agw_revoke_finish(r, AGW_OK);
        return;
    }

    ngx_memzero(&revocation, sizeof(agw_revocation_t));

    revocation.kind = AGW_REVOCATION_TOKEN;
    revocation.partner_id = claims->partner_id;
    revocation.jti = claims->jti;

    revocation.seq = ngx_http_agw_trusted_seq(claims, key);
    revocation.seq_known = (revocation.seq >= 0);

    if (!revocation.seq_known) {
        revocation.time = claims->iat;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    ctx->event = NGX_HTTP_AGW_EVENT_REVOKED;
    ctx->event_business_id = ngx_http_agw_from_core(claims->business_id);
    ctx->event_token_id = ngx_http_agw_from_core(claims->jti);

    reason = ngx_http_agw_revoke(r, &revocation, ngx_http_agw_revoke_finish);

    if (reason != AGW_OK) {
        ngx_http_agw_revoke_finish(r, reason);
    }
}


static void
ngx_http_agw_revoke_business(ngx_http_request_t *r, agw_reason_t reason)
{
    ngx_http_agw_ctx_t           *ctx;
    ngx_http_agw_partner_auth_t  *auth;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    auth = ctx->partner_auth;

    if (reason == AGW_OK) {
        reason = auth->business.reason;
    }

    if (reason == AGW_OK) {
        reason = ngx_http_agw_find_business(r,
                                     ngx_http_agw_to_core(auth->partner_id),
                                     auth->business.business_id, NULL,
                                     ngx_http_agw_revoke_found);
    }

    if (reason != AGW_OK) {
        ngx_http_agw_revoke_finish(r, reason);
    }
}


/*
 * An archived business may have tokens too.  Tokens of another issuer may
 * belong to any partner, so if there is such an issuer, all tokens of the
 * business are revoked; else those of its owner.
 */

static void
ngx_http_agw_revoke_found(ngx_http_request_t *r, agw_reason_t reason,
    const agw_business_row_t *row)
{
    agw_revocation_t                 revocation;
    ngx_http_agw_ctx_t              *ctx;
    ngx_http_agw_partner_auth_t     *auth;
    const ngx_http_agw_main_conf_t  *mcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    auth = ctx->partner_auth;
    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    if (reason == AGW_OK || reason == AGW_ARCHIVED_BUSINESS) {
        ngx_memzero(&revocation, sizeof(agw_revocation_t));

        revocation.kind = mcf->foreign ? AGW_REVOCATION_BUSINESS
                                       : AGW_REVOCATION_OWNER;
        revocation.partner_id = ngx_http_agw_to_core(auth->partner_id);
        revocation.business_id = auth->business.business_id;

        ctx->event = NGX_HTTP_AGW_EVENT_REVOKED;
        ctx->event_business_id =
                        ngx_http_agw_from_core(auth->business.business_id);

        reason = ngx_http_agw_revoke(r, &revocation,
                                     ngx_http_agw_revoke_finish);
        if (reason == AGW_OK) {
            return;
        }
    }

    ngx_http_agw_revoke_finish(r, reason);
}


static void
ngx_http_agw_revoke_finish(ngx_http_request_t *r, agw_reason_t reason)
{
    ngx_int_t            rc;
    ngx_str_t            body = ngx_string("{}");
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    if (reason == AGW_OK) {
        ngx_http_agw_decide(ctx, AGW_OK);

        rc = ngx_http_agw_send(r, &body);

    } else {
        rc = ngx_http_agw_refuse_partner(r, reason);
    }

    ngx_http_finalize_request(r, rc);
}
