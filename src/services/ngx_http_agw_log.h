
/*
 * The error log of a request.
 */


#ifndef NGX_HTTP_AGW_LOG_H_INCLUDED_
#define NGX_HTTP_AGW_LOG_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Returns the request's error log without the request line, which nginx adds
 * to each message: it is the client's text, with the query.  Each call
 * allocates one.  Keep it in a variable, since ngx_log_error() evaluates its
 * argument twice.
 */

ngx_log_t *ngx_http_agw_log(ngx_http_request_t *r);


#endif /* NGX_HTTP_AGW_LOG_H_INCLUDED_ */
