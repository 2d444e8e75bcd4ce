
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

#include "ngx_http_agw_place.h"
#include "ngx_http_agw_probe.h"
#include "ngx_http_agw_secret.h"


#define NGX_HTTP_AGW_BEARER_PREFIX  "Bearer "


static ngx_http_request_t *ngx_http_agw_probe_create(ngx_http_request_t *r,
    const ngx_http_agw_asked_t *asked);
static ngx_int_t ngx_http_agw_probe_method(ngx_http_request_t *pr,
    agw_str_t name);
static ngx_int_t ngx_http_agw_probe_credentials(ngx_http_request_t *pr,
    agw_str_t token);
static ngx_int_t ngx_http_agw_probe_destination(ngx_http_request_t *pr,
    agw_str_t value);
static ngx_table_elt_t *ngx_http_agw_probe_header(ngx_http_request_t *pr,
    const char *name, const char *lowcase, u_char *data, size_t len);
static ngx_int_t ngx_http_agw_probe_path(ngx_http_request_t *pr,
    agw_str_t path);
static ngx_int_t ngx_http_agw_probe_transport(ngx_http_request_t *pr,
    ngx_http_agw_probe_t *probe);


ngx_int_t
ngx_http_agw_probe(ngx_http_request_t *r, const ngx_http_agw_asked_t *asked,
    ngx_http_agw_probe_t *probe, const char **member)
{
    ngx_int_t                  rc;
    ngx_http_request_t        *pr;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_core_srv_conf_t  *cscf;

    ngx_memzero(probe, sizeof(ngx_http_agw_probe_t));

    pr = ngx_http_agw_probe_create(r, asked);

    if (pr == NULL
        || ngx_http_agw_probe_credentials(pr, asked->token) != NGX_OK)
    {
        return NGX_ERROR;
    }

    probe->request = pr;

    *member = "method";

    if (ngx_http_agw_probe_method(pr, asked->method) != NGX_OK) {
        return NGX_DECLINED;
    }

    *member = "destination";

    rc = ngx_http_agw_probe_destination(pr, asked->destination);
    if (rc != NGX_OK) {
        return rc;
    }

    *member = "server";

    if (asked->server.len) {
        cscf = ngx_http_agw_find_server(pr, asked->server, asked->https,
                                        &probe->named);

    } else {
        cscf = ngx_http_agw_find_guarded_server(pr);
    }

    if (cscf == NULL) {
        return NGX_DECLINED;
    }

    pr->srv_conf = cscf->ctx->srv_conf;
    pr->loc_conf = cscf->ctx->loc_conf;

    *member = "path";

    rc = ngx_http_agw_probe_path(pr, asked->path);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_agw_find_location(pr, &probe->found);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    probe->redirected = (rc == NGX_DONE);

    clcf = ngx_http_get_module_loc_conf(pr, ngx_http_core_module);

    if (pr->method & clcf->limit_except) {
        pr->loc_conf = clcf->limit_except_loc_conf;
        clcf = ngx_http_get_module_loc_conf(pr, ngx_http_core_module);
    }

    pr->content_handler = clcf->handler;

    return ngx_http_agw_probe_transport(pr, probe);
}


/*
 * Its connection is a copy of r's, whose `ssl` is only compared with NULL: no
 * variable is evaluated, and nothing is sent.
 */

