
#ifndef NGX_HTTP_AGW_ENDPOINT_H_INCLUDED_
#define NGX_HTTP_AGW_ENDPOINT_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * The precontent-phase handler: calls the handler of an endpoint.  Returns
 * NGX_DECLINED if the location is none, else NGX_DONE.
 */

ngx_int_t ngx_http_agw_endpoint_handler(ngx_http_request_t *r);


#endif /* NGX_HTTP_AGW_ENDPOINT_H_INCLUDED_ */
