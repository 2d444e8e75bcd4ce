
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


/*
 * The request's error log without what nginx adds to each line: the request
 * line is the client's text, and holds the query.  Each call makes one: keep
 * it in a variable, since ngx_log_error() evaluates its argument twice.
 */

ngx_log_t *ngx_http_agw_log(ngx_http_request_t *r);


/*
 * A pool buffer of size bytes that is wiped when the pool goes, for secrets;
 * NULL where memory ran out.
 */

u_char *ngx_http_agw_secret_buf(ngx_pool_t *pool, size_t size);


/* the same bytes in the words of core/, and of nginx */

static ngx_inline agw_str_t
ngx_http_agw_to_core(ngx_str_t s)
{
    agw_str_t  to;

    to.len = s.len;
    to.data = s.data;

    return to;
}


static ngx_inline ngx_str_t
ngx_http_agw_from_core(agw_str_t s)
{
    ngx_str_t  to;

    to.len = s.len;
    to.data = (u_char *) s.data;

    return to;
}


#endif /* NGX_HTTP_AGW_CTX_H_INCLUDED_ */
