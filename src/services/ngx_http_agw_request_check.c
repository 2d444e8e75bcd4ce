
/*
 * The path that is checked is the path that is forwarded.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_grammar.h"
#include "agw_path.h"
#include "ngx_http_agw_headers.h"
#include "ngx_http_agw_request_check.h"
#include "ngx_http_agw_str.h"


/* the spellings of one path */

typedef struct {
    agw_str_t     uri;               /* as nginx has it now */
    agw_str_t     raw;               /* as the client wrote it */
    unsigned      forwarded:1;       /* nginx may forward the raw one */
    unsigned      differ:1;          /* and that is another */
} ngx_http_agw_paths_t;


static ngx_http_agw_paths_t ngx_http_agw_paths(ngx_http_request_t *r);
static agw_reason_t ngx_http_agw_check_transport(ngx_http_request_t *r);
static ngx_uint_t ngx_http_agw_header_says_secure(ngx_http_request_t *r,
    agw_str_t name);
static ngx_int_t ngx_http_agw_says_secure(agw_str_t value);
static agw_reason_t ngx_http_agw_match(ngx_http_request_t *r,
    const ngx_http_agw_paths_t *paths, agw_match_t how,
    agw_str_t *business_id);
static agw_reason_t ngx_http_agw_match_any(ngx_http_request_t *r,
    const ngx_http_agw_paths_t *paths, agw_str_t *business_id);
static ngx_uint_t ngx_http_agw_is_literal(ngx_http_request_t *r);
static agw_reason_t ngx_http_agw_check_paths(ngx_http_request_t *r,
    const ngx_http_agw_paths_t *paths, ngx_uint_t matched);


agw_reason_t
ngx_http_agw_check_request(ngx_http_request_t *r)
{
    agw_reason_t  reason;

    reason = ngx_http_agw_check_transport(r);

    return reason == AGW_OK ? ngx_http_agw_check_path(r) : reason;
}


/*
 * If both spellings of the path match the location's template byte for byte,
 * nobody can confuse them with another path of that template.
 */

