
/*
 * The responses to an administrator.
 */


#ifndef NGX_HTTP_AGW_ADMIN_ANSWER_H_INCLUDED_
#define NGX_HTTP_AGW_ADMIN_ANSWER_H_INCLUDED_


#include "ngx_http_agw_admin_request.h"


/*
 * Sends the error that req->fault says: error, error_description, and member
 * and line if there are.  Returns what ngx_http_finalize_request() takes.
 */

ngx_int_t ngx_http_agw_admin_error(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);


/* sends what came of the operation, and finalizes the request */

void ngx_http_agw_admin_answer(ngx_http_request_t *r,
    ngx_http_agw_administration_t *adm, agw_reason_t reason);


#endif /* NGX_HTTP_AGW_ADMIN_ANSWER_H_INCLUDED_ */
