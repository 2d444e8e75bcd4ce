
/*
 * Each main request that the module decided is counted once.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_counted.h"
#include "ngx_http_agw_counters.h"
#include "ngx_http_agw_ctx.h"


ngx_int_t
ngx_http_agw_counted_handler(ngx_http_request_t *r)
{
    ngx_uint_t                 counter;
    const ngx_http_agw_ctx_t  *ctx;

    /* `log_subrequest` */

    if (r != r->main) {
        return NGX_OK;
    }

    ctx = ngx_http_agw_last_decision(r);

    if (ctx == NULL) {
        return NGX_OK;
    }

    counter = ctx->would_refuse ? NGX_HTTP_AGW_COUNT_WOULD_REFUSE
                                : NGX_HTTP_AGW_COUNT_REQUESTS;

    ngx_http_agw_count(counter + ctx->result);

    return NGX_OK;
}
