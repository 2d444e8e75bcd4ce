
/*
 * The order of the lines is the order of the checks.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_access_check.h"
#include "ngx_http_agw_destination.h"
#include "ngx_http_agw_request_check.h"
#include "ngx_http_agw_str.h"
#include "ngx_http_agw_verify.h"


agw_reason_t
ngx_http_agw_check_requirement(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx,
    agw_requirement_t *requirement, ngx_http_agw_owner_pt owner)
{
    ngx_uint_t                      outside;
    agw_reason_t                    reason;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    requirement->require = lcf->require;
    requirement->scope = ngx_http_agw_to_core(lcf->scope);
    requirement->scope_of_partner =
                                 ngx_http_agw_to_core(lcf->scope_of_partner);
    requirement->owned = 0;

    reason = ngx_http_agw_check_guarded_request(r, &requirement->business_id);
    if (reason != AGW_OK) {
        return reason;
    }

    outside = 0;

    if (ngx_http_agw_may_have_destination(r)) {
        reason = ngx_http_agw_check_destination(r, requirement->business_id,
                                                &outside);
        if (reason != AGW_OK) {
            return reason;
        }
    }

    reason = ngx_http_agw_verify_now(r, ctx);
    if (reason != AGW_OK) {
        return reason;
    }

    reason = agw_policy_access(ctx->claims, requirement);

    if (reason == AGW_NOT_OWNER) {
        reason = owner(r, ctx, requirement->business_id);

        if (reason == AGW_OK) {
            requirement->owned = 1;
            reason = agw_policy_access(ctx->claims, requirement);
        }
    }

    if (reason == AGW_OK
        && ngx_http_agw_removes_businesses(r, requirement->business_id))
    {
        reason = requirement->business_id.len ? AGW_WRONG_BUSINESS
                                              : AGW_WRONG_KIND;
    }

    if (reason == AGW_OK && outside) {
        reason = AGW_WRONG_BUSINESS;
    }

    if (reason == AGW_OK) {
        ctx->business_id = ngx_http_agw_from_core(requirement->business_id);
    }

    return reason;
}


agw_reason_t
ngx_http_agw_check_no_requirement(ngx_http_request_t *r)
{
    ngx_uint_t                      outside;
    agw_reason_t                    reason;
    const ngx_http_agw_loc_conf_t  *lcf;
    const ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);
    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    if (!sscf->guarded) {
        return AGW_OK;
    }

    reason = ngx_http_agw_check_unguarded_request(r);

    if (reason == AGW_OK && !lcf->opened
        && ngx_http_agw_removes_businesses(r, agw_empty))
    {
        reason = AGW_UNGUARDED_PATH;
    }

    if (reason == AGW_OK && ngx_http_agw_may_have_destination(r)) {
        reason = ngx_http_agw_check_destination(r, agw_empty, &outside);

        if (reason == AGW_OK && outside) {
            reason = AGW_WRONG_BUSINESS;
        }
    }

    return reason;
}
