
/*
 * The token that a partner revokes or introspects (RFC 7009, section 2.1; RFC
 * 7662, section 2.1).
 */


#ifndef NGX_HTTP_AGW_TOKEN_PARAM_H_INCLUDED_
#define NGX_HTTP_AGW_TOKEN_PARAM_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Called after ngx_http_agw_authenticate_partner().  Verifies the `token`
 * parameter: its signature, and that it is a token of that partner; but
 * neither times nor revocation.  Returns AGW_OK, the claims, which are freed
 * with the request, and the key; AGW_INVALID_REQUEST if there is no such
 * parameter; AGW_UNKNOWN_KEY for any other token, logged if it is another
 * partner's; or AGW_INTERNAL_ERROR.
 */

agw_reason_t ngx_http_agw_token_param(ngx_http_request_t *r,
    agw_claims_t **claims, const agw_key_t **key);


#endif /* NGX_HTTP_AGW_TOKEN_PARAM_H_INCLUDED_ */
