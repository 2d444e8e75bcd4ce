
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_enforce.h"


ngx_uint_t
ngx_http_agw_may_be_lenient(ngx_http_request_t *r)
{
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    return lcf->enforce != NGX_HTTP_AGW_ENFORCE_ON
           && (lcf->endpoint == NULL
               || r->content_handler != lcf->endpoint->handler);
}


ngx_uint_t
ngx_http_agw_is_lenient(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx)
{
    ngx_int_t                       rc;
    ngx_str_t                       value;
    const ngx_http_agw_loc_conf_t  *lcf;

    if (!ngx_http_agw_may_be_lenient(r)) {
        return 0;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    if (lcf->enforce == NGX_HTTP_AGW_ENFORCE_LOG) {
        return 1;
    }

    ctx->choosing = 1;

    rc = ngx_http_complex_value(r, lcf->enforce_value, &value);

    ctx->choosing = 0;

    /* any value but this one enforces */

    return rc == NGX_OK && value.len == 3
           && ngx_strncmp(value.data, "log", 3) == 0;
}