static ngx_http_request_t *
ngx_http_agw_probe_create(ngx_http_request_t *r,
    const ngx_http_agw_asked_t *asked)
{
    ngx_connection_t           *c;
    ngx_http_request_t         *pr;
    ngx_http_core_main_conf_t  *cmcf;
#if (NGX_HTTP_SSL)
    static ngx_ssl_connection_t  ssl;
#endif

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    c = ngx_palloc(r->pool, sizeof(ngx_connection_t));
    pr = ngx_pcalloc(r->pool, sizeof(ngx_http_request_t));

    if (c == NULL || pr == NULL) {
        return NULL;
    }

    *c = *r->connection;
#if (NGX_HTTP_SSL)
    c->ssl = asked->https ? &ssl : NULL;
#endif

    pr->ctx = ngx_pcalloc(r->pool, sizeof(void *) * ngx_http_max_module);
    pr->variables = ngx_pcalloc(r->pool, cmcf->variables.nelts
                                         * sizeof(ngx_http_variable_value_t));

    if (pr->ctx == NULL || pr->variables == NULL
        || ngx_list_init(&pr->headers_in.headers, r->pool, 2,
                         sizeof(ngx_table_elt_t))
           != NGX_OK)
    {
        return NULL;
    }

    pr->signature = NGX_HTTP_MODULE;
    pr->connection = c;
    pr->pool = r->pool;
    pr->main = pr;
    pr->main_conf = r->main_conf;
    pr->http_version = NGX_HTTP_VERSION_11;
    pr->headers_in.content_length_n = -1;
    pr->start_sec = r->start_sec;
    pr->start_msec = r->start_msec;

    return pr;
}


