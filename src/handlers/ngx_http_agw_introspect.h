
#ifndef NGX_HTTP_AGW_INTROSPECT_H_INCLUDED_
#define NGX_HTTP_AGW_INTROSPECT_H_INCLUDED_


#include "ngx_http_agw.h"


/* `auth_gateway_introspect`: the introspection endpoint of RFC 7662 */

extern const ngx_http_agw_endpoint_t  ngx_http_agw_introspect_endpoint;


#endif /* NGX_HTTP_AGW_INTROSPECT_H_INCLUDED_ */
