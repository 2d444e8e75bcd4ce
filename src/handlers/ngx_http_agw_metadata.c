
/*
 * The documents that tell clients where the endpoints are, and which server
 * issues tokens for the guarded paths.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_url.h"
#include "ngx_http_agw_document.h"
#include "ngx_http_agw_exchange.h"
#include "ngx_http_agw_metadata.h"
#include "ngx_http_agw_str.h"


#define NGX_HTTP_AGW_SERVER_PATH    "/.well-known/oauth-authorization-server"
#define NGX_HTTP_AGW_RESOURCE_PATH  "/.well-known/oauth-protected-resource"


static char *ngx_http_agw_prepare_metadata(ngx_conf_t *cf,
    ngx_http_agw_loc_conf_t *conf);
static ngx_int_t ngx_http_agw_get_issuer(ngx_conf_t *cf,
    const ngx_http_agw_endpoint_t *endpoint, agw_str_t *issuer,
    agw_str_t *origin, agw_str_t *path);
static char *ngx_http_agw_prepare_resource(ngx_conf_t *cf,
    ngx_http_agw_loc_conf_t *conf);
static ngx_int_t ngx_http_agw_keep_resource_url(ngx_conf_t *cf,
    agw_str_t origin);
static ngx_uint_t ngx_http_agw_is_place(const ngx_http_core_loc_conf_t *clcf);
static void ngx_http_agw_warn_of_place(ngx_conf_t *cf,
    const ngx_http_agw_endpoint_t *endpoint, agw_str_t well_known,
    agw_str_t path);
static json_t *ngx_http_agw_resource_json(agw_str_t issuer, agw_str_t origin,
    const ngx_http_agw_loc_conf_t *conf);
static json_t *ngx_http_agw_metadata_json(agw_str_t issuer, agw_str_t origin,
    const ngx_http_agw_loc_conf_t *conf);
static ngx_int_t ngx_http_agw_add_endpoint(json_t *json, const char *name,
    agw_str_t origin, const ngx_str_t *path);
static json_t *ngx_http_agw_auth_methods(ngx_uint_t client_auth);
static json_t *ngx_http_agw_scopes(const ngx_http_agw_loc_conf_t *conf);
static int ngx_http_agw_add_scopes(json_t *scopes, agw_str_t words,
    agw_str_t but);
static int ngx_http_agw_add_signing_algs(json_t *json,
    const ngx_http_agw_metadata_paths_t *at);


const ngx_http_agw_endpoint_t  ngx_http_agw_metadata_endpoint = {
    .directive = "auth_gateway_metadata",
    .handler = ngx_http_agw_document_handler,
    .methods = NGX_HTTP_AGW_DOCUMENT_METHODS,
    .prepare = ngx_http_agw_prepare_metadata
};


const ngx_http_agw_endpoint_t  ngx_http_agw_resource_metadata_endpoint = {
    .directive = "auth_gateway_resource_metadata",
    .handler = ngx_http_agw_document_handler,
    .methods = NGX_HTTP_AGW_DOCUMENT_METHODS,
    .prepare = ngx_http_agw_prepare_resource
};


static char *
ngx_http_agw_prepare_metadata(ngx_conf_t *cf, ngx_http_agw_loc_conf_t *conf)
{
    agw_str_t                 issuer, origin, path;
    ngx_http_agw_srv_conf_t  *sscf;
    static const agw_str_t    well_known =
                                  agw_string(NGX_HTTP_AGW_SERVER_PATH);

    sscf = ngx_http_conf_get_module_srv_conf(cf,
                                             ngx_http_auth_gateway_module);

    if (ngx_http_agw_get_issuer(cf, conf->endpoint, &issuer, &origin, &path)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_http_agw_warn_of_place(cf, conf->endpoint, well_known, path);

    sscf->token_url.len = origin.len + conf->metadata_paths->token.len;
    sscf->token_url.data = ngx_pnalloc(cf->pool, sscf->token_url.len);

    if (sscf->token_url.data == NULL) {
        return NGX_CONF_ERROR;
    }

    (void) ngx_sprintf(sscf->token_url.data, "%*s%V", origin.len, origin.data,
                       &conf->metadata_paths->token);

    return ngx_http_agw_document_render(cf, &conf->document,
                         ngx_http_agw_metadata_json(issuer, origin, conf),
                         "application/json");
}


/* the resource is the whole server: scheme and host, without a path */

