
/*
 * A parameter of the query that is unknown, repeated or malformed is refused: a
 * filter that is overlooked would give other records than those asked for.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_grammar.h"
#include "ngx_http_agw_admin_export.h"
#include "ngx_http_agw_admin_request.h"
#include "ngx_http_agw_headers.h"
#include "ngx_http_agw_revocation_id.h"
#include "ngx_http_agw_str.h"


#define NGX_HTTP_AGW_ADMIN_LIMIT  100        /* records, by default */
#define NGX_HTTP_AGW_ADMIN_ARG    512        /* bytes of a value */


static agw_reason_t ngx_http_agw_admin_arg(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, ngx_str_t name, ngx_str_t raw,
    ngx_uint_t *seen);
static agw_reason_t ngx_http_agw_admin_set_arg(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, ngx_uint_t arg, ngx_str_t value);
static agw_reason_t ngx_http_agw_admin_after(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, ngx_str_t value);
static ngx_int_t ngx_http_agw_admin_cursor(agw_record_t *after,
    ngx_str_t value);
static agw_reason_t ngx_http_agw_admin_conditions(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);
static agw_reason_t ngx_http_agw_admin_if_match(
    ngx_http_agw_admin_request_t *req, ngx_str_t value);
static ngx_int_t ngx_http_agw_admin_header(ngx_http_request_t *r,
    agw_str_t name, ngx_str_t *value);


static const struct {
    ngx_uint_t   arg;
    ngx_str_t    name;
} ngx_http_agw_admin_args_known[] = {
    { NGX_HTTP_AGW_ARG_AFTER, ngx_string("after") },
    { NGX_HTTP_AGW_ARG_LIMIT, ngx_string("limit") },
    { NGX_HTTP_AGW_ARG_STATUS, ngx_string("status") },
    { NGX_HTTP_AGW_ARG_PARTNER_ID, ngx_string("partner_id") },
    { NGX_HTTP_AGW_ARG_KIND, ngx_string("kind") },
    { NGX_HTTP_AGW_ARG_DRY_RUN, ngx_string("dry_run") },
    { 0, ngx_null_string }
};


agw_reason_t
ngx_http_agw_admin_args(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    u_char        *p, *last, *end, *eq;
    ngx_str_t      name, value;
    ngx_uint_t     seen;
    agw_reason_t   reason;

    req->adm->op.limit = NGX_HTTP_AGW_ADMIN_LIMIT;

    last = r->args.data + r->args.len;
    seen = 0;

    for (p = r->args.data; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, '&');
        end = end ? end : last;

        eq = ngx_strlchr(p, end, '=');
        eq = eq ? eq : end;

        name.data = p;
        name.len = eq - p;
        value.data = eq == end ? end : eq + 1;
        value.len = end - value.data;

        reason = ngx_http_agw_admin_arg(r, req, name, value, &seen);

        if (reason != AGW_OK) {
            return reason;
        }
    }

    return ngx_http_agw_admin_conditions(r, req);
}


static agw_reason_t
ngx_http_agw_admin_arg(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, ngx_str_t name, ngx_str_t raw,
    ngx_uint_t *seen)
{
    u_char       *from, *to;
    ngx_str_t     value, known;
    ngx_uint_t    i, arg;

    for (i = 0; ngx_http_agw_admin_args_known[i].arg != 0; i++) {
        known = ngx_http_agw_admin_args_known[i].name;

        if (name.len == known.len
            && ngx_strncmp(name.data, known.data, name.len) == 0)
        {
            break;
        }
    }

    arg = ngx_http_agw_admin_args_known[i].arg;

    if (!(arg & req->route->args)) {
        if (agw_is_id(ngx_http_agw_to_core(name))) {
            req->fault.member = name;
        }

        return ngx_http_agw_admin_refuse(req, AGW_INVALID_REQUEST,
                                         "the query has a parameter that is "
                                         "not accepted here");
    }

    if (*seen & arg) {
        req->fault.member = name;
        return ngx_http_agw_admin_refuse(req, AGW_INVALID_REQUEST,
                                         "the query has a parameter twice");
    }

    *seen |= arg;

    if (raw.len > NGX_HTTP_AGW_ADMIN_ARG) {
        raw.len = 0;
    }

    value.data = ngx_pnalloc(req->adm->op.pool, raw.len + 1);
    if (value.data == NULL) {
        return req->fault.reason = AGW_INTERNAL_ERROR;
    }

    from = raw.data;
    to = value.data;

    ngx_unescape_uri(&to, &from, raw.len, 0);

    value.len = to - value.data;

    return ngx_http_agw_admin_set_arg(r, req, arg, value);
}


