
#ifndef NGX_HTTP_AGW_ADMIN_H_INCLUDED_
#define NGX_HTTP_AGW_ADMIN_H_INCLUDED_


#include "ngx_http_agw.h"


/* the endpoint of `auth_gateway_admin`: the administration of the store */

extern const ngx_http_agw_endpoint_t  ngx_http_agw_admin_endpoint;


#endif /* NGX_HTTP_AGW_ADMIN_H_INCLUDED_ */
