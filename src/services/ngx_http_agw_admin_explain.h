
/*
 * An administrator asks which check refuses a token and a path.
 */


#ifndef NGX_HTTP_AGW_ADMIN_EXPLAIN_H_INCLUDED_
#define NGX_HTTP_AGW_ADMIN_EXPLAIN_H_INCLUDED_


#include "ngx_http_agw_admin_request.h"


/*
 * Has the contract of ngx_http_agw_admin_begin_pt, and answers by itself: after
 * AGW_OK the request has ended, or will.
 */

agw_reason_t ngx_http_agw_admin_begin_explain(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);


#endif /* NGX_HTTP_AGW_ADMIN_EXPLAIN_H_INCLUDED_ */
