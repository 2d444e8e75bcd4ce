
/*
 * CORS preflights (Fetch, section 3.3.2): a browser asks before it sends a
 * request, and never with credentials.
 */


#ifndef NGX_HTTP_AGW_PREFLIGHT_H_INCLUDED_
#define NGX_HTTP_AGW_PREFLIGHT_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Whether a request is one: OPTIONS with one Origin and one
 * Access-Control-Request-Method, without Authorization and without a body.
 */

ngx_int_t ngx_http_agw_is_preflight(ngx_http_request_t *r);


#endif /* NGX_HTTP_AGW_PREFLIGHT_H_INCLUDED_ */
