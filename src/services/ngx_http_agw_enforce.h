
/*
 * `auth_gateway_enforce`: a request that would be refused may go on.
 */


#ifndef NGX_HTTP_AGW_ENFORCE_H_INCLUDED_
#define NGX_HTTP_AGW_ENFORCE_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Whether the access phase may let a request go on in this location that it
 * would refuse.  Endpoints always refuse.  No variable is asked.
 */

ngx_uint_t ngx_http_agw_may_be_lenient(ngx_http_request_t *r);


/*
 * Whether it does.  While a variable is asked, ctx->choosing is set: that
 * variable may have been made of the token or of the result, so it must not be
 * asked before there is one.
 */

ngx_uint_t ngx_http_agw_is_lenient(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx);


/*
 * Under `satisfy any` another access module may allow a request that has no
 * credentials, and then `on` would not have refused it.  _watch_others() is
 * called when the request goes on, and if it set ctx->watched, _ask_others()
 * after the access phase: if another module has allowed the request, it sets
 * ctx->overruled and clears ctx->would_refuse.
 */

void ngx_http_agw_watch_others(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx);
void ngx_http_agw_ask_others(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx);


#endif /* NGX_HTTP_AGW_ENFORCE_H_INCLUDED_ */
