
/*
 * nginx's dav_methods, and many an upstream, write where Destination says,
 * which no location was matched for.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_path.h"
#include "ngx_http_agw_destination.h"
#include "ngx_http_agw_headers.h"
#include "ngx_http_agw_request_check.h"
#include "ngx_http_agw_str.h"


typedef struct {
    agw_str_t     raw;               /* without its query */
    agw_str_t     decoded;           /* as nginx does it */
    unsigned      present:1;
} ngx_http_agw_destination_t;


static agw_reason_t ngx_http_agw_read_destination(ngx_http_request_t *r,
    ngx_http_agw_destination_t *destination);
static agw_reason_t ngx_http_agw_check_aliased(ngx_http_request_t *r,
    agw_str_t path);
static ngx_uint_t ngx_http_agw_is_of_business(ngx_http_request_t *r,
    agw_str_t path, agw_str_t business_id);
static ngx_uint_t ngx_http_agw_is_of_none(ngx_http_request_t *r,
    agw_str_t path);
static ngx_uint_t ngx_http_agw_holds_businesses(ngx_http_request_t *r,
    agw_str_t path);


/*
 * Each spelling is checked: nginx decodes once, and drops a '%' that begins
 * nothing, so that "/bus%inesses" becomes "/businesses".
 */

agw_reason_t
ngx_http_agw_check_destination(ngx_http_request_t *r)
{
    agw_reason_t                reason;
    ngx_http_agw_destination_t  destination;

    reason = ngx_http_agw_read_destination(r, &destination);

    if (reason != AGW_OK || !destination.present) {
        return reason;
    }

    reason = agw_path_check(destination.raw);

    if (reason == AGW_OK) {
        reason = agw_path_check_decoded(destination.decoded);
    }

    if (reason == AGW_OK) {
        reason = ngx_http_agw_check_aliased(r, destination.decoded);
    }

    if (reason == AGW_OK) {
        reason = ngx_http_agw_check_confused(r, destination.raw,
                                             NGX_CONF_UNSET_UINT);
    }

    if (reason == AGW_OK) {
        reason = ngx_http_agw_check_confused(r, destination.decoded,
                                             NGX_CONF_UNSET_UINT);
    }

    return reason;
}


agw_reason_t
ngx_http_agw_allow_destination(ngx_http_request_t *r, agw_str_t business_id)
{
    ngx_uint_t                  allowed;
    agw_reason_t                reason;
    ngx_http_agw_destination_t  destination;

    reason = ngx_http_agw_read_destination(r, &destination);

    if (reason != AGW_OK || !destination.present) {
        return reason;
    }

    if (business_id.len) {
        allowed = ngx_http_agw_is_of_business(r, destination.raw,
                                              business_id)
                  && ngx_http_agw_is_of_business(r, destination.decoded,
                                                 business_id);

    } else {
        allowed = ngx_http_agw_is_of_none(r, destination.raw)
                  && ngx_http_agw_is_of_none(r, destination.decoded)
                  && !ngx_http_agw_holds_businesses(r,
                                              ngx_http_agw_to_core(r->uri));
    }

    return allowed ? AGW_OK : AGW_WRONG_BUSINESS;
}


/* what a content handler forwards is for the upstream to judge */

ngx_uint_t
ngx_http_agw_removes_businesses(ngx_http_request_t *r)
{
    return r->method == NGX_HTTP_DELETE && r->content_handler == NULL
           && ngx_http_agw_holds_businesses(r, ngx_http_agw_to_core(r->uri));
}


static agw_reason_t
ngx_http_agw_read_destination(ngx_http_request_t *r,
    ngx_http_agw_destination_t *destination)
{
    u_char                 *src, *dst;
    ngx_http_agw_headers_t  headers;
    const ngx_table_elt_t  *header;

    static const agw_str_t  name = agw_string("Destination");

    destination->present = 0;

    headers = ngx_http_agw_headers(r);
    header = ngx_http_agw_next_header(&headers, name);

    if (header == NULL) {
        return AGW_OK;
    }

    /* which of several nginx takes depends on its version */

    if (ngx_http_agw_next_header(&headers, name) != NULL) {
        return AGW_AMBIGUOUS_PATH;
    }

    destination->present = 1;
    destination->raw = agw_path_of_uri(ngx_http_agw_to_core(header->value));

    dst = ngx_pnalloc(r->pool, destination->raw.len + 1);
    if (dst == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    src = (u_char *) destination->raw.data;
    destination->decoded.data = dst;

    ngx_unescape_uri(&dst, &src, destination->raw.len, 0);

    destination->decoded.len = dst - destination->decoded.data;

    return AGW_OK;
}


/*
 * With `alias` nginx cuts off the length of the location's name, whatever
 * stands there; a shorter path has been written past the end of a buffer.
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


/* by the location's template, and by no other one of another business */

static ngx_uint_t
ngx_http_agw_is_of_business(ngx_http_request_t *r, agw_str_t path,
    agw_str_t business_id)
{
    agw_str_t                       id;
    ngx_uint_t                      i;
    const agw_template_t           *template;
    const ngx_http_agw_loc_conf_t  *lcf;
    const ngx_http_agw_srv_conf_t  *sscf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);
    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);

    if (agw_template_match(&lcf->template, AGW_MATCH_PREFIX, path, &id)
        != AGW_OK || !agw_str_eq(id, business_id))
    {
        return 0;
    }

    template = sscf->templates->elts;

    for (i = 0; i < sscf->templates->nelts; i++) {

        if (agw_template_match(&template[i], AGW_MATCH_PREFIX, path, &id)
            == AGW_OK && !agw_str_eq(id, business_id))
        {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
ngx_http_agw_is_of_none(ngx_http_request_t *r, agw_str_t path)
{
    return !ngx_http_agw_matches_any(r, path)
           && !ngx_http_agw_holds_businesses(r, path);
}


/* of a collection nginx copies, moves and replaces all that lies in it */

static ngx_uint_t
ngx_http_agw_holds_businesses(ngx_http_request_t *r, agw_str_t path)
{
    ngx_uint_t                      i;
    const agw_template_t           *template;
    const ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);

    template = sscf->templates ? sscf->templates->elts : NULL;

    for (i = 0; template != NULL && i < sscf->templates->nelts; i++) {
        if (agw_template_lies_below(&template[i], path)) {
            return 1;
        }
    }

    return 0;
}
