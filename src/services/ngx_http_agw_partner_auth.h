
/*
 * Who revokes or introspects: a partner, by its API key or its token (RFC
 * 7009, section 2.1; RFC 7662, section 2.1).
 */


#ifndef NGX_HTTP_AGW_PARTNER_AUTH_H_INCLUDED_
#define NGX_HTTP_AGW_PARTNER_AUTH_H_INCLUDED_


#include "ngx_http_agw.h"
#include "ngx_http_agw_refusal.h"


/*
 * Called with AGW_OK and ctx->partner_auth->partner_id, or with the reason of
 * a refusal; the request is then the handler's to finalize.
 */

typedef void (*ngx_http_agw_partner_auth_pt)(ngx_http_request_t *r,
    agw_reason_t reason);


struct ngx_http_agw_partner_auth_s {
    ngx_str_t                 partner_id;
    agw_str_t                 business_id;   /* where one is revoked */
    ngx_http_agw_challenge_t  challenge;     /* of its way to authenticate */
    ngx_http_agw_partner_auth_pt  handler;
};


/*
 * Begins a request of such a kind: transport, path, POST, and a form of at
 * most AGW_BODY_MAX bytes; then who it is.  ctx->params are the form's.
 * Returns what a content handler returns.
 */

ngx_int_t ngx_http_agw_authenticate_partner(ngx_http_request_t *r,
    ngx_http_agw_partner_auth_pt handler);


/* refuses with the challenge of the way that was used to authenticate */

ngx_int_t ngx_http_agw_refuse_partner(ngx_http_request_t *r,
    agw_reason_t reason);


/*
 * The `token` parameter, if it is signed by a key of this server's and the
 * partner's own; neither time nor revocation is looked at.  Returns AGW_OK,
 * the claims, which are given back with the request, and the key;
 * AGW_INVALID_REQUEST where there is no such parameter; AGW_UNKNOWN_KEY of
 * any other, which is logged where it is another partner's; or
 * AGW_INTERNAL_ERROR.
 */

agw_reason_t ngx_http_agw_token_param(ngx_http_request_t *r,
    agw_claims_t **claims, const agw_key_t **key);


#endif /* NGX_HTTP_AGW_PARTNER_AUTH_H_INCLUDED_ */
