
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "agw_api_key.h"
#include "agw_json.h"
#include "ngx_http_agw_admin_begin.h"
#include "ngx_http_agw_admin_change.h"
#include "ngx_http_agw_admin_event.h"
#include "ngx_http_agw_revocation_id.h"
#include "ngx_http_agw_secret.h"
#include "ngx_http_agw_str.h"


#define NGX_HTTP_AGW_UUID   36


static agw_reason_t ngx_http_agw_admin_members(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, unsigned *named);
static agw_reason_t ngx_http_agw_admin_read_members(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, const json_t *object,
    unsigned *named);
static agw_reason_t ngx_http_agw_admin_same_id(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, unsigned member, ngx_str_t id);
static void ngx_http_agw_admin_set_ids(ngx_http_agw_admin_request_t *req);
static ngx_int_t ngx_http_agw_admin_uuid(ngx_http_agw_admin_request_t *req);
static ngx_int_t ngx_http_agw_admin_make_api_key(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, agw_record_t *record);
static agw_reason_t ngx_http_agw_admin_grace(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);


agw_reason_t
ngx_http_agw_admin_begin_list(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    return AGW_OK;
}


/* GET, DELETE, and the API keys of one partner */

agw_reason_t
ngx_http_agw_admin_begin_one(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    ngx_http_agw_admin_set_ids(req);

    return ngx_http_agw_admin_event(r, req, &req->adm->op.record);
}


agw_reason_t
ngx_http_agw_admin_begin_create(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    if (ngx_http_agw_admin_uuid(req) != NGX_OK) {
        return AGW_INTERNAL_ERROR;
    }

    req->adm->op.new = 1;

    return ngx_http_agw_admin_begin_put(r, req);
}


agw_reason_t
ngx_http_agw_admin_begin_put(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    unsigned       named;
    agw_reason_t   reason;
    agw_record_t  *record;

    reason = ngx_http_agw_admin_members(r, req, &named);

    if (reason == AGW_OK) {
        reason = ngx_http_agw_admin_same_id(r, req,
                              req->route->kind == AGW_RECORD_PARTNER
                              ? AGW_MEMBER_PARTNER_ID
                              : AGW_MEMBER_BUSINESS_ID, req->ids[0]);
    }

    if (reason != AGW_OK) {
        return reason;
    }

    record = &req->adm->op.record;

    if (!(record->has & AGW_MEMBER_STATUS)) {
        record->has |= AGW_MEMBER_STATUS;
        record->active = 1;
    }

    ngx_http_agw_admin_set_ids(req);

    return ngx_http_agw_admin_event(r, req, record);
}


agw_reason_t
ngx_http_agw_admin_begin_patch(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    agw_reason_t  reason;

    reason = ngx_http_agw_admin_members(r, req, &req->adm->op.patch);

    if (reason != AGW_OK) {
        return reason;
    }

    ngx_http_agw_admin_set_ids(req);

    return ngx_http_agw_admin_event(r, req, &req->adm->op.record);
}


agw_reason_t
ngx_http_agw_admin_begin_api_key(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    unsigned       named;
    agw_reason_t   reason;
    agw_record_t  *record;

    reason = ngx_http_agw_admin_members(r, req, &named);

    if (reason != AGW_OK) {
        return reason;
    }

    record = &req->adm->op.record;

    if (ngx_http_agw_admin_make_api_key(r, req, record) != NGX_OK) {
        return AGW_INTERNAL_ERROR;
    }

    req->adm->op.new = 1;

    record->partner_id = ngx_http_agw_to_core(req->ids[0]);
    record->has |= AGW_MEMBER_PARTNER_ID;

    return ngx_http_agw_admin_event(r, req, record);
}


/* POST: `end`, and a JWK or a certificate, which has its id in the body */

agw_reason_t
ngx_http_agw_admin_begin_body(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    unsigned      named;
    agw_reason_t  reason;

    reason = ngx_http_agw_admin_members(r, req, &named);

    if (reason != AGW_OK) {
        return reason;
    }

    return ngx_http_agw_admin_begin_one(r, req);
}


agw_reason_t
ngx_http_agw_admin_begin_roll(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    agw_reason_t  reason;

    reason = ngx_http_agw_admin_grace(r, req);

    if (reason != AGW_OK) {
        return reason;
    }

    ngx_http_agw_admin_set_ids(req);

    req->adm->op.second.kind = AGW_RECORD_API_KEY;

    if (ngx_http_agw_admin_make_api_key(r, req, &req->adm->op.second)
        != NGX_OK)
    {
        return AGW_INTERNAL_ERROR;
    }

    return ngx_http_agw_admin_event(r, req, &req->adm->op.record);
}


