
/*
 * The configuration of auth_basic is private to its module, which may be
 * absent.  But the command table of a module tells where it keeps a value, and
 * the setter tells its type.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_auth_basic.h"


static const ngx_command_t *ngx_http_agw_find_auth_basic(ngx_conf_t *cf,
    ngx_uint_t *ctx_index);
static ngx_uint_t ngx_http_agw_has_auth_basic(
    const ngx_http_agw_location_t *location, const ngx_command_t *cmd,
    ngx_uint_t ctx_index);
static const char *ngx_http_agw_requirement(
    const ngx_http_agw_location_t *location,
    const ngx_http_agw_location_t *end);
static ngx_uint_t ngx_http_agw_takes_all(
    const ngx_http_agw_location_t *location,
    const ngx_http_agw_location_t *end);
static ngx_uint_t ngx_http_agw_is_within(
    const ngx_http_agw_location_t *location,
    const ngx_http_agw_location_t *outer);
static void ngx_http_agw_warn(ngx_conf_t *cf,
    const ngx_http_agw_location_t *location, const char *requirement);


void
ngx_http_agw_warn_of_auth_basic(ngx_conf_t *cf)
{
    ngx_uint_t                       i, ctx_index;
    const char                      *requirement;
    const ngx_command_t             *cmd;
    const ngx_http_agw_location_t   *location, *warned;
    const ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf,
                                             ngx_http_auth_gateway_module);
    cmd = ngx_http_agw_find_auth_basic(cf, &ctx_index);

    if (cmd == NULL || mcf->locations == NULL) {
        return;
    }

    location = mcf->locations->elts;
    warned = NULL;

    for (i = 0; i < mcf->locations->nelts; i++) {
        requirement = ngx_http_agw_requirement(&location[i],
                                               location
                                               + mcf->locations->nelts);

        if (requirement != NULL && !ngx_http_agw_is_within(&location[i], warned)
            && ngx_http_agw_has_auth_basic(&location[i], cmd, ctx_index))
        {
            ngx_http_agw_warn(cf, &location[i], requirement);
            warned = &location[i];
        }
    }
}


/* NULL if it is absent, or not as it has been since nginx 1.3.10 */

static const ngx_command_t *
ngx_http_agw_find_auth_basic(ngx_conf_t *cf, ngx_uint_t *ctx_index)
{
    ngx_uint_t            i;
    const ngx_module_t   *module;
    const ngx_command_t  *cmd;

    for (i = 0; cf->cycle->modules[i]; i++) {
        module = cf->cycle->modules[i];

        if (ngx_strcmp(module->name, "ngx_http_auth_basic_module") != 0
            || module->commands == NULL)
        {
            continue;
        }

        for (cmd = module->commands; cmd->name.len; cmd++) {

            if (ngx_strcmp(cmd->name.data, "auth_basic") == 0
                && cmd->set == ngx_http_set_complex_value_slot
                && cmd->conf == NGX_HTTP_LOC_CONF_OFFSET)
            {
                *ctx_index = module->ctx_index;
                return cmd;
            }
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_agw_has_auth_basic(const ngx_http_agw_location_t *location,
    const ngx_command_t *cmd, ngx_uint_t ctx_index)
{
    char                            *conf;
    const ngx_http_complex_value_t  *realm;

    conf = location->is_server
           ? location->core_server->ctx->loc_conf[ctx_index]
           : location->core->loc_conf[ctx_index];

    realm = *(ngx_http_complex_value_t **) (conf + cmd->offset);

    if (realm == NULL || realm == NGX_CONF_UNSET_PTR) {
        return 0;
    }

    /* a variable may be "off" for some requests */

    return realm->lengths != NULL
           || realm->value.len != 3
           || ngx_strncmp(realm->value.data, "off", 3) != 0;
}


/* the directive that needs the header; an `if` has none of its own */

static const char *
ngx_http_agw_requirement(const ngx_http_agw_location_t *location,
    const ngx_http_agw_location_t *end)
{
    const ngx_http_agw_loc_conf_t  *conf;

    conf = location->conf;

    if (location->core->noname && !location->core->lmt_excpt) {
        return NULL;
    }

    if (location->is_server && ngx_http_agw_takes_all(location + 1, end)) {
        return NULL;
    }

    if (conf->endpoint != NULL) {
        return conf->endpoint->takes_credentials ? conf->endpoint->directive
                                                 : NULL;
    }

    return conf->require != AGW_REQUIRE_OFF ? "auth_gateway_require" : NULL;
}


/* whether a `location /` takes all requests of the server */

static ngx_uint_t
ngx_http_agw_takes_all(const ngx_http_agw_location_t *location,
    const ngx_http_agw_location_t *end)
{
    while (location < end && !location->is_server) {

        if (location->conf->place == NGX_HTTP_AGW_PREFIX
            && location->core->name.len == 1
            && location->core->name.data[0] == '/')
        {
            return 1;
        }

        location++;
    }

    return 0;
}


/* whether it is the `limit_except` of the other */

static ngx_uint_t
ngx_http_agw_is_within(const ngx_http_agw_location_t *location,
    const ngx_http_agw_location_t *outer)
{
    return outer != NULL && location->core->lmt_excpt
           && outer->core->limit_except_loc_conf == location->core->loc_conf;
}


static void
ngx_http_agw_warn(ngx_conf_t *cf, const ngx_http_agw_location_t *location,
    const char *requirement)
{
    ngx_str_t    name;
    const char  *place, *quote, *satisfy, *effect;

    place = location->core->lmt_excpt ? "in \"limit_except\" of location "
                                      : "in location ";
    quote = "\"";
    name = location->core->name;

    if (location->is_server) {
        place = "outside the locations";
        quote = "";
        ngx_str_null(&name);
    }

    satisfy = "all";
    effect = "no request has the credentials of both";

    if (location->core->satisfy == NGX_HTTP_SATISFY_ANY) {
        satisfy = "any";

        if (location->conf->endpoint == NULL) {
            effect = "a user of \"auth_basic\" needs no token, whatever the "
                     "business";
        }
    }

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "\"auth_basic\" stands beside \"%s\" %s%s%V%s of the "
                  "server in %s:%ui: under \"satisfy %s\" %s",
                  requirement, place, quote, &name, quote,
                  location->core_server->file_name,
                  location->core_server->line, satisfy, effect);
}
