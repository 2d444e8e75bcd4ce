
/*
 * Deny by default; each function allows once, at its end.
 */


#include "agw_policy.h"


static agw_reason_t agw_policy_owner(const agw_claims_t *claims,
    const agw_requirement_t *requirement);
static agw_api_key_state_t agw_policy_api_key_state(
    const agw_api_key_row_t *row, int64_t now);


agw_reason_t
agw_policy_access(const agw_claims_t *claims,
    const agw_requirement_t *requirement)
{
    if (requirement->require == AGW_REQUIRE_PARTNER) {

        /* a partner token never gives access to a business by itself */

        if (claims->kind != AGW_KIND_PARTNER || requirement->business_id.len) {
            return AGW_WRONG_KIND;
        }

        if (!agw_scope_has_all(claims->scope, requirement->scope_of_partner)) {
            return AGW_INSUFFICIENT_SCOPE;
        }

        return AGW_OK;
    }

    if (claims->kind == AGW_KIND_PARTNER) {
        return agw_policy_owner(claims, requirement);
    }

    if (!(requirement->require & AGW_REQUIRE_BUSINESS)
        || claims->kind != AGW_KIND_BUSINESS)
    {
        return AGW_WRONG_KIND;
    }

    if (requirement->scope.len == 0
        || (!agw_str_eq(claims->scope, requirement->scope)
            && !agw_scope_has_all(claims->scope, requirement->scope)))
    {
        return AGW_INSUFFICIENT_SCOPE;
    }

    if (requirement->business_id.len == 0) {
        return AGW_NO_BUSINESS_IN_PATH;
    }

    if (!agw_str_eq(claims->business_id, requirement->business_id)) {
        return AGW_WRONG_BUSINESS;
    }

    return AGW_OK;
}


static agw_reason_t
agw_policy_owner(const agw_claims_t *claims,
    const agw_requirement_t *requirement)
{
    if (!(requirement->require & AGW_REQUIRE_OWNER)) {
        return AGW_WRONG_KIND;
    }

    if (!agw_scope_has_all(claims->scope, requirement->scope_of_partner)) {
        return AGW_INSUFFICIENT_SCOPE;
    }

    if (requirement->business_id.len == 0) {
        return AGW_NO_BUSINESS_IN_PATH;
    }

    if (!requirement->owned) {
        return AGW_NOT_OWNER;
    }

    return AGW_OK;
}


agw_reason_t
agw_policy_api_key(agw_api_key_row_t *row, int64_t now)
{
    row->state = agw_policy_api_key_state(row, now);

    return row->state == AGW_API_KEY_GOOD ? AGW_OK : AGW_INVALID_CLIENT;
}


static agw_api_key_state_t
agw_policy_api_key_state(const agw_api_key_row_t *row, int64_t now)
{
    if (!row->partner_found) {
        return AGW_API_KEY_UNKNOWN_PARTNER;
    }

    if (!row->partner_active) {
        return AGW_API_KEY_DISABLED_PARTNER;
    }

    if (!row->found) {
        return AGW_API_KEY_WRONG;
    }

    if (now < row->not_before) {
        return AGW_API_KEY_NOT_YET_VALID;
    }

    if (row->expires && now >= row->expires_at) {
        return AGW_API_KEY_EXPIRED;
    }

    return AGW_API_KEY_GOOD;
}


const char *
agw_api_key_state_text(agw_api_key_state_t state)
{
    static const char *const  texts[] = {
        [AGW_API_KEY_UNKNOWN_PARTNER] = "unknown partner",
        [AGW_API_KEY_DISABLED_PARTNER] = "disabled partner",
        [AGW_API_KEY_WRONG] = "wrong key",
        [AGW_API_KEY_NOT_YET_VALID] = "key not yet valid",
        [AGW_API_KEY_EXPIRED] = "expired key",
        [AGW_API_KEY_GOOD] = "good key"
    };

    return texts[state];
}


agw_reason_t
agw_policy_business(const agw_business_row_t *row)
{
    if (!row->partner_active || row->token_ended) {
        return AGW_REVOKED;
    }

    if (!row->found) {
        return AGW_UNKNOWN_BUSINESS;
    }

    if (!row->owned) {
        return AGW_NOT_OWNER;
    }

    if (!row->active) {
        return AGW_ARCHIVED_BUSINESS;
    }

    return AGW_OK;
}
