
/*
 * Who asks is found out first, so that nobody else learns anything.  Then path
 * and method lead to a route, and the route says what is read from the query
 * and the body, and which operation it becomes.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_grammar.h"
#include "agw_multipart.h"
#include "ngx_http_agw_admin.h"
#include "ngx_http_agw_admin_answer.h"
#include "ngx_http_agw_admin_begin.h"
#include "ngx_http_agw_admin_explain.h"
#include "ngx_http_agw_admin_import.h"
#include "ngx_http_agw_body.h"
#include "ngx_http_agw_counters.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_request_check.h"
#include "ngx_http_agw_response.h"
#include "ngx_http_agw_str.h"


#define NGX_HTTP_AGW_ALLOW_SIZE   64

#define NGX_HTTP_AGW_JSON         "application/json"
#define NGX_HTTP_AGW_NDJSON       "application/x-ndjson"

#define NGX_HTTP_AGW_PARTNER_BODY (AGW_MEMBER_STATUS|AGW_MEMBER_NAME          \
                                   |AGW_MEMBER_SCOPES)
#define NGX_HTTP_AGW_API_KEY_BODY (AGW_MEMBER_NAME|AGW_MEMBER_NOT_BEFORE      \
                                   |AGW_MEMBER_EXPIRES_AT)
#define NGX_HTTP_AGW_BUSINESS_BODY  (AGW_MEMBER_PARTNER_ID|AGW_MEMBER_STATUS)


static ngx_int_t ngx_http_agw_admin_handler(ngx_http_request_t *r);
static agw_reason_t ngx_http_agw_admin_start(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
static agw_reason_t ngx_http_agw_admin_path(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
static agw_reason_t ngx_http_agw_admin_find_route(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
static ngx_uint_t ngx_http_agw_admin_matches(const char *pattern,
    ngx_http_agw_admin_request_t *req);
static agw_reason_t ngx_http_agw_admin_not_allowed(ngx_http_request_t *r,
    const char *path);
static ngx_int_t ngx_http_agw_admin_read(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
static ngx_uint_t ngx_http_agw_admin_is_type(ngx_http_request_t *r,
    const char *type);
static void ngx_http_agw_admin_body(ngx_http_request_t *r,
    agw_reason_t reason, ngx_str_t *text);


const ngx_http_agw_endpoint_t  ngx_http_agw_admin_endpoint = {
    .directive = "auth_gateway_admin",
    .handler = ngx_http_agw_admin_handler,
    .methods = "GET",
    .needs_store = 1
};


/* the methods of one path stand together */

