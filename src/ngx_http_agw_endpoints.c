
/*
 * The directives that make a location an endpoint, and what an endpoint needs.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_endpoints.h"
#include "ngx_http_agw_introspect.h"
#include "ngx_http_agw_jwks.h"
#include "ngx_http_agw_metadata.h"
#include "ngx_http_agw_metrics.h"
#include "ngx_http_agw_revoke.h"
#include "ngx_http_agw_status.h"
#include "ngx_http_agw_token.h"
#include "ngx_http_agw_values.h"


static ngx_int_t ngx_http_agw_check_handler(ngx_conf_t *cf,
    const ngx_http_core_loc_conf_t *clcf,
    const ngx_http_agw_endpoint_t *endpoint);
static void ngx_http_agw_drop_post_action(ngx_conf_t *cf,
    ngx_http_core_loc_conf_t *clcf, const ngx_http_agw_endpoint_t *endpoint);
static ngx_uint_t ngx_http_agw_set_metadata_path(
    ngx_http_agw_metadata_paths_t *paths, ngx_str_t *text);
static ngx_uint_t ngx_http_agw_is_path(const u_char *p, size_t len);


char *
ngx_http_agw_set_token(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_loc_conf_t *lcf = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_http_agw_is(&value[1], "partner")) {
        lcf->token_kind = AGW_KIND_PARTNER;

    } else if (ngx_http_agw_is(&value[1], "business")) {
        lcf->token_kind = AGW_KIND_BUSINESS;

    } else {
        return ngx_http_agw_invalid(cf, &value[1],
                                    "\"partner\" or \"business\"");
    }

    return ngx_http_agw_set_endpoint(cf, lcf, &ngx_http_agw_token_endpoint);
}


char *
ngx_http_agw_set_revoke(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_loc_conf_t *lcf = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_http_agw_is(&value[1], "token")) {
        lcf->revoked_kind = AGW_REVOCATION_TOKEN;

    } else if (ngx_http_agw_is(&value[1], "business")) {
        lcf->revoked_kind = AGW_REVOCATION_BUSINESS;

    } else {
        return ngx_http_agw_invalid(cf, &value[1],
                                    "\"token\" or \"business\"");
    }

    return ngx_http_agw_set_endpoint(cf, lcf, &ngx_http_agw_revoke_endpoint);
}


char *
ngx_http_agw_set_introspect(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_agw_set_endpoint(cf, conf,
                                     &ngx_http_agw_introspect_endpoint);
}


char *
ngx_http_agw_set_jwks(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_agw_set_endpoint(cf, conf, &ngx_http_agw_jwks_endpoint);
}


char *
ngx_http_agw_set_metadata(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_loc_conf_t *lcf = conf;

    ngx_str_t                      *value;
    ngx_uint_t                      i;
    ngx_http_agw_metadata_paths_t  *paths;

    paths = ngx_pcalloc(cf->pool, sizeof(ngx_http_agw_metadata_paths_t));
    if (paths == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        if (!ngx_http_agw_set_metadata_path(paths, &value[i])) {
            return ngx_http_agw_invalid(cf, &value[i],
                                        "\"token=<path>\", \"jwks=<path>\", "
                                        "\"revoke=<path>\" and "
                                        "\"introspect=<path>\", each once, "
                                        "with paths such as \"/oauth2/token\"");
        }
    }

    if (paths->token.len == 0) {
        return "needs \"token=<path>\"";
    }

    lcf->metadata_paths = paths;

    return ngx_http_agw_set_endpoint(cf, lcf, &ngx_http_agw_metadata_endpoint);
}


char *
ngx_http_agw_set_resource_metadata(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    return ngx_http_agw_set_endpoint(cf, conf,
                                  &ngx_http_agw_resource_metadata_endpoint);
}


char *
ngx_http_agw_set_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_agw_set_endpoint(cf, conf, &ngx_http_agw_status_endpoint);
}


char *
ngx_http_agw_set_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_http_agw_set_endpoint(cf, conf,
                                     &ngx_http_agw_metrics_endpoint);
}


char *
ngx_http_agw_set_endpoint(ngx_conf_t *cf, ngx_http_agw_loc_conf_t *lcf,
    const ngx_http_agw_endpoint_t *endpoint)
{
    ngx_http_core_loc_conf_t  *clcf;

    if (lcf->endpoint == endpoint) {
        return "is duplicate";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler != NULL) {
        return "stands beside another content handler, it must be in a "
               "location without one";
    }

    lcf->endpoint = endpoint;
    clcf->handler = endpoint->handler;

    return NGX_CONF_OK;
}


/* whether text is <name>=<path>, for the first time */

static ngx_uint_t
ngx_http_agw_set_metadata_path(ngx_http_agw_metadata_paths_t *paths,
    ngx_str_t *text)
{
    size_t      len;
    ngx_str_t  *field;
    ngx_uint_t  i;

    const struct {
        const char  *name;
        ngx_str_t   *field;
    } options[] = {
        { "token=", &paths->token },
        { "jwks=", &paths->jwks },
        { "revoke=", &paths->revoke },
        { "introspect=", &paths->introspect }
    };

    for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        len = ngx_strlen(options[i].name);
        field = options[i].field;

        if (text->len <= len
            || ngx_strncmp(text->data, options[i].name, len) != 0)
        {
            continue;
        }

        if (field->len || ngx_http_agw_has_variable(text)
            || !ngx_http_agw_is_path(text->data + len, text->len - len))
        {
            return 0;
        }

        field->data = text->data + len;
        field->len = text->len - len;

        return 1;
    }

    return 0;
}


/* an absolute path (RFC 3986, section 3.3), not the "//host" of a network */