agw_reason_t
ngx_http_agw_admin_begin_revoke(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    u_char                  buf[NGX_HTTP_AGW_REVOCATION_ID_MAX];
    unsigned                named;
    agw_reason_t            reason;
    const agw_record_t     *record;
    agw_revocation_t       *revocation;

    reason = ngx_http_agw_admin_members(r, req, &named);

    if (reason != AGW_OK) {
        return reason;
    }

    record = &req->adm->op.record;
    revocation = &req->adm->op.write.revocation;

    /* rows of older versions have more behind an id: it is accepted there */

    if (ngx_http_agw_revocation_parse_id(record->id_kind, record->id,
                                         revocation)
        != NGX_OK
        || !agw_str_eq(ngx_http_agw_revocation_id(revocation, buf),
                       record->id))
    {
        named = revocation->kind ? AGW_MEMBER_ID : AGW_MEMBER_KIND;

        return ngx_http_agw_admin_refuse_member(r, req,
                            agw_record_member_name(named),
                            agw_record_accepted(record->kind, named));
    }

    return ngx_http_agw_admin_event(r, req, record);
}


agw_reason_t
ngx_http_agw_admin_parse(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, json_t **object)
{
    agw_str_t     text, member;
    const char   *fault;
    u_char        buf[AGW_JSON_NAME_SIZE];
    ngx_str_t     name, *description;

    text = ngx_http_agw_to_core(req->body);

    if (text.len == 0) {
        text.data = (u_char *) "{}";
        text.len = 2;
    }

    *object = agw_json_object_naming(text, &fault, buf, &member);

    if (*object != NULL) {
        return AGW_OK;
    }

    if (fault == agw_json_no_memory) {
        return ngx_http_agw_admin_refuse(req, AGW_STORE_UNAVAILABLE,
                                         "no memory to read the JSON: nothing "
                                         "was done");
    }

    if (member.len != 0) {
        name = ngx_http_agw_from_core(member);

        req->fault.member.data = ngx_pstrdup(r->pool, &name);
        req->fault.member.len = req->fault.member.data ? name.len : 0;
    }

    description = &req->fault.description;

    description->data = ngx_pnalloc(r->pool, 128);
    if (description->data == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    description->len = ngx_snprintf(description->data, 128,
                                    "the JSON must be one object with each "
                                    "member once; it is refused for: %s",
                                    fault)
                       - description->data;

    return req->fault.reason = AGW_BODY_NOT_JSON;
}


/* reads the body; what jansson had is wiped */

static agw_reason_t
ngx_http_agw_admin_members(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, unsigned *named)
{
    json_t                *object;
    agw_reason_t           reason;
    agw_json_allocator_t   former;

    agw_json_wiping_begin(&former);

    reason = ngx_http_agw_admin_parse(r, req, &object);

    if (reason == AGW_OK) {
        reason = ngx_http_agw_admin_read_members(r, req, object, named);
        json_decref(object);
    }

    agw_json_wiping_end(&former);

    return reason;
}


static agw_reason_t
ngx_http_agw_admin_read_members(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, const json_t *object,
    unsigned *named)
{
    u_char                 buf[AGW_RECORD_BUF_SIZE];
    unsigned               missing;
    agw_record_t          *record;
    agw_record_fault_t     fault;
    ngx_http_agw_admin_t  *op;

    op = &req->adm->op;
    record = &op->record;

    if (agw_record_from_json(record, object, req->route->accepted, named,
                             buf, &fault)
        != 0)
    {
        return ngx_http_agw_admin_refuse_member(r, req, fault.member,
                                                fault.accepted);
    }

    missing = req->route->required & ~record->has;

    if (missing != 0) {
        missing &= ~missing + 1;

        return ngx_http_agw_admin_refuse_member(r, req,
                                agw_record_member_name(missing),
                                agw_record_accepted(record->kind, missing));
    }

    return ngx_http_agw_admin_keep(op, record) == NGX_OK
           ? AGW_OK : AGW_INTERNAL_ERROR;
}


/* what a client got and sends again has its id in it */

static agw_reason_t
ngx_http_agw_admin_same_id(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, unsigned member, ngx_str_t id)
{
    agw_record_t  *record;

    record = &req->adm->op.record;

    if (!(record->has & member) || (req->route->method == NGX_HTTP_POST)
        || agw_str_eq(*agw_record_text(record, member),
                      ngx_http_agw_to_core(id)))
    {
        return AGW_OK;
    }

    return ngx_http_agw_admin_refuse_member(r, req,
                                            agw_record_member_name(member),
                                            "must be that of the path");
}


static void
ngx_http_agw_admin_set_ids(ngx_http_agw_admin_request_t *req)
{
    unsigned       member;
    agw_record_t  *record;

    record = &req->adm->op.record;

    if (record->kind == AGW_RECORD_BUSINESS) {
        record->business_id = ngx_http_agw_to_core(req->ids[0]);
        record->has |= AGW_MEMBER_BUSINESS_ID;
        return;
    }

    record->partner_id = ngx_http_agw_to_core(req->ids[0]);
    record->has |= AGW_MEMBER_PARTNER_ID;

    member = agw_record_credential(record->kind);

    if (req->ids[1].len != 0) {
        *agw_record_text(record, member) = ngx_http_agw_to_core(req->ids[1]);
        record->has |= member;
    }
}


/* RFC 9562, section 5.4 */

static ngx_int_t
ngx_http_agw_admin_uuid(ngx_http_agw_admin_request_t *req)
{
    u_char      *p;
    ngx_uint_t   i;
    u_char       random[16];

    p = ngx_pnalloc(req->adm->op.pool, NGX_HTTP_AGW_UUID);

    if (p == NULL || RAND_bytes(random, sizeof(random)) != 1) {
        ERR_clear_error();
        return NGX_ERROR;
    }

    random[6] = (random[6] & 0x0f) | 0x40;
    random[8] = (random[8] & 0x3f) | 0x80;

    req->ids[0].data = p;
    req->ids[0].len = NGX_HTTP_AGW_UUID;

    for (i = 0; i < sizeof(random); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *p++ = '-';
        }

        p = ngx_hex_dump(p, &random[i], 1);
    }

    return NGX_OK;
}


