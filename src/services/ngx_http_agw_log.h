
/*
 * What is logged of a request.
 */


#ifndef NGX_HTTP_AGW_LOG_H_INCLUDED_
#define NGX_HTTP_AGW_LOG_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * The request's error log without what nginx adds to each line: the request
 * line is the client's text, and holds the query.  Each call makes one: keep
 * it in a variable, since ngx_log_error() evaluates its argument twice.
 */

ngx_log_t *ngx_http_agw_log(ngx_http_request_t *r);


#endif /* NGX_HTTP_AGW_LOG_H_INCLUDED_ */