static const ngx_http_agw_admin_route_t  ngx_http_agw_admin_routes[] = {

    { "partners", NGX_HTTP_GET, ngx_http_agw_admin_begin_list,
      NGX_HTTP_AGW_ADMIN_LIST, AGW_RECORD_PARTNER,
      NGX_HTTP_AGW_ARG_AFTER|NGX_HTTP_AGW_ARG_LIMIT|NGX_HTTP_AGW_ARG_STATUS,
      0, 0, NULL, 0, NULL },

    { "partners", NGX_HTTP_POST, ngx_http_agw_admin_begin_create,
      NGX_HTTP_AGW_ADMIN_PUT, AGW_RECORD_PARTNER, 0,
      NGX_HTTP_AGW_PARTNER_BODY, 0, "create",
      NGX_HTTP_AGW_WROTE_PARTNER_CREATE, NGX_HTTP_AGW_JSON },

    { "partners/<id>", NGX_HTTP_GET, ngx_http_agw_admin_begin_one,
      NGX_HTTP_AGW_ADMIN_GET, AGW_RECORD_PARTNER, 0, 0, 0, NULL, 0, NULL },

    { "partners/<id>", NGX_HTTP_PUT, ngx_http_agw_admin_begin_put,
      NGX_HTTP_AGW_ADMIN_PUT, AGW_RECORD_PARTNER, 0,
      AGW_MEMBER_PARTNER_ID|NGX_HTTP_AGW_PARTNER_BODY, 0, "put",
      NGX_HTTP_AGW_WROTE_PARTNER_CREATE, NGX_HTTP_AGW_JSON },

    { "partners/<id>", NGX_HTTP_PATCH, ngx_http_agw_admin_begin_patch,
      NGX_HTTP_AGW_ADMIN_PATCH, AGW_RECORD_PARTNER, 0,
      NGX_HTTP_AGW_PARTNER_BODY, 0, "change",
      NGX_HTTP_AGW_WROTE_PARTNER_UPDATE, NGX_HTTP_AGW_JSON },

    { "partners/<id>/keys", NGX_HTTP_GET, ngx_http_agw_admin_begin_one,
      NGX_HTTP_AGW_ADMIN_LIST, AGW_RECORD_API_KEY, 0, 0, 0, NULL, 0, NULL },

    { "partners/<id>/keys", NGX_HTTP_POST, ngx_http_agw_admin_begin_api_key,
      NGX_HTTP_AGW_ADMIN_PUT, AGW_RECORD_API_KEY, 0,
      NGX_HTTP_AGW_API_KEY_BODY, 0, "create",
      NGX_HTTP_AGW_WROTE_KEY_CREATE, NGX_HTTP_AGW_JSON },

    { "partners/<id>/keys/<id>", NGX_HTTP_GET, ngx_http_agw_admin_begin_one,
      NGX_HTTP_AGW_ADMIN_GET, AGW_RECORD_API_KEY, 0, 0, 0, NULL, 0, NULL },

    { "partners/<id>/keys/<id>", NGX_HTTP_PATCH,
      ngx_http_agw_admin_begin_patch,
      NGX_HTTP_AGW_ADMIN_PATCH, AGW_RECORD_API_KEY, 0,
      NGX_HTTP_AGW_API_KEY_BODY, 0, "change",
      NGX_HTTP_AGW_WROTE_KEY_UPDATE, NGX_HTTP_AGW_JSON },

    { "partners/<id>/keys/<id>", NGX_HTTP_DELETE,
      ngx_http_agw_admin_begin_one,
      NGX_HTTP_AGW_ADMIN_DELETE, AGW_RECORD_API_KEY, 0, 0, 0, "delete",
      NGX_HTTP_AGW_WROTE_KEY_DELETE, NULL },

    { "partners/<id>/keys/<id>/roll", NGX_HTTP_POST,
      ngx_http_agw_admin_begin_roll,
      NGX_HTTP_AGW_ADMIN_ROLL, AGW_RECORD_API_KEY, 0, 0, 0, "roll",
      NGX_HTTP_AGW_WROTE_KEY_ROLL, NGX_HTTP_AGW_JSON },

    { "partners/<id>/keys/<id>/end", NGX_HTTP_POST,
      ngx_http_agw_admin_begin_body,
      NGX_HTTP_AGW_ADMIN_END, AGW_RECORD_API_KEY, 0, 0, 0, "end",
      NGX_HTTP_AGW_WROTE_KEY_END, NGX_HTTP_AGW_JSON },

    { "partners/<id>/jwks", NGX_HTTP_GET, ngx_http_agw_admin_begin_one,
      NGX_HTTP_AGW_ADMIN_LIST, AGW_RECORD_JWK, 0, 0, 0, NULL, 0,
      NULL },

    { "partners/<id>/jwks", NGX_HTTP_POST,
      ngx_http_agw_admin_begin_body,
      NGX_HTTP_AGW_ADMIN_PUT, AGW_RECORD_JWK, 0,
      AGW_MEMBER_KID|AGW_MEMBER_JWK, AGW_MEMBER_JWK, "create",
      NGX_HTTP_AGW_WROTE_JWK_CREATE, NGX_HTTP_AGW_JSON },

    { "partners/<id>/jwks/<id>", NGX_HTTP_GET,
      ngx_http_agw_admin_begin_one,
      NGX_HTTP_AGW_ADMIN_GET, AGW_RECORD_JWK, 0, 0, 0, NULL, 0,
      NULL },

    { "partners/<id>/jwks/<id>", NGX_HTTP_DELETE,
      ngx_http_agw_admin_begin_one,
      NGX_HTTP_AGW_ADMIN_DELETE, AGW_RECORD_JWK, 0, 0, 0,
      "delete", NGX_HTTP_AGW_WROTE_JWK_DELETE, NULL },

    { "partners/<id>/certificates", NGX_HTTP_GET, ngx_http_agw_admin_begin_one,
      NGX_HTTP_AGW_ADMIN_LIST, AGW_RECORD_CERTIFICATE, 0, 0, 0, NULL, 0,
      NULL },

    { "partners/<id>/certificates", NGX_HTTP_POST,
      ngx_http_agw_admin_begin_body,
      NGX_HTTP_AGW_ADMIN_PUT, AGW_RECORD_CERTIFICATE, 0,
      AGW_MEMBER_X5T|AGW_MEMBER_NOT_AFTER, AGW_MEMBER_X5T, "create",
      NGX_HTTP_AGW_WROTE_CERTIFICATE_CREATE, NGX_HTTP_AGW_JSON },

    { "partners/<id>/certificates/<id>", NGX_HTTP_GET,
      ngx_http_agw_admin_begin_one,
      NGX_HTTP_AGW_ADMIN_GET, AGW_RECORD_CERTIFICATE, 0, 0, 0, NULL, 0,
      NULL },

    { "partners/<id>/certificates/<id>", NGX_HTTP_DELETE,
      ngx_http_agw_admin_begin_one,
      NGX_HTTP_AGW_ADMIN_DELETE, AGW_RECORD_CERTIFICATE, 0, 0, 0,
      "delete", NGX_HTTP_AGW_WROTE_CERTIFICATE_DELETE, NULL },

    { "businesses", NGX_HTTP_GET, ngx_http_agw_admin_begin_list,
      NGX_HTTP_AGW_ADMIN_LIST, AGW_RECORD_BUSINESS,
      NGX_HTTP_AGW_ARG_AFTER|NGX_HTTP_AGW_ARG_LIMIT|NGX_HTTP_AGW_ARG_STATUS
      |NGX_HTTP_AGW_ARG_PARTNER_ID,
      0, 0, NULL, 0, NULL },

    { "businesses", NGX_HTTP_POST, ngx_http_agw_admin_begin_create,
      NGX_HTTP_AGW_ADMIN_PUT, AGW_RECORD_BUSINESS, 0,
      NGX_HTTP_AGW_BUSINESS_BODY, AGW_MEMBER_PARTNER_ID, "create",
      NGX_HTTP_AGW_WROTE_BUSINESS_CREATE, NGX_HTTP_AGW_JSON },

    { "businesses/<id>", NGX_HTTP_GET, ngx_http_agw_admin_begin_one,
      NGX_HTTP_AGW_ADMIN_GET, AGW_RECORD_BUSINESS, 0, 0, 0, NULL, 0, NULL },

    { "businesses/<id>", NGX_HTTP_PUT, ngx_http_agw_admin_begin_put,
      NGX_HTTP_AGW_ADMIN_PUT, AGW_RECORD_BUSINESS, 0,
      AGW_MEMBER_BUSINESS_ID|NGX_HTTP_AGW_BUSINESS_BODY,
      AGW_MEMBER_PARTNER_ID, "put",
      NGX_HTTP_AGW_WROTE_BUSINESS_CREATE, NGX_HTTP_AGW_JSON },

    { "businesses/<id>", NGX_HTTP_PATCH, ngx_http_agw_admin_begin_patch,
      NGX_HTTP_AGW_ADMIN_PATCH, AGW_RECORD_BUSINESS, 0,
      NGX_HTTP_AGW_BUSINESS_BODY, 0, "change",
      NGX_HTTP_AGW_WROTE_BUSINESS_UPDATE, NGX_HTTP_AGW_JSON },

    { "revocations", NGX_HTTP_GET, ngx_http_agw_admin_begin_list,
      NGX_HTTP_AGW_ADMIN_LIST, AGW_RECORD_REVOCATION,
      NGX_HTTP_AGW_ARG_AFTER|NGX_HTTP_AGW_ARG_LIMIT|NGX_HTTP_AGW_ARG_KIND
      |NGX_HTTP_AGW_ARG_PARTNER_ID,
      0, 0, NULL, 0, NULL },

    { "revocations", NGX_HTTP_POST, ngx_http_agw_admin_begin_revoke,
      NGX_HTTP_AGW_ADMIN_REVOKE, AGW_RECORD_REVOCATION, 0,
      AGW_MEMBER_KIND|AGW_MEMBER_ID, AGW_MEMBER_KIND|AGW_MEMBER_ID, "revoke",
      NGX_HTTP_AGW_WROTE_REVOKE, NGX_HTTP_AGW_JSON },

    { "import", NGX_HTTP_POST, ngx_http_agw_admin_begin_import,
      NGX_HTTP_AGW_ADMIN_IMPORT, AGW_RECORD_NONE, NGX_HTTP_AGW_ARG_DRY_RUN,
      0, 0, "import",
      NGX_HTTP_AGW_WROTE_IMPORT, NGX_HTTP_AGW_NDJSON },

    { "export", NGX_HTTP_GET, ngx_http_agw_admin_begin_list,
      NGX_HTTP_AGW_ADMIN_EXPORT, AGW_RECORD_NONE,
      NGX_HTTP_AGW_ARG_AFTER|NGX_HTTP_AGW_ARG_LIMIT, 0, 0, NULL, 0, NULL },

    { "explain", NGX_HTTP_POST, ngx_http_agw_admin_begin_explain,
      NGX_HTTP_AGW_ADMIN_GET, AGW_RECORD_NONE, 0, 0, 0, NULL, 0,
      NGX_HTTP_AGW_JSON },

    { NULL, 0, NULL, 0, 0, 0, 0, 0, NULL, 0, NULL }
};