/* the key stays in memory that is wiped with the request */

static ngx_int_t
ngx_http_agw_admin_make_api_key(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, agw_record_t *record)
{
    u_char      *p;
    unsigned     len;
    ngx_pool_t  *pool;
    u_char       random[AGW_API_KEY_RANDOM + AGW_KEY_ID_RANDOM];
    u_char       digest[EVP_MAX_MD_SIZE];

    pool = req->adm->op.pool;

    req->api_key = ngx_http_agw_secret_buf(r->pool, AGW_API_KEY_SIZE);
    p = ngx_pnalloc(pool, AGW_SHA256_HEX + AGW_KEY_ID_SIZE);

    if (req->api_key == NULL || p == NULL
        || RAND_bytes(random, sizeof(random)) != 1)
    {
        ERR_clear_error();
        return NGX_ERROR;
    }

    agw_api_key_write(random, req->api_key);
    agw_api_key_id_write(random + AGW_API_KEY_RANDOM, p + AGW_SHA256_HEX);

    OPENSSL_cleanse(random, sizeof(random));

    if (EVP_Digest(req->api_key, AGW_API_KEY_SIZE, digest, &len, EVP_sha256(),
                   NULL) != 1)
    {
        ERR_clear_error();
        return NGX_ERROR;
    }

    (void) ngx_hex_dump(p, digest, len);

    record->key_sha256.data = p;
    record->key_sha256.len = AGW_SHA256_HEX;
    record->key_id.data = p + AGW_SHA256_HEX;
    record->key_id.len = AGW_KEY_ID_SIZE;
    record->created_at = req->adm->op.now;
    record->has |= AGW_MEMBER_KEY_SHA256|AGW_MEMBER_KEY_ID
                   |AGW_MEMBER_CREATED_AT|AGW_MEMBER_NOT_BEFORE;

    return NGX_OK;
}


/* {"grace": seconds}, by default 0 */

static agw_reason_t
ngx_http_agw_admin_grace(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req)
{
    json_t        *object, *value;
    const char    *name;
    json_int_t     grace;
    agw_reason_t   reason;

    reason = ngx_http_agw_admin_parse(r, req, &object);

    if (reason != AGW_OK) {
        return reason;
    }

    json_object_foreach(object, name, value)
    {
        grace = json_integer_value(value);

        if (ngx_strcmp(name, "grace") != 0) {
            reason = ngx_http_agw_admin_refuse_member(r, req, name,
                                                      "is not accepted here");

        } else if (!json_is_integer(value) || grace < 0
                   || grace > AGW_RECORD_TIME_MAX - req->adm->op.now)
        {
            reason = ngx_http_agw_admin_refuse_member(r, req, name,
                                "must be seconds, an integer from 0 on, that "
                                "end before the year 2200");
        }

        if (reason != AGW_OK) {
            break;
        }

        req->adm->op.grace = grace;
    }

    json_decref(object);

    return reason;
}
