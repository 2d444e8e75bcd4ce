
/*
 * The path that is checked is the path that is forwarded: nginx matches the
 * decoded path, and an upstream may get the raw one.
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
    unsigned      same:1;
    unsigned      forwarded:1;       /* nginx may forward the raw one */
} ngx_http_agw_paths_t;


static agw_reason_t ngx_http_agw_check_transport(ngx_http_request_t *r);
static ngx_uint_t ngx_http_agw_header_says_secure(ngx_http_request_t *r,
    agw_str_t name);
static ngx_int_t ngx_http_agw_says_secure(agw_str_t value);
static void ngx_http_agw_read_paths(ngx_http_request_t *r,
    ngx_http_agw_paths_t *paths);
static agw_reason_t ngx_http_agw_check_whole(ngx_http_request_t *r,
    agw_matched_t *matched);
static agw_reason_t ngx_http_agw_check_spelling(ngx_http_request_t *r,
    const ngx_http_agw_paths_t *paths, const agw_matched_t *matched);
static agw_reason_t ngx_http_agw_match_paths(ngx_http_request_t *r,
    const ngx_http_agw_paths_t *paths, const agw_template_t *own,
    agw_match_t how, agw_matched_t *matched);
static void ngx_http_agw_compare(agw_matched_t *matched,
    const agw_matched_t *raw);
static const agw_template_t *ngx_http_agw_naming_template(
    ngx_http_request_t *r, const ngx_http_agw_loc_conf_t *lcf);
static ngx_uint_t ngx_http_agw_is_partner_path(ngx_http_request_t *r,
    const ngx_http_agw_loc_conf_t *lcf);


agw_reason_t
ngx_http_agw_check_guarded_request(ngx_http_request_t *r,
    agw_str_t *business_id)
{
    agw_reason_t                    reason;
    agw_matched_t                   matched;
    ngx_http_agw_paths_t            paths;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    reason = ngx_http_agw_check_transport(r);
    if (reason != AGW_OK) {
        return reason;
    }

    ngx_http_agw_read_paths(r, &paths);

    reason = ngx_http_agw_match_paths(r, &paths,
                                      ngx_http_agw_naming_template(r, lcf),
                                      AGW_MATCH_PREFIX, &matched);
    if (reason != AGW_OK) {
        return reason;
    }

    if (matched.reason == AGW_AMBIGUOUS_PATH) {
        return AGW_AMBIGUOUS_PATH;
    }

    *business_id = matched.business_id;

    return ngx_http_agw_check_spelling(r, &paths, &matched);
}


agw_reason_t
ngx_http_agw_check_unguarded_request(ngx_http_request_t *r)
{
    agw_reason_t                    reason;
    agw_matched_t                   matched;
    ngx_http_agw_paths_t            paths;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    if (lcf->opened && !lcf->strict_path) {
        return AGW_OK;
    }

    ngx_http_agw_read_paths(r, &paths);

    reason = ngx_http_agw_match_paths(r, &paths, NULL, AGW_MATCH_PREFIX,
                                      &matched);

    if (lcf->strict_path && reason == AGW_OK) {
        reason = ngx_http_agw_check_spelling(r, &paths, &matched);
    }

    if (reason == AGW_INTERNAL_ERROR
        || (reason != AGW_OK && lcf->strict_path))
    {
        return reason;
    }

    return lcf->opened || matched.reason == AGW_NO_BUSINESS_IN_PATH
           ? AGW_OK : AGW_UNGUARDED_PATH;
}


agw_reason_t
ngx_http_agw_check_request(ngx_http_request_t *r, agw_matched_t *business)
{
    agw_reason_t  reason;

    reason = ngx_http_agw_check_transport(r);

    return reason == AGW_OK ? ngx_http_agw_check_whole(r, business) : reason;
}


