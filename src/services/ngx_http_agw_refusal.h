
/*
 * A request is refused with one reason.
 */


#ifndef NGX_HTTP_AGW_REFUSAL_H_INCLUDED_
#define NGX_HTTP_AGW_REFUSAL_H_INCLUDED_


#include "ngx_http_agw.h"
#include "ngx_http_agw_challenge.h"


/*
 * Decides the request in its context, writes the log line, and sends what the
 * row of the reason says: status, challenge, Allow, Retry-After, body.  If the
 * location intercepts errors, the status is returned and no body sent.
 * Returns what ngx_http_finalize_request() takes.
 */

ngx_int_t ngx_http_agw_refuse(ngx_http_request_t *r, agw_reason_t reason,
    ngx_http_agw_challenge_t challenge);


/*
 * Under `satisfy any`: decides, logs and sets the challenge, and leaves the
 * response to nginx.  Returns NGX_HTTP_UNAUTHORIZED, or
 * NGX_HTTP_INTERNAL_SERVER_ERROR.
 */

ngx_int_t ngx_http_agw_unauthorized(ngx_http_request_t *r,
    agw_reason_t reason);


#endif /* NGX_HTTP_AGW_REFUSAL_H_INCLUDED_ */
