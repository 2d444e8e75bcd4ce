
/*
 * Under `satisfy any` nginx withdraws the challenge of one module where
 * another allows the request.  It remembers one alone: where a third has
 * challenged in between, ours would stay on the answer.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_challenge_filter.h"


static ngx_int_t ngx_http_agw_challenge_filter(ngx_http_request_t *r);


static ngx_http_output_header_filter_pt  ngx_http_agw_next_header_filter;


void
ngx_http_agw_challenge_filter_init(void)
{
    ngx_http_agw_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_agw_challenge_filter;
}


static ngx_int_t
ngx_http_agw_challenge_filter(ngx_http_request_t *r)
{
    const ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    if (ctx != NULL && ctx->deferred != NULL
        && r->headers_out.status != NGX_HTTP_UNAUTHORIZED)
    {
        ctx->deferred->hash = 0;
    }

    return ngx_http_agw_next_header_filter(r);
}
