
/*
 * Questions to the index, and entries for it.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_revocations.h"
#include "ngx_http_agw_zone.h"


agw_reason_t
ngx_http_agw_revoked(const ngx_http_agw_revocations_t *revocations,
    const agw_claims_t *claims, uint64_t *generation)
{
    int                   rc;
    uint64_t              now;
    agw_index_token_t     token;
    ngx_http_agw_zone_t  *zone;

    if (revocations == NULL) {
        return AGW_OK;
    }

    zone = ngx_http_agw_zone(revocations);

    if (!zone->known || zone->overflow) {
        return AGW_STORE_UNAVAILABLE;
    }

    now = agw_index_generation(zone->index);

    if (now == *generation) {
        return AGW_OK;
    }

    token.partner_id = claims->partner_id;
    token.business_id = claims->business_id;
    token.jti = claims->jti;
    token.iat = claims->iat;

    rc = agw_index_refuses(zone->index, &token);

    if (rc == -1) {
        ngx_http_agw_lock(revocations);
        rc = agw_index_refuses(zone->index, &token);
        ngx_http_agw_unlock(revocations);
    }

    if (rc != 0) {
        return AGW_REVOKED;
    }

    *generation = now;

    return AGW_OK;
}


time_t
ngx_http_agw_cutoff(const ngx_http_agw_revocations_t *revocations,
    agw_str_t partner_id, agw_str_t business_id)
{
    int                   rc;
    int64_t               cutoff;
    ngx_http_agw_zone_t  *zone;

    if (revocations == NULL) {
        return -1;
    }

    zone = ngx_http_agw_zone(revocations);

    rc = agw_index_cutoff(zone->index, partner_id, business_id, &cutoff);

    if (rc != 0) {
        ngx_http_agw_lock(revocations);
        rc = agw_index_cutoff(zone->index, partner_id, business_id, &cutoff);
        ngx_http_agw_unlock(revocations);
    }

    return rc == 0 ? (time_t) cutoff : ngx_time();
}


ngx_int_t
ngx_http_agw_revocations_admit(const ngx_http_agw_revocations_t *revocations,
    const agw_revocation_t *revocation, ngx_log_t *log)
{
    agw_index_result_t    result;
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(revocations);

    ngx_http_agw_lock(revocations);
    result = agw_index_admits(zone->index, revocation, ngx_time());
    ngx_http_agw_unlock(revocations);

    switch (result) {

    case AGW_INDEX_OK:
        return NGX_OK;

    case AGW_INDEX_SHARE_SPENT:
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: revoked tokens of one partner fill a "
                      "quarter of the zone, no more of them are revoked "
                      "(auth_gateway_zone)");
        return NGX_DECLINED;

    default:
        ngx_log_error(NGX_LOG_ALERT, log, 0,
                      "auth_gateway: the zone is full, nothing more is "
                      "revoked (auth_gateway_zone)");
        return NGX_DECLINED;
    }
}


void
ngx_http_agw_revocations_add(const ngx_http_agw_revocations_t *revocations,
    const agw_revocation_t *revocation, ngx_log_t *log)
{
    agw_index_result_t    result;
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(revocations);

    ngx_http_agw_lock(revocations);
    result = agw_index_add(zone->index, revocation, ngx_time());
    ngx_http_agw_unlock(revocations);

    if (result != AGW_INDEX_OK) {
        (void) ngx_atomic_fetch_add(&zone->overflow, 1);

        ngx_log_error(NGX_LOG_ALERT, log, 0,
                      "auth_gateway: the zone filled up meanwhile: no token "
                      "is accepted until it has room (auth_gateway_zone)");
    }
}
