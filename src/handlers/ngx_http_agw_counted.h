
#ifndef NGX_HTTP_AGW_COUNTED_H_INCLUDED_
#define NGX_HTTP_AGW_COUNTED_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * The log-phase handler: counts a request by the value that
 * $auth_gateway_result has in its line of an access log.
 */

ngx_int_t ngx_http_agw_counted_handler(ngx_http_request_t *r);


#endif /* NGX_HTTP_AGW_COUNTED_H_INCLUDED_ */
