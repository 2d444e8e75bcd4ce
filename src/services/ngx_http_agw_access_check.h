
/*
 * The check of a request by what its location requires, apart from the access
 * phase that acts upon it.
 */


#ifndef NGX_HTTP_AGW_ACCESS_CHECK_H_INCLUDED_
#define NGX_HTTP_AGW_ACCESS_CHECK_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Whether this request is for an endpoint, which authenticates by itself: the
 * access phase checks nothing.  One with another content handler is not, in
 * whatever location.
 */

static ngx_inline ngx_uint_t
ngx_http_agw_is_endpoint(const ngx_http_request_t *r,
    const ngx_http_agw_loc_conf_t *lcf)
{
    return lcf->endpoint != NULL
           && r->content_handler == lcf->endpoint->handler;
}


/*
 * Asks the store whether the token's partner owns that business.  Returns
 * AGW_OK or a reason of ngx_http_agw_find_business(); or any reason, and the
 * caller has to call the check again once the store has answered.
 */

typedef agw_reason_t (*ngx_http_agw_owner_pt)(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx, agw_str_t business_id);


/*
 * In a location that requires a token.  Fills *requirement as far as it comes,
 * calls owner if only the store can tell, and returns AGW_OK, and
 * ctx->business_id is set, or the first reason to refuse the request.
 */

agw_reason_t ngx_http_agw_check_requirement(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx, agw_requirement_t *requirement,
    ngx_http_agw_owner_pt owner);


/*
 * In a location that requires none: if it and a guarded location of the server
 * both forward the path, a request through this one could reach what the other
 * one guards.  Returns AGW_OK or the reason.
 */

agw_reason_t ngx_http_agw_check_no_requirement(ngx_http_request_t *r);


#endif /* NGX_HTTP_AGW_ACCESS_CHECK_H_INCLUDED_ */