static char *
ngx_http_agw_prepare_resource(ngx_conf_t *cf, ngx_http_agw_loc_conf_t *conf)
{
    agw_str_t               issuer, origin, path;
    static const agw_str_t  well_known =
                                agw_string(NGX_HTTP_AGW_RESOURCE_PATH);

    if (ngx_http_agw_get_issuer(cf, conf->endpoint, &issuer, &origin, &path)
        != NGX_OK
        || ngx_http_agw_keep_resource_url(cf, origin) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_http_agw_warn_of_place(cf, conf->endpoint, well_known, agw_empty);

    return ngx_http_agw_document_render(cf, &conf->document,
                         ngx_http_agw_resource_json(issuer, origin, conf),
                         "application/json");
}


/* where the challenges of the server say that the document is */

static ngx_int_t
ngx_http_agw_keep_resource_url(ngx_conf_t *cf, agw_str_t origin)
{
    u_char                    *p;
    size_t                     i;
    ngx_str_t                  path;
    ngx_http_agw_srv_conf_t   *sscf;
    ngx_http_core_loc_conf_t  *clcf;

    sscf = ngx_http_conf_get_module_srv_conf(cf,
                                             ngx_http_auth_gateway_module);
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (sscf->resource_metadata.len) {
        return NGX_OK;
    }

    ngx_str_set(&path, NGX_HTTP_AGW_RESOURCE_PATH);

    if (ngx_http_agw_is_place(clcf)) {
        path = clcf->name;
    }

    for (i = 0; i < path.len; i++) {

        /* it stands in quotes */

        if (path.data[i] <= 0x20 || path.data[i] >= 0x7f
            || path.data[i] == '"' || path.data[i] == '\\')
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"auth_gateway_resource_metadata\" in location "
                               "\"%V\", it must be in one whose name is "
                               "printable ASCII without quotes and backslashes",
                               &clcf->name);
            return NGX_ERROR;
        }
    }

    p = ngx_pnalloc(cf->pool, origin.len + path.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    sscf->resource_metadata.data = p;
    sscf->resource_metadata.len = origin.len + path.len;

    p = ngx_cpymem(p, origin.data, origin.len);
    ngx_memcpy(p, path.data, path.len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_get_issuer(ngx_conf_t *cf,
    const ngx_http_agw_endpoint_t *endpoint, agw_str_t *issuer,
    agw_str_t *origin, agw_str_t *path)
{
    ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_conf_get_module_srv_conf(cf,
                                             ngx_http_auth_gateway_module);

    *issuer = ngx_http_agw_to_core(sscf->issuer);

    if (agw_url_split(*issuer, origin, path) == 0) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%s\" with \"%V\" as \"auth_gateway_issuer\", it "
                       "must be one such as \"https://api.example.com\" or "
                       "\"https://api.example.com/books\", without query and "
                       "fragment", endpoint->directive, &sscf->issuer);

    return NGX_ERROR;
}


/*
 * RFC 8414, section 3.1: the well-known segment comes before the issuer's
 * path, without its last slash.  This is only a warning, since an operator may
 * serve the document at other places too.
 */

static void
ngx_http_agw_warn_of_place(ngx_conf_t *cf,
    const ngx_http_agw_endpoint_t *endpoint, agw_str_t well_known,
    agw_str_t path)
{
    ngx_str_t                  name, head, tail;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    name = clcf->name;

    if (!ngx_http_agw_is_place(clcf)) {
        return;
    }

    if (path.len && path.data[path.len - 1] == '/') {
        path.len--;
    }

    if (name.len == well_known.len + path.len
        && ngx_memcmp(name.data, well_known.data, well_known.len) == 0
        && ngx_memcmp(name.data + well_known.len, path.data, path.len) == 0)
    {
        return;
    }

    head = ngx_http_agw_from_core(well_known);
    tail = ngx_http_agw_from_core(path);

    ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                       "\"%s\" in location \"%V\" is not where clients look "
                       "for it: \"%V%V\"", endpoint->directive, &name, &head,
                       &tail);
}


/* the block of an `if` has the name of its location */

static ngx_uint_t
ngx_http_agw_is_place(const ngx_http_core_loc_conf_t *clcf)
{
#if (NGX_PCRE)
    if (clcf->regex != NULL) {
        return 0;
    }
#endif

    return !clcf->noname && clcf->name.len != 0 && clcf->name.data[0] == '/';
}


/* RFC 9728, section 2 */

static json_t *
ngx_http_agw_resource_json(agw_str_t issuer, agw_str_t origin,
    const ngx_http_agw_loc_conf_t *conf)
{
    json_t  *json;

    json = json_pack("{s:s%, s:[s%], s:o, s:[s]}",
                     "resource", origin.data, origin.len,
                     "authorization_servers", issuer.data, issuer.len,
                     "scopes_supported", ngx_http_agw_scopes(conf),
                     "bearer_methods_supported", "header");

    if (json != NULL && conf->bind_tokens == NGX_HTTP_AGW_BIND_CERTIFICATE
        && json_object_set_new(json,
                               "tls_client_certificate_bound_access_tokens",
                               json_true())
           != 0)
    {
        json_decref(json);
        return NULL;
    }

    return json;
}


