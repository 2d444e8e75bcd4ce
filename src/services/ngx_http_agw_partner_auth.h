
/*
 * A partner that revokes or introspects is authenticated, by API key or
 * partner token (RFC 7009, section 2.1; RFC 7662, section 2.1).
 */


#ifndef NGX_HTTP_AGW_PARTNER_AUTH_H_INCLUDED_
#define NGX_HTTP_AGW_PARTNER_AUTH_H_INCLUDED_


#include "ngx_http_agw.h"
#include "ngx_http_agw_refusal.h"


/*
 * Called with AGW_OK, and ctx->partner_auth->partner_id is set, or with the
 * reason of a refusal.  The handler has to finalize the request.
 */

typedef void (*ngx_http_agw_partner_auth_pt)(ngx_http_request_t *r,
    agw_reason_t reason);


struct ngx_http_agw_partner_auth_s {
    ngx_str_t                 partner_id;
    agw_matched_t             business;      /* that the path names */
    ngx_http_agw_challenge_t  challenge;     /* for a refusal */
    ngx_http_agw_partner_auth_pt  handler;
};


/*
 * Checks transport, path and method, reads the form into ctx->params, and
 * authenticates the partner.  Returns what a content handler returns.
 */

ngx_int_t ngx_http_agw_authenticate_partner(ngx_http_request_t *r,
    ngx_http_agw_partner_auth_pt handler);


/* refuses, with a challenge for the way in which the partner authenticated */

ngx_int_t ngx_http_agw_refuse_partner(ngx_http_request_t *r,
    agw_reason_t reason);


#endif /* NGX_HTTP_AGW_PARTNER_AUTH_H_INCLUDED_ */
