
#ifndef NGX_HTTP_AGW_METADATA_H_INCLUDED_
#define NGX_HTTP_AGW_METADATA_H_INCLUDED_


#include "ngx_http_agw.h"


/* `auth_gateway_metadata`: the document of RFC 8414, section 2 */

extern const ngx_http_agw_endpoint_t  ngx_http_agw_metadata_endpoint;
extern const ngx_http_agw_endpoint_t  ngx_http_agw_resource_metadata_endpoint;


#endif /* NGX_HTTP_AGW_METADATA_H_INCLUDED_ */
