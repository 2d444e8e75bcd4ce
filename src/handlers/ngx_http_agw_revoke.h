
#ifndef NGX_HTTP_AGW_REVOKE_H_INCLUDED_
#define NGX_HTTP_AGW_REVOKE_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * `auth_gateway_revoke`: the revocation endpoint of RFC 7009, and one like it
 * for all tokens of a business.
 */

extern const ngx_http_agw_endpoint_t  ngx_http_agw_revoke_endpoint;


#endif /* NGX_HTTP_AGW_REVOKE_H_INCLUDED_ */
