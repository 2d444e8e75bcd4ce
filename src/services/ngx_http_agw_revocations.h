
/*
 * Revocations: whether a token is revoked, and how to revoke one.
 */


#ifndef NGX_HTTP_AGW_REVOCATIONS_H_INCLUDED_
#define NGX_HTTP_AGW_REVOCATIONS_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Checks whether a token that this key verified is revoked.  *generation is 0,
 * or as an earlier call for this token left it: if nothing was revoked since,
 * there is no look-up.  Returns AGW_OK; AGW_REVOKED; AGW_EXPIRED if the token
 * is older than any revocation that is kept; or AGW_STORE_UNAVAILABLE if the
 * zone does not hold all revocations.
 */

agw_reason_t ngx_http_agw_check_revoked(
    const ngx_http_agw_revocations_t *revocations,
    const agw_claims_t *claims, const agw_key_t *key, uint64_t *generation);


/* whether what is known is older than `auth_gateway_revocations_stale` */

ngx_uint_t ngx_http_agw_is_stale(
    const ngx_http_agw_revocations_t *revocations);


/* logs once that it is, and once that it is not any more; of all workers */

void ngx_http_agw_watch_stale(const ngx_http_agw_revocations_t *revocations,
    ngx_log_t *log);


/* seq of a token; AGW_SEQ_NONE if its key is another issuer's */

int64_t ngx_http_agw_trusted_seq(const agw_claims_t *claims,
    const agw_key_t *key);


/*
 * Whether a token needs no revocation any more: it is older than any that is
 * kept; or it has no seq, and expired before.
 */

ngx_uint_t ngx_http_agw_long_expired(
    const ngx_http_agw_revocations_t *revocations,
    const agw_claims_t *claims, const agw_key_t *key);


/*
 * Called with AGW_OK if the revocation is durable and every worker applies it,
 * or with AGW_STORE_UNAVAILABLE.  The handler has to finalize the request.
 */

typedef void (*ngx_http_agw_revoked_pt)(ngx_http_request_t *r,
    agw_reason_t reason);


/*
 * Revokes.  revocation is copied; its fields are those of a write to the store.
 * Returns AGW_OK if handler was or will be called.  If the request ends before,
 * handler is not called, but the revocation is still written.  Returns
 * AGW_STORE_UNAVAILABLE, logged, if there is no room in the zone, or
 * AGW_INTERNAL_ERROR.
 */

agw_reason_t ngx_http_agw_revoke(ngx_http_request_t *r,
    const agw_revocation_t *revocation, ngx_http_agw_revoked_pt handler);


/* adds n entries of the store; NGX_DECLINED if there is no room for one */

ngx_int_t ngx_http_agw_revocations_add(
    const ngx_http_agw_revocations_t *revocations,
    const agw_revocation_t *entries, ngx_uint_t n);


/*
 * Reserves room for an entry before it is written to the store, see
 * agw_revoked_set_reserve().  Returns NGX_OK, or NGX_DECLINED, logged.
 */

ngx_int_t ngx_http_agw_reserve_room(
    const ngx_http_agw_revocations_t *revocations,
    const agw_revocation_t *revocation, ngx_log_t *log);


/* an entry is in the store, and does not fit into the zone */

void ngx_http_agw_no_room(const ngx_http_agw_revocations_t *revocations);


#endif /* NGX_HTTP_AGW_REVOCATIONS_H_INCLUDED_ */
