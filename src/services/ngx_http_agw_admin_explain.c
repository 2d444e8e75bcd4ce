
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_certificate.h"
#include "agw_json.h"
#include "ngx_http_agw_admin_begin.h"
#include "ngx_http_agw_admin_explain.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_explain.h"
#include "ngx_http_agw_response.h"
#include "ngx_http_agw_secret.h"


static agw_reason_t ngx_http_agw_admin_asked(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, json_t *object,
    ngx_http_agw_asked_t *asked);
static agw_str_t *ngx_http_agw_admin_asked_text(ngx_http_agw_asked_t *asked,
    const char *name);
static const char *ngx_http_agw_admin_asked_accepted(const char *name);
static void ngx_http_agw_admin_explained(ngx_http_request_t *r,
    json_t *result);


agw_reason_t
ngx_http_agw_admin_begin_explain(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    json_t                *object;
    const char            *member;
    agw_reason_t           reason;
    agw_json_allocator_t   former;
    ngx_http_agw_asked_t   asked;

    ngx_memzero(&asked, sizeof(ngx_http_agw_asked_t));

    /* what jansson had of the token is wiped */

    agw_json_wiping_begin(&former);

    reason = ngx_http_agw_admin_parse(r, req, &object);

    if (reason == AGW_OK) {
        reason = ngx_http_agw_admin_asked(r, req, object, &asked);
        json_decref(object);
    }

    agw_json_wiping_end(&former);

    if (reason != AGW_OK) {
        return reason;
    }

    reason = ngx_http_agw_explain(r, &asked, &member,
                                  ngx_http_agw_admin_explained);

    return reason == AGW_INVALID_REQUEST
           ? ngx_http_agw_admin_refuse_member(r, req, member,
                                 ngx_http_agw_admin_asked_accepted(member))
           : reason;
}


static agw_reason_t
ngx_http_agw_admin_asked(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, json_t *object,
    ngx_http_agw_asked_t *asked)
{
    u_char        *p;
    size_t         len;
    agw_str_t     *text;
    void          *iter;
    const char    *name;
    const json_t  *value;

    for (iter = json_object_iter(object);
         iter != NULL;
         iter = json_object_iter_next(object, iter))
    {
        name = json_object_iter_key(iter);
        value = json_object_iter_value(iter);

        if (ngx_strcmp(name, "https") == 0 && json_is_boolean(value)) {
            asked->https = json_is_true(value);
            continue;
        }

        text = ngx_http_agw_admin_asked_text(asked, name);

        if (text == NULL || !json_is_string(value)) {
            return ngx_http_agw_admin_refuse_member(r, req, name,
                                 ngx_http_agw_admin_asked_accepted(name));
        }

        len = json_string_length(value);

        p = ngx_http_agw_secret_buf(r->pool, len + 1);
        if (p == NULL) {
            return AGW_INTERNAL_ERROR;
        }

        ngx_memcpy(p, json_string_value(value), len);

        text->data = p;
        text->len = len;
    }

    name = asked->method.len == 0 ? "method"
           : asked->path.len == 0 ? "path"
           : asked->certificate.len && !agw_is_thumbprint(asked->certificate)
             ? "certificate" : NULL;

    return name != NULL
           ? ngx_http_agw_admin_refuse_member(r, req, name,
                                  ngx_http_agw_admin_asked_accepted(name))
           : AGW_OK;
}


static agw_str_t *
ngx_http_agw_admin_asked_text(ngx_http_agw_asked_t *asked, const char *name)
{
    return ngx_strcmp(name, "token") == 0 ? &asked->token
           : ngx_strcmp(name, "method") == 0 ? &asked->method
           : ngx_strcmp(name, "path") == 0 ? &asked->path
           : ngx_strcmp(name, "server") == 0 ? &asked->server
           : ngx_strcmp(name, "destination") == 0 ? &asked->destination
           : ngx_strcmp(name, "certificate") == 0 ? &asked->certificate
           : NULL;
}


static const char *
ngx_http_agw_admin_asked_accepted(const char *name)
{
    ngx_uint_t  i;

    static const struct {
        const char  *name;
        const char  *accepted;
    }  members[] = {
        { "token", "must be a string: the token, or empty" },
        { "method", "must be that of a request, in capitals" },
        { "path", "must be that of a request line: a slash and what follows, "
                  "without spaces and control characters" },
        { "server", "must be the name of a server" },
        { "https", "must be true or false" },
        { "destination", "must be the header of COPY or MOVE: a URI or a "
                         "path, without control characters" },
        { "certificate", "must be the SHA-256 of a certificate in DER, in "
                         "base64url: 43 characters" }
    };

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (ngx_strcmp(members[i].name, name) == 0) {
            return members[i].accepted;
        }
    }

    return "is unknown, it must be token, method, path, server, https, "
           "destination or certificate";
}


static void
ngx_http_agw_admin_explained(ngx_http_request_t *r, json_t *result)
{
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    ngx_http_agw_decide(ctx, result != NULL ? AGW_OK : AGW_INTERNAL_ERROR);

    ngx_http_finalize_request(r, ngx_http_agw_send_json(r, result));
}