static agw_reason_t
ngx_http_agw_admin_set_arg(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, ngx_uint_t arg, ngx_str_t value)
{
    ngx_int_t              n;
    agw_str_t              text;
    agw_record_t          *record;
    agw_revocation_t       revocation;
    ngx_http_agw_admin_t  *op;

    op = &req->adm->op;
    record = &op->record;
    record->kind = req->route->kind;
    text = ngx_http_agw_to_core(value);

    switch (arg) {

    case NGX_HTTP_AGW_ARG_AFTER:
        return ngx_http_agw_admin_after(r, req, value);

    case NGX_HTTP_AGW_ARG_LIMIT:
        n = ngx_atoi(value.data, value.len);

        if (n < 1 || n > NGX_HTTP_AGW_ADMIN_PAGE) {
            return ngx_http_agw_admin_refuse_member(r, req, "limit",
                                           "must be a number from 1 to 1000");
        }

        op->limit = n;
        return AGW_OK;

    case NGX_HTTP_AGW_ARG_STATUS:
        if (agw_record_set_status(record, text) != 0) {
            return ngx_http_agw_admin_refuse_member(r, req, "status",
                      agw_record_accepted(record->kind, AGW_MEMBER_STATUS));
        }

        op->filter |= AGW_MEMBER_STATUS;
        return AGW_OK;

    case NGX_HTTP_AGW_ARG_PARTNER_ID:
        if (!agw_is_id(text)) {
            return ngx_http_agw_admin_refuse_member(r, req, "partner_id",
                  agw_record_accepted(record->kind, AGW_MEMBER_PARTNER_ID));
        }

        record->partner_id = text;
        op->filter |= AGW_MEMBER_PARTNER_ID;
        return AGW_OK;

    case NGX_HTTP_AGW_ARG_KIND:
        ngx_memzero(&revocation, sizeof(agw_revocation_t));

        (void) ngx_http_agw_revocation_parse_id(text, agw_empty, &revocation);

        if (revocation.kind == 0) {
            return ngx_http_agw_admin_refuse_member(r, req, "kind",
                        agw_record_accepted(record->kind, AGW_MEMBER_KIND));
        }

        record->id_kind = text;
        op->filter |= AGW_MEMBER_KIND;
        return AGW_OK;

    default:                         /* NGX_HTTP_AGW_ARG_DRY_RUN */
        if (value.len != 1 || value.data[0] != '1') {
            return ngx_http_agw_admin_refuse_member(r, req, "dry_run",
                                                    "must be 1");
        }

        op->dry_run = 1;
        return AGW_OK;
    }
}


static agw_reason_t
ngx_http_agw_admin_after(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, ngx_str_t value)
{
    off_t          seq;
    ngx_int_t      rc;
    agw_str_t      text;
    agw_record_t  *after;

    after = &req->adm->op.after;
    text = ngx_http_agw_to_core(value);

    if (req->route->what == NGX_HTTP_AGW_ADMIN_EXPORT) {
        rc = ngx_http_agw_admin_cursor(after, value);

    } else if (req->route->kind == AGW_RECORD_REVOCATION) {
        seq = ngx_atoof(value.data, value.len);
        rc = seq >= 0 && seq <= AGW_STAMP_MAX ? NGX_OK : NGX_DECLINED;
        after->seq = seq;

    } else {
        rc = agw_is_id(text) ? NGX_OK : NGX_DECLINED;
        after->partner_id = text;
        after->business_id = text;
    }

    return rc == NGX_OK ? AGW_OK
                        : ngx_http_agw_admin_refuse_member(r, req, "after",
                                        "must be that of the page before");
}


/* "partner:<id>", ... */

static ngx_int_t
ngx_http_agw_admin_cursor(agw_record_t *after, ngx_str_t value)
{
    u_char     *colon;
    agw_str_t   type, id;

    colon = ngx_strlchr(value.data, value.data + value.len, ':');

    if (colon == NULL) {
        return NGX_DECLINED;
    }

    type.data = value.data;
    type.len = colon - value.data;

    id.data = colon + 1;
    id.len = value.data + value.len - id.data;

    after->kind = ngx_http_agw_admin_kind(type);
    after->partner_id = id;
    after->business_id = id;

    return after->kind != AGW_RECORD_NONE && agw_is_id(id) ? NGX_OK
                                                           : NGX_DECLINED;
}


/* RFC 9110, section 13.1; only what changes one record is conditional */

