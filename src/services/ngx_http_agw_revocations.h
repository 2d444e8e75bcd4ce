
/*
 * What is revoked, as handlers and services ask and tell.
 */


#ifndef NGX_HTTP_AGW_REVOCATIONS_H_INCLUDED_
#define NGX_HTTP_AGW_REVOCATIONS_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Whether a token that this key verified is revoked.  *generation is 0, or
 * what an earlier call left for this token: while nothing has been revoked
 * since, nothing is looked up.  Returns AGW_OK; AGW_REVOKED; AGW_EXPIRED of
 * one older than what is still known; or AGW_STORE_UNAVAILABLE where not all
 * that is revoked is known.
 */

agw_reason_t ngx_http_agw_check_revoked(
    const ngx_http_agw_revocations_t *revocations,
    const agw_claims_t *claims, const agw_key_t *key, uint64_t *generation);


/* whether what is known is older than `auth_gateway_revocations_stale` */

ngx_uint_t ngx_http_agw_is_stale(
    const ngx_http_agw_revocations_t *revocations);


/* seq of a token that this key verified; AGW_SEQ_NONE of another issuer's */

int64_t ngx_http_agw_trusted_seq(const agw_claims_t *claims,
    const agw_key_t *key);


/*
 * Whether a token has ended for good: older than what is still known, or
 * without a seq, and expired for longer than any revocation is kept.
 */

ngx_uint_t ngx_http_agw_long_expired(
    const ngx_http_agw_revocations_t *revocations,
    const agw_claims_t *claims, const agw_key_t *key);


/*
 * Called with AGW_OK where the revocation is durable and in force in every
 * worker, or AGW_STORE_UNAVAILABLE; the request is then the handler's to
 * finalize.
 */

typedef void (*ngx_http_agw_revoked_pt)(ngx_http_request_t *r,
    agw_reason_t reason);


/*
 * Revokes; revocation is as the store wants it, and copied.  Returns AGW_OK
 * where handler was, or will be, called, unless the request ends before: then
 * it is revoked all the same.  Else AGW_STORE_UNAVAILABLE, logged, where
 * there is no room for it, or AGW_INTERNAL_ERROR.
 */

agw_reason_t ngx_http_agw_revoke(ngx_http_request_t *r,
    const agw_revocation_t *revocation, ngx_http_agw_revoked_pt handler);


/* adds an entry that the store has; NGX_DECLINED where there is no room */

ngx_int_t ngx_http_agw_revocations_add(
    const ngx_http_agw_revocations_t *revocations,
    const agw_revocation_t *revocation);


#endif /* NGX_HTTP_AGW_REVOCATIONS_H_INCLUDED_ */