agw_reason_t
ngx_http_agw_check_guarded_request(ngx_http_request_t *r,
    agw_str_t *business_id)
{
    ngx_uint_t                      matched;
    agw_reason_t                    reason;
    ngx_http_agw_paths_t            paths;
    const ngx_http_agw_loc_conf_t  *lcf;

    reason = ngx_http_agw_check_transport(r);
    if (reason != AGW_OK) {
        return reason;
    }

    paths = ngx_http_agw_paths(r);

    reason = ngx_http_agw_match(r, &paths, AGW_MATCH_PREFIX, business_id);
    if (reason != AGW_OK) {
        return reason;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    matched = business_id->len && paths.forwarded ? lcf->template_index
                                                  : NGX_CONF_UNSET_UINT;

    reason = ngx_http_agw_check_paths(r, &paths, matched);

    if (reason == AGW_OK && lcf->require == AGW_REQUIRE_PARTNER) {
        reason = ngx_http_agw_match_any(r, &paths, business_id);
    }

    return reason;
}


agw_reason_t
ngx_http_agw_check_unguarded_request(ngx_http_request_t *r)
{
    agw_reason_t                    reason;
    ngx_http_agw_paths_t            paths;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    paths = ngx_http_agw_paths(r);

    if (lcf->strict_path) {
        reason = ngx_http_agw_check_paths(r, &paths, NGX_CONF_UNSET_UINT);

        if (reason != AGW_OK) {
            return reason;
        }
    }

    if (lcf->opened) {
        return AGW_OK;
    }

    return ngx_http_agw_matches_any(r, paths.uri)
           || (paths.differ && ngx_http_agw_matches_any(r, paths.raw))
           ? AGW_UNGUARDED_PATH : AGW_OK;
}


agw_reason_t
ngx_http_agw_check_path(ngx_http_request_t *r)
{
    ngx_http_agw_paths_t  paths;

    paths = ngx_http_agw_paths(r);

    return ngx_http_agw_check_paths(r, &paths, NGX_CONF_UNSET_UINT);
}


agw_reason_t
ngx_http_agw_business_of_path(ngx_http_request_t *r, agw_match_t how,
    agw_str_t *business_id)
{
    ngx_http_agw_paths_t  paths;

    paths = ngx_http_agw_paths(r);

    return ngx_http_agw_match(r, &paths, how, business_id);
}


/*
 * proxy_pass without a URI forwards the raw path while valid_unparsed_uri is
 * set, in a named location too.
 */

static ngx_http_agw_paths_t
ngx_http_agw_paths(ngx_http_request_t *r)
{
    ngx_http_agw_paths_t  paths;

    paths.uri = ngx_http_agw_to_core(r->uri);
    paths.raw = agw_path_of_target(ngx_http_agw_to_core(r->unparsed_uri));
    paths.forwarded = r->valid_unparsed_uri;

    /* nginx parses most paths where they stand */

    paths.differ = paths.forwarded
                   && (paths.raw.data != paths.uri.data
                       || paths.raw.len != paths.uri.len)
                   && !agw_str_eq(paths.raw, paths.uri);

    return paths;
}


static agw_reason_t
ngx_http_agw_check_transport(ngx_http_request_t *r)
{
    ngx_str_t                       value;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    switch (lcf->https) {

    case NGX_HTTP_AGW_HTTPS_OFF:
        return AGW_OK;

    case NGX_HTTP_AGW_HTTPS_VARIABLE:

        if (lcf->https_header.len) {
            return ngx_http_agw_header_says_secure(r, lcf->https_header)
                   ? AGW_OK : AGW_INSECURE_TRANSPORT;
        }

        if (ngx_http_complex_value(r, lcf->https_value, &value) != NGX_OK) {
            return AGW_INTERNAL_ERROR;
        }

        return ngx_http_agw_says_secure(ngx_http_agw_to_core(value))
               ? AGW_OK : AGW_INSECURE_TRANSPORT;

    default:
        break;
    }

#if (NGX_HTTP_SSL)
    if (r->connection->ssl != NULL) {
        return AGW_OK;
    }
#endif

    return AGW_INSECURE_TRANSPORT;
}


/*
 * Every header of that name must say so.  The variable has only the first, and
 * with underscores_in_headers that may be a client's X_Forwarded_Proto in front
 * of the balancer's X-Forwarded-Proto.
 */

static ngx_uint_t
ngx_http_agw_header_says_secure(ngx_http_request_t *r, agw_str_t name)
{
    ngx_uint_t               found;
    const ngx_table_elt_t   *header;
    ngx_http_agw_headers_t   headers;

    found = 0;
    headers = ngx_http_agw_headers(r);

    for ( ;; ) {
        header = ngx_http_agw_next_header(&headers, name);

        if (header == NULL) {
            return found;
        }

        /* nginx's variable does not have one that was removed */

        if (header->hash == 0) {
            continue;
        }

        if (!ngx_http_agw_says_secure(ngx_http_agw_to_core(header->value))) {
            return 0;
        }

        found = 1;
    }
}


static ngx_int_t
ngx_http_agw_says_secure(agw_str_t value)
{
    size_t                  i;
    static const agw_str_t  words[] = {
        agw_string("https"), agw_string("on"), agw_string("1")
    };

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (agw_same_nocase(value, words[i])) {
            return 1;
        }
    }

    return 0;
}


/*
 * The location's own template, against each spelling that nginx may forward:
 * both have to name the same business.
 */

static agw_reason_t
ngx_http_agw_match(ngx_http_request_t *r, const ngx_http_agw_paths_t *paths,
    agw_match_t how, agw_str_t *business_id)
{
    agw_str_t                       raw_id;
    agw_reason_t                    matched, raw;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    ngx_memzero(business_id, sizeof(agw_str_t));

    matched = agw_template_match(&lcf->template, how, paths->uri,
                                 business_id);

    if (matched == AGW_AMBIGUOUS_PATH) {
        return AGW_AMBIGUOUS_PATH;
    }

    if (!paths->differ) {
        return AGW_OK;
    }

    ngx_memzero(&raw_id, sizeof(agw_str_t));

    raw = agw_template_match(&lcf->template, how, paths->raw, &raw_id);

    if (raw != matched || !agw_str_eq(raw_id, *business_id)) {
        return AGW_AMBIGUOUS_PATH;
    }

    return AGW_OK;
}


