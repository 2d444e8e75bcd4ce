
/*
 * From the Authorization header to checked claims.
 */


#ifndef NGX_HTTP_AGW_VERIFY_H_INCLUDED_
#define NGX_HTTP_AGW_VERIFY_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Verifies the request's bearer token (RFC 6750, section 2.1), once a pass.
 * Returns ctx->token_reason, which is AGW_OK, or a reason of
 * agw_bearer_parse(), agw_jws_verify(), agw_claims_read(),
 * agw_claims_check(), ngx_http_agw_check_binding() or
 * ngx_http_agw_check_revoked().  Only after AGW_OK may the context's claims
 * be used.
 */

agw_reason_t ngx_http_agw_verify(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx);


/*
 * Called before a decision: the same as ngx_http_agw_verify(), but if a
 * variable, for example, has called that before, times and revocation are
 * checked again.
 */

agw_reason_t ngx_http_agw_verify_now(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx);


/*
 * Returns all claims of the token that ngx_http_agw_verify() accepted.  They
 * belong to the context.  Returns NULL, logged, if memory ran out.
 */

json_t *ngx_http_agw_claims_json(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx);


/*
 * Verifies the signature of a token that is a parameter, and reads its claims,
 * but checks neither times nor revocation.  Returns AGW_OK and *key, and the
 * caller has to call agw_claims_done(); or a reason of agw_jws_verify() or
 * agw_claims_read(), with empty claims.
 */

agw_reason_t ngx_http_agw_verify_other(ngx_http_request_t *r,
    agw_str_t token, agw_claims_t *claims, const agw_key_t **key);


/*
 * Whether a token with these claims would be accepted now, from a client that
 * has the certificate it is bound to.  Returns AGW_OK; or a reason of
 * agw_claims_check() or ngx_http_agw_check_revoked(), AGW_WRONG_ISSUER or
 * AGW_WRONG_KIND.
 */

agw_reason_t ngx_http_agw_verify_claims(ngx_http_request_t *r,
    agw_claims_t *claims, const agw_key_t *key);


#endif /* NGX_HTTP_AGW_VERIFY_H_INCLUDED_ */
