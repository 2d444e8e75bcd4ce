
/*
 * A request is refused for one reason.
 */


#ifndef NGX_HTTP_AGW_REFUSAL_H_INCLUDED_
#define NGX_HTTP_AGW_REFUSAL_H_INCLUDED_


#include "ngx_http_agw.h"
#include "ngx_http_agw_challenge.h"


/*
 * Sets the result in the context, writes the log line, and sends the response
 * of the reason: status, challenge, Allow, Retry-After, body.  If the location
 * intercepts errors, returns the status instead, and sends no body.  Returns
 * what ngx_http_finalize_request() takes.
 */

ngx_int_t ngx_http_agw_refuse(ngx_http_request_t *r, agw_reason_t reason,
    ngx_http_agw_challenge_t challenge);


/*
 * The same under `satisfy any`, where nginx sends the response: returns
 * NGX_HTTP_UNAUTHORIZED, or NGX_HTTP_INTERNAL_SERVER_ERROR.
 */

ngx_int_t ngx_http_agw_unauthorized(ngx_http_request_t *r,
    agw_reason_t reason);


#endif /* NGX_HTTP_AGW_REFUSAL_H_INCLUDED_ */
