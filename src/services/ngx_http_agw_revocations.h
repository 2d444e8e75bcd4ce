
/*
 * The index of revocations, as handlers and services use it.
 */


#ifndef NGX_HTTP_AGW_REVOCATIONS_H_INCLUDED_
#define NGX_HTTP_AGW_REVOCATIONS_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Whether a token is revoked.  *generation is 0, or what an earlier call
 * left for this token: while nothing has been revoked since, nothing is
 * looked up.  Returns AGW_OK, AGW_REVOKED, or AGW_STORE_UNAVAILABLE where
 * the index does not hold all that is to be known.
 */

agw_reason_t ngx_http_agw_revoked(
    const ngx_http_agw_revocations_t *revocations,
    const agw_claims_t *claims, uint64_t *generation);


/*
 * The latest cut-off, in Unix seconds, of the partner or the business, -1
 * where there is none: a token that is to live is issued after it.
 */

time_t ngx_http_agw_cutoff(const ngx_http_agw_revocations_t *revocations,
    agw_str_t partner_id, agw_str_t business_id);


/*
 * Whether an entry that somebody asks for finds room; logged where not.
 * NGX_OK or NGX_DECLINED.
 */

ngx_int_t ngx_http_agw_revocations_admit(
    const ngx_http_agw_revocations_t *revocations,
    const agw_revocation_t *revocation, ngx_log_t *log);


/*
 * Adds an entry that the store has: it holds in every worker from now on.
 * Where there is no room for it, no token holds.
 */

void ngx_http_agw_revocations_add(
    const ngx_http_agw_revocations_t *revocations,
    const agw_revocation_t *revocation, ngx_log_t *log);


#endif /* NGX_HTTP_AGW_REVOCATIONS_H_INCLUDED_ */
