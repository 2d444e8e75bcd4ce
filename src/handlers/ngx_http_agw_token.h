
#ifndef NGX_HTTP_AGW_TOKEN_H_INCLUDED_
#define NGX_HTTP_AGW_TOKEN_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * The content handler of `auth_gateway_token`: the token endpoint of RFC
 * 6749, section 3.2, for either kind of token.
 */

ngx_int_t ngx_http_agw_token_handler(ngx_http_request_t *r);


#endif /* NGX_HTTP_AGW_TOKEN_H_INCLUDED_ */
