
/*
 * If this module sends a response, nginx discards the rest of the request
 * body.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_response.h"
#include "ngx_http_agw_secret.h"


#define NGX_HTTP_AGW_DOCUMENT_AGE  "300"     /* seconds */


static void ngx_http_agw_forget(ngx_http_request_t *r, const ngx_str_t *names,
    ngx_uint_t n);
static ngx_int_t ngx_http_agw_send_unstored(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, ngx_str_t *body);
static ngx_int_t ngx_http_agw_send_body(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, ngx_str_t *body);


static ngx_str_t  ngx_http_agw_json = ngx_string("application/json");


ngx_int_t
ngx_http_agw_send(ngx_http_request_t *r, ngx_str_t *body)
{
    return ngx_http_agw_send_state(r, NGX_HTTP_OK, NULL, body);
}


ngx_int_t
ngx_http_agw_send_state(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body)
{
    ngx_http_agw_forget_caching(r);
    ngx_http_agw_forget_challenges(r);

    return ngx_http_agw_send_unstored(r, status,
                                      type ? type : &ngx_http_agw_json, body);
}


ngx_int_t
ngx_http_agw_send_status(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body)
{
    return ngx_http_agw_send_unstored(r, status, &ngx_http_agw_json,
                                      body);
}


ngx_int_t
ngx_http_agw_send_ndjson(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_str_t  type = ngx_string("application/x-ndjson");

    return ngx_http_agw_send_unstored(r, NGX_HTTP_OK, &type, body);
}


ngx_int_t
ngx_http_agw_send_refusal(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body)
{
    /* as nginx does before its own: no 100 for a body that is not read */

    r->expect_tested = 1;

    return ngx_http_agw_send_unstored(r, status, &ngx_http_agw_json, body);
}


static ngx_int_t
ngx_http_agw_send_unstored(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body)
{
    if (ngx_http_agw_add_header(r, "Cache-Control", "no-store") != NGX_OK
        || ngx_http_agw_add_header(r, "Pragma", "no-cache") != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* preconditions such as If-Match do not apply to these responses */

    r->disable_not_modified = 1;

    return ngx_http_agw_send_body(r, status, type, body);
}


ngx_int_t
ngx_http_agw_send_json(ngx_http_request_t *r, json_t *json)
{
    ngx_http_agw_forget_caching(r);
    ngx_http_agw_forget_challenges(r);

    return ngx_http_agw_send_json_status(r, NGX_HTTP_OK, json);
}


ngx_int_t
ngx_http_agw_send_json_status(ngx_http_request_t *r, ngx_uint_t status,
    json_t *json)
{
    size_t     size;
    ngx_str_t  body;

    if (json == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_null(&body);

    size = json_dumpb(json, NULL, 0, JSON_COMPACT);

    if (size != 0) {
        body.data = ngx_http_agw_secret_buf(r->pool, size);
    }

    if (body.data != NULL) {
        body.len = json_dumpb(json, (char *) body.data, size, JSON_COMPACT);
    }

    json_decref(json);

    if (body.len == 0 || body.len > size) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_agw_send_status(r, status, &body);
}


ngx_int_t
ngx_http_agw_send_document(ngx_http_request_t *r,
    const ngx_http_agw_document_t *document)
{
    ngx_str_t  type, body, etag;

    type = document->type;
    body = document->body;
    etag = document->etag;

    ngx_http_agw_forget_caching(r);
    ngx_http_agw_forget_challenges(r);

    r->headers_out.etag = ngx_http_agw_push_header(r, "ETag", &etag);

    if (r->headers_out.etag == NULL
        || ngx_http_agw_add_header(r, "Cache-Control",
                                   "public, max-age="
                                   NGX_HTTP_AGW_DOCUMENT_AGE) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_agw_send_body(r, NGX_HTTP_OK, &type, &body);
}


ngx_table_elt_t *
ngx_http_agw_push_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *header;

    header = ngx_list_push(&r->headers_out.headers);
    if (header == NULL) {
        return NULL;
    }

    header->hash = 1;
    header->key.data = (u_char *) name;
    header->key.len = ngx_strlen(name);
    header->value = *value;
#if (nginx_version >= 1023000)
    header->next = NULL;
#endif

    return header;
}


ngx_int_t
ngx_http_agw_add_header(ngx_http_request_t *r, const char *name,
    const char *value)
{
    ngx_str_t  s;

    s.data = (u_char *) value;
    s.len = ngx_strlen(value);

    return ngx_http_agw_push_header(r, name, &s) ? NGX_OK : NGX_ERROR;
}


/* after X-Accel-Redirect the upstream's headers are still there */

void
ngx_http_agw_forget_caching(ngx_http_request_t *r)
{
    static const ngx_str_t  names[] = {
        ngx_string("Cache-Control"),
        ngx_string("Expires"),
        ngx_string("ETag"),
        ngx_string("Last-Modified"),
        ngx_string("Set-Cookie")
    };

    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);

    ngx_http_agw_forget(r, names, sizeof(names) / sizeof(names[0]));
}


/* nginx itself clears only one */

void
ngx_http_agw_forget_challenges(ngx_http_request_t *r)
{
    static const ngx_str_t  name = ngx_string("WWW-Authenticate");

    if (r->headers_out.www_authenticate != NULL) {
        r->headers_out.www_authenticate = NULL;

        ngx_http_agw_forget(r, &name, 1);
    }
}


static void
ngx_http_agw_forget(ngx_http_request_t *r, const ngx_str_t *names,
    ngx_uint_t n)
{
    ngx_uint_t        i, j;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            for (j = 0; j < n; j++) {

                if (header[i].key.len == names[j].len
                    && ngx_strncasecmp(header[i].key.data, names[j].data,
                                       names[j].len)
                       == 0)
                {
                    header[i].hash = 0;
                }
            }
        }
    }
}


static ngx_int_t
ngx_http_agw_send_body(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body)
{
    ngx_http_complex_value_t  value;

    /* an error page has its own status, not that of the first error */

    r->err_status = 0;

    /* a body of which only a part was read */

    if (r->reading_body) {
        r->keepalive = 0;
    }

    ngx_memzero(&value, sizeof(ngx_http_complex_value_t));
    value.value = *body;

    return ngx_http_send_response(r, status, type, &value);
}
