
/*
 * The keys that verify the tokens of this server.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_document.h"
#include "ngx_http_agw_jwks.h"


static char *ngx_http_agw_prepare_jwks(ngx_conf_t *cf,
    ngx_http_agw_loc_conf_t *conf);


const ngx_http_agw_endpoint_t  ngx_http_agw_jwks_endpoint = {
    .directive = "auth_gateway_jwks",
    .handler = ngx_http_agw_document_handler,
    .methods = NGX_HTTP_AGW_DOCUMENT_METHODS,
    .needs_key = 1,
    .prepare = ngx_http_agw_prepare_jwks
};


static char *
ngx_http_agw_prepare_jwks(ngx_conf_t *cf, ngx_http_agw_loc_conf_t *conf)
{
    json_t                   *json;
    ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_conf_get_module_srv_conf(cf,
                                             ngx_http_auth_gateway_module);

    json = agw_keyring_public_jwks(sscf->keyring);

    if (json != NULL
        && json_array_size(json_object_get(json, "keys")) == 0)
    {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"auth_gateway_jwks\" has no key to publish: "
                           "secrets and keys of other issuers are never "
                           "published");
    }

    return ngx_http_agw_document_render(cf, &conf->document, json,
                                        "application/jwk-set+json");
}
