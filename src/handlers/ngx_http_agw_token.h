
#ifndef NGX_HTTP_AGW_TOKEN_H_INCLUDED_
#define NGX_HTTP_AGW_TOKEN_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * `auth_gateway_token`: the token endpoint of RFC 6749, section 3.2, for
 * partner tokens or business tokens.
 */

extern const ngx_http_agw_endpoint_t  ngx_http_agw_token_endpoint;


#endif /* NGX_HTTP_AGW_TOKEN_H_INCLUDED_ */