static ngx_int_t
ngx_http_agw_probe_method(ngx_http_request_t *pr, agw_str_t name)
{
    size_t                   i;
    static const struct {
        agw_str_t   name;
        ngx_uint_t  method;
    }  methods[] = {
        { agw_string("GET"), NGX_HTTP_GET },
        { agw_string("HEAD"), NGX_HTTP_HEAD },
        { agw_string("POST"), NGX_HTTP_POST },
        { agw_string("PUT"), NGX_HTTP_PUT },
        { agw_string("DELETE"), NGX_HTTP_DELETE },
        { agw_string("MKCOL"), NGX_HTTP_MKCOL },
        { agw_string("COPY"), NGX_HTTP_COPY },
        { agw_string("MOVE"), NGX_HTTP_MOVE },
        { agw_string("OPTIONS"), NGX_HTTP_OPTIONS },
        { agw_string("PROPFIND"), NGX_HTTP_PROPFIND },
        { agw_string("PROPPATCH"), NGX_HTTP_PROPPATCH },
        { agw_string("LOCK"), NGX_HTTP_LOCK },
        { agw_string("UNLOCK"), NGX_HTTP_UNLOCK },
        { agw_string("PATCH"), NGX_HTTP_PATCH }
    };

    pr->method = NGX_HTTP_UNKNOWN;
    pr->method_name.data = (u_char *) name.data;
    pr->method_name.len = name.len;

    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (agw_str_eq(methods[i].name, name)) {
            pr->method = methods[i].method;
        }
    }

    /* nginx takes others, too, of these characters */

    for (i = 0; i < name.len; i++) {
        if ((name.data[i] < 'A' || name.data[i] > 'Z')
            && name.data[i] != '_' && name.data[i] != '-')
        {
            return NGX_DECLINED;
        }
    }

    return name.len ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_agw_probe_credentials(ngx_http_request_t *pr, agw_str_t token)
{
    u_char  *p, *value;
    size_t   len;

    if (token.len == 0) {
        return NGX_OK;
    }

    len = sizeof(NGX_HTTP_AGW_BEARER_PREFIX) - 1 + token.len;

    value = ngx_http_agw_secret_buf(pr->pool, len);
    if (value == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(value, NGX_HTTP_AGW_BEARER_PREFIX,
                   sizeof(NGX_HTTP_AGW_BEARER_PREFIX) - 1);
    ngx_memcpy(p, token.data, token.len);

    pr->headers_in.authorization = ngx_http_agw_probe_header(pr,
                                                     "Authorization",
                                                     "authorization", value,
                                                     len);

    return pr->headers_in.authorization ? NGX_OK : NGX_ERROR;
}


/*
 * As nginx reads a header: it takes the spaces around the value away, and
 * refuses none of the other bytes.  NGX_OK, NGX_DECLINED or NGX_ERROR.
 */

static ngx_int_t
ngx_http_agw_probe_destination(ngx_http_request_t *pr, agw_str_t value)
{
    size_t  i;

    if (value.len == 0) {
        return NGX_OK;
    }

    for (i = 0; i < value.len; i++) {
        if (value.data[i] < 0x20 || value.data[i] == 0x7f) {
            return NGX_DECLINED;
        }
    }

    if (value.data[0] == ' ' || value.data[value.len - 1] == ' ') {
        return NGX_DECLINED;
    }

    return ngx_http_agw_probe_header(pr, "Destination", "destination",
                                     (u_char *) value.data, value.len)
           ? NGX_OK : NGX_ERROR;
}


static ngx_table_elt_t *
ngx_http_agw_probe_header(ngx_http_request_t *pr, const char *name,
    const char *lowcase, u_char *data, size_t len)
{
    ngx_table_elt_t  *header;

    header = ngx_list_push(&pr->headers_in.headers);
    if (header == NULL) {
        return NULL;
    }

    ngx_memzero(header, sizeof(ngx_table_elt_t));

    header->hash = 1;
    header->key.data = (u_char *) name;
    header->key.len = ngx_strlen(name);
    header->lowcase_key = (u_char *) lowcase;
    header->value.data = data;
    header->value.len = len;

    return header;
}


/*
 * As nginx reads a request line; what it refuses itself never comes to a check.
 * NGX_OK, NGX_DECLINED or NGX_ERROR.
 */

static ngx_int_t
ngx_http_agw_probe_path(ngx_http_request_t *pr, agw_str_t path)
{
    ngx_http_core_srv_conf_t  *cscf;

    if (path.len == 0 || path.data[0] != '/') {
        return NGX_DECLINED;
    }

    /* nginx's parser reads the byte behind it, too */

    pr->uri_start = ngx_pnalloc(pr->pool, path.len + 1);
    if (pr->uri_start == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(pr->uri_start, path.data, path.len);
    pr->uri_end = pr->uri_start + path.len;
    *pr->uri_end = ' ';

    if (ngx_http_parse_uri(pr) != NGX_OK) {
        return NGX_DECLINED;
    }

    pr->unparsed_uri.data = pr->uri_start;
    pr->unparsed_uri.len = path.len;
    pr->valid_unparsed_uri = 1;

    pr->uri.data = pr->uri_start;
    pr->uri.len = (pr->args_start ? pr->args_start - 1 : pr->uri_end)
                  - pr->uri_start;

    if (!pr->complex_uri && !pr->quoted_uri) {
        return NGX_OK;
    }

    pr->uri.data = ngx_pnalloc(pr->pool, pr->uri.len);
    if (pr->uri.data == NULL) {
        return NGX_ERROR;
    }

    cscf = ngx_http_get_module_srv_conf(pr, ngx_http_core_module);

    return ngx_http_parse_complex_uri(pr, cscf->merge_slashes) == NGX_OK
           ? NGX_OK : NGX_DECLINED;
}


/*
 * A variable that says whether the request is secure is not evaluated: it would
 * be of another request.  What was asked stands in its place.
 */

static ngx_int_t
ngx_http_agw_probe_transport(ngx_http_request_t *pr,
    ngx_http_agw_probe_t *probe)
{
    void                           **loc_conf;
    ngx_http_agw_loc_conf_t         *own;
    const ngx_http_agw_loc_conf_t   *lcf;

    lcf = ngx_http_get_module_loc_conf(pr, ngx_http_auth_gateway_module);

    if (lcf->https != NGX_HTTP_AGW_HTTPS_VARIABLE) {
        return NGX_OK;
    }

    loc_conf = ngx_palloc(pr->pool, sizeof(void *) * ngx_http_max_module);
    own = ngx_palloc(pr->pool, sizeof(ngx_http_agw_loc_conf_t));

    if (loc_conf == NULL || own == NULL) {
        return NGX_ERROR;
    }

    *own = *lcf;
    own->https = NGX_HTTP_AGW_HTTPS_ON;

    ngx_memcpy(loc_conf, pr->loc_conf, sizeof(void *) * ngx_http_max_module);
    loc_conf[ngx_http_auth_gateway_module.ctx_index] = own;

    pr->loc_conf = loc_conf;
    probe->https_taken = 1;

    return NGX_OK;
}
