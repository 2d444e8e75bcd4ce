
/*
 * What is revoked is durable before it is answered, and holds in every
 * worker by then.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_admit.h"
#include "ngx_http_agw_business.h"
#include "ngx_http_agw_caller.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_revocations.h"
#include "ngx_http_agw_revoke.h"
#include "ngx_http_agw_send.h"


/* how long an entry outlives the last token that it could refuse: seconds */

#define NGX_HTTP_AGW_REVOKE_MARGIN  60


typedef struct {
    ngx_http_request_t       *request;
    ngx_http_agw_query_t      query;
} ngx_http_agw_revoke_t;


static ngx_int_t ngx_http_agw_revoke_handler(ngx_http_request_t *r);
static void ngx_http_agw_revoke_token(ngx_http_request_t *r,
    agw_reason_t reason);
static void ngx_http_agw_revoke_business(ngx_http_request_t *r,
    agw_reason_t reason);
static void ngx_http_agw_revoke_found(ngx_http_request_t *r,
    agw_reason_t reason);
static void ngx_http_agw_revoke_keep(ngx_http_request_t *r,
    const agw_revocation_t *revocation);
static void ngx_http_agw_revoke_answered(ngx_http_agw_query_t *query,
    ngx_int_t rc);
static void ngx_http_agw_revoke_kept(ngx_http_agw_revoke_t *revoke,
    ngx_int_t rc);
static void ngx_http_agw_revoke_finish(ngx_http_request_t *r,
    agw_reason_t reason);


const ngx_http_agw_answer_t  ngx_http_agw_revoke_answer = {
    .directive = "auth_gateway_revoke",
    .handler = ngx_http_agw_revoke_handler,
    .methods = "POST",
    .needs_store = 1,
    .needs_key = 1
};


static ngx_int_t
ngx_http_agw_revoke_handler(ngx_http_request_t *r)
{
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    return ngx_http_agw_authenticate_caller(r,
                                lcf->revoked_kind == AGW_REVOKED_BUSINESS
                                ? ngx_http_agw_revoke_business
                                : ngx_http_agw_revoke_token);
}


/* what is no living token of the caller's needs no row (RFC 7009, 2.2) */

