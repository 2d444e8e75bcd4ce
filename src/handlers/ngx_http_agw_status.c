
/*
 * The status: 200 if tokens can be checked, 503 if every token is refused,
 * because it is not known what is revoked.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <jansson.h>
#include <openssl/crypto.h>

#include "ngx_http_agw_document.h"
#include "ngx_http_agw_health.h"
#include "ngx_http_agw_response.h"
#include "ngx_http_agw_status.h"


/* digits of a time in seconds, which has three after the point */

#define NGX_HTTP_AGW_STATUS_DIGITS  12


static ngx_int_t ngx_http_agw_status_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_agw_status_body(ngx_http_request_t *r, json_t *json,
    ngx_str_t *body);
static json_t *ngx_http_agw_status(const ngx_http_agw_main_conf_t *mcf,
    const ngx_http_agw_health_t *health);
static json_t *ngx_http_agw_status_feed(const ngx_http_agw_health_t *health);
static json_t *ngx_http_agw_status_keys(const ngx_http_agw_main_conf_t *mcf);
static json_t *ngx_http_agw_status_versions(
    const ngx_http_agw_store_about_t *about);


const ngx_http_agw_endpoint_t  ngx_http_agw_status_endpoint = {
    .directive = "auth_gateway_status",
    .handler = ngx_http_agw_status_handler,
    .methods = NGX_HTTP_AGW_DOCUMENT_METHODS
};


static ngx_int_t
ngx_http_agw_status_handler(ngx_http_request_t *r)
{
    ngx_int_t                        rc;
    ngx_str_t                        body;
    ngx_http_agw_health_t            health;
    const ngx_http_agw_main_conf_t  *mcf;

    if (!ngx_http_agw_document_is_allowed(r, &rc)) {
        return rc;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    ngx_http_agw_health(mcf, &health);

    if (ngx_http_agw_status_body(r, ngx_http_agw_status(mcf, &health), &body)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_agw_send_state(r, health.state == NGX_HTTP_AGW_READY
                                      ? NGX_HTTP_OK
                                      : NGX_HTTP_SERVICE_UNAVAILABLE,
                                   NULL, &body);
}


/* drops the reference to json, which is NULL if memory ran out */

static ngx_int_t
ngx_http_agw_status_body(ngx_http_request_t *r, json_t *json, ngx_str_t *body)
{
    char       *text;
    ngx_int_t   rc;

    text = json_dumps(json, JSON_COMPACT
                            |JSON_REAL_PRECISION(NGX_HTTP_AGW_STATUS_DIGITS));

    json_decref(json);

    if (text == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    body->len = ngx_strlen(text);
    body->data = ngx_pnalloc(r->pool, body->len);

    if (body->data != NULL) {
        ngx_memcpy(body->data, text, body->len);
        rc = NGX_OK;
    }

    free(text);

    return rc;
}


/* a new reference, or NULL if memory ran out, here and below */

static json_t *
ngx_http_agw_status(const ngx_http_agw_main_conf_t *mcf,
    const ngx_http_agw_health_t *health)
{
    json_t                      *keys, *versions;
    ngx_str_t                    name;
    ngx_http_agw_store_about_t   about;

    ngx_memzero(&about, sizeof(ngx_http_agw_store_about_t));

    if (mcf->store != NULL) {
        ngx_http_agw_store_about(mcf->store, &about);
    }

    name = ngx_http_agw_health_name(health->state);
    keys = ngx_http_agw_status_keys(mcf);
    versions = ngx_http_agw_status_versions(&about);

    if (mcf->store == NULL) {
        return json_pack("{s:s%, s:n, s:n, s:n, s:n, s:n, s:o, s:o}",
                         "status", name.data, name.len, "engine", "reachable",
                         "feed", "entries", "zone", "keys", keys,
                         "versions", versions);
    }

    return json_pack("{s:s%, s:s, s:b, s:o, s:I, s:{s:I, s:I, s:I}, s:o, s:o}",
                     "status", name.data, name.len, "engine", about.engine,
                     "reachable", health->reachable,
                     "feed", ngx_http_agw_status_feed(health),
                     "entries", (json_int_t) health->entries,
                     "zone", "size", (json_int_t) health->size,
                     "used", (json_int_t) health->used,
                     "entries", (json_int_t) health->limit,
                     "keys", keys, "versions", versions);
}


/* in seconds; null as long as nothing is known */

static json_t *
ngx_http_agw_status_feed(const ngx_http_agw_health_t *health)
{
    if (health->age < 0) {
        return json_pack("{s:n, s:n}", "age", "lag");
    }

    return json_pack("{s:f, s:f}", "age", (double) health->age / 1000,
                     "lag", (double) health->lag / 1000);
}


static json_t *
ngx_http_agw_status_keys(const ngx_http_agw_main_conf_t *mcf)
{
    json_t                           *keys, *json;
    ngx_uint_t                        i;
    const ngx_http_agw_listed_key_t  *key;

    keys = json_array();
    key = mcf->keys->elts;

    for (i = 0; i < mcf->keys->nelts; i++) {
        json = json_pack("{s:s%, s:s%, s:s%}",
                         "kid", key[i].kid.data, key[i].kid.len,
                         "alg", key[i].alg.data, key[i].alg.len,
                         "use", key[i].use.data, key[i].use.len);

        if (key[i].issuer.len
            && json_object_set_new(json, "issuer",
                                   json_stringn((char *) key[i].issuer.data,
                                                key[i].issuer.len))
               != 0)
        {
            json_decref(json);
            json = NULL;
        }

        if (json_array_append_new(keys, json) != 0) {
            json_decref(keys);
            return NULL;
        }
    }

    return keys;
}


static json_t *
ngx_http_agw_status_versions(const ngx_http_agw_store_about_t *about)
{
    json_t  *versions;

    versions = json_pack("{s:s, s:s, s:s, s:s}",
                         "module", AGW_VERSION,
                         "nginx", NGINX_VERSION,
                         "openssl", OpenSSL_version(OPENSSL_VERSION_STRING),
                         "jansson", jansson_version_str());

    if (about->library != NULL
        && json_object_set_new(versions, about->library,
                               json_string(about->version))
           != 0)
    {
        json_decref(versions);
        return NULL;
    }

    return versions;
}
