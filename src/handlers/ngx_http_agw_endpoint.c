
/*
 * An endpoint answers in the precontent phase, before try_files and mirror
 * could send the request, and its credentials, elsewhere.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_access_check.h"
#include "ngx_http_agw_endpoint.h"
#include "ngx_http_agw_enforce.h"


ngx_int_t
ngx_http_agw_endpoint_handler(ngx_http_request_t *r)
{
    ngx_http_agw_ctx_t             *ctx;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);
    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    /* a refusal that was left to nginx under `satisfy any` was not the last */

    if (ctx != NULL && ctx->deferred != NULL) {
        ctx->overruled = 1;
    }

    if (ctx != NULL && ctx->watched != NULL) {
        ngx_http_agw_ask_others(r, ctx);
    }

    if (!ngx_http_agw_is_endpoint(r, lcf)) {
        return NGX_DECLINED;
    }

    /* as ngx_http_core_content_phase() does */

    r->write_event_handler = ngx_http_request_empty_handler;

    ngx_http_finalize_request(r, r->content_handler(r));

    return NGX_DONE;
}
