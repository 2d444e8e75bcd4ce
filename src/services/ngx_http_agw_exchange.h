
/*
 * Token exchange (RFC 8693): a partner authenticates, presents a partner token
 * of its own, and names a business.
 */


#ifndef NGX_HTTP_AGW_EXCHANGE_H_INCLUDED_
#define NGX_HTTP_AGW_EXCHANGE_H_INCLUDED_


#include "ngx_http_agw.h"

#include "agw_params.h"


#define NGX_HTTP_AGW_TOKEN_EXCHANGE                                           \
    "urn:ietf:params:oauth:grant-type:token-exchange"

#define NGX_HTTP_AGW_ACCESS_TOKEN                                             \
    "urn:ietf:params:oauth:token-type:access_token"


/*
 * Reads the parameters into ctx->subject.  Returns AGW_OK; AGW_INVALID_REQUEST
 * if one is missing or not supported; AGW_INVALID_TARGET if they name no
 * business; or AGW_INTERNAL_ERROR.
 */

agw_reason_t ngx_http_agw_read_exchange(ngx_http_request_t *r,
    const agw_params_t *params);


/*
 * Verifies the subject token: it must be an active partner token of partner_id,
 * and bound to no other client.  The second is called before a decision: it
 * checks again what may have changed.
 * Both return AGW_OK; AGW_INVALID_REQUEST, and ctx->fault says why;
 * AGW_STORE_UNAVAILABLE; or AGW_INTERNAL_ERROR.
 */

agw_reason_t ngx_http_agw_verify_subject(ngx_http_request_t *r,
    agw_str_t partner_id);
agw_reason_t ngx_http_agw_verify_subject_again(ngx_http_request_t *r);


/* the business that is asked for, and the claims of the subject token */

agw_str_t ngx_http_agw_subject_business(const ngx_http_agw_ctx_t *ctx);
const agw_claims_t *ngx_http_agw_subject_claims(
    const ngx_http_agw_ctx_t *ctx);


/*
 * What a client learns of the store's reason: of a business only that it is no
 * target, of its token only that it is not valid (RFC 8693, section 2.2.2).
 */

agw_reason_t ngx_http_agw_exchange_reason(ngx_http_request_t *r,
    agw_reason_t reason);


#endif /* NGX_HTTP_AGW_EXCHANGE_H_INCLUDED_ */