agw_reason_t
ngx_http_agw_check_path(ngx_http_request_t *r)
{
    agw_matched_t  matched;

    return ngx_http_agw_check_whole(r, &matched);
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
 * proxy_pass without a URI forwards the raw path while valid_unparsed_uri is
 * set, in a named location too.
 */

static void
ngx_http_agw_read_paths(ngx_http_request_t *r, ngx_http_agw_paths_t *paths)
{
    paths->uri = ngx_http_agw_to_core(r->uri);
    paths->raw = agw_path_of_target(ngx_http_agw_to_core(r->unparsed_uri));
    paths->forwarded = r->valid_unparsed_uri;

    /* nginx parses most paths in place */

    paths->same = (paths->raw.data == paths->uri.data
                   && paths->raw.len == paths->uri.len)
                  || agw_str_eq(paths->raw, paths->uri);
}


/* for an endpoint */

static agw_reason_t
ngx_http_agw_check_whole(ngx_http_request_t *r, agw_matched_t *matched)
{
    agw_reason_t                    reason;
    ngx_http_agw_paths_t            paths;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    ngx_http_agw_read_paths(r, &paths);

    reason = ngx_http_agw_match_paths(r, &paths, &lcf->template,
                                      AGW_MATCH_WHOLE, matched);

    return reason == AGW_OK ? ngx_http_agw_check_spelling(r, &paths, matched)
                            : reason;
}


/*
 * Both spellings against the templates of the server: an upstream may read
 * either as the path of a business, where nginx did not.  If nginx may forward
 * both, they have to name the same business.
 */

static agw_reason_t
ngx_http_agw_match_paths(ngx_http_request_t *r,
    const ngx_http_agw_paths_t *paths, const agw_template_t *own,
    agw_match_t how, agw_matched_t *matched)
{
    agw_reason_t   reason, raw_reason;
    agw_matched_t  raw;

    reason = ngx_http_agw_match_templates(r, own, how, paths->uri, matched);

    if (paths->same || reason == AGW_INTERNAL_ERROR) {
        return reason;
    }

    raw_reason = ngx_http_agw_match_templates(r, own, how, paths->raw, &raw);

    if (paths->forwarded) {
        ngx_http_agw_compare(matched, &raw);
    }

    return raw_reason == AGW_OK ? reason : raw_reason;
}


agw_reason_t
ngx_http_agw_match_templates(ngx_http_request_t *r,
    const agw_template_t *own, agw_match_t how, agw_str_t path,
    agw_matched_t *matched)
{
    const ngx_array_t              *templates;
    const ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);
    templates = sscf->templates;

    return agw_templates_match(templates ? templates->elts : NULL,
                               templates ? templates->nelts : 0,
                               own, how, path, matched);
}


/* ambiguous: the spellings name different businesses, or only one names any */

static void
ngx_http_agw_compare(agw_matched_t *matched, const agw_matched_t *raw)
{
    if (raw->reason != matched->reason
        || !agw_str_eq(raw->business_id, matched->business_id))
    {
        matched->reason = AGW_AMBIGUOUS_PATH;
    }
}


/*
 * nginx decodes and normalises the path that the client wrote, but not one that
 * a rewrite made of it: then both are checked.  If nginx replaces a location's
 * name in the path, what follows the name is checked alone.  What a template
 * matched needs no check.
 */

static agw_reason_t
ngx_http_agw_check_spelling(ngx_http_request_t *r,
    const ngx_http_agw_paths_t *paths, const agw_matched_t *matched)
{
    agw_reason_t                    reason;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    if (paths->same && matched->reason == AGW_OK) {
        reason = matched->rest.len ? agw_path_check(matched->rest) : AGW_OK;

    } else {
        reason = agw_path_check(paths->raw);
    }

    if (reason == AGW_OK && lcf->stem.len) {
        reason = agw_path_check_after(paths->uri,
                                      ngx_http_agw_to_core(lcf->stem));
    }

    if (reason == AGW_OK && !paths->forwarded && !paths->same) {
        reason = agw_path_check_decoded(paths->uri);
    }

    return reason;
}


/*
 * A partner token gives access to no business, whichever template names it, but
 * to the literal path of a `location =`, of which no template says anything.
 */

static const agw_template_t *
ngx_http_agw_naming_template(ngx_http_request_t *r,
    const ngx_http_agw_loc_conf_t *lcf)
{
    if (lcf->require != AGW_REQUIRE_PARTNER) {
        return lcf->own_template;
    }

    return ngx_http_agw_is_partner_path(r, lcf) ? &agw_no_template : NULL;
}


/*
 * Whether the path is that of a `location =` with a `partner` requirement of
 * its own: a rewrite may have made another path of it.
 */

static ngx_uint_t
ngx_http_agw_is_partner_path(ngx_http_request_t *r,
    const ngx_http_agw_loc_conf_t *lcf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    return lcf->partner_path && r->uri.len == clcf->name.len
           && ngx_strncmp(r->uri.data, clcf->name.data, r->uri.len) == 0;
}
