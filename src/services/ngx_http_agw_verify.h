
/*
 * From the Authorization header to checked claims.
 */


#ifndef NGX_HTTP_AGW_VERIFY_H_INCLUDED_
#define NGX_HTTP_AGW_VERIFY_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * If memory runs out, jansson may return a string without one of its bytes,
 * and no error.  From now on its failed allocations are counted, in this
 * process, so that what was read during one is not believed.
 */

void ngx_http_agw_watch_json(void);


/*
 * Verifies the request's bearer token (RFC 6750, section 2.1), once a pass.
 * Returns ctx->token_reason, which is AGW_OK, or a reason of
 * agw_bearer_parse(), agw_jws_verify(), agw_claims_read(), agw_claims_check()
 * or ngx_http_agw_check_revoked().  Only after AGW_OK may the context's claims
 * be used.
 */

agw_reason_t ngx_http_agw_verify(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx);


/*
 * For the moment of a decision: ngx_http_agw_verify(); but if that was called
 * before, by a variable say, time and revocation are checked again.
 */

agw_reason_t ngx_http_agw_verify_now(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx);


/*
 * Every claim of the token that ngx_http_agw_verify() accepted, the context's
 * own; NULL where memory ran out, which is logged.
 */

json_t *ngx_http_agw_claims_json(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx);


/*
 * Verifies a token that is no credential: a parameter.  What it says is read
 * and its signature holds, but neither time nor revocation is looked at.
 * Returns AGW_OK, *key, and the caller owes an agw_claims_done(); or a reason
 * of agw_jws_verify() or agw_claims_read(), and claims holds nothing.
 */

agw_reason_t ngx_http_agw_verify_other(ngx_http_request_t *r,
    agw_str_t token, agw_claims_t *claims, const agw_key_t **key);


/* whether such a token would be accepted now: AGW_OK, or why not */

agw_reason_t ngx_http_agw_verify_claims(ngx_http_request_t *r,
    agw_claims_t *claims, const agw_key_t *key, uint64_t *generation);


#endif /* NGX_HTTP_AGW_VERIFY_H_INCLUDED_ */
