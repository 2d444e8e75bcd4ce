
/*
 * Each refusal writes one line to the error log.
 */


#ifndef NGX_HTTP_AGW_REFUSAL_LOG_H_INCLUDED_
#define NGX_HTTP_AGW_REFUSAL_LOG_H_INCLUDED_


#include "ngx_http_agw.h"


/* writes the line, at level info */

void ngx_http_agw_log_refusal(ngx_http_request_t *r,
    const ngx_http_agw_ctx_t *ctx, agw_reason_t reason);


/* $request_id of nginx, or "-" */

ngx_str_t ngx_http_agw_request_id(ngx_http_request_t *r);


#endif /* NGX_HTTP_AGW_REFUSAL_LOG_H_INCLUDED_ */
