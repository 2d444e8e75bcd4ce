
/*
 * For any token that is not an active one of this partner, the response is the
 * same, and reveals nothing.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_introspect.h"
#include "ngx_http_agw_partner_auth.h"
#include "ngx_http_agw_response.h"
#include "ngx_http_agw_str.h"
#include "ngx_http_agw_token_param.h"
#include "ngx_http_agw_verify.h"


static ngx_int_t ngx_http_agw_introspect_handler(ngx_http_request_t *r);
static void ngx_http_agw_introspect_finish(ngx_http_request_t *r,
    agw_reason_t reason);
static json_t *ngx_http_agw_introspect_json(const agw_claims_t *claims);


const ngx_http_agw_endpoint_t  ngx_http_agw_introspect_endpoint = {
    .directive = "auth_gateway_introspect",
    .handler = ngx_http_agw_introspect_handler,
    .methods = "POST",
    .takes_credentials = 1,
    .needs_store = 1,
    .needs_key = 1
};


static ngx_int_t
ngx_http_agw_introspect_handler(ngx_http_request_t *r)
{
    return ngx_http_agw_authenticate_partner(r,
                                             ngx_http_agw_introspect_finish);
}


static void
ngx_http_agw_introspect_finish(ngx_http_request_t *r, agw_reason_t reason)
{
    json_t              *json;
    agw_claims_t        *claims;
    const agw_key_t     *key;
    ngx_http_agw_ctx_t  *ctx;

    if (reason != AGW_OK) {
        ngx_http_finalize_request(r, ngx_http_agw_refuse_partner(r, reason));
        return;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    ctx->event = NGX_HTTP_AGW_EVENT_INTROSPECTED;

    /* from here on a reason concerns the token, not the partner */

    reason = ngx_http_agw_token_param(r, &claims, &key);

    if (reason == AGW_OK) {
        ctx->event_business_id = ngx_http_agw_from_core(claims->business_id);
        ctx->event_token_id = ngx_http_agw_from_core(claims->jti);

        reason = ngx_http_agw_verify_claims(r, claims, key);
    }

    switch (reason) {

    case AGW_OK:
        json = ngx_http_agw_introspect_json(claims);
        break;

    case AGW_INVALID_REQUEST:
    case AGW_STORE_UNAVAILABLE:
    case AGW_INTERNAL_ERROR:
        ngx_http_finalize_request(r, ngx_http_agw_refuse_partner(r, reason));
        return;

    default:
        json = json_pack("{s:b}", "active", 0);
        break;
    }

    ngx_http_agw_decide(ctx, AGW_OK);

    ngx_http_finalize_request(r, ngx_http_agw_send_json(r, json));
}


/* the claims of RFC 7662, section 2.2, and our own, as in the token */

static json_t *
ngx_http_agw_introspect_json(const agw_claims_t *claims)
{
    int                 rc;
    size_t              i;
    json_t             *json, *value;
    static const char  *names[] = {
        "scope", "client_id", "sub", "iss", "aud", "exp", "iat", "jti",
        "cnf", "partner_id", "business_id"
    };

    json = json_pack("{s:b, s:s}", "active", 1, "token_type", "Bearer");
    rc = json ? 0 : -1;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        value = json_object_get(claims->json, names[i]);

        if (value != NULL) {
            rc |= json_object_set(json, names[i], value);
        }
    }

    if (rc != 0) {
        json_decref(json);
        return NULL;
    }

    return json;
}
