
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


#endif /* NGX_HTTP_AGW_PARTNER_AUTH_H_INCLUDED_ */
