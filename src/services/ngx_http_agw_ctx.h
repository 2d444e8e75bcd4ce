
/*
 * The request's context, made by whoever needs it first.
 */


#ifndef NGX_HTTP_AGW_CTX_H_INCLUDED_
#define NGX_HTTP_AGW_CTX_H_INCLUDED_


#include "ngx_http_agw.h"


/* returns the context of this pass, or NULL where memory ran out */

ngx_http_agw_ctx_t *ngx_http_agw_ctx(ngx_http_request_t *r);


/* sets the result of the request, for its log and its variables */

static ngx_inline void
ngx_http_agw_decide(ngx_http_agw_ctx_t *ctx, agw_reason_t reason)
{
    ctx->result = reason;
    ctx->decided = 1;
}


/*
 * The last decision on the request, also of a pass that an internal redirect
 * has ended, or NULL.  For telling, never for deciding.
 */

const ngx_http_agw_ctx_t *ngx_http_agw_last_decision(ngx_http_request_t *r);


/* whether a pass took the body from nginx, and left none for another */

ngx_int_t ngx_http_agw_body_was_taken(ngx_http_request_t *r);


#endif /* NGX_HTTP_AGW_CTX_H_INCLUDED_ */
