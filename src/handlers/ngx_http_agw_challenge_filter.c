
/*
 * Under `satisfy any` nginx removes the challenge of one module if another
 * allows the request.  It remembers only one: if a third module has set its
 * challenge in between, ours would stay in the response.
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