static agw_reason_t
ngx_http_agw_admin_conditions(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    ngx_int_t               rc;
    ngx_str_t               value;
    static const agw_str_t  if_match = agw_string("if_match");
    static const agw_str_t  if_none_match = agw_string("if_none_match");

    if (req->route->operation == NULL) {
        return AGW_OK;
    }

    rc = ngx_http_agw_admin_header(r, if_none_match, &value);

    if (rc != NGX_DECLINED) {

        if (rc != NGX_OK || value.len != 1 || value.data[0] != '*'
            || req->route->what != NGX_HTTP_AGW_ADMIN_PUT)
        {
            return ngx_http_agw_admin_refuse(req, AGW_INVALID_REQUEST,
                                             "If-None-Match must be * once, "
                                             "with PUT");
        }

        req->adm->op.new = 1;
    }

    rc = ngx_http_agw_admin_header(r, if_match, &value);

    if (rc == NGX_DECLINED) {
        return AGW_OK;
    }

    if (rc != NGX_OK || req->route->kind == AGW_RECORD_NONE) {
        return ngx_http_agw_admin_refuse(req, AGW_INVALID_REQUEST,
                                         "If-Match must stand once, in a "
                                         "request that changes one object");
    }

    return ngx_http_agw_admin_if_match(req, value);
}


/* "*", or a list of tags; one that gzip made weak is the same */

static agw_reason_t
ngx_http_agw_admin_if_match(ngx_http_agw_admin_request_t *req,
    ngx_str_t value)
{
    u_char                *p, *last, *end;
    agw_str_t             *tag;
    ngx_http_agw_admin_t  *op;

    op = &req->adm->op;
    op->old = 1;

    if (value.len == 1 && value.data[0] == '*') {
        return AGW_OK;
    }

    /* the operation may outlive the request */

    op->tags = ngx_palloc(op->pool, NGX_HTTP_AGW_ADMIN_TAGS
                                    * sizeof(agw_str_t));
    p = ngx_pstrdup(op->pool, &value);

    if (op->tags == NULL || p == NULL) {
        return req->fault.reason = AGW_INTERNAL_ERROR;
    }

    last = p + value.len;

    while (p < last) {

        if (*p == ' ' || *p == '\t' || *p == ',') {
            p++;
            continue;
        }

        if (last - p > 2 && p[0] == 'W' && p[1] == '/') {
            p += 2;
        }

        end = *p == '"' ? ngx_strlchr(p + 1, last, '"') : NULL;

        if (end == NULL || op->ntags == NGX_HTTP_AGW_ADMIN_TAGS) {
            op->ntags = 0;
            break;
        }

        tag = &op->tags[op->ntags++];
        tag->data = p + 1;
        tag->len = end - tag->data;

        p = end + 1;
    }

    return op->ntags ? AGW_OK
                     : ngx_http_agw_admin_refuse(req, AGW_INVALID_REQUEST,
                                                 "If-Match must be * or at "
                                                 "most 8 entity tags");
}


/* NGX_OK; NGX_DECLINED if there is none; NGX_ERROR if there are several */

static ngx_int_t
ngx_http_agw_admin_header(ngx_http_request_t *r, agw_str_t name,
    ngx_str_t *value)
{
    ngx_int_t                rc;
    const ngx_table_elt_t   *header;
    ngx_http_agw_headers_t   headers;

    rc = NGX_DECLINED;
    headers = ngx_http_agw_headers(r);

    while ((header = ngx_http_agw_next_header(&headers, name)) != NULL) {

        if (rc == NGX_OK) {
            return NGX_ERROR;
        }

        rc = NGX_OK;
        *value = header->value;
    }

    return rc;
}


ngx_uint_t
ngx_http_agw_admin_of_page(ngx_http_request_t *r)
{
    ngx_str_t               value;
    static const agw_str_t  origin = agw_string("origin");

    return ngx_http_agw_admin_header(r, origin, &value) != NGX_DECLINED;
}


agw_reason_t
ngx_http_agw_admin_refuse_member(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, const char *member,
    const char *accepted)
{
    size_t       len;
    u_char      *p;
    ngx_str_t   *description;

    req->fault.reason = AGW_INVALID_REQUEST;
    req->fault.member.data = (u_char *) member;
    req->fault.member.len = ngx_strlen(member);

    if (!agw_is_id(ngx_http_agw_to_core(req->fault.member))) {
        ngx_str_set(&req->fault.member, "");
        member = "a member";
    }

    len = ngx_strlen(member) + 1 + ngx_strlen(accepted);
    description = &req->fault.description;

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        ngx_str_null(&req->fault.member);
        return req->fault.reason = AGW_INTERNAL_ERROR;
    }

    description->data = p;
    description->len = ngx_sprintf(p, "%s %s", member, accepted) - p;

    /* a name that the client wrote may end with its JSON */

    if (req->fault.member.len) {
        req->fault.member.data = p;
    }

    return AGW_INVALID_REQUEST;
}


agw_reason_t
ngx_http_agw_admin_refuse(ngx_http_agw_admin_request_t *req,
    agw_reason_t reason, const char *description)
{
    req->fault.reason = reason;
    req->fault.description.data = (u_char *) description;
    req->fault.description.len = ngx_strlen(description);

    return reason;
}