static const struct {
    ngx_uint_t   method;
    const char  *name;
} ngx_http_agw_admin_methods[] = {
    { NGX_HTTP_GET, "GET" },
    { NGX_HTTP_POST, "POST" },
    { NGX_HTTP_PUT, "PUT" },
    { NGX_HTTP_PATCH, "PATCH" },
    { NGX_HTTP_DELETE, "DELETE" },
    { 0, NULL }
};


static ngx_int_t
ngx_http_agw_admin_handler(ngx_http_request_t *r)
{
    ngx_http_agw_ctx_t            *ctx;
    ngx_http_agw_admin_request_t  *req;

    if (r != r->main) {
        return NGX_HTTP_NOT_FOUND;
    }

    ctx = ngx_http_agw_ctx(r);
    req = ngx_pcalloc(r->pool, sizeof(ngx_http_agw_admin_request_t));

    if (ctx == NULL || req == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->admin = req;
    ctx->event = NGX_HTTP_AGW_EVENT_ADMIN;

    ngx_http_agw_forget_caching(r);
    ngx_http_agw_forget_challenges(r);

    req->fault.reason = ngx_http_agw_admin_start(r, req);

    if (req->fault.reason != AGW_OK) {
        return ngx_http_agw_admin_error(r, req);
    }

    return ngx_http_agw_admin_read(r, req);
}


static agw_reason_t
ngx_http_agw_admin_start(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    agw_reason_t                    reason;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    if (ngx_http_agw_admin_peer(r, lcf->admin, &req->peer) != NGX_OK) {
        return AGW_NOT_ADMINISTRATOR;
    }

    /* a browser that holds the certificate obeys any page (Fetch) */

    if (ngx_http_agw_admin_of_page(r)) {
        return ngx_http_agw_admin_refuse(req, AGW_NOT_ADMINISTRATOR,
                                         "a request of a web page, with "
                                         "Origin, is not accepted");
    }

    reason = ngx_http_agw_check_path(r);

    if (reason == AGW_OK) {
        reason = ngx_http_agw_admin_path(r, req);
    }

    if (reason == AGW_OK) {
        reason = ngx_http_agw_admin_find_route(r, req);
    }

    if (reason != AGW_OK) {
        return reason;
    }

    if (req->route->operation != NULL && !lcf->admin->write) {
        return AGW_READ_ONLY;
    }

    req->adm = ngx_http_agw_administration(r);

    if (req->adm == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    req->adm->op.what = req->route->what;
    req->adm->op.record.kind = req->route->kind;
    req->adm->handler = ngx_http_agw_admin_answer;

    return ngx_http_agw_admin_args(r, req);
}


/* what follows the name of the location, without a final slash */

static agw_reason_t
ngx_http_agw_admin_path(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    u_char                    *p;
    size_t                     len;
    ngx_str_t                  name, path;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    name = clcf->name;
    path = r->uri;

    if (name.len && name.data[name.len - 1] == '/') {
        name.len--;
    }

    if (path.len <= name.len || path.data[name.len] != '/') {
        return AGW_UNKNOWN_OBJECT;
    }

    req->path.data = path.data + name.len + 1;
    req->path.len = path.len - name.len - 1;

    if (req->path.len && req->path.data[req->path.len - 1] == '/') {
        req->path.len--;
    }

    /* with its slash, as a client writes it */

    name.len++;
    len = name.len + 2 * ngx_escape_uri(NULL, path.data, name.len,
                                        NGX_ESCAPE_URI);

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    (void) ngx_escape_uri(p, path.data, name.len, NGX_ESCAPE_URI);

    req->prefix.data = p;
    req->prefix.len = len;

    return AGW_OK;
}


static agw_reason_t
ngx_http_agw_admin_find_route(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    const char                        *path;
    const ngx_http_agw_admin_route_t  *route;

    path = NULL;

    for (route = ngx_http_agw_admin_routes; route->path != NULL; route++) {

        if (!ngx_http_agw_admin_matches(route->path, req)) {
            continue;
        }

        if (route->method == r->method) {
            req->route = route;
            return AGW_OK;
        }

        path = route->path;
    }

    return path ? ngx_http_agw_admin_not_allowed(r, path)
                : AGW_UNKNOWN_OBJECT;
}


/* sets req->ids; each "<id>" is one segment that is an id */

static ngx_uint_t
ngx_http_agw_admin_matches(const char *pattern,
    ngx_http_agw_admin_request_t *req)
{
    u_char      *p, *last, *end;
    agw_str_t    id;
    ngx_uint_t   n;

    p = req->path.data;
    last = p + req->path.len;
    n = 0;

    while (*pattern != '\0') {

        if (*pattern != '<') {
            if (p == last || *p++ != (u_char) *pattern++) {
                return 0;
            }

            continue;
        }

        end = ngx_strlchr(p, last, '/');
        end = end ? end : last;

        id.data = p;
        id.len = end - p;

        if (!agw_is_id(id)) {
            return 0;
        }

        req->ids[n++] = ngx_http_agw_from_core(id);

        pattern += sizeof("<id>") - 1;
        p = end;
    }

    return p == last;
}


static agw_reason_t
ngx_http_agw_admin_not_allowed(ngx_http_request_t *r, const char *path)
{
    u_char                            *p, *last;
    ngx_str_t                          value;
    ngx_uint_t                         i;
    const ngx_http_agw_admin_route_t  *route;

    p = ngx_pnalloc(r->pool, NGX_HTTP_AGW_ALLOW_SIZE);
    if (p == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    value.data = p;
    last = p + NGX_HTTP_AGW_ALLOW_SIZE;

    for (route = ngx_http_agw_admin_routes; route->path != NULL; route++) {

        if (ngx_strcmp(route->path, path) != 0) {
            continue;
        }

        for (i = 0; ngx_http_agw_admin_methods[i].method != route->method;
             i++)
        {
            /* void */
        }

        p = ngx_slprintf(p, last, "%s%s", p == value.data ? "" : ", ",
                         ngx_http_agw_admin_methods[i].name);
    }

    value.len = p - value.data;

    return ngx_http_agw_push_header(r, "Allow", &value)
           ? AGW_METHOD_NOT_ALLOWED : AGW_INTERNAL_ERROR;
}


static ngx_int_t
ngx_http_agw_admin_read(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    ngx_int_t  rc;
    ngx_str_t  none = ngx_null_string;

    if (req->route->type != NULL) {
        return ngx_http_agw_read_text(r, NGX_HTTP_AGW_ADMIN_BODY,
                                      ngx_http_agw_admin_body);
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    r->main->count++;
    ngx_http_agw_admin_body(r, AGW_OK, &none);

    return NGX_DONE;
}


static void
ngx_http_agw_admin_body(ngx_http_request_t *r, agw_reason_t reason,
    ngx_str_t *text)
{
    ngx_http_agw_ctx_t                *ctx;
    ngx_http_agw_admin_request_t      *req;
    const ngx_http_agw_admin_route_t  *route;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    req = ctx->admin;
    route = req->route;

    if (reason == AGW_BODY_TOO_LARGE) {
        (void) ngx_http_agw_admin_refuse(req, reason, "the body is larger "
                                         "than 1048576 bytes");

    } else if (reason == AGW_INVALID_REQUEST) {
        (void) ngx_http_agw_admin_refuse(req, reason,
                                         "the body cannot be read");

    } else if (reason == AGW_OK && text->len != 0
               && !ngx_http_agw_admin_is_type(r, route->type))
    {
        reason = ngx_http_agw_admin_refuse(req, AGW_UNSUPPORTED_MEDIA_TYPE,
                    ngx_strcmp(route->type, NGX_HTTP_AGW_JSON) == 0
                    ? "the Content-Type must be " NGX_HTTP_AGW_JSON
                    : "the Content-Type must be " NGX_HTTP_AGW_NDJSON);
    }

    req->body = *text;

    if (reason == AGW_OK) {
        reason = route->begin(r, req);
    }

    /* it asks the store nothing, and may have ended the request */

    if (reason == AGW_OK && route->begin == ngx_http_agw_admin_begin_explain) {
        return;
    }

    if (reason == AGW_OK) {
        reason = ngx_http_agw_administer(req->adm);
    }

    if (reason != AGW_OK) {
        req->fault.reason = reason;
        ngx_http_finalize_request(r, ngx_http_agw_admin_error(r, req));
    }
}


static ngx_uint_t
ngx_http_agw_admin_is_type(ngx_http_request_t *r, const char *type)
{
    agw_str_t  wanted, got, boundary;

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    agw_media_type_parse(
                 ngx_http_agw_to_core(r->headers_in.content_type->value),
                 &got, &boundary);

    wanted.data = (const u_char *) type;
    wanted.len = ngx_strlen(type);

    return agw_same_nocase(got, wanted);
}
