
/*
 * Anybody who may write to Redis may have written these hashes: nothing of
 * them is believed unseen.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "agw_json.h"
#include "ngx_http_agw_redis_admin_record.h"
#include "ngx_http_agw_redis_reply.h"


static agw_str_t ngx_http_agw_redis_admin_record_field(
    const redisReply *flat, const char *name);
static ngx_int_t ngx_http_agw_redis_admin_record_credential(ngx_pool_t *pool,
    agw_str_t field, agw_str_t value, agw_record_t *record);
static ngx_int_t ngx_http_agw_redis_admin_record_api_key(ngx_pool_t *pool,
    agw_str_t text, agw_record_t *record);
static ngx_int_t ngx_http_agw_redis_admin_record_members(ngx_pool_t *pool,
    const json_t *json, agw_record_t *record);
static ngx_int_t ngx_http_agw_redis_admin_record_text(ngx_pool_t *pool,
    const json_t *json, agw_record_t *record, unsigned member);
static ngx_int_t ngx_http_agw_redis_admin_record_time(const json_t *json,
    agw_record_t *record, unsigned member);
static ngx_int_t ngx_http_agw_redis_admin_record_key_id(ngx_pool_t *pool,
    agw_record_t *record);
static void ngx_http_agw_redis_admin_record_used(const redisReply *used,
    agw_record_t *records, size_t n);
static agw_record_t *ngx_http_agw_redis_admin_record_first(
    const agw_record_t *wanted, agw_record_t *records, size_t n);
static int ngx_libc_cdecl ngx_http_agw_redis_admin_record_order(const void *one,
    const void *two);
static int ngx_http_agw_redis_admin_record_set(json_t *json,
    agw_record_t *record, unsigned member);


/* a field of HGETALL; without data if there is none */

static agw_str_t
ngx_http_agw_redis_admin_record_field(const redisReply *flat, const char *name)
{
    size_t      len;
    agw_str_t   text;
    ngx_uint_t  i;

    len = ngx_strlen(name);

    for (i = 0; flat != NULL && i + 1 < flat->elements; i += 2) {
        text = ngx_http_agw_redis_string(ngx_http_agw_redis_element(flat, i));

        if (text.len == len && ngx_memcmp(text.data, name, len) == 0) {
            return ngx_http_agw_redis_string(
                                   ngx_http_agw_redis_element(flat, i + 1));
        }
    }

    text.data = NULL;
    text.len = 0;

    return text;
}


