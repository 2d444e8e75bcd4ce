
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_api_key.h"
#include "agw_json.h"
#include "agw_reason.h"
#include "ngx_http_agw_admin_answer.h"
#include "ngx_http_agw_admin_event.h"
#include "ngx_http_agw_admin_export.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_refusal_log.h"
#include "ngx_http_agw_response.h"
#include "ngx_http_agw_revocation_id.h"


#define NGX_HTTP_AGW_VIEW_PARTNER    (AGW_MEMBER_PARTNER_ID|AGW_MEMBER_STATUS \
                                      |AGW_MEMBER_NAME|AGW_MEMBER_SCOPES)
#define NGX_HTTP_AGW_VIEW_BUSINESS   (AGW_MEMBER_BUSINESS_ID                  \
                                      |AGW_MEMBER_PARTNER_ID|AGW_MEMBER_STATUS)
#define NGX_HTTP_AGW_VIEW_API_KEY    (AGW_MEMBER_KEY_ID|AGW_MEMBER_NAME       \
                                      |AGW_MEMBER_CREATED_AT                  \
                                      |AGW_MEMBER_NOT_BEFORE                  \
                                      |AGW_MEMBER_EXPIRES_AT                  \
                                      |AGW_MEMBER_LAST_USED_AT)
#define NGX_HTTP_AGW_VIEW_JWK        (AGW_MEMBER_KID|AGW_MEMBER_JWK)
#define NGX_HTTP_AGW_VIEW_CERTIFICATE  (AGW_MEMBER_X5T|AGW_MEMBER_NOT_AFTER)
#define NGX_HTTP_AGW_VIEW_REVOCATION (AGW_MEMBER_KIND|AGW_MEMBER_ID           \
                                      |AGW_MEMBER_SEQ|AGW_MEMBER_TIME)


