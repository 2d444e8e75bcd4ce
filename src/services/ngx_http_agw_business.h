
/*
 * Whether a partner may act for a business, as the store has it.
 */


#ifndef NGX_HTTP_AGW_BUSINESS_H_INCLUDED_
#define NGX_HTTP_AGW_BUSINESS_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Called with AGW_OK, and the stamp of the store at the moment when it was
 * so; a reason of agw_policy_business(), or AGW_STORE_UNAVAILABLE.  The
 * request is then the handler's to finalize.
 */

typedef void (*ngx_http_agw_business_pt)(ngx_http_request_t *r,
    agw_reason_t reason, int64_t stamp);


/*
 * Asks the store; what is asked for lives as long as the request.  Where a
 * partner token asks for another token, its claims are given: the store also
 * says whether it has ended meanwhile.  Else they are NULL.  Returns AGW_OK
 * where handler was, or will be, called, else AGW_INTERNAL_ERROR.
 */

agw_reason_t ngx_http_agw_find_business(ngx_http_request_t *r,
    agw_str_t partner_id, agw_str_t business_id, const agw_claims_t *token,
    ngx_http_agw_business_pt handler);


#endif /* NGX_HTTP_AGW_BUSINESS_H_INCLUDED_ */
