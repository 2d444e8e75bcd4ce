
/*
 * nginx would collect a body in its own buffers, and write a long one to a
 * file.  The body is read unbuffered instead: nginx passes on what has
 * arrived, and reading stops at the first byte over the limit.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_grammar.h"
#include "agw_multipart.h"
#include "ngx_http_agw_body.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_log.h"
#include "ngx_http_agw_secret.h"
#include "ngx_http_agw_str.h"


struct ngx_http_agw_body_s {
    ngx_http_agw_body_pt      handler;       /* or */
    ngx_http_agw_text_pt      text;
    ngx_uint_t                types;         /* NGX_HTTP_AGW_BODY_* */
    size_t                    max;
    size_t                    len;
    size_t                    size;          /* of data, at most max */
    u_char                   *data;
    unsigned                  taken:1;       /* has read some, from nginx */
    agw_params_t              params;
};


static ngx_int_t ngx_http_agw_read(ngx_http_request_t *r,
    ngx_http_agw_body_t *body);
static void ngx_http_agw_body_answer(ngx_http_request_t *r,
    agw_reason_t reason);
static ngx_int_t ngx_http_agw_body_is_gone(ngx_http_request_t *r);
static size_t ngx_http_agw_body_room(ngx_http_request_t *r, size_t max);
static void ngx_http_agw_body_begin(ngx_http_request_t *r);
static void ngx_http_agw_body_read(ngx_http_request_t *r);
static ngx_int_t ngx_http_agw_body_collect(ngx_http_request_t *r,
    ngx_http_agw_body_t *body);
static ngx_int_t ngx_http_agw_body_append(ngx_http_agw_body_t *body,
    ngx_buf_t *b);
static void ngx_http_agw_body_disown(ngx_http_request_t *r);
static void ngx_http_agw_body_fail(ngx_http_request_t *r, ngx_int_t rc);
static void ngx_http_agw_body_parse(ngx_http_request_t *r,
    ngx_http_agw_body_t *body);
static void ngx_http_agw_body_done(void *data);
static agw_reason_t ngx_http_agw_body_params(ngx_http_request_t *r,
    ngx_http_agw_body_t *body);
static agw_reason_t ngx_http_agw_body_json(ngx_http_request_t *r,
    ngx_http_agw_body_t *body, agw_str_t text);