static ngx_int_t ngx_http_agw_admin_failed(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
static ngx_int_t ngx_http_agw_admin_succeeded(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
static ngx_int_t ngx_http_agw_admin_wiping(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
static ngx_int_t ngx_http_agw_admin_object(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
static ngx_int_t ngx_http_agw_admin_add_api_key(
    const ngx_http_agw_admin_request_t *req, json_t *json);
static ngx_int_t ngx_http_agw_admin_add_etag(ngx_http_request_t *r,
    const agw_record_t *record);
static ngx_int_t ngx_http_agw_admin_add_location(ngx_http_request_t *r,
    const ngx_http_agw_admin_request_t *req, const agw_record_t *record);
static ngx_int_t ngx_http_agw_admin_revocation(ngx_http_request_t *r,
    const ngx_http_agw_admin_request_t *req);
static ngx_int_t ngx_http_agw_admin_list(ngx_http_request_t *r,
    const ngx_http_agw_admin_request_t *req);
static json_t *ngx_http_agw_admin_records(const ngx_http_agw_admin_t *op);
static json_t *ngx_http_agw_admin_next(const ngx_http_agw_admin_t *op);
static ngx_int_t ngx_http_agw_admin_counts(ngx_http_request_t *r,
    const ngx_http_agw_admin_request_t *req);


static const unsigned  ngx_http_agw_admin_views[] = {
    [AGW_RECORD_PARTNER] = NGX_HTTP_AGW_VIEW_PARTNER,
    [AGW_RECORD_API_KEY] = NGX_HTTP_AGW_VIEW_API_KEY,
    [AGW_RECORD_JWK] = NGX_HTTP_AGW_VIEW_JWK,
    [AGW_RECORD_CERTIFICATE] = NGX_HTTP_AGW_VIEW_CERTIFICATE,
    [AGW_RECORD_BUSINESS] = NGX_HTTP_AGW_VIEW_BUSINESS,
    [AGW_RECORD_REVOCATION] = NGX_HTTP_AGW_VIEW_REVOCATION
};


void
ngx_http_agw_admin_answer(ngx_http_request_t *r,
    ngx_http_agw_administration_t *adm, agw_reason_t reason)
{
    ngx_int_t                      rc;
    ngx_http_agw_ctx_t            *ctx;
    ngx_http_agw_admin_request_t  *req;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    req = ctx->admin;

    if (reason == AGW_INTERNAL_ERROR) {
        (void) ngx_http_agw_admin_refuse(req, reason,
                                         "what was asked for may be done, but "
                                         "it could not be logged");
        rc = ngx_http_agw_admin_error(r, req);

    } else if (reason != AGW_OK) {
        req->fault.reason = reason;
        rc = ngx_http_agw_admin_error(r, req);

    } else if (adm->op.result > NGX_HTTP_AGW_ADMIN_CREATED) {
        rc = ngx_http_agw_admin_failed(r, req);

    } else {
        ngx_http_agw_decide(ctx, AGW_OK);
        rc = ngx_http_agw_admin_succeeded(r, req);
    }

    ngx_http_finalize_request(r, rc);
}


static ngx_int_t
ngx_http_agw_admin_failed(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    const char                  *member, *accepted;
    agw_record_kind_t            kind;
    const ngx_http_agw_admin_t  *op;

    op = &req->adm->op;
    kind = op->record.kind;

    if (req->lines != NULL) {
        req->fault.line = req->lines[op->failed];
        kind = op->import[op->failed].kind;
    }

    switch (op->result) {

    case NGX_HTTP_AGW_ADMIN_NOT_FOUND:
        req->fault.reason = AGW_UNKNOWN_OBJECT;
        return ngx_http_agw_admin_error(r, req);

    case NGX_HTTP_AGW_ADMIN_CHANGED:
        req->fault.reason = AGW_PRECONDITION_FAILED;
        return ngx_http_agw_admin_error(r, req);

    case NGX_HTTP_AGW_ADMIN_TOO_LARGE:
        req->fault.line = 0;
        (void) ngx_http_agw_admin_refuse(req, AGW_STORE_UNAVAILABLE,
                                         "a partner has more credentials than "
                                         "can be read at once, so nothing was "
                                         "done: those that have ended must be "
                                         "removed from the store, or fewer "
                                         "lines be imported at once");
        return ngx_http_agw_admin_error(r, req);

    case NGX_HTTP_AGW_ADMIN_NO_PARTNER:
        accepted = "must be that of a partner that exists";
        break;

    case NGX_HTTP_AGW_ADMIN_TAKEN:
        accepted = "must not be that of another API key of the partner";
        break;

    default:
        accepted = op->what == NGX_HTTP_AGW_ADMIN_ROLL
                   ? "of the API key must not be in the future: delete the "
                     "key instead"
                   : agw_record_accepted(kind, op->member);
        break;
    }

    member = agw_record_member_name(op->member);

    (void) ngx_http_agw_admin_refuse_member(r, req, member, accepted);

    return ngx_http_agw_admin_error(r, req);
}


/* no cache, no redirect, no challenge: the client is a program of ours */

ngx_int_t
ngx_http_agw_admin_error(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    json_t                     *json;
    ngx_str_t                   text;
    ngx_http_agw_ctx_t         *ctx;
    const agw_reason_info_t    *info;
    ngx_http_agw_admin_fault_t *fault;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
    fault = &req->fault;
    info = agw_reason_info(fault->reason);
    text = fault->description;

    if (text.len == 0) {
        text.data = (u_char *) info->description;
        text.len = ngx_strlen(info->description);
    }

    ngx_http_agw_decide(ctx, fault->reason);
    ngx_http_agw_log_refusal(r, ctx, fault->reason);

    json = json_pack("{s:s, s:s%}", "error", info->error, "error_description",
                     (char *) text.data, text.len);

    if (json != NULL && fault->member.len != 0) {
        (void) json_object_set_new(json, "member",
                           json_stringn((char *) fault->member.data,
                                        fault->member.len));
    }

    if (json != NULL && fault->line != 0) {
        (void) json_object_set_new(json, "line", json_integer(fault->line));
    }

    if (fault->reason == AGW_STORE_UNAVAILABLE
        && ngx_http_agw_add_header(r, "Retry-After",
                                   NGX_HTTP_AGW_RETRY_AFTER)
           != NGX_OK)
    {
        json_decref(json);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* as nginx does before its own: no 100 for a body that is not read */

    r->expect_tested = 1;

    return ngx_http_agw_send_json_status(r, info->status, json);
}


static ngx_int_t
ngx_http_agw_admin_succeeded(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    ngx_str_t  none = ngx_null_string;

    switch (req->adm->op.what) {

    case NGX_HTTP_AGW_ADMIN_LIST:
        return ngx_http_agw_admin_list(r, req);

    case NGX_HTTP_AGW_ADMIN_EXPORT:
        return ngx_http_agw_admin_export(r, req);

    case NGX_HTTP_AGW_ADMIN_IMPORT:
        return ngx_http_agw_admin_counts(r, req);

    case NGX_HTTP_AGW_ADMIN_DELETE:
        return ngx_http_agw_send_status(r, NGX_HTTP_NO_CONTENT, &none);

    case NGX_HTTP_AGW_ADMIN_END:
    case NGX_HTTP_AGW_ADMIN_REVOKE:
        return ngx_http_agw_admin_revocation(r, req);

    default:
        return ngx_http_agw_admin_wiping(r, req);
    }
}


/* what jansson had of a new API key is wiped */

static ngx_int_t
ngx_http_agw_admin_wiping(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    ngx_int_t              rc;
    agw_json_allocator_t   former;

    agw_json_wiping_begin(&former);

    rc = ngx_http_agw_admin_object(r, req);

    agw_json_wiping_end(&former);

    return rc;
}


static ngx_int_t
ngx_http_agw_admin_object(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    json_t                      *json;
    ngx_uint_t                   created;
    const agw_record_t          *record;
    const ngx_http_agw_admin_t  *op;

    op = &req->adm->op;
    record = op->records.elts;

    created = op->result == NGX_HTTP_AGW_ADMIN_CREATED
              || op->what == NGX_HTTP_AGW_ADMIN_ROLL;

    json = agw_record_to_json(record, ngx_http_agw_admin_views[record->kind]);

    if (json == NULL
        || ngx_http_agw_admin_add_api_key(req, json) != NGX_OK
        || ngx_http_agw_admin_add_etag(r, record) != NGX_OK
        || (created
            && ngx_http_agw_admin_add_location(r, req, record) != NGX_OK))
    {
        json_decref(json);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_agw_send_json_status(r, created ? NGX_HTTP_CREATED
                                              : NGX_HTTP_OK, json);
}


/* the only time that it is shown */

static ngx_int_t
ngx_http_agw_admin_add_api_key(const ngx_http_agw_admin_request_t *req,
    json_t *json)
{
    if (req->api_key == NULL) {
        return NGX_OK;
    }

    return json_object_set_new(json, "api_key",
                               json_stringn((char *) req->api_key,
                                            AGW_API_KEY_SIZE))
           == 0 ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_agw_admin_add_etag(ngx_http_request_t *r, const agw_record_t *record)
{
    u_char     *p;
    ngx_str_t   etag;

    p = ngx_pnalloc(r->pool, AGW_RECORD_TAG_SIZE + 2);

    if (p == NULL || agw_record_tag(record, p + 1) != 0) {
        return NGX_ERROR;
    }

    p[0] = '"';
    p[AGW_RECORD_TAG_SIZE + 1] = '"';

    etag.data = p;
    etag.len = AGW_RECORD_TAG_SIZE + 2;

    r->headers_out.etag = ngx_http_agw_push_header(r, "ETag", &etag);

    return r->headers_out.etag ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_agw_admin_add_location(ngx_http_request_t *r,
    const ngx_http_agw_admin_request_t *req, const agw_record_t *record)
{
    u_char     *p;
    ngx_str_t   value;

    p = ngx_pnalloc(r->pool, req->prefix.len + NGX_HTTP_AGW_ADMIN_OBJECT);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;

    p = ngx_cpymem(p, req->prefix.data, req->prefix.len);
    p = ngx_http_agw_admin_record_path(p, record);

    value.len = p - value.data;

    return ngx_http_agw_push_header(r, "Location", &value) ? NGX_OK
                                                           : NGX_ERROR;
}


static ngx_int_t
ngx_http_agw_admin_revocation(ngx_http_request_t *r,
    const ngx_http_agw_admin_request_t *req)
{
    u_char                   buf[NGX_HTTP_AGW_REVOCATION_ID_MAX];
    agw_record_t             record;
    const ngx_array_t       *revocations;
    const agw_revocation_t  *revocation;

    revocations = &req->adm->op.revocations;

    if (revocations->nelts == 0) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    revocation = revocations->elts;

    ngx_memzero(&record, sizeof(agw_record_t));

    record.has = NGX_HTTP_AGW_VIEW_REVOCATION;
    record.id_kind = ngx_http_agw_revocation_kind(revocation->kind);
    record.id = ngx_http_agw_revocation_id(revocation, buf);
    record.seq = revocation->stamp;
    record.time = revocation->time;

    return ngx_http_agw_send_json_status(r, NGX_HTTP_OK,
                        agw_record_to_json(&record,
                                           NGX_HTTP_AGW_VIEW_REVOCATION));
}


static ngx_int_t
ngx_http_agw_admin_list(ngx_http_request_t *r,
    const ngx_http_agw_admin_request_t *req)
{
    json_t                      *json;
    const ngx_http_agw_admin_t  *op;

    static const char  *names[] = {
        [AGW_RECORD_PARTNER] = "partners",
        [AGW_RECORD_API_KEY] = "keys",
        [AGW_RECORD_JWK] = "jwks",
        [AGW_RECORD_CERTIFICATE] = "certificates",
        [AGW_RECORD_BUSINESS] = "businesses",
        [AGW_RECORD_REVOCATION] = "revocations"
    };

    op = &req->adm->op;

    json = json_pack("{s:o}", names[req->route->kind],
                     ngx_http_agw_admin_records(op));

    if (json != NULL && op->more) {
        if (json_object_set_new(json, "after", ngx_http_agw_admin_next(op))
            != 0)
        {
            json_decref(json);
            json = NULL;
        }
    }

    return ngx_http_agw_send_json_status(r, NGX_HTTP_OK, json);
}


static json_t *
ngx_http_agw_admin_records(const ngx_http_agw_admin_t *op)
{
    json_t              *array, *json;
    ngx_uint_t           i;
    const agw_record_t  *record;

    array = json_array();
    record = op->records.elts;

    for (i = 0; i < op->records.nelts && array != NULL; i++) {

        json = agw_record_to_json(&record[i],
                                  ngx_http_agw_admin_views[record[i].kind]);

        if (json_array_append_new(array, json) != 0) {
            json_decref(array);
            return NULL;
        }
    }

    return array;
}


static json_t *
ngx_http_agw_admin_next(const ngx_http_agw_admin_t *op)
{
    agw_str_t            id;
    const agw_record_t  *record;

    record = op->records.elts;
    record += op->records.nelts - 1;

    if (record->kind == AGW_RECORD_REVOCATION) {
        return json_integer(op->next_seq);
    }

    id = record->kind == AGW_RECORD_BUSINESS ? record->business_id
                                             : record->partner_id;

    return json_stringn((const char *) id.data, id.len);
}


static ngx_int_t
ngx_http_agw_admin_counts(ngx_http_request_t *r,
    const ngx_http_agw_admin_request_t *req)
{
    json_t  *json;

    json = json_pack("{s:I, s:I, s:I, s:I, s:I}",
              "partners", (json_int_t) req->counts[AGW_RECORD_PARTNER],
              "api_keys", (json_int_t) req->counts[AGW_RECORD_API_KEY],
              "jwks", (json_int_t) req->counts[AGW_RECORD_JWK],
              "certificates",
              (json_int_t) req->counts[AGW_RECORD_CERTIFICATE],
              "businesses", (json_int_t) req->counts[AGW_RECORD_BUSINESS]);

    return ngx_http_agw_send_json_status(r, NGX_HTTP_OK, json);
}
