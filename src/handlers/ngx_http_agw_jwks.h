
#ifndef NGX_HTTP_AGW_JWKS_H_INCLUDED_
#define NGX_HTTP_AGW_JWKS_H_INCLUDED_


#include "ngx_http_agw.h"


/* `auth_gateway_jwks`: the JWK Set of RFC 7517, section 5 */

extern const ngx_http_agw_endpoint_t  ngx_http_agw_jwks_endpoint;


#endif /* NGX_HTTP_AGW_JWKS_H_INCLUDED_ */
