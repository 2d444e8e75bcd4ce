
/*
 * What is asked of a request before its credentials: its transport and its
 * path.
 */


#ifndef NGX_HTTP_AGW_REQUEST_CHECK_H_INCLUDED_
#define NGX_HTTP_AGW_REQUEST_CHECK_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * For an endpoint that takes credentials: transport, then path.  Returns
 * AGW_OK, AGW_INSECURE_TRANSPORT, or what ngx_http_agw_check_path() returns.
 * After AGW_OK *business is what the location's own template says of the whole
 * path: its reason is AGW_OK, AGW_NO_BUSINESS_IN_PATH or AGW_AMBIGUOUS_PATH,
 * which it also is if a template of the server names another business.
 */

agw_reason_t ngx_http_agw_check_request(ngx_http_request_t *r,
    agw_matched_t *business);


/*
 * For a location that requires a token: transport, path, and the business that
 * the path names.  The location's own template matches a prefix of the path;
 * under `partner` any template of the server may, except for the literal path
 * of a `location =`, which names no business.  Returns the same reasons;
 * *business_id is empty if the path names no business.
 */

agw_reason_t ngx_http_agw_check_guarded_request(ngx_http_request_t *r,
    agw_str_t *business_id);


/*
 * For a location that requires no token, in a guarded server: the path, and
 * that no template of the server matches it, unless `auth_gateway_require off`
 * stands in the location or in one around it.  Returns AGW_UNGUARDED_PATH, or
 * what ngx_http_agw_check_path() returns.
 */

agw_reason_t ngx_http_agw_check_unguarded_request(ngx_http_request_t *r);


/*
 * Whether everybody reads the path in one way: the path that nginx matched,
 * and the raw one that it may forward.  Returns AGW_OK, AGW_AMBIGUOUS_PATH or
 * AGW_INTERNAL_ERROR.
 */

agw_reason_t ngx_http_agw_check_path(ngx_http_request_t *r);


/* agw_templates_match() with the templates of the server */

agw_reason_t ngx_http_agw_match_templates(ngx_http_request_t *r,
    const agw_template_t *own, agw_match_t how, agw_str_t path,
    agw_matched_t *matched);


#endif /* NGX_HTTP_AGW_REQUEST_CHECK_H_INCLUDED_ */
