
/*
 * From the Authorization header to checked claims.
 */


#ifndef NGX_HTTP_AGW_VERIFY_H_INCLUDED_
#define NGX_HTTP_AGW_VERIFY_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Verifies the request's bearer token (RFC 6750, section 2.1): once a pass,
 * whoever asks first.  Returns ctx->verified, which is AGW_OK, a reason of
 * agw_bearer_parse(), agw_jws_verify(), agw_claims_read() or
 * agw_claims_check().  Only after AGW_OK may the context's claims be used.
 */

agw_reason_t ngx_http_agw_verify(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx);


/*
 * For the moment of a decision: ngx_http_agw_verify(), and the time looked
 * at once more, since a variable may have asked long before.
 */

agw_reason_t ngx_http_agw_verify_now(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx);


#endif /* NGX_HTTP_AGW_VERIFY_H_INCLUDED_ */
