
/*
 * Servers may share their keys, or have equal ones: each is listed once.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_key_list.h"
#include "ngx_http_agw_str.h"


static ngx_int_t ngx_http_agw_list_ring(ngx_array_t *list,
    const agw_keyring_t *ring);
static ngx_uint_t ngx_http_agw_is_listed(const ngx_array_t *list,
    const ngx_http_agw_listed_key_t *key);


ngx_int_t
ngx_http_agw_list_keys(ngx_conf_t *cf)
{
    ngx_uint_t                        i;
    ngx_http_agw_main_conf_t         *mcf;
    ngx_http_core_srv_conf_t        **server;
    ngx_http_core_main_conf_t        *cmcf;
    const ngx_http_agw_srv_conf_t    *sscf;

    mcf = ngx_http_conf_get_module_main_conf(cf,
                                             ngx_http_auth_gateway_module);
    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    mcf->keys = ngx_array_create(cf->pool, 4,
                                 sizeof(ngx_http_agw_listed_key_t));
    if (mcf->keys == NULL) {
        return NGX_ERROR;
    }

    server = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {
        sscf = server[i]->ctx->srv_conf[
                                     ngx_http_auth_gateway_module.ctx_index];

        if (sscf->keyring != NULL
            && ngx_http_agw_list_ring(mcf->keys, sscf->keyring) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_list_ring(ngx_array_t *list, const agw_keyring_t *ring)
{
    size_t                      i;
    const agw_key_t            *key;
    ngx_http_agw_listed_key_t  *added, listed;

    for (i = 0; i < agw_keyring_count(ring); i++) {
        key = agw_keyring_key(ring, i);

        listed.kid = ngx_http_agw_from_core(agw_key_kid(key));
        listed.alg = ngx_http_agw_from_core(agw_key_alg(key)->name);
        listed.issuer = ngx_http_agw_from_core(agw_key_issuer(key));

        if (key == agw_keyring_signer(ring)) {
            ngx_str_set(&listed.use, "sign");

        } else {
            ngx_str_set(&listed.use, "verify");
        }

        if (ngx_http_agw_is_listed(list, &listed)) {
            continue;
        }

        added = ngx_array_push(list);
        if (added == NULL) {
            return NGX_ERROR;
        }

        *added = listed;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_agw_is_listed(const ngx_array_t *list,
    const ngx_http_agw_listed_key_t *key)
{
    ngx_uint_t                        i;
    const ngx_http_agw_listed_key_t  *listed;

    listed = list->elts;

    for (i = 0; i < list->nelts; i++) {
        if (agw_str_eq(ngx_http_agw_to_core(listed[i].kid),
                       ngx_http_agw_to_core(key->kid))
            && agw_str_eq(ngx_http_agw_to_core(listed[i].alg),
                          ngx_http_agw_to_core(key->alg))
            && agw_str_eq(ngx_http_agw_to_core(listed[i].issuer),
                          ngx_http_agw_to_core(key->issuer))
            && agw_str_eq(ngx_http_agw_to_core(listed[i].use),
                          ngx_http_agw_to_core(key->use)))
        {
            return 1;
        }
    }

    return 0;
}