ngx_int_t
ngx_http_agw_read_params(ngx_http_request_t *r, ngx_uint_t types,
    ngx_http_agw_body_pt handler)
{
    ngx_http_agw_body_t  *body;

    body = ngx_pcalloc(r->pool, sizeof(ngx_http_agw_body_t));
    if (body == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body->handler = handler;
    body->types = types;
    body->max = AGW_BODY_MAX;

    return ngx_http_agw_read(r, body);
}


ngx_int_t
ngx_http_agw_read_text(ngx_http_request_t *r, size_t max,
    ngx_http_agw_text_pt handler)
{
    ngx_http_agw_body_t  *body;

    body = ngx_pcalloc(r->pool, sizeof(ngx_http_agw_body_t));
    if (body == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body->text = handler;
    body->max = max;

    return ngx_http_agw_read(r, body);
}


static ngx_int_t
ngx_http_agw_read(ngx_http_request_t *r, ngx_http_agw_body_t *body)
{
    ngx_int_t            rc;
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_agw_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body->size = ngx_http_agw_body_room(r, body->max);
    body->data = ngx_http_agw_secret_buf(r->pool, body->size);

    if (body->data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->body = body;

    if (r->headers_in.content_length_n > (off_t) body->max) {
        r->main->count++;
        ngx_http_agw_body_answer(r, AGW_BODY_TOO_LARGE);
        return NGX_DONE;
    }

    if (ngx_http_agw_body_is_gone(r)) {
        r->main->count++;
        ngx_http_agw_body_answer(r, AGW_INVALID_REQUEST);
        return NGX_DONE;
    }

    r->request_body_no_buffering = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_agw_body_begin);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        r->main->count++;
        ngx_http_agw_body_fail(r, rc);
    }

    return NGX_DONE;
}


static void
ngx_http_agw_body_answer(ngx_http_request_t *r, agw_reason_t reason)
{
    ngx_str_t             text;
    ngx_http_agw_ctx_t   *ctx;
    ngx_http_agw_body_t  *body;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    body = ctx->body;

    if (body->text == NULL) {
        body->handler(r, reason, reason == AGW_OK ? &body->params : NULL);
        return;
    }

    ngx_str_null(&text);

    if (reason == AGW_OK) {
        text.data = body->data;
        text.len = body->len;
    }

    body->text(r, reason, &text);
}


/*
 * The body of a request may be gone before its error page is served:
 * discarded, abandoned, or read by an upstream.  That is not a request without
 * a body.  Of a body that nginx discarded to its end, only this is left: no
 * more of the announced length, or chunks that nobody read.
 */

static ngx_int_t
ngx_http_agw_body_is_gone(ngx_http_request_t *r)
{
    off_t                     left;
    ngx_table_elt_t          *length;
    ngx_http_request_body_t  *rb;

    if (r->discard_body || r->reading_body || ngx_http_agw_body_was_taken(r)) {
        return 1;
    }

    left = r->headers_in.content_length_n;

#if (NGX_HTTP_V2)
    if (r->stream && r->stream->skip_data) {
        return left > 0 || r->headers_in.chunked;
    }
#endif

    rb = r->request_body;

    if (rb != NULL) {

        /* nginx counts the length of chunks as it reads them */

        return rb->bufs == NULL && (left > 0 || rb->post_handler == NULL);
    }

    length = r->headers_in.content_length;

    return left == 0 && length != NULL
           && ngx_atoof(length->value.data, length->value.len) != 0;
}


/* its announced length; a body that a filter made longer is refused */

static size_t
ngx_http_agw_body_room(ngx_http_request_t *r, size_t max)
{
    off_t  len;

    len = r->headers_in.content_length_n;

    return len >= 0 && len < (off_t) max ? (size_t) len : max;
}


static void
ngx_http_agw_body_begin(ngx_http_request_t *r)
{
    r->read_event_handler = ngx_http_agw_body_read;
    r->write_event_handler = ngx_http_request_empty_handler;

    ngx_http_agw_body_read(r);
}


static void
ngx_http_agw_body_read(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    ngx_http_agw_ctx_t   *ctx;
    ngx_http_agw_body_t  *body;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    body = ctx->body;

    rc = ngx_http_agw_body_collect(r, body);

    if (rc == NGX_AGAIN) {
        return;
    }

    r->read_event_handler = ngx_http_block_reading;

    if (rc != NGX_OK) {
        ngx_http_agw_body_fail(r, rc);
        return;
    }

    if (body->taken) {
        ngx_http_agw_body_disown(r);
    }

    ngx_http_agw_body_parse(r, body);
}


/* NGX_OK: it is complete; NGX_AGAIN: an event will come; or an HTTP status */

static ngx_int_t
ngx_http_agw_body_collect(ngx_http_request_t *r, ngx_http_agw_body_t *body)
{
    ngx_int_t     rc;
    ngx_chain_t  *cl;

    for ( ;; ) {

        for (cl = r->request_body->bufs; cl; cl = cl->next) {
            rc = ngx_http_agw_body_append(body, cl->buf);

            if (rc != NGX_OK) {
                return rc;
            }
        }

        /* an error page may need the complete body again */

        if (!r->reading_body) {
            return NGX_OK;
        }

        for (cl = r->request_body->bufs; cl; cl = cl->next) {
            cl->buf->pos = cl->buf->last;
        }

        r->request_body->bufs = NULL;
        body->taken = 1;

        rc = ngx_http_read_unbuffered_request_body(r);

        if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            return rc;
        }

        if (rc == NGX_AGAIN && r->request_body->bufs == NULL) {
            return NGX_AGAIN;
        }
    }
}


/* in a file, if another module had the body read before */

