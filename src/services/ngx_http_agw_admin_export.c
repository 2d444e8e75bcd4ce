
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_admin_export.h"
#include "ngx_http_agw_response.h"
#include "ngx_http_agw_secret.h"


static ngx_int_t ngx_http_agw_admin_line(ngx_http_request_t *r,
    const agw_record_t *record, ngx_chain_t ***last, size_t *len);
static ngx_int_t ngx_http_agw_admin_add_link(ngx_http_request_t *r,
    const ngx_http_agw_admin_request_t *req);


static const char *const  ngx_http_agw_admin_types[] = {
    [AGW_RECORD_PARTNER] = "partner",
    [AGW_RECORD_API_KEY] = "api_key",
    [AGW_RECORD_JWK] = "jwk",
    [AGW_RECORD_CERTIFICATE] = "certificate",
    [AGW_RECORD_BUSINESS] = "business"
};


agw_record_kind_t
ngx_http_agw_admin_kind(agw_str_t type)
{
    const char         *name;
    agw_record_kind_t   kind;

    for (kind = AGW_RECORD_PARTNER; kind <= AGW_RECORD_BUSINESS; kind++) {
        name = ngx_http_agw_admin_types[kind];

        if (type.len == ngx_strlen(name)
            && ngx_memcmp(type.data, name, type.len) == 0)
        {
            return kind;
        }
    }

    return AGW_RECORD_NONE;
}


ngx_int_t
ngx_http_agw_admin_export(ngx_http_request_t *r,
    const ngx_http_agw_admin_request_t *req)
{
    u_char                      *p;
    size_t                       len;
    ngx_str_t                    body;
    ngx_uint_t                   i;
    ngx_chain_t                 *lines, **last, *cl;
    const agw_record_t          *record;
    const ngx_http_agw_admin_t  *op;

    op = &req->adm->op;
    record = op->records.elts;
    lines = NULL;
    last = &lines;
    len = 0;

    for (i = 0; i < op->records.nelts; i++) {
        if (ngx_http_agw_admin_line(r, &record[i], &last, &len) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (op->more && ngx_http_agw_admin_add_link(r, req) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.len = len;
    body.data = ngx_http_agw_secret_buf(r->pool, len ? len : 1);

    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = body.data;

    for (cl = lines; cl != NULL; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    return ngx_http_agw_send_ndjson(r, &body);
}


static ngx_int_t
ngx_http_agw_admin_line(ngx_http_request_t *r, const agw_record_t *record,
    ngx_chain_t ***last, size_t *len)
{
    size_t        size, n;
    json_t       *json, *line;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    json = agw_record_to_json(record, record->has);
    line = json_pack("{s:s}", "type", ngx_http_agw_admin_types[record->kind]);

    if (json == NULL || line == NULL || json_object_update(line, json) != 0) {
        json_decref(json);
        json_decref(line);
        return NGX_ERROR;
    }

    json_decref(json);

    size = json_dumpb(line, NULL, 0, JSON_COMPACT);

    b = ngx_create_temp_buf(r->pool, size + 1);
    cl = ngx_alloc_chain_link(r->pool);

    if (size == 0 || b == NULL || cl == NULL) {
        json_decref(line);
        return NGX_ERROR;
    }

    n = json_dumpb(line, (char *) b->pos, size, JSON_COMPACT);

    json_decref(line);

    if (n != size) {
        return NGX_ERROR;
    }

    b->last += n;
    *b->last++ = '\n';

    cl->buf = b;
    cl->next = NULL;
    **last = cl;
    *last = &cl->next;

    *len += b->last - b->pos;

    return NGX_OK;
}


/* RFC 8288 */

static ngx_int_t
ngx_http_agw_admin_add_link(ngx_http_request_t *r,
    const ngx_http_agw_admin_request_t *req)
{
    u_char                      *p;
    agw_str_t                    id;
    ngx_str_t                    value;
    const agw_record_t          *record;
    const ngx_http_agw_admin_t  *op;

    op = &req->adm->op;
    record = op->records.elts;
    record += op->records.nelts - 1;

    id = record->kind == AGW_RECORD_BUSINESS ? record->business_id
                                             : record->partner_id;

    p = ngx_pnalloc(r->pool, req->prefix.len + AGW_ID_MAX + 128);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;
    value.len = ngx_sprintf(p, "<%Vexport?after=%s:%*s&limit=%ui>; "
                               "rel=\"next\"", &req->prefix,
                            ngx_http_agw_admin_types[record->kind], id.len,
                            id.data, op->limit)
                - p;

    return ngx_http_agw_push_header(r, "Link", &value) ? NGX_OK : NGX_ERROR;
}
