
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_access_check.h"
#include "ngx_http_agw_enforce.h"


ngx_uint_t
ngx_http_agw_may_be_lenient(ngx_http_request_t *r)
{
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    return lcf->enforce != NGX_HTTP_AGW_ENFORCE_ON
           && !ngx_http_agw_is_endpoint(r, lcf);
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


/*
 * nginx does not say whether any module allowed a request.  But if one does,
 * nginx takes back the challenge that was set last.  So one is set that is in
 * no list of headers, and not sent.  That of a module before this one serves
 * as well.
 */

void
ngx_http_agw_watch_others(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx)
{
    ngx_table_elt_t           *challenge;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (clcf->satisfy != NGX_HTTP_SATISFY_ANY
        || ctx->result != AGW_NO_CREDENTIALS)
    {
        return;
    }

    challenge = r->headers_out.www_authenticate;

    if (challenge == NULL || challenge->hash == 0) {

        challenge = ngx_pcalloc(r->pool, sizeof(ngx_table_elt_t));
        if (challenge == NULL) {
            return;
        }

        challenge->hash = 1;
        ctx->own_watched = 1;

        r->headers_out.www_authenticate = challenge;
    }

    ctx->watched = challenge;
}


/*
 * A challenge that came later is of a module that refused: if the request has
 * got past the access phase, still another module has allowed it.
 */

void
ngx_http_agw_ask_others(ngx_http_request_t *r, ngx_http_agw_ctx_t *ctx)
{
    ngx_uint_t  later;

    later = (r->headers_out.www_authenticate != ctx->watched);

    if (later || ctx->watched->hash == 0) {
        ctx->would_refuse = 0;
        ctx->overruled = 1;
    }

    if (ctx->own_watched && !later) {
        r->headers_out.www_authenticate = NULL;
    }

    ctx->watched = NULL;
}
