
/*
 * The requirements of all locations of a server are compared.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_locations.h"
#include "ngx_http_agw_str.h"


static void ngx_http_agw_set_place(const ngx_http_agw_loc_conf_t *prev,
    const ngx_http_agw_location_t *location);
static ngx_str_t ngx_http_agw_stem(ngx_str_t name);
static ngx_http_agw_place_t ngx_http_agw_place(
    const ngx_http_core_loc_conf_t *clcf);
static ngx_int_t ngx_http_agw_check_server(ngx_conf_t *cf,
    const ngx_http_agw_location_t *first, const ngx_http_agw_location_t *end);
static void ngx_http_agw_set_own_templates(
    const ngx_http_agw_location_t *first, const ngx_http_agw_location_t *end);
static void ngx_http_agw_check_overlaps(ngx_conf_t *cf,
    const ngx_http_agw_location_t *server);
static void ngx_http_agw_check_unused_path(ngx_conf_t *cf,
    const ngx_http_agw_location_t *first, const ngx_http_agw_location_t *end);
static void ngx_http_agw_warn_of_enforce(ngx_conf_t *cf,
    const ngx_http_agw_location_t *first, const ngx_http_agw_location_t *end);
static ngx_int_t ngx_http_agw_check_named(ngx_conf_t *cf,
    const ngx_http_agw_location_t *location);
static void ngx_http_agw_check_partner(ngx_conf_t *cf,
    const ngx_http_agw_location_t *first, const ngx_http_agw_location_t *end,
    const ngx_http_agw_location_t *location);
static ngx_uint_t ngx_http_agw_is_described(const agw_template_t *template,
    const ngx_http_agw_location_t *first, const ngx_http_agw_location_t *end,
    const ngx_http_agw_location_t *location);
static ngx_uint_t ngx_http_agw_is_endpoint(
    const ngx_http_agw_location_t *location);


ngx_int_t
ngx_http_agw_add_location(ngx_conf_t *cf,
    const ngx_http_agw_loc_conf_t *prev, ngx_http_agw_loc_conf_t *conf)
{
    ngx_http_agw_location_t   *location;
    ngx_http_agw_main_conf_t  *mcf;
    ngx_http_core_srv_conf_t  *cscf;

    mcf = ngx_http_conf_get_module_main_conf(cf,
                                             ngx_http_auth_gateway_module);

    if (mcf->locations == NULL) {
        mcf->locations = ngx_array_create(cf->pool, 16,
                                          sizeof(ngx_http_agw_location_t));
        if (mcf->locations == NULL) {
            return NGX_ERROR;
        }
    }

    location = ngx_array_push(mcf->locations);
    if (location == NULL) {
        return NGX_ERROR;
    }

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    location->core = ngx_http_conf_get_module_loc_conf(cf,
                                                       ngx_http_core_module);
    location->conf = conf;
    location->core_server = cscf;
    location->server = ngx_http_conf_get_module_srv_conf(cf,
                                              ngx_http_auth_gateway_module);
    location->is_server =
        (cscf->ctx->loc_conf[ngx_http_auth_gateway_module.ctx_index] == conf);

    conf->index = mcf->locations->nelts - 1;

    ngx_http_agw_set_place(prev, location);

    return NGX_OK;
}


/*
 * What `off` opens, and which paths a location has, depends on the kind of
 * location.  An `off` of a server is only the default.
 */

static void
ngx_http_agw_set_place(const ngx_http_agw_loc_conf_t *prev,
    const ngx_http_agw_location_t *location)
{
    ngx_http_agw_loc_conf_t         *conf;
    const ngx_http_core_loc_conf_t  *clcf;

    clcf = location->core;
    conf = location->conf;

    conf->own_require = (conf->require != NGX_CONF_UNSET_UINT);

    if (location->is_server) {
        return;
    }

    conf->place_require = conf->own_require;
    conf->opened = conf->own_require ? conf->require == AGW_REQUIRE_OFF
                                     : prev->opened;
    conf->stem = prev->stem;

    if (clcf->noname) {
        conf->place = prev->place;
        conf->place_require |= prev->place_require;
        conf->partner_path = prev->partner_path;

    } else {
        conf->place = ngx_http_agw_place(clcf);
    }

    if (conf->own_require) {
        conf->partner_path = (conf->place == NGX_HTTP_AGW_EXACT
                              && conf->require == AGW_REQUIRE_PARTNER);
    }

    if (conf->place == NGX_HTTP_AGW_PREFIX) {
        conf->stem = ngx_http_agw_stem(clcf->name);
    }
}


/* what remains after a name that ends with '/' begins with a whole segment */

static ngx_str_t
ngx_http_agw_stem(ngx_str_t name)
{
    if (name.len && name.data[name.len - 1] == '/') {
        ngx_str_null(&name);
    }

    return name;
}


