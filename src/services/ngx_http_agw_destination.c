
/*
 * nginx's dav_methods, and many upstreams, write to the path in Destination,
 * for which nginx matches no location.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_path.h"
#include "ngx_http_agw_destination.h"
#include "ngx_http_agw_headers.h"
#include "ngx_http_agw_request_check.h"
#include "ngx_http_agw_str.h"


static agw_reason_t ngx_http_agw_find_destination(ngx_http_request_t *r,
    agw_str_t *raw);
static agw_reason_t ngx_http_agw_unescape(ngx_http_request_t *r,
    agw_str_t raw, agw_str_t *decoded);
static agw_reason_t ngx_http_agw_check_aliased(ngx_http_request_t *r,
    agw_str_t path);
static agw_reason_t ngx_http_agw_match_destination(ngx_http_request_t *r,
    agw_str_t path, agw_str_t business_id, ngx_uint_t *outside);
static ngx_uint_t ngx_http_agw_holds_businesses(ngx_http_request_t *r,
    agw_str_t path, agw_str_t business_id);


/*
 * Both spellings are checked: nginx decodes once, and drops a '%' that begins
 * no escape, so that "/bus%inesses" becomes "/businesses".
 */

agw_reason_t
ngx_http_agw_check_destination(ngx_http_request_t *r, agw_str_t business_id,
    ngx_uint_t *outside)
{
    agw_str_t     raw, decoded;
    agw_reason_t  reason;

    *outside = 0;

    reason = ngx_http_agw_find_destination(r, &raw);

    if (reason != AGW_OK || raw.data == NULL) {
        return reason;
    }

    reason = agw_path_check(raw);

    if (reason == AGW_OK) {
        reason = ngx_http_agw_unescape(r, raw, &decoded);
    }

    if (reason == AGW_OK) {
        reason = agw_path_check_decoded(decoded);
    }

    if (reason == AGW_OK) {
        reason = ngx_http_agw_check_aliased(r, decoded);
    }

    if (reason == AGW_OK) {
        reason = ngx_http_agw_match_destination(r, raw, business_id, outside);
    }

    if (reason == AGW_OK) {
        reason = ngx_http_agw_match_destination(r, decoded, business_id,
                                                outside);
    }

    *outside |= ngx_http_agw_holds_businesses(r, ngx_http_agw_to_core(r->uri),
                                              business_id);

    return reason;
}


/* an upstream, to which a content handler forwards, decides by itself */

ngx_uint_t
ngx_http_agw_removes_businesses(ngx_http_request_t *r, agw_str_t business_id)
{
    return r->method == NGX_HTTP_DELETE && r->content_handler == NULL
           && ngx_http_agw_holds_businesses(r, ngx_http_agw_to_core(r->uri),
                                            business_id);
}


/*
 * Without its query; raw->data is NULL if there is no such header.  Which of
 * several nginx takes depends on its version.
 */

static agw_reason_t
ngx_http_agw_find_destination(ngx_http_request_t *r, agw_str_t *raw)
{
    const ngx_table_elt_t   *header;
    ngx_http_agw_headers_t   headers;
    static const agw_str_t   name = agw_string("Destination");

    ngx_str_null(raw);

    headers = ngx_http_agw_headers(r);
    header = ngx_http_agw_next_header(&headers, name);

    if (header == NULL) {
        return AGW_OK;
    }

    if (ngx_http_agw_next_header(&headers, name) != NULL) {
        return AGW_AMBIGUOUS_PATH;
    }

    *raw = agw_path_of_uri(ngx_http_agw_to_core(header->value));

    return raw->len ? AGW_OK : AGW_AMBIGUOUS_PATH;
}


/* as nginx does it, once */

static agw_reason_t
ngx_http_agw_unescape(ngx_http_request_t *r, agw_str_t raw,
    agw_str_t *decoded)
{
    u_char  *src, *dst, *buf;

    buf = ngx_pnalloc(r->pool, raw.len);
    if (buf == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    src = (u_char *) raw.data;
    dst = buf;

    ngx_unescape_uri(&dst, &src, raw.len, 0);

    decoded->data = buf;
    decoded->len = dst - buf;

    return AGW_OK;
}


/*
 * With `alias` nginx removes as many bytes as the location's name has from the
 * beginning of the path, whatever they are.  With a shorter path, nginx has
 * written past the end of a buffer.
 */

static agw_reason_t
ngx_http_agw_check_aliased(ngx_http_request_t *r, agw_str_t path)
{
    agw_str_t                        name;
    const ngx_http_agw_loc_conf_t   *lcf;
    const ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    if (clcf->alias && clcf->alias != NGX_MAX_SIZE_T_VALUE) {
        name = ngx_http_agw_to_core(r->uri);

        if (name.len > clcf->alias) {
            name.len = clcf->alias;
        }

        if (!agw_str_begins(path, name)) {
            return AGW_AMBIGUOUS_PATH;
        }
    }

    return agw_path_check_after(path, ngx_http_agw_to_core(lcf->stem));
}


/*
 * A path of the business is one by the location's own template.  A path of none
 * is one by no template.  Neither has other businesses below it.
 */

static agw_reason_t
ngx_http_agw_match_destination(ngx_http_request_t *r, agw_str_t path,
    agw_str_t business_id, ngx_uint_t *outside)
{
    agw_reason_t                    reason;
    agw_matched_t                   matched;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    reason = ngx_http_agw_match_templates(r,
                                          business_id.len ? lcf->own_template
                                                          : NULL,
                                          AGW_MATCH_PREFIX, path, &matched);

    if (business_id.len) {
        *outside |= !agw_str_eq(matched.business_id, business_id);

    } else {
        *outside |= matched.reason != AGW_NO_BUSINESS_IN_PATH;
    }

    *outside |= ngx_http_agw_holds_businesses(r, path, business_id);

    return reason;
}


/*
 * Others than that of the request, which may be none: nginx copies, moves and
 * replaces a collection with all that is in it.
 */

static ngx_uint_t
ngx_http_agw_holds_businesses(ngx_http_request_t *r, agw_str_t path,
    agw_str_t business_id)
{
    ngx_uint_t                      i;
    const agw_template_t           *template;
    const ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);

    template = sscf->templates ? sscf->templates->elts : NULL;

    for (i = 0; template != NULL && i < sscf->templates->nelts; i++) {
        if (agw_businesses_lie_below(&template[i], path, business_id)) {
            return 1;
        }
    }

    return 0;
}