static json_t *
ngx_http_agw_metadata_json(agw_str_t issuer, agw_str_t origin,
    const ngx_http_agw_loc_conf_t *conf)
{
    int                                   rc;
    json_t                               *json;
    const ngx_http_agw_metadata_paths_t  *at;

    at = conf->metadata_paths;

    json = json_pack("{s:s%, s:[], s:[ss], s:o}",
                     "issuer", issuer.data, issuer.len,
                     "response_types_supported",
                     "grant_types_supported", "client_credentials",
                     NGX_HTTP_AGW_TOKEN_EXCHANGE,
                     "token_endpoint_auth_methods_supported",
                     ngx_http_agw_auth_methods(conf->client_auth));
    if (json == NULL) {
        return NULL;
    }

    rc = json_object_set_new(json, "scopes_supported",
                             ngx_http_agw_scopes(conf));

    if (conf->client_auth & NGX_HTTP_AGW_AUTH_JWT) {
        rc |= ngx_http_agw_add_signing_algs(json, at);
    }

    /* RFC 8705, section 3.3 */

    if (conf->bind_tokens == NGX_HTTP_AGW_BIND_CERTIFICATE) {
        rc |= json_object_set_new(json,
                                  "tls_client_certificate_bound_access_tokens",
                                  json_true());
    }

    if (rc != 0
        || ngx_http_agw_add_endpoint(json, "token_endpoint", origin,
                                     &at->token) != NGX_OK
        || ngx_http_agw_add_endpoint(json, "jwks_uri", origin,
                                     &at->jwks) != NGX_OK
        || ngx_http_agw_add_endpoint(json, "revocation_endpoint", origin,
                                     &at->revoke) != NGX_OK
        || ngx_http_agw_add_endpoint(json, "introspection_endpoint", origin,
                                     &at->introspect) != NGX_OK)
    {
        json_decref(json);
        return NULL;
    }

    return json;
}


/* as RFC 8414, section 2, and RFC 8705, section 2.2, name them */

static json_t *
ngx_http_agw_auth_methods(ngx_uint_t client_auth)
{
    int          rc;
    json_t      *methods;
    ngx_uint_t   i;

    static const struct {
        ngx_uint_t   method;
        const char  *name;
    }  names[] = {
        { NGX_HTTP_AGW_AUTH_BASIC, "client_secret_basic" },
        { NGX_HTTP_AGW_AUTH_POST, "client_secret_post" },
        { NGX_HTTP_AGW_AUTH_JWT, "private_key_jwt" },
        { NGX_HTTP_AGW_AUTH_TLS, "self_signed_tls_client_auth" }
    };

    methods = json_array();
    rc = 0;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (client_auth & names[i].method) {
            rc |= json_array_append_new(methods, json_string(names[i].name));
        }
    }

    if (rc != 0) {
        json_decref(methods);
        return NULL;
    }

    return methods;
}


/* RFC 8414, section 2: of the endpoints that there are */

static int
ngx_http_agw_add_signing_algs(json_t *json,
    const ngx_http_agw_metadata_paths_t *at)
{
    int     rc;
    json_t  *algs;

    algs = json_pack("[ssssssssss]", "RS256", "RS384", "RS512", "PS256",
                     "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519");
    rc = 0;

    if (at->token.len) {
        rc |= json_object_set(json,
              "token_endpoint_auth_signing_alg_values_supported", algs);
    }

    if (at->revoke.len) {
        rc |= json_object_set(json,
              "revocation_endpoint_auth_signing_alg_values_supported", algs);
    }

    if (at->introspect.len) {
        rc |= json_object_set(json,
              "introspection_endpoint_auth_signing_alg_values_supported",
              algs);
    }

    json_decref(algs);

    return rc;
}


/* an endpoint without a path is left out */

static ngx_int_t
ngx_http_agw_add_endpoint(json_t *json, const char *name, agw_str_t origin,
    const ngx_str_t *path)
{
    json_t  *url;

    if (path->len == 0) {
        return NGX_OK;
    }

    url = json_sprintf("%.*s%.*s", (int) origin.len,
                       (const char *) origin.data, (int) path->len,
                       (const char *) path->data);

    return json_object_set_new(json, name, url) == 0 ? NGX_OK : NGX_ERROR;
}


/* those that a partner token and a business token may have, each once */

static json_t *
ngx_http_agw_scopes(const ngx_http_agw_loc_conf_t *conf)
{
    int         rc;
    json_t     *scopes;
    agw_str_t   partner;

    partner = ngx_http_agw_to_core(conf->partner_scope);
    scopes = json_array();

    rc = ngx_http_agw_add_scopes(scopes, partner, agw_empty);
    rc |= ngx_http_agw_add_scopes(scopes,
                                  ngx_http_agw_to_core(conf->business_scope),
                                  partner);
    rc |= json_array_append_new(scopes, json_string(AGW_BUSINESS_ACCESS));

    if (rc != 0) {
        json_decref(scopes);
        return NULL;
    }

    return scopes;
}


static int
ngx_http_agw_add_scopes(json_t *scopes, agw_str_t words, agw_str_t but)
{
    int        rc;
    agw_str_t  word;

    rc = 0;

    while (agw_scope_next(&words, &word)) {

        if (!agw_scope_has(but, word)) {
            rc |= json_array_append_new(scopes,
                                    json_stringn((const char *) word.data,
                                                 word.len));
        }
    }

    return rc;
}
