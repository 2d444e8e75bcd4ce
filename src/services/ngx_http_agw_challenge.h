
/*
 * WWW-Authenticate (RFC 9110, section 11.6.1).
 */


#ifndef NGX_HTTP_AGW_CHALLENGE_H_INCLUDED_
#define NGX_HTTP_AGW_CHALLENGE_H_INCLUDED_


#include "ngx_http_agw.h"


typedef enum {
    NGX_HTTP_AGW_BEARER = 0,         /* RFC 6750, section 3 */
    NGX_HTTP_AGW_BASIC,              /* RFC 7617, section 2 */
    NGX_HTTP_AGW_EITHER              /* both, if there are no credentials */
} ngx_http_agw_challenge_t;


/*
 * Replaces the challenges of the response by those for a reason, which may
 * have none.  Returns NGX_OK or NGX_ERROR.
 */

ngx_int_t ngx_http_agw_add_challenges(ngx_http_request_t *r,
    agw_reason_t reason, ngx_http_agw_challenge_t challenge);


#endif /* NGX_HTTP_AGW_CHALLENGE_H_INCLUDED_ */
