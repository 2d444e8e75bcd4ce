
/*
 * Refusals.
 */


#ifndef NGX_HTTP_AGW_REFUSAL_H_INCLUDED_
#define NGX_HTTP_AGW_REFUSAL_H_INCLUDED_


#include "ngx_http_agw.h"


typedef enum {
    NGX_HTTP_AGW_BEARER = 0,         /* RFC 6750, section 3 */
    NGX_HTTP_AGW_BASIC,              /* RFC 7617, section 2 */
    NGX_HTTP_AGW_EITHER              /* both, where nothing was shown */
} ngx_http_agw_challenge_t;


/*
 * Sends a refusal: notes it in the context, writes its one log line, sets
 * what the reason's row says (status, challenge, Allow, Retry-After) and
 * sends the body, having discarded the request's.  Where the location
 * intercepts errors, the status is returned instead of a body sent.  Returns
 * what ngx_http_finalize_request() takes.
 */

ngx_int_t ngx_http_agw_refuse(ngx_http_request_t *r, agw_reason_t reason,
    ngx_http_agw_challenge_t challenge);


/*
 * Under `satisfy any`: notes, logs and sets the challenge, and leaves the
 * answer to nginx.  Returns NGX_HTTP_UNAUTHORIZED, or
 * NGX_HTTP_INTERNAL_SERVER_ERROR.
 */

ngx_int_t ngx_http_agw_unauthorized(ngx_http_request_t *r,
    agw_reason_t reason);


#endif /* NGX_HTTP_AGW_REFUSAL_H_INCLUDED_ */
