
/*
 * A challenge tells a client how to authenticate, and what was wrong with its
 * credentials.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_reason.h"
#include "ngx_http_agw_challenge.h"
#include "ngx_http_agw_response.h"


static ngx_int_t ngx_http_agw_basic_challenge(ngx_http_request_t *r,
    ngx_str_t *value);
static ngx_int_t ngx_http_agw_bearer_challenge(ngx_http_request_t *r,
    agw_reason_t reason, ngx_str_t *value);


/*
 * A 401 always has one (RFC 9110, section 15.5.2), a 403 and a 400 only if
 * they are about the token.
 */

ngx_int_t
ngx_http_agw_add_challenges(ngx_http_request_t *r, agw_reason_t reason,
    ngx_http_agw_challenge_t challenge)
{
    ngx_str_t                 value;
    ngx_table_elt_t          *header;
    const agw_reason_info_t  *info;

    /* those of the passes before */

    ngx_http_agw_forget_challenges(r);

    info = agw_reason_info(reason);

    if (info->status != NGX_HTTP_UNAUTHORIZED
        && (challenge == NGX_HTTP_AGW_BASIC
            || (reason != AGW_MALFORMED_CREDENTIALS
                && reason != AGW_WRONG_KIND
                && reason != AGW_INSUFFICIENT_SCOPE
                && reason != AGW_WRONG_BUSINESS)))
    {
        return NGX_OK;
    }

    header = NULL;

    if (challenge != NGX_HTTP_AGW_BEARER
        && ngx_http_agw_basic_challenge(r, &value) == NGX_OK)
    {
        header = ngx_http_agw_push_header(r, "WWW-Authenticate", &value);

        if (header == NULL) {
            return NGX_ERROR;
        }
    }

    if (challenge != NGX_HTTP_AGW_BASIC
        && ngx_http_agw_bearer_challenge(r, reason, &value) == NGX_OK)
    {
        header = ngx_http_agw_push_header(r, "WWW-Authenticate", &value);
    }

    /* nginx clears it if another module satisfies the request */

    r->headers_out.www_authenticate = header;

    return header ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_agw_basic_challenge(ngx_http_request_t *r, ngx_str_t *value)
{
    u_char                         *end;
    size_t                          size;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    size = sizeof("Basic realm=\"\"") + lcf->realm.len;

    value->data = ngx_pnalloc(r->pool, size);
    if (value->data == NULL) {
        return NGX_ERROR;
    }

    end = ngx_snprintf(value->data, size, "Basic realm=\"%V\"", &lcf->realm);
    value->len = end - value->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_bearer_challenge(ngx_http_request_t *r, agw_reason_t reason,
    ngx_str_t *value)
{
    u_char                         *p, *last;
    size_t                          size;
    ngx_str_t                       scope;
    const agw_reason_info_t        *info;
    const ngx_http_agw_loc_conf_t  *lcf;
    const ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);
    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    info = agw_reason_info(reason);

    size = sizeof("Bearer realm=\"\", error=\"\", error_description=\"\", "
                  "scope=\"\", resource_metadata=\"\"")
           + lcf->realm.len + lcf->scope.len + sscf->resource_metadata.len
           + ngx_strlen(info->error) + ngx_strlen(info->description);

    value->data = ngx_pnalloc(r->pool, size);
    if (value->data == NULL) {
        return NGX_ERROR;
    }

    last = value->data + size;
    p = ngx_slprintf(value->data, last, "Bearer realm=\"%V\"", &lcf->realm);

    /* without credentials there is no error code (RFC 6750, section 3.1) */

    if (reason != AGW_NO_CREDENTIALS) {
        p = ngx_slprintf(p, last, ", error=\"%s\"", info->error);
    }

    if (reason != AGW_NO_CREDENTIALS
        && info->status == NGX_HTTP_UNAUTHORIZED)
    {
        p = ngx_slprintf(p, last, ", error_description=\"%s\"",
                         info->description);
    }

    scope = (lcf->require & AGW_REQUIRE_BUSINESS) ? lcf->scope
                                                  : lcf->scope_of_partner;

    if (info->status == NGX_HTTP_FORBIDDEN && lcf->endpoint == NULL
        && lcf->require != AGW_REQUIRE_OFF && scope.len)
    {
        p = ngx_slprintf(p, last, ", scope=\"%V\"", &scope);
    }

    /* RFC 9728, section 5.1 */

    if (sscf->resource_metadata.len) {
        p = ngx_slprintf(p, last, ", resource_metadata=\"%V\"",
                         &sscf->resource_metadata);
    }

    value->len = p - value->data;

    return NGX_OK;
}