static ngx_int_t
ngx_http_agw_body_append(ngx_http_agw_body_t *body, ngx_buf_t *b)
{
    off_t    size;
    ssize_t  n;

    size = ngx_buf_size(b);

    if (size > (off_t) (body->size - body->len)) {
        return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
    }

    if (ngx_buf_in_memory(b)) {
        ngx_memcpy(body->data + body->len, b->pos, (size_t) size);

    } else if (size > 0) {
        n = ngx_read_file(b->file, body->data + body->len, (size_t) size,
                          b->file_pos);

        if (n != (ssize_t) size) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    body->len += (size_t) size;

    return NGX_OK;
}


/*
 * What is left is not the whole body.  An error page that is proxied would
 * send it with the old length, and the upstream might read bytes of it, or of
 * another request, as a request.  So the request goes on without a body.
 */

static void
ngx_http_agw_body_disown(ngx_http_request_t *r)
{
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    ctx->body_taken = 1;

    if (r->request_body != NULL) {
        r->request_body->bufs = NULL;
    }

#if (NGX_HTTP_V2)
    if (r->stream && r->reading_body) {
        r->stream->skip_data = 1;
    }
#endif

    r->headers_in.content_length_n = 0;
    r->headers_in.chunked = 0;
}


/*
 * The connection is closed after the response, since what follows in it is not
 * a request.  If the client is gone or too slow, nginx sends its own response.
 */

static void
ngx_http_agw_body_fail(ngx_http_request_t *r, ngx_int_t rc)
{
    r->keepalive = 0;

    ngx_http_agw_body_disown(r);

    if (r->connection->error) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    switch (rc) {

    case NGX_HTTP_REQUEST_ENTITY_TOO_LARGE:
        ngx_http_agw_body_answer(r, AGW_BODY_TOO_LARGE);
        return;

    case NGX_HTTP_BAD_REQUEST:
        ngx_http_agw_body_answer(r, AGW_INVALID_REQUEST);
        return;

    case NGX_HTTP_INTERNAL_SERVER_ERROR:
        ngx_http_agw_body_answer(r, AGW_INTERNAL_ERROR);
        return;

    default:
        ngx_http_finalize_request(r, rc);
        return;
    }
}


static void
ngx_http_agw_body_parse(ngx_http_request_t *r, ngx_http_agw_body_t *body)
{
    agw_reason_t         reason;
    ngx_pool_cleanup_t  *cln;

    if (body->len == 0 || body->text != NULL) {
        ngx_http_agw_body_answer(r, AGW_OK);
        return;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        ngx_http_agw_body_answer(r, AGW_INTERNAL_ERROR);
        return;
    }

    cln->handler = ngx_http_agw_body_done;
    cln->data = body;

    reason = ngx_http_agw_body_params(r, body);

    ngx_http_agw_body_answer(r, reason);
}


static void
ngx_http_agw_body_done(void *data)
{
    ngx_http_agw_body_t  *body = data;

    agw_params_done(&body->params);
}


/* RFC 9110, section 8.3.1: case does not matter in a media type */

static agw_reason_t
ngx_http_agw_body_params(ngx_http_request_t *r, ngx_http_agw_body_t *body)
{
    agw_str_t               text, type, boundary;
    static const agw_str_t  form =
                            agw_string("application/x-www-form-urlencoded");
    static const agw_str_t  json = agw_string("application/json");
    static const agw_str_t  multipart = agw_string("multipart/form-data");

    if (r->headers_in.content_type == NULL) {
        return AGW_INVALID_REQUEST;
    }

    agw_media_type_parse(
                 ngx_http_agw_to_core(r->headers_in.content_type->value),
                 &type, &boundary);

    text.data = body->data;
    text.len = body->len;

    if ((body->types & NGX_HTTP_AGW_BODY_JSON)
        && agw_same_nocase(type, json))
    {
        return ngx_http_agw_body_json(r, body, text);
    }

    if ((body->types & NGX_HTTP_AGW_BODY_FORM)
        && agw_same_nocase(type, form))
    {
        return agw_params_read_form(&body->params, body->data, body->len) == 0
               ? AGW_OK : AGW_INVALID_REQUEST;
    }

    if ((body->types & NGX_HTTP_AGW_BODY_MULTIPART)
        && agw_same_nocase(type, multipart))
    {
        return agw_params_read_multipart(&body->params, text, boundary) == 0
               ? AGW_OK : AGW_INVALID_REQUEST;
    }

    return AGW_INVALID_REQUEST;
}


static agw_reason_t
ngx_http_agw_body_json(ngx_http_request_t *r, ngx_http_agw_body_t *body,
    agw_str_t text)
{
    int         rc;
    ngx_log_t  *log;

    rc = agw_params_read_json(&body->params, text);

    if (rc == AGW_PARAMS_NO_MEMORY) {
        log = ngx_http_agw_log(r);

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: no memory to read a body");
        return AGW_INTERNAL_ERROR;
    }

    return rc == 0 ? AGW_OK : AGW_BODY_NOT_JSON;
}
