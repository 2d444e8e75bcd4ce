
/*
 * A partner authenticates with its id and an API key (RFC 6749, section
 * 2.3.1): in a Basic header, or in the body.
 */


#ifndef NGX_HTTP_AGW_API_KEY_AUTH_H_INCLUDED_
#define NGX_HTTP_AGW_API_KEY_AUTH_H_INCLUDED_


#include "ngx_http_agw.h"

#include "agw_params.h"


/* what an authentication found out */

struct ngx_http_agw_api_key_auth_s {
    ngx_str_t                 partner_id;    /* where it succeeded */
    time_t                    queried_at;
    int64_t                   stamp;         /* of the store, at that time */
};


/*
 * Called with AGW_OK, AGW_INVALID_CLIENT or AGW_STORE_UNAVAILABLE; the
 * request is then the handler's to finalize.
 */

typedef void (*ngx_http_agw_api_key_auth_pt)(ngx_http_request_t *r,
    agw_reason_t reason);


/*
 * Reads the credentials and asks the store.  Returns AGW_OK where handler
 * was, or will be, called; else the handler will not be called:
 * AGW_NO_CREDENTIALS, AGW_MALFORMED_CREDENTIALS, AGW_INVALID_REQUEST (two
 * ways at once, a client_id that disagrees, a secret in the query) or
 * AGW_INTERNAL_ERROR.  Every refusal of the store costs the same work.  The
 * outcome is in ctx->api_key_auth.
 */

agw_reason_t ngx_http_agw_authenticate_api_key(ngx_http_request_t *r,
    const agw_params_t *params, ngx_http_agw_api_key_auth_pt handler);


#endif /* NGX_HTTP_AGW_API_KEY_AUTH_H_INCLUDED_ */