/*
 * Whichever location's template it is: a partner token opens no business.  It
 * opens the literal path of a `location =`, which is no other business's.
 */

static agw_reason_t
ngx_http_agw_match_any(ngx_http_request_t *r,
    const ngx_http_agw_paths_t *paths, agw_str_t *business_id)
{
    ngx_uint_t                      i;
    agw_reason_t                    reason;
    const agw_template_t           *t;
    const ngx_http_agw_srv_conf_t  *sscf;

    if (ngx_http_agw_is_literal(r)) {
        ngx_memzero(business_id, sizeof(agw_str_t));
        return AGW_OK;
    }

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);

    t = sscf->templates ? sscf->templates->elts : NULL;

    for (i = 0; t != NULL && i < sscf->templates->nelts; i++) {
        reason = agw_template_match(&t[i], AGW_MATCH_PREFIX,
                                    paths->uri, business_id);

        if (reason == AGW_NO_BUSINESS_IN_PATH && paths->differ) {
            reason = agw_template_match(&t[i], AGW_MATCH_PREFIX,
                                        paths->raw, business_id);
        }

        if (reason != AGW_NO_BUSINESS_IN_PATH) {
            return reason;
        }
    }

    return AGW_OK;
}


/* a rewrite may have made another path of it */

static ngx_uint_t
ngx_http_agw_is_literal(ngx_http_request_t *r)
{
    ngx_http_core_loc_conf_t       *clcf;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    return lcf->literal && r->uri.len == clcf->name.len
           && ngx_strncmp(r->uri.data, clcf->name.data, r->uri.len) == 0;
}


ngx_uint_t
ngx_http_agw_matches_any(ngx_http_request_t *r, agw_str_t path)
{
    agw_str_t                       id;
    ngx_uint_t                      i;
    const agw_template_t           *template;
    const ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);

    template = sscf->templates ? sscf->templates->elts : NULL;

    for (i = 0; template != NULL && i < sscf->templates->nelts; i++) {

        if (agw_template_match(&template[i], AGW_MATCH_PREFIX, path, &id)
            != AGW_NO_BUSINESS_IN_PATH)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * nginx decodes and normalises a path once, and not again after a rewrite:
 * where the path was changed, both spellings have to be plain.  A location's
 * name may be replaced in the path, and what remains stands alone then.
 * matched is the template that they are known to match as it is written.
 */

static agw_reason_t
ngx_http_agw_check_paths(ngx_http_request_t *r,
    const ngx_http_agw_paths_t *paths, ngx_uint_t matched)
{
    agw_reason_t                    reason;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    reason = agw_path_check(paths->raw);

    if (reason == AGW_OK && lcf->stem.len) {
        reason = agw_path_check_after(paths->uri,
                                      ngx_http_agw_to_core(lcf->stem));
    }

    if (reason == AGW_OK) {
        reason = ngx_http_agw_check_confused(r, paths->raw, matched);
    }

    if (reason != AGW_OK || paths->forwarded) {
        return reason;
    }

    reason = agw_path_check_decoded(paths->uri);

    if (reason == AGW_OK) {
        reason = ngx_http_agw_check_confused(r, paths->uri, matched);
    }

    return reason;
}


/*
 * A location beside the guarded ones, or one for partners, may forward what
 * an upstream reads as the path of a business, and nginx did not.
 */

agw_reason_t
ngx_http_agw_check_confused(ngx_http_request_t *r, agw_str_t path,
    ngx_uint_t matched)
{
    ngx_uint_t                      i;
    agw_reason_t                    reason;
    const agw_template_t           *template;
    const ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);

    if (sscf->templates == NULL) {
        return AGW_OK;
    }

    template = sscf->templates->elts;
    reason = AGW_OK;

    for (i = 0; reason == AGW_OK && i < sscf->templates->nelts; i++) {
        if (i != matched) {
            reason = agw_template_confused(&template[i], path);
        }
    }

    return reason;
}