ngx_int_t
ngx_http_agw_redis_admin_record(agw_record_kind_t kind, agw_str_t id,
    const redisReply *flat, agw_record_t *record)
{
    agw_str_t  status;

    ngx_memzero(record, sizeof(agw_record_t));

    status = ngx_http_agw_redis_admin_record_field(flat, "status");

    record->kind = kind;
    record->has = AGW_MEMBER_PARTNER_ID|AGW_MEMBER_STATUS;
    record->partner_id = id;

    (void) agw_record_set_status(record, status);

    if (kind == AGW_RECORD_BUSINESS) {
        record->has |= AGW_MEMBER_BUSINESS_ID;
        record->business_id = id;
        record->partner_id = ngx_http_agw_redis_admin_record_field(flat,
                                                             "partner_id");

        return agw_record_check(record, AGW_MEMBERS_ALL) == 0 ? NGX_OK
                                                              : NGX_DECLINED;
    }

    if (status.data == NULL
        || agw_record_check(record, AGW_MEMBERS_ALL) != 0)
    {
        return NGX_DECLINED;
    }

    record->name = ngx_http_agw_redis_admin_record_field(flat, "name");
    record->scopes = ngx_http_agw_redis_admin_record_field(flat, "scopes");

    record->has |= (record->name.data ? AGW_MEMBER_NAME : 0)
                   | (record->scopes.data ? AGW_MEMBER_SCOPES : 0);

    if (agw_record_check(record, AGW_MEMBER_NAME) != 0) {
        record->has &= ~AGW_MEMBER_NAME;
    }

    if (agw_record_check(record, AGW_MEMBER_SCOPES) != 0) {
        record->scopes.len = 0;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_agw_redis_admin_record_credentials(ngx_pool_t *pool,
    agw_record_kind_t kind, agw_str_t partner_id, const redisReply *flat,
    const redisReply *used, ngx_array_t *records, ngx_uint_t *malformed)
{
    size_t         i;
    ngx_int_t      rc;
    agw_str_t      field, value;
    ngx_uint_t     first;
    agw_record_t   record, *to;

    first = records->nelts;

    for (i = 0; i + 1 < flat->elements; i += 2) {
        field = ngx_http_agw_redis_string(ngx_http_agw_redis_element(flat, i));
        value = ngx_http_agw_redis_string(
                                    ngx_http_agw_redis_element(flat, i + 1));

        ngx_memzero(&record, sizeof(agw_record_t));

        record.kind = kind;
        record.partner_id = partner_id;
        record.has = AGW_MEMBER_PARTNER_ID;

        rc = ngx_http_agw_redis_admin_record_credential(pool, field, value,
                                                        &record);
        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            (*malformed)++;
            continue;
        }

        to = ngx_array_push(records);
        if (to == NULL) {
            return NGX_ERROR;
        }

        *to = record;
    }

    ngx_qsort((agw_record_t *) records->elts + first, records->nelts - first,
              sizeof(agw_record_t), ngx_http_agw_redis_admin_record_order);

    if (kind == AGW_RECORD_API_KEY) {
        ngx_http_agw_redis_admin_record_used(used,
                                   (agw_record_t *) records->elts + first,
                                   records->nelts - first);
    }

    return NGX_OK;
}


/* NGX_DECLINED if it is malformed */

static ngx_int_t
ngx_http_agw_redis_admin_record_credential(ngx_pool_t *pool, agw_str_t field,
    agw_str_t value, agw_record_t *record)
{
    switch (record->kind) {

    case AGW_RECORD_API_KEY:
        record->key_sha256 = field;
        record->has |= AGW_MEMBER_KEY_SHA256;

        return ngx_http_agw_redis_admin_record_api_key(pool, value, record);

    case AGW_RECORD_JWK:
        record->kid = field;
        record->jwk = value;
        record->has |= AGW_MEMBER_KID|AGW_MEMBER_JWK;

        /* what is no JWK is shown as null */

        return agw_record_check(record, AGW_MEMBERS_ALL & ~AGW_MEMBER_JWK)
               == 0 ? NGX_OK : NGX_DECLINED;

    default:
        record->x5t = field;
        record->has |= AGW_MEMBER_X5T;

        /* "" is one whose notAfter is not known */

        if (value.len != 0) {
            record->not_after = ngx_atotm((u_char *) value.data, value.len);
            record->has |= AGW_MEMBER_NOT_AFTER;
        }

        break;
    }

    return agw_record_check(record, AGW_MEMBERS_ALL) == 0 ? NGX_OK
                                                          : NGX_DECLINED;
}


/* NGX_DECLINED if it is malformed */

static ngx_int_t
ngx_http_agw_redis_admin_record_api_key(ngx_pool_t *pool, agw_str_t text,
    agw_record_t *record)
{
    json_t      *json;
    ngx_int_t    rc;
    const char  *fault;

    json = agw_json_object(text, &fault);

    if (json == NULL) {
        return fault == agw_json_no_memory ? NGX_ERROR : NGX_DECLINED;
    }

    rc = ngx_http_agw_redis_admin_record_members(pool, json, record);

    json_decref(json);

    if (rc == NGX_OK) {
        rc = ngx_http_agw_redis_admin_record_key_id(pool, record);
    }

    if (rc == NGX_OK && agw_record_check(record, AGW_MEMBERS_ALL) != 0) {
        rc = NGX_DECLINED;
    }

    return rc;
}


/*
 * A key that the token endpoint would take must be seen here, to be ended: of
 * what does not concern that endpoint, what is malformed is left out.
 */

static ngx_int_t
ngx_http_agw_redis_admin_record_members(ngx_pool_t *pool, const json_t *json,
    agw_record_t *record)
{
    unsigned    member;
    ngx_int_t   rc;
    ngx_uint_t  i;

    static const unsigned  must[] = { AGW_MEMBER_NOT_BEFORE,
                                      AGW_MEMBER_EXPIRES_AT };
    static const unsigned  may[] = { AGW_MEMBER_KEY_ID, AGW_MEMBER_NAME,
                                     AGW_MEMBER_CREATED_AT };

    for (i = 0; i < sizeof(must) / sizeof(must[0]); i++) {
        if (ngx_http_agw_redis_admin_record_time(json, record, must[i])
            != NGX_OK)
        {
            return NGX_DECLINED;
        }
    }

    record->has |= AGW_MEMBER_NOT_BEFORE;

    for (i = 0; i < sizeof(may) / sizeof(may[0]); i++) {
        member = may[i];

        rc = agw_record_number(record, member)
             ? ngx_http_agw_redis_admin_record_time(json, record, member)
             : ngx_http_agw_redis_admin_record_text(pool, json, record,
                                                    member);
        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (agw_record_check(record, member) != 0) {
            record->has &= ~member;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_redis_admin_record_text(ngx_pool_t *pool, const json_t *json,
    agw_record_t *record, unsigned member)
{
    u_char      *p;
    agw_str_t    text, *to;
    const char  *name;

    name = agw_record_member_name(member);

    if (json_is_null(json_object_get(json, name))) {
        return NGX_OK;
    }

    switch (agw_json_string(json, name, &text)) {

    case 0:
        return NGX_OK;

    case 1:
        break;

    default:
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, text.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, text.data, text.len);

    to = agw_record_text(record, member);
    to->data = p;
    to->len = text.len;

    record->has |= member;

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_redis_admin_record_time(const json_t *json, agw_record_t *record,
    unsigned member)
{
    int          rc;
    const char  *name;

    name = agw_record_member_name(member);

    if (json_is_null(json_object_get(json, name))) {
        return NGX_OK;
    }

    rc = agw_json_time(json, name, agw_record_number(record, member));

    if (rc == 1) {
        record->has |= member;
    }

    return rc >= 0 ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_agw_redis_admin_record_key_id(ngx_pool_t *pool, agw_record_t *record)
{
    u_char  *p;

    if (record->has & AGW_MEMBER_KEY_ID) {
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, AGW_KEY_ID_SIZE);

    if (p == NULL || agw_record_derive_key_id(record->key_sha256, p) != 0) {
        return NGX_ERROR;
    }

    record->key_id.data = p;
    record->key_id.len = AGW_KEY_ID_SIZE;
    record->has |= AGW_MEMBER_KEY_ID;

    return NGX_OK;
}


/*
 * The records are in the order of their key_id.  There may be many of each, so
 * the one is not searched once for each of the other.
 */

static void
ngx_http_agw_redis_admin_record_used(const redisReply *used,
    agw_record_t *records, size_t n)
{
    size_t         i;
    int64_t        time;
    agw_record_t   wanted, *record;

    ngx_memzero(&wanted, sizeof(agw_record_t));

    wanted.kind = AGW_RECORD_API_KEY;

    for (i = 0; used != NULL && i + 1 < used->elements; i += 2) {

        wanted.key_id = ngx_http_agw_redis_string(
                                       ngx_http_agw_redis_element(used, i));

        if (wanted.key_id.len == 0
            || ngx_http_agw_redis_whole(
                                   ngx_http_agw_redis_element(used, i + 1),
                                   &time)
               != NGX_OK
            || time > AGW_RECORD_TIME_MAX)
        {
            continue;
        }

        record = ngx_http_agw_redis_admin_record_first(&wanted, records, n);

        while (record < records + n
               && agw_str_eq(record->key_id, wanted.key_id))
        {
            record->last_used_at = time;
            record->has |= AGW_MEMBER_LAST_USED_AT;
            record++;
        }
    }
}


/* the first record that does not come before the wanted one */

static agw_record_t *
ngx_http_agw_redis_admin_record_first(const agw_record_t *wanted,
    agw_record_t *records, size_t n)
{
    size_t  half;

    while (n) {
        half = n / 2;

        if (ngx_http_agw_redis_admin_record_order(records + half, wanted) < 0) {
            records += half + 1;
            n -= half + 1;

        } else {
            n = half;
        }
    }

    return records;
}


static int ngx_libc_cdecl
ngx_http_agw_redis_admin_record_order(const void *one, const void *two)
{
    int           rc;
    agw_str_t     a, b;
    agw_record_t  first = *(const agw_record_t *) one;
    agw_record_t  second = *(const agw_record_t *) two;

    a = *agw_record_text(&first, agw_record_credential(first.kind));
    b = *agw_record_text(&second, agw_record_credential(second.kind));

    rc = ngx_memcmp(a.data, b.data, ngx_min(a.len, b.len));

    return rc ? rc : (a.len > b.len) - (a.len < b.len);
}


char *
ngx_http_agw_redis_admin_record_json(const agw_record_t *record)
{
    int            failed;
    char          *text;
    json_t        *json;
    ngx_uint_t     i;
    agw_record_t   copy;

    static const unsigned  members[] = { AGW_MEMBER_NOT_BEFORE,
                                         AGW_MEMBER_EXPIRES_AT,
                                         AGW_MEMBER_KEY_ID,
                                         AGW_MEMBER_NAME,
                                         AGW_MEMBER_CREATED_AT };

    copy = *record;
    failed = 0;

    json = json_object();

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        failed |= ngx_http_agw_redis_admin_record_set(json, &copy, members[i]);
    }

    text = failed ? NULL : json_dumps(json, JSON_COMPACT);

    json_decref(json);

    return text;
}


static int
ngx_http_agw_redis_admin_record_set(json_t *json, agw_record_t *record,
    unsigned member)
{
    int64_t    *number;
    agw_str_t  *text;

    if (!(record->has & member)) {
        return 0;
    }

    number = agw_record_number(record, member);
    text = agw_record_text(record, member);

    return json_object_set_new(json, agw_record_member_name(member),
                               number ? json_integer(*number)
                                      : json_stringn((const char *) text->data,
                                                     text->len));
}
