
/*
 * An import is read whole, and then is one operation: a bad line is found
 * before anything is written, or undoes all of it.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_json.h"
#include "ngx_http_agw_admin_begin.h"
#include "ngx_http_agw_admin_change.h"
#include "ngx_http_agw_admin_event.h"
#include "ngx_http_agw_admin_export.h"
#include "ngx_http_agw_admin_import.h"
#include "ngx_http_agw_str.h"


/* bytes; the shortest is {"type":"partner","partner_id":"x"} */

#define NGX_HTTP_AGW_LINE_MIN      32

#define NGX_HTTP_AGW_LINE_PARTNER  (AGW_MEMBER_PARTNER_ID|AGW_MEMBER_STATUS   \
                                    |AGW_MEMBER_NAME|AGW_MEMBER_SCOPES)
#define NGX_HTTP_AGW_LINE_API_KEY  (AGW_MEMBER_PARTNER_ID|AGW_MEMBER_KEY_ID   \
                                    |AGW_MEMBER_KEY_SHA256|AGW_MEMBER_NAME    \
                                    |AGW_MEMBER_CREATED_AT                    \
                                    |AGW_MEMBER_NOT_BEFORE                    \
                                    |AGW_MEMBER_EXPIRES_AT                    \
                                    |AGW_MEMBER_LAST_USED_AT)
#define NGX_HTTP_AGW_LINE_JWK      (AGW_MEMBER_PARTNER_ID|AGW_MEMBER_KID      \
                                    |AGW_MEMBER_JWK)
#define NGX_HTTP_AGW_LINE_CERTIFICATE                                         \
                                   (AGW_MEMBER_PARTNER_ID|AGW_MEMBER_X5T      \
                                    |AGW_MEMBER_NOT_AFTER)
#define NGX_HTTP_AGW_LINE_BUSINESS (AGW_MEMBER_BUSINESS_ID                    \
                                    |AGW_MEMBER_PARTNER_ID|AGW_MEMBER_STATUS)


static agw_reason_t ngx_http_agw_import_lines(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
static ngx_uint_t ngx_http_agw_import_count(const ngx_str_t *body);
static agw_reason_t ngx_http_agw_import_line(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, agw_str_t line);
static agw_reason_t ngx_http_agw_import_record(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, json_t *object);
static agw_reason_t ngx_http_agw_import_type(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, json_t *object, agw_record_t *record);


agw_reason_t
ngx_http_agw_admin_begin_import(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    ngx_uint_t             n;
    agw_reason_t           reason;
    ngx_http_agw_admin_t  *op;

    op = &req->adm->op;
    n = ngx_http_agw_import_count(&req->body);

    op->import = ngx_pcalloc(op->pool, n * sizeof(agw_record_t));
    req->lines = ngx_palloc(r->pool, n * sizeof(ngx_uint_t));

    if (op->import == NULL || req->lines == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    reason = ngx_http_agw_import_lines(r, req);

    return reason == AGW_OK ? ngx_http_agw_admin_event(r, req, &op->record)
                            : reason;
}


/* how many records there can be, and one more, of a line that is refused */

static ngx_uint_t
ngx_http_agw_import_count(const ngx_str_t *body)
{
    u_char      *p, *last, *end;
    ngx_uint_t   n;

    p = body->data;
    last = p + body->len;
    n = 1;

    while (p < last) {
        end = ngx_strlchr(p, last, '\n');
        end = end ? end : last;

        n += (end - p >= NGX_HTTP_AGW_LINE_MIN);
        p = end + 1;
    }

    return n;
}


/* empty lines are passed over, and counted */

static agw_reason_t
ngx_http_agw_import_lines(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    u_char        *p, *last, *end;
    agw_str_t      line;
    ngx_uint_t     number;
    agw_reason_t   reason;

    p = req->body.data;
    last = p + req->body.len;
    number = 0;

    while (p < last) {
        end = ngx_strlchr(p, last, '\n');
        end = end ? end : last;
        number++;

        line.data = p;
        line.len = end - p;
        p = end + 1;

        if (line.len == 0 || (line.len == 1 && line.data[0] == '\r')) {
            continue;
        }

        req->lines[req->adm->op.nimport] = number;

        reason = ngx_http_agw_import_line(r, req, line);

        if (reason != AGW_OK) {
            req->fault.line = number;
            return reason;
        }
    }

    return AGW_OK;
}


static agw_reason_t
ngx_http_agw_import_line(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, agw_str_t line)
{
    json_t        *object;
    ngx_str_t      body;
    agw_reason_t   reason;

    body = req->body;
    req->body = ngx_http_agw_from_core(line);

    reason = ngx_http_agw_admin_parse(r, req, &object);

    req->body = body;

    if (reason == AGW_OK) {
        reason = ngx_http_agw_import_record(r, req, object);
        json_decref(object);
    }

    return reason;
}


static agw_reason_t
ngx_http_agw_import_record(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, json_t *object)
{
    u_char                 buf[AGW_RECORD_BUF_SIZE];
    unsigned               named, missing;
    agw_reason_t           reason;
    agw_record_t          *record;
    agw_record_fault_t     fault;
    ngx_http_agw_admin_t  *op;

    static const unsigned  accepted[] = {
        [AGW_RECORD_PARTNER] = NGX_HTTP_AGW_LINE_PARTNER,
        [AGW_RECORD_API_KEY] = NGX_HTTP_AGW_LINE_API_KEY,
        [AGW_RECORD_JWK] = NGX_HTTP_AGW_LINE_JWK,
        [AGW_RECORD_CERTIFICATE] = NGX_HTTP_AGW_LINE_CERTIFICATE,
        [AGW_RECORD_BUSINESS] = NGX_HTTP_AGW_LINE_BUSINESS
    };

    op = &req->adm->op;
    record = &op->import[op->nimport];

    reason = ngx_http_agw_import_type(r, req, object, record);
    if (reason != AGW_OK) {
        return reason;
    }

    if (agw_record_from_json(record, object, accepted[record->kind], &named,
                             buf, &fault)
        != 0)
    {
        return ngx_http_agw_admin_refuse_member(r, req, fault.member,
                                                fault.accepted);
    }

    /* what has a default */

    if (record->kind == AGW_RECORD_API_KEY) {
        record->has |= AGW_MEMBER_NOT_BEFORE;

    } else if (!agw_record_credential(record->kind)
               && !(record->has & AGW_MEMBER_STATUS))
    {
        record->has |= AGW_MEMBER_STATUS;
        record->active = 1;
    }

    missing = agw_record_check(record, AGW_MEMBERS_ALL & ~AGW_MEMBER_KEY_ID);

    if (missing != 0) {
        return ngx_http_agw_admin_refuse_member(r, req,
                                agw_record_member_name(missing),
                                agw_record_accepted(record->kind, missing));
    }

    req->counts[record->kind]++;
    op->nimport++;

    return ngx_http_agw_admin_keep(op, record) == NGX_OK
           ? AGW_OK : AGW_INTERNAL_ERROR;
}


/* and takes it out of the object */

static agw_reason_t
ngx_http_agw_import_type(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, json_t *object, agw_record_t *record)
{
    agw_str_t  type;

    if (agw_json_string(object, "type", &type) == 1) {
        record->kind = ngx_http_agw_admin_kind(type);
    }

    if (record->kind != AGW_RECORD_NONE) {
        (void) json_object_del(object, "type");
        return AGW_OK;
    }

    return ngx_http_agw_admin_refuse_member(r, req, "type",
                                   "must be partner, api_key, jwk, certificate "
                                   "or business");
}
