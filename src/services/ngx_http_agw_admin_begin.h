
/*
 * A request of an administrator becomes an operation on the store.
 */


#ifndef NGX_HTTP_AGW_ADMIN_BEGIN_H_INCLUDED_
#define NGX_HTTP_AGW_ADMIN_BEGIN_H_INCLUDED_


#include "ngx_http_agw_admin_request.h"


/* each has the contract of ngx_http_agw_admin_begin_pt */

agw_reason_t ngx_http_agw_admin_begin_list(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
agw_reason_t ngx_http_agw_admin_begin_one(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
agw_reason_t ngx_http_agw_admin_begin_create(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
agw_reason_t ngx_http_agw_admin_begin_put(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
agw_reason_t ngx_http_agw_admin_begin_patch(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
agw_reason_t ngx_http_agw_admin_begin_api_key(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
agw_reason_t ngx_http_agw_admin_begin_body(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
agw_reason_t ngx_http_agw_admin_begin_roll(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
agw_reason_t ngx_http_agw_admin_begin_revoke(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);


/*
 * For ngx_http_agw_admin_import: parses req->body, one object of JSON, or none,
 * which is an object without members.  AGW_OK and a new reference, or
 * req->fault is set.
 */

agw_reason_t ngx_http_agw_admin_parse(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, json_t **object);


#endif /* NGX_HTTP_AGW_ADMIN_BEGIN_H_INCLUDED_ */
