
/*
 * What is asked of a request before its credentials: its transport and its
 * path.
 */


#ifndef NGX_HTTP_AGW_REQUEST_CHECK_H_INCLUDED_
#define NGX_HTTP_AGW_REQUEST_CHECK_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Transport, then path, where credentials are taken.  AGW_OK,
 * AGW_INSECURE_TRANSPORT, or what ngx_http_agw_check_path() returns.
 */

agw_reason_t ngx_http_agw_check_request(ngx_http_request_t *r);


/*
 * Both, for a location that requires something, and the business that the
 * path names: by a prefix of the location's template, or under `partner` of
 * any that the server has.
 */

agw_reason_t ngx_http_agw_check_guarded_request(ngx_http_request_t *r,
    agw_str_t *business_id);


/*
 * For a location of a guarded server that requires nothing: its path, and
 * that no template of the server matches it, unless the location was opened.
 * AGW_UNGUARDED_PATH, or what ngx_http_agw_check_path() returns.
 */

agw_reason_t ngx_http_agw_check_unguarded_request(ngx_http_request_t *r);


/*
 * Whether the path that nginx matched, and the raw one that it may forward,
 * mean one thing to everybody.  AGW_OK, AGW_AMBIGUOUS_PATH or
 * AGW_INTERNAL_ERROR.
 */

agw_reason_t ngx_http_agw_check_path(ngx_http_request_t *r);


/*
 * The business that the path names, by the location's template: the same in
 * the matched path and in the raw one, where nginx may forward that.
 * *business_id is empty where neither names one.  AGW_OK or
 * AGW_AMBIGUOUS_PATH.
 */

agw_reason_t ngx_http_agw_business_of_path(ngx_http_request_t *r,
    agw_match_t how, agw_str_t *business_id);


/*
 * Whether somebody could read a path as one that a template of the server
 * matches, which does not.  matched is the index of one that is known to, or
 * NGX_CONF_UNSET_UINT.  AGW_OK, AGW_AMBIGUOUS_PATH or AGW_INTERNAL_ERROR.
 */

agw_reason_t ngx_http_agw_check_confused(ngx_http_request_t *r,
    agw_str_t path, ngx_uint_t matched);


/*
 * Whether a template of the server matches the path, also one whose segment
 * is no identifier.
 */

ngx_uint_t ngx_http_agw_matches_any(ngx_http_request_t *r, agw_str_t path);


#endif /* NGX_HTTP_AGW_REQUEST_CHECK_H_INCLUDED_ */
