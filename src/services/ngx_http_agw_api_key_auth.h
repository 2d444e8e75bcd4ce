
/*
 * A partner authenticates with its id and an API key (RFC 6749, section
 * 2.3.1), in a Basic header or in the body; or with its id and a client
 * certificate (RFC 8705, section 2.2).
 */


#ifndef NGX_HTTP_AGW_API_KEY_AUTH_H_INCLUDED_
#define NGX_HTTP_AGW_API_KEY_AUTH_H_INCLUDED_


#include "ngx_http_agw.h"

#include "agw_params.h"


/* the result of an authentication */

struct ngx_http_agw_api_key_auth_s {
    ngx_str_t                 partner_id;    /* if it succeeded */
    time_t                    queried_at;
    int64_t                   stamp;         /* of the store, at that time */
    unsigned                  limited:1;     /* it has a list of scopes */
    agw_str_t                 scopes;        /* if it has one */
};


/*
 * Called with AGW_OK, AGW_INVALID_CLIENT or AGW_STORE_UNAVAILABLE.  The
 * handler has to finalize the request.
 */

typedef void (*ngx_http_agw_api_key_auth_pt)(ngx_http_request_t *r,
    agw_reason_t reason);


/*
 * Reads the credentials and queries the store.  Returns AGW_OK if handler was
 * or will be called; the result is then in ctx->api_key_auth.  Otherwise
 * returns AGW_NO_CREDENTIALS, AGW_MALFORMED_CREDENTIALS, AGW_INVALID_CLIENT (a
 * method that is not accepted here, an unreadable certificate),
 * AGW_INVALID_REQUEST (credentials in header and body, another client_id, a
 * secret in the URL) or AGW_INTERNAL_ERROR.  Every key that is refused takes
 * the same work.
 */

agw_reason_t ngx_http_agw_authenticate_api_key(ngx_http_request_t *r,
    const agw_params_t *params, ngx_http_agw_api_key_auth_pt handler);


#endif /* NGX_HTTP_AGW_API_KEY_AUTH_H_INCLUDED_ */
