
/*
 * A partner authenticates with an assertion (RFC 7523, section 2.2).
 */


#ifndef NGX_HTTP_AGW_ASSERTION_AUTH_H_INCLUDED_
#define NGX_HTTP_AGW_ASSERTION_AUTH_H_INCLUDED_


#include "ngx_http_agw_api_key_auth.h"


/*
 * As ngx_http_agw_authenticate_api_key().  type and client_id are parameters,
 * and may be empty.  Every fault is AGW_INVALID_CLIENT; ctx->fault says which.
 */

agw_reason_t ngx_http_agw_authenticate_assertion(ngx_http_request_t *r,
    agw_str_t assertion, agw_str_t type, agw_str_t client_id,
    ngx_http_agw_api_key_auth_pt handler);


/* the memory of assertions that were used, of all workers: cf's zone */

ngx_int_t ngx_http_agw_assertions_create(ngx_conf_t *cf,
    ngx_http_agw_main_conf_t *mcf);


#endif /* NGX_HTTP_AGW_ASSERTION_AUTH_H_INCLUDED_ */
