
/*
 * Issuing after a cut-off: a token whose iat is not after it would be
 * refused as soon as it is used.
 */


#ifndef NGX_HTTP_AGW_WAIT_H_INCLUDED_
#define NGX_HTTP_AGW_WAIT_H_INCLUDED_


#include "ngx_http_agw.h"


typedef void (*ngx_http_agw_wait_pt)(ngx_http_request_t *r);


/*
 * Returns NGX_OK where a token issued at that time will live; NGX_AGAIN
 * where handler will be called, once the clock has passed the cut-off;
 * NGX_DECLINED where that would take longer than anybody waits, and
 * ctx->retry_after is set; NGX_ERROR where memory ran out.
 */

ngx_int_t ngx_http_agw_wait_for_cutoff(ngx_http_request_t *r,
    const ngx_http_agw_grant_t *grant, ngx_http_agw_wait_pt handler);


#endif /* NGX_HTTP_AGW_WAIT_H_INCLUDED_ */