static void
ngx_http_agw_revoke_token(ngx_http_request_t *r, agw_reason_t reason)
{
    agw_revocation_t                 revocation;
    const agw_claims_t              *claims;
    const ngx_http_agw_main_conf_t  *mcf;

    if (reason != AGW_OK) {
        ngx_http_agw_revoke_finish(r, reason);
        return;
    }

    /* from here on a reason is about the token, not about the caller */

    reason = ngx_http_agw_callers_token(r, &claims);

    switch (reason) {

    case AGW_OK:
    case AGW_NOT_YET_VALID:
        break;

    case AGW_REVOKED:
    case AGW_UNKNOWN_KEY:
        ngx_http_agw_revoke_finish(r, AGW_OK);
        return;

    default:
        ngx_http_agw_revoke_finish(r, reason);
        return;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    ngx_memzero(&revocation, sizeof(agw_revocation_t));

    revocation.kind = AGW_REVOKED_TOKEN;
    revocation.partner_id = claims->partner_id;
    revocation.business_id = claims->business_id;
    revocation.jti = claims->jti;
    revocation.cutoff = claims->iat;
    revocation.expires_at = claims->exp + mcf->leeway
                            + NGX_HTTP_AGW_REVOKE_MARGIN;

    ngx_http_agw_revoke_keep(r, &revocation);
}


static void
ngx_http_agw_revoke_business(ngx_http_request_t *r, agw_reason_t reason)
{
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    if (reason == AGW_OK) {
        reason = ngx_http_agw_admit_business(r, AGW_MATCH_WHOLE,
                                             &ctx->caller->business_id);
    }

    if (reason == AGW_OK && ctx->caller->business_id.len == 0) {
        reason = AGW_NO_BUSINESS_IN_PATH;
    }

    if (reason == AGW_OK) {
        reason = ngx_http_agw_find_business(r,
                             ngx_http_agw_to_core(ctx->caller->partner_id),
                             ctx->caller->business_id,
                             ngx_http_agw_revoke_found);
    }

    if (reason != AGW_OK) {
        ngx_http_agw_revoke_finish(r, reason);
    }
}


/* an archived business has tokens too */

static void
ngx_http_agw_revoke_found(ngx_http_request_t *r, agw_reason_t reason)
{
    agw_revocation_t                 revocation;
    ngx_http_agw_ctx_t              *ctx;
    const ngx_http_agw_main_conf_t  *mcf;

    if (reason != AGW_OK && reason != AGW_ARCHIVED_BUSINESS) {
        ngx_http_agw_revoke_finish(r, reason);
        return;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    ngx_memzero(&revocation, sizeof(agw_revocation_t));

    revocation.kind = AGW_REVOKED_BUSINESS;
    revocation.business_id = ctx->caller->business_id;

    /* another worker's clock may have been ahead when it issued a token */

    ngx_time_update();

    revocation.cutoff = ngx_time() + mcf->leeway;
    revocation.expires_at = revocation.cutoff + mcf->max_lifetime
                            + mcf->leeway + NGX_HTTP_AGW_REVOKE_MARGIN;

    ngx_http_agw_revoke_keep(r, &revocation);
}


static void
ngx_http_agw_revoke_keep(ngx_http_request_t *r,
    const agw_revocation_t *revocation)
{
    ngx_int_t                        rc;
    ngx_http_agw_revoke_t           *revoke;
    const ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    revoke = ngx_pcalloc(r->pool, sizeof(ngx_http_agw_revoke_t));
    if (revoke == NULL) {
        ngx_http_agw_revoke_finish(r, AGW_INTERNAL_ERROR);
        return;
    }

    revoke->request = r;
    revoke->query.pool = r->pool;
    revoke->query.log = ngx_http_agw_log(r);
    revoke->query.handler = ngx_http_agw_revoke_answered;
    revoke->query.data = revoke;
    revoke->query.revocation = *revocation;

    if (ngx_http_agw_revocations_admit(mcf->revocations, revocation,
                                       revoke->query.log)
        != NGX_OK)
    {
        ngx_http_agw_revoke_finish(r, AGW_STORE_UNAVAILABLE);
        return;
    }

    rc = ngx_http_agw_store_revoke(mcf->store, &revoke->query);

    if (rc != NGX_AGAIN) {
        ngx_http_agw_revoke_kept(revoke, rc);
    }
}


static void
ngx_http_agw_revoke_answered(ngx_http_agw_query_t *query, ngx_int_t rc)
{
    ngx_connection_t       *c;
    ngx_http_agw_revoke_t  *revoke = query->data;

    c = revoke->request->connection;

    ngx_http_agw_revoke_kept(revoke, rc);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_agw_revoke_kept(ngx_http_agw_revoke_t *revoke, ngx_int_t rc)
{
    ngx_http_request_t              *r;
    const ngx_http_agw_main_conf_t  *mcf;

    r = revoke->request;

    if (rc != NGX_OK) {
        ngx_http_agw_revoke_finish(r, AGW_STORE_UNAVAILABLE);
        return;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    ngx_http_agw_revocations_add(mcf->revocations, &revoke->query.revocation,
                                 revoke->query.log);

    ngx_http_agw_revoke_finish(r, AGW_OK);
}


static void
ngx_http_agw_revoke_finish(ngx_http_request_t *r, agw_reason_t reason)
{
    ngx_int_t            rc;
    ngx_str_t            body = ngx_string("{}");
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    if (reason == AGW_OK) {
        ctx->result = AGW_OK;
        ctx->decided = 1;

        rc = ngx_http_agw_send(r, NGX_HTTP_OK, &body);

    } else {
        rc = ngx_http_agw_refuse_caller(r, reason);
    }

    ngx_http_finalize_request(r, rc);
}
