
/*
 * From the Authorization header to checked claims.
 */


#ifndef NGX_HTTP_AGW_VERIFY_H_INCLUDED_
#define NGX_HTTP_AGW_VERIFY_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Where memory runs out, jansson goes on without a byte of a string.  From
 * now on, in this process, allocations that it is refused are counted, so
 * that what was read then is not believed.
 */

void ngx_http_agw_watch_json(void);


/*
 * Verifies the request's bearer token (RFC 6750, section 2.1): once a pass,
 * whoever asks first.  Returns ctx->token_reason, which is AGW_OK, a reason of
 * agw_bearer_parse(), agw_jws_verify(), agw_claims_read(),
 * agw_claims_check() or ngx_http_agw_revoked().  Only after AGW_OK may the
 * context's claims be used.
 */

agw_reason_t ngx_http_agw_verify(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx);


/*
 * For the moment of a decision: ngx_http_agw_verify(), and time and
 * revocation looked at once more, since a variable may have asked long
 * before.
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