static ngx_uint_t
ngx_http_agw_is_path(const u_char *p, size_t len)
{
    size_t  i;

    if (p[0] != '/' || (len > 1 && p[1] == '/')) {
        return 0;
    }

    for (i = 0; i < len; i++) {
        if (p[i] <= 0x20 || p[i] >= 0x7f
            || ngx_strchr("\"#<>?[\\]^`{|}", p[i]) != NULL)
        {
            return 0;
        }
    }

    return 1;
}


/*
 * No other handler may answer at an endpoint, since the access check is
 * skipped there.  For nginx, a block of `if` or `limit_except` is another
 * location: it becomes the endpoint of the location around it.
 */

char *
ngx_http_agw_merge_endpoint(ngx_conf_t *cf,
    const ngx_http_agw_loc_conf_t *prev, ngx_http_agw_loc_conf_t *conf,
    ngx_uint_t explicit_require)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (conf->endpoint == NULL && clcf->noname) {
        conf->endpoint = prev->endpoint;
        conf->token_kind = prev->token_kind;
        conf->revoked_kind = prev->revoked_kind;
        conf->metadata_paths = prev->metadata_paths;
        conf->admin = prev->admin;
    }

    if (conf->endpoint == NULL) {
        return NGX_CONF_OK;
    }

    if (clcf->noname && clcf->handler == NULL) {
        clcf->handler = conf->endpoint->handler;
    }

    if (ngx_http_agw_check_handler(cf, clcf, conf->endpoint) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (explicit_require) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" in location \"%V\" stands beside "
                           "\"auth_gateway_require\", there must be one of "
                           "them: the first authenticates by itself",
                           conf->endpoint->directive, &clcf->name);
        return NGX_CONF_ERROR;
    }

    ngx_http_agw_drop_post_action(cf, clcf, conf->endpoint);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_agw_check_handler(ngx_conf_t *cf,
    const ngx_http_core_loc_conf_t *clcf,
    const ngx_http_agw_endpoint_t *endpoint)
{
    if (clcf->handler == endpoint->handler) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%s\" in location \"%V\" stands beside another "
                       "content handler, it must be in a location without one",
                       endpoint->directive, &clcf->name);

    return NGX_ERROR;
}


/* some modules set their handler while they are merged, possibly after us */

ngx_int_t
ngx_http_agw_check_endpoints(ngx_conf_t *cf)
{
    ngx_uint_t                       i;
    const ngx_http_agw_location_t   *location;
    const ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf,
                                             ngx_http_auth_gateway_module);

    if (mcf->locations == NULL) {
        return NGX_OK;
    }

    location = mcf->locations->elts;

    for (i = 0; i < mcf->locations->nelts; i++) {

        if (location[i].conf->endpoint != NULL
            && ngx_http_agw_check_handler(cf, location[i].core,
                                          location[i].conf->endpoint)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * After the response, nginx would process the request once more, at the
 * location of post_action, with all its headers.  No phase handler can prevent
 * that, so it is removed from the configuration.
 */

static void
ngx_http_agw_drop_post_action(ngx_conf_t *cf, ngx_http_core_loc_conf_t *clcf,
    const ngx_http_agw_endpoint_t *endpoint)
{
    if (clcf->post_action.data == NULL) {
        return;
    }

    ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                       "\"post_action\" is ignored in location \"%V\", "
                       "\"%s\" sends its requests nowhere else",
                       &clcf->name, endpoint->directive);

    ngx_str_null(&clcf->post_action);
}


char *
ngx_http_agw_prepare_endpoint(ngx_conf_t *cf, ngx_http_agw_loc_conf_t *conf)
{
    const char                     *missing;
    ngx_http_agw_srv_conf_t        *sscf;
    ngx_http_agw_main_conf_t       *mcf;
    ngx_http_core_loc_conf_t       *clcf;
    const ngx_http_agw_endpoint_t  *endpoint;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    sscf = ngx_http_conf_get_module_srv_conf(cf,
                                             ngx_http_auth_gateway_module);
    mcf = ngx_http_conf_get_module_main_conf(cf,
                                             ngx_http_auth_gateway_module);
    endpoint = conf->endpoint;
    missing = NULL;

    if (endpoint->needs_store && mcf->store == NULL) {
        missing = "an \"auth_gateway_store\"";

    } else if (endpoint->needs_key && sscf->keyring == NULL) {
        missing = "an \"auth_gateway_key\"";

    } else if (endpoint->needs_signer
               && (sscf->keyring == NULL
                   || agw_keyring_signer(sscf->keyring) == NULL))
    {
        missing = "an \"auth_gateway_key\" without \"verify\"";

    } else if (endpoint->needs_signer && mcf->token_type == AGW_TYP_AT_JWT
               && (sscf->issuer.len == 0 || sscf->audience.len == 0))
    {
        missing = "an \"auth_gateway_issuer\" and an "
                  "\"auth_gateway_audience\", as \"auth_gateway_token_type\" "
                  "is \"at+jwt\"";

    } else if (endpoint->takes_credentials
               && (conf->client_auth & NGX_HTTP_AGW_AUTH_JWT)
               && sscf->issuer.len == 0)
    {
        missing = "an \"auth_gateway_issuer\" for \"private_key_jwt\"";

    } else if ((conf->token_kind == AGW_KIND_BUSINESS
                || conf->revoked_kind == AGW_REVOCATION_BUSINESS)
               && conf->template.prefix.len == 0)
    {
        missing = "an \"auth_gateway_business_path\"";
    }

    if (missing != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" in location \"%V\" needs %s",
                           endpoint->directive, &clcf->name, missing);
        return NGX_CONF_ERROR;
    }

    return endpoint->prepare ? endpoint->prepare(cf, conf) : NGX_CONF_OK;
}