static ngx_http_agw_place_t
ngx_http_agw_place(const ngx_http_core_loc_conf_t *clcf)
{
#if (NGX_PCRE)
    if (clcf->regex != NULL) {
        return NGX_HTTP_AGW_REGEX;
    }
#endif

    if (clcf->named) {
        return NGX_HTTP_AGW_NAMED;
    }

    return clcf->exact_match ? NGX_HTTP_AGW_EXACT : NGX_HTTP_AGW_PREFIX;
}


ngx_int_t
ngx_http_agw_check_locations(ngx_conf_t *cf)
{
    ngx_uint_t                 i, first;
    ngx_http_agw_location_t   *location;
    ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf,
                                             ngx_http_auth_gateway_module);

    if (mcf->locations == NULL) {
        return NGX_OK;
    }

    location = mcf->locations->elts;
    first = 0;

    for (i = 1; i <= mcf->locations->nelts; i++) {

        if (i < mcf->locations->nelts && !location[i].is_server) {
            continue;
        }

        if (ngx_http_agw_check_server(cf, &location[first], &location[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        first = i;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_check_server(ngx_conf_t *cf,
    const ngx_http_agw_location_t *first, const ngx_http_agw_location_t *end)
{
    const ngx_http_agw_location_t  *location;

    if (!first->server->guarded) {
        ngx_http_agw_check_unused_path(cf, first, end);
        return NGX_OK;
    }

    ngx_http_agw_warn_of_enforce(cf, first, end);

    ngx_http_agw_set_own_templates(first, end);

    ngx_http_agw_check_overlaps(cf, first);

    for (location = first + 1; location < end; location++) {

        if (ngx_http_agw_is_endpoint(location)) {
            continue;
        }

        if (ngx_http_agw_check_named(cf, location) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_http_agw_check_partner(cf, first, end, location);
    }

    return NGX_OK;
}


/* the array of templates has moved while it grew */

static void
ngx_http_agw_set_own_templates(const ngx_http_agw_location_t *first,
    const ngx_http_agw_location_t *end)
{
    const agw_template_t           *t;
    const ngx_http_agw_location_t  *location;

    for (location = first; location < end; location++) {

        if (location->conf->template_index != NGX_CONF_UNSET_UINT) {
            t = location->server->templates->elts;
            location->conf->own_template = &t[location->conf->template_index];
        }
    }
}


/*
 * A path that two templates match is refused in the location of one, or of
 * both, if they name different businesses.
 */

static void
ngx_http_agw_check_overlaps(ngx_conf_t *cf,
    const ngx_http_agw_location_t *server)
{
    ngx_uint_t             i, n;
    agw_overlap_t          overlap;
    const agw_template_t  *t, *a, *b;

    if (server->server->templates == NULL) {
        return;
    }

    t = server->server->templates->elts;
    n = server->server->templates->nelts;

    for (i = 0; i < n * n; i++) {
        a = &t[i / n];
        b = &t[i % n];

        overlap = agw_templates_overlap(a, b);

        if (overlap == AGW_OVERLAP_NONE) {
            continue;
        }

        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"auth_gateway_business_path\": the templates "
                      "\"%*s<business_id>%*s\" and \"%*s<business_id>%*s\" "
                      "match the same paths, %s, in the server in %s:%ui",
                      a->prefix.len, a->prefix.data,
                      a->suffix.len, a->suffix.data,
                      b->prefix.len, b->prefix.data,
                      b->suffix.len, b->suffix.data,
                      overlap == AGW_OVERLAP_SPECIFIC
                      ? "of which the second names the business"
                      : "which are refused",
                      server->core_server->file_name,
                      server->core_server->line);
    }
}


/*
 * A business path in a server that requires no token: nginx warns if the
 * server sets one that no endpoint uses, or if a location that is no endpoint
 * sets one, or inherits one and has a content handler.
 */

static void
ngx_http_agw_check_unused_path(ngx_conf_t *cf,
    const ngx_http_agw_location_t *first, const ngx_http_agw_location_t *end)
{
    ngx_uint_t                      used, written;
    const ngx_http_agw_location_t  *location;

    used = 0;
    written = first->conf->own_path;

    for (location = first + 1; location < end; location++) {

        if (location->conf->template.prefix.len == 0) {
            continue;
        }

        if (ngx_http_agw_is_endpoint(location)) {
            used |= (location->conf->token_kind == AGW_KIND_BUSINESS
                     || location->conf->revoked_kind
                        == AGW_REVOCATION_BUSINESS);
            continue;
        }

        if (location->conf->own_path || location->core->handler != NULL) {
            break;
        }
    }

    if (location == end && (used || !written)) {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "\"auth_gateway_business_path\" guards nothing without an "
                  "\"auth_gateway_require\" in the server in %s:%ui",
                  first->core_server->file_name, first->core_server->line);
}


/* once a server; a variable may well be "on" */

static void
ngx_http_agw_warn_of_enforce(ngx_conf_t *cf,
    const ngx_http_agw_location_t *first, const ngx_http_agw_location_t *end)
{
    const ngx_http_agw_location_t  *location;

    for (location = first; location < end; location++) {

        if (location->conf->enforce == NGX_HTTP_AGW_ENFORCE_LOG
            && !ngx_http_agw_is_endpoint(location))
        {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "\"auth_gateway_enforce log\" lets requests "
                          "through that should be refused in the server in "
                          "%s:%ui", location->core_server->file_name,
                          location->core_server->line);
            return;
        }
    }
}


/*
 * A named location has no path: a request may come to it with any path, and is
 * forwarded with the raw one.
 */

static ngx_int_t
ngx_http_agw_check_named(ngx_conf_t *cf,
    const ngx_http_agw_location_t *location)
{
    if (location->conf->place != NGX_HTTP_AGW_NAMED
        || location->conf->place_require || location->core->handler == NULL)
    {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "location \"%V\" must have an \"auth_gateway_require\" of "
                  "its own, which may be \"off\": it is named, has a content "
                  "handler, and other locations require a token in the "
                  "server in %s:%ui",
                  &location->core->name, location->core_server->file_name,
                  location->core_server->line);

    return NGX_ERROR;
}


/*
 * A partner token opens no business.  It opens the one literal path of a
 * `location =` that says so itself, which no other request can come to; nginx
 * warns about that as well.  A block that writes nothing has its location's
 * warning.
 */

static void
ngx_http_agw_check_partner(ngx_conf_t *cf,
    const ngx_http_agw_location_t *first, const ngx_http_agw_location_t *end,
    const ngx_http_agw_location_t *location)
{
    ngx_uint_t                       i;
    const agw_template_t            *t;
    const ngx_http_agw_loc_conf_t   *conf;
    const ngx_http_core_loc_conf_t  *clcf;

    clcf = location->core;
    conf = location->conf;

    if (conf->require != AGW_REQUIRE_PARTNER
        || (clcf->noname && !conf->own_require)
        || location->server->templates == NULL)
    {
        return;
    }

    t = location->server->templates->elts;

    for (i = 0; i < location->server->templates->nelts; i++) {
        if (ngx_http_agw_is_described(&t[i], first, end, location)) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "\"auth_gateway_require partner\" in location "
                          "\"%V\": its path is that of a business by the "
                          "template \"%*s<business_id>%*s\", and %s in the "
                          "server in %s:%ui",
                          &clcf->name, t[i].prefix.len,
                          t[i].prefix.data, t[i].suffix.len,
                          t[i].suffix.data,
                          conf->partner_path
                          ? "every partner token is accepted"
                          : "a partner token is refused",
                          location->core_server->file_name,
                          location->core_server->line);
            return;
        }
    }
}


/*
 * Whether a template matches the path of an exact location, or all paths of a
 * prefix location, except the one that ends before the business.  It matches
 * none of "location /v1/businesses" if there is a "location /v1/businesses/".
 */

static ngx_uint_t
ngx_http_agw_is_described(const agw_template_t *template,
    const ngx_http_agw_location_t *first, const ngx_http_agw_location_t *end,
    const ngx_http_agw_location_t *location)
{
    agw_str_t                       name, bare, id;
    ngx_http_agw_place_t            place;
    const ngx_http_agw_location_t  *other;

    place = location->conf->place;
    name = ngx_http_agw_to_core(location->core->name);

    if (place != NGX_HTTP_AGW_PREFIX && place != NGX_HTTP_AGW_EXACT) {
        return 0;
    }

    if (agw_template_match(template, AGW_MATCH_PREFIX, name, &id)
        != AGW_NO_BUSINESS_IN_PATH)
    {
        return 1;
    }

    if (place == NGX_HTTP_AGW_EXACT || template->suffix.len) {
        return 0;
    }

    if (agw_str_eq(name, template->prefix)) {
        return 1;
    }

    bare = template->prefix;
    bare.len--;

    if (!agw_str_eq(name, bare)) {
        return 0;
    }

    for (other = first; other < end; other++) {
        if (other->conf->place == NGX_HTTP_AGW_PREFIX
            && agw_str_eq(ngx_http_agw_to_core(other->core->name),
                          template->prefix))
        {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
ngx_http_agw_is_endpoint(const ngx_http_agw_location_t *location)
{
    return location->conf->endpoint != NULL
           && location->core->handler == location->conf->endpoint->handler;
}
