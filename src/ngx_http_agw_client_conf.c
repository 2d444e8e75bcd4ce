
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_assertion_auth.h"
#include "ngx_http_agw_client_conf.h"
#include "ngx_http_agw_values.h"


char *
ngx_http_agw_set_client_auth(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_loc_conf_t *lcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i, n;

    static const struct {
        const char  *name;
        ngx_uint_t   method;
    }  methods[] = {
        { "basic", NGX_HTTP_AGW_AUTH_BASIC },
        { "post", NGX_HTTP_AGW_AUTH_POST },
        { "private_key_jwt", NGX_HTTP_AGW_AUTH_JWT },
        { "tls", NGX_HTTP_AGW_AUTH_TLS },
        { NULL, 0 }
    };

    if (lcf->client_auth != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;
    lcf->client_auth = 0;

    for (i = 1; i < cf->args->nelts; i++) {

        for (n = 0; methods[n].name != NULL; n++) {
            if (ngx_http_agw_is(&value[i], methods[n].name)) {
                break;
            }
        }

        if (methods[n].name == NULL
            || (lcf->client_auth & methods[n].method))
        {
            return ngx_http_agw_invalid(cf, &value[i],
                                        "\"basic\", \"post\", "
                                        "\"private_key_jwt\" and \"tls\", "
                                        "each once");
        }

        lcf->client_auth |= methods[n].method;
    }

    if ((lcf->client_auth & NGX_HTTP_AGW_AUTH_JWT)
        && ngx_http_agw_assertions_create(cf,
               ngx_http_conf_get_module_main_conf(cf,
                                               ngx_http_auth_gateway_module))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* one that a proxy sets, or the certificate of another variable */

char *
ngx_http_agw_set_client_certificate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_agw_loc_conf_t *lcf = conf;

    ngx_str_t  *value;

    if (lcf->client_certificate != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (!ngx_http_agw_is_variable(&value[1])) {
        return ngx_http_agw_invalid(cf, &value[1], "a variable");
    }

    lcf->certificate_header = ngx_http_agw_header_of(&value[1]);

    return ngx_http_agw_compile_variable(cf, &value[1],
                                         &lcf->client_certificate);
}


char *
ngx_http_agw_set_bind_tokens(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_agw_loc_conf_t *lcf = conf;

    ngx_str_t  *value;

    if (lcf->bind_tokens != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_agw_is(&value[1], "off")) {
        lcf->bind_tokens = NGX_HTTP_AGW_BIND_OFF;

    } else if (ngx_http_agw_is(&value[1], "certificate")) {
        lcf->bind_tokens = NGX_HTTP_AGW_BIND_CERTIFICATE;

    } else {
        return ngx_http_agw_invalid(cf, &value[1],
                                    "\"off\" or \"certificate\"");
    }

    return NGX_CONF_OK;
}
