
#ifndef NGX_HTTP_AGW_ACCESS_H_INCLUDED_
#define NGX_HTTP_AGW_ACCESS_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * The access-phase handler: NGX_OK allows; NGX_DECLINED has no say (the
 * location requires nothing, or is an endpoint); anything else ends the
 * request.
 */

ngx_int_t ngx_http_agw_access_handler(ngx_http_request_t *r);


#endif /* NGX_HTTP_AGW_ACCESS_H_INCLUDED_ */
