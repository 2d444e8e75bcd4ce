
#ifndef NGX_HTTP_AGW_STATUS_H_INCLUDED_
#define NGX_HTTP_AGW_STATUS_H_INCLUDED_


#include "ngx_http_agw.h"


/* `auth_gateway_status`: whether the gateway is ready, as JSON */

extern const ngx_http_agw_endpoint_t  ngx_http_agw_status_endpoint;


#endif /* NGX_HTTP_AGW_STATUS_H_INCLUDED_ */
