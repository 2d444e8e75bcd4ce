
/*
 * Whether a partner may act for a business, by the store.
 */


#ifndef NGX_HTTP_AGW_BUSINESS_H_INCLUDED_
#define NGX_HTTP_AGW_BUSINESS_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Called with AGW_OK and what the store has, which lives as long as the
 * request; or with a reason of agw_policy_business() or
 * AGW_STORE_UNAVAILABLE.  The handler has to finalize the request.
 */

typedef void (*ngx_http_agw_business_pt)(ngx_http_request_t *r,
    agw_reason_t reason, const agw_business_row_t *row);


/*
 * Queries the store.  The ids must live as long as the request.  token has the
 * claims of the partner token that requests a business token: the store then
 * also tells whether it has ended; else token is NULL.  Returns AGW_OK if
 * handler was or will be called, else AGW_INTERNAL_ERROR.
 */

agw_reason_t ngx_http_agw_find_business(ngx_http_request_t *r,
    agw_str_t partner_id, agw_str_t business_id, const agw_claims_t *token,
    ngx_http_agw_business_pt handler);


#endif /* NGX_HTTP_AGW_BUSINESS_H_INCLUDED_ */
