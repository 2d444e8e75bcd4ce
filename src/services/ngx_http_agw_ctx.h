
/*
 * The context of a request, created when it is first needed.
 */


#ifndef NGX_HTTP_AGW_CTX_H_INCLUDED_
#define NGX_HTTP_AGW_CTX_H_INCLUDED_


#include "ngx_http_agw.h"


/* returns the context of this pass, or NULL if memory ran out */

ngx_http_agw_ctx_t *ngx_http_agw_ctx(ngx_http_request_t *r);


/* sets the result of the request, for its log and its variables */

static ngx_inline void
ngx_http_agw_decide(ngx_http_agw_ctx_t *ctx, agw_reason_t reason)
{
    ctx->result = reason;
    ctx->decided = 1;
}


/*
 * The last decision on the request, or NULL.  But if an earlier one would have
 * been a refusal, and the request went on, it is that one, unless some other
 * did refuse it.  It may be that of a pass that an internal redirect has ended,
 * so it is for variables and logs only.
 */

const ngx_http_agw_ctx_t *ngx_http_agw_last_decision(ngx_http_request_t *r);


/* whether a pass took the body from nginx, so that there is none now */

ngx_int_t ngx_http_agw_body_was_taken(ngx_http_request_t *r);


#endif /* NGX_HTTP_AGW_CTX_H_INCLUDED_ */
