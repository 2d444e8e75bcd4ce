
/*
 * A hash is read once, however many records of an import are about it.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_admin_lua.h"
#include "ngx_http_agw_redis_hashes.h"
#include "ngx_http_agw_redis_admin_record.h"
#include "ngx_http_agw_redis_reply.h"


static ngx_int_t ngx_http_agw_redis_hash_read(
    ngx_http_agw_redis_hashes_t *hashes, ngx_http_agw_redis_hash_t *hash,
    const redisReply *flat, const redisReply *used);
static const redisReply *ngx_http_agw_redis_hash_used(
    ngx_http_agw_redis_hashes_t *hashes, ngx_http_agw_redis_hash_t *hash,
    const redisReply *reply);
static ngx_http_agw_redis_hash_t *ngx_http_agw_redis_hash_look_up(
    ngx_http_agw_redis_hashes_t *hashes, ngx_http_agw_redis_hash_kind_t kind,
    agw_str_t id);
static ngx_uint_t ngx_http_agw_redis_hash_bucket(
    ngx_http_agw_redis_hash_kind_t kind, agw_str_t id);


static const char *const  ngx_http_agw_redis_hash_names[] = {
    [NGX_HTTP_AGW_REDIS_HASH_PARTNER] = "partner:",
    [NGX_HTTP_AGW_REDIS_HASH_API_KEYS] = "api_keys:",
    [NGX_HTTP_AGW_REDIS_HASH_JWKS] = "jwks:",
    [NGX_HTTP_AGW_REDIS_HASH_CERTIFICATES] = "certificates:",
    [NGX_HTTP_AGW_REDIS_HASH_USED] = "used:",
    [NGX_HTTP_AGW_REDIS_HASH_BUSINESS] = "business:"
};


ngx_http_agw_redis_hashes_t *
ngx_http_agw_redis_hashes_create(ngx_http_agw_redis_work_t *work)
{
    ngx_http_agw_redis_hashes_t  *hashes;

    hashes = ngx_pcalloc(work->op->pool, sizeof(ngx_http_agw_redis_hashes_t));

    if (hashes == NULL
        || ngx_array_init(&hashes->list, work->op->pool, 4,
                          sizeof(ngx_http_agw_redis_hash_t *))
           != NGX_OK)
    {
        return NULL;
    }

    hashes->work = work;

    return hashes;
}


ngx_http_agw_redis_hash_t *
ngx_http_agw_redis_hash(ngx_http_agw_redis_hashes_t *hashes,
    ngx_http_agw_redis_hash_kind_t kind, agw_str_t id)
{
    ngx_pool_t                  *pool;
    ngx_uint_t                   n;
    ngx_http_agw_redis_hash_t   *hash, **place;

    hash = ngx_http_agw_redis_hash_look_up(hashes, kind, id);
    if (hash != NULL) {
        return hash;
    }

    pool = hashes->work->op->pool;

    hash = ngx_pcalloc(pool, sizeof(ngx_http_agw_redis_hash_t));
    place = ngx_array_push(&hashes->list);

    if (hash == NULL || place == NULL
        || ngx_array_init(&hash->records, pool, 1, sizeof(agw_record_t))
           != NGX_OK)
    {
        hashes->work->failed = 1;
        return NULL;
    }

    *place = hash;

    n = ngx_http_agw_redis_hash_bucket(kind, id);

    hash->kind = kind;
    hash->id = id;
    hash->number = hashes->list.nelts - 1;
    hash->next = hashes->buckets[n];

    hashes->buckets[n] = hash;

    return hash;
}


ngx_http_agw_redis_hash_t *
ngx_http_agw_redis_hash_of(ngx_http_agw_redis_hashes_t *hashes,
    const agw_record_t *record)
{
    switch (record->kind) {

    case AGW_RECORD_BUSINESS:
        return ngx_http_agw_redis_hash(hashes,
                                       NGX_HTTP_AGW_REDIS_HASH_BUSINESS,
                                       record->business_id);

    case AGW_RECORD_API_KEY:
    case AGW_RECORD_JWK:
    case AGW_RECORD_CERTIFICATE:
        return ngx_http_agw_redis_hash(hashes,
                                       NGX_HTTP_AGW_REDIS_HASH_API_KEYS
                                       + record->kind - AGW_RECORD_API_KEY,
                                       record->partner_id);

    default:
        return ngx_http_agw_redis_hash(hashes,
                                       NGX_HTTP_AGW_REDIS_HASH_PARTNER,
                                       record->partner_id);
    }
}


static ngx_http_agw_redis_hash_t *
ngx_http_agw_redis_hash_look_up(ngx_http_agw_redis_hashes_t *hashes,
    ngx_http_agw_redis_hash_kind_t kind, agw_str_t id)
{
    ngx_http_agw_redis_hash_t  *hash;

    hash = hashes->buckets[ngx_http_agw_redis_hash_bucket(kind, id)];

    while (hash != NULL
           && (hash->kind != kind || !agw_str_eq(hash->id, id)))
    {
        hash = hash->next;
    }

    return hash;
}


static ngx_uint_t
ngx_http_agw_redis_hash_bucket(ngx_http_agw_redis_hash_kind_t kind,
    agw_str_t id)
{
    return (ngx_crc32_short((u_char *) id.data, id.len) + kind)
           % NGX_HTTP_AGW_REDIS_HASH_BUCKETS;
}


void
ngx_http_agw_redis_hashes_send(ngx_http_agw_redis_hashes_t *hashes,
    ngx_uint_t change, ngx_http_agw_redis_work_pt next)
{
    ngx_http_agw_redis_work_t  *work;

    work = hashes->work;

    if (work->failed) {
        ngx_http_agw_redis_work_end(work, NGX_ERROR);
        return;
    }

    ngx_http_agw_redis_work_script(work, &ngx_http_agw_redis_admin_read_lua,
                                   hashes->list.nelts + 1);
    ngx_http_agw_redis_hashes_keys(hashes);
    ngx_http_agw_redis_work_key(work, "none", agw_empty);
    ngx_http_agw_redis_work_number(work, change);

    ngx_http_agw_redis_work_send(work, next);
}


void
ngx_http_agw_redis_hashes_keys(ngx_http_agw_redis_hashes_t *hashes)
{
    ngx_uint_t                   i;
    ngx_http_agw_redis_hash_t  **list;

    list = hashes->list.elts;

    for (i = 0; i < hashes->list.nelts; i++) {
        ngx_http_agw_redis_work_key(hashes->work,
                              ngx_http_agw_redis_hash_names[list[i]->kind],
                              list[i]->id);
    }
}


ngx_int_t
ngx_http_agw_redis_hashes_read(ngx_http_agw_redis_hashes_t *hashes,
    const redisReply *reply)
{
    ngx_int_t                    rc;
    ngx_uint_t                   i;
    const redisReply            *flat;
    ngx_http_agw_redis_hash_t   *hash, **list;

    list = hashes->list.elts;

    for (i = 0; i < hashes->list.nelts; i++) {
        hash = list[i];
        flat = ngx_http_agw_redis_element(reply, 2 * i + 2);

        hash->records.nelts = 0;
        hash->state = ngx_http_agw_redis_string(
                                ngx_http_agw_redis_element(reply, 2 * i + 1));

        if (hash->state.len == 0 || flat == NULL
            || flat->type != REDIS_REPLY_ARRAY)
        {
            return NGX_DECLINED;
        }

        rc = ngx_http_agw_redis_hash_read(hashes, hash, flat,
                     ngx_http_agw_redis_hash_used(hashes, hash, reply));

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static const redisReply *
ngx_http_agw_redis_hash_used(ngx_http_agw_redis_hashes_t *hashes,
    ngx_http_agw_redis_hash_t *hash, const redisReply *reply)
{
    ngx_http_agw_redis_hash_t  *used;

    used = ngx_http_agw_redis_hash_look_up(hashes,
                                           NGX_HTTP_AGW_REDIS_HASH_USED,
                                           hash->id);

    return used ? ngx_http_agw_redis_element(reply, 2 * used->number + 2)
                : NULL;
}


static ngx_int_t
ngx_http_agw_redis_hash_read(ngx_http_agw_redis_hashes_t *hashes,
    ngx_http_agw_redis_hash_t *hash, const redisReply *flat,
    const redisReply *used)
{
    ngx_int_t                   rc;
    ngx_uint_t                  malformed;
    agw_record_t               *record;
    agw_record_kind_t           kind;
    ngx_http_agw_redis_work_t  *work;

    work = hashes->work;

    switch (hash->kind) {

    case NGX_HTTP_AGW_REDIS_HASH_USED:
        return NGX_OK;

    case NGX_HTTP_AGW_REDIS_HASH_API_KEYS:
    case NGX_HTTP_AGW_REDIS_HASH_JWKS:
    case NGX_HTTP_AGW_REDIS_HASH_CERTIFICATES:
        malformed = 0;
        kind = hash->kind - NGX_HTTP_AGW_REDIS_HASH_API_KEYS
               + AGW_RECORD_API_KEY;

        rc = ngx_http_agw_redis_admin_record_credentials(work->op->pool, kind,
                                                hash->id, flat, used,
                                                &hash->records, &malformed);
        if (malformed) {
            ngx_log_error(NGX_LOG_ERR, work->worker->log, 0,
                          "auth_gateway: store \"%V\": %ui credentials of "
                          "partner \"%*s\" are malformed",
                          &work->worker->conf->shown, malformed,
                          hash->id.len, hash->id.data);
        }

        return rc;

    default:
        break;
    }

    kind = hash->kind == NGX_HTTP_AGW_REDIS_HASH_PARTNER
           ? AGW_RECORD_PARTNER : AGW_RECORD_BUSINESS;

    record = ngx_array_push(&hash->records);
    if (record == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_agw_redis_admin_record(kind, hash->id, flat, record)
        != NGX_OK)
    {
        hash->records.nelts = 0;
    }

    return NGX_OK;
}


agw_record_t *
ngx_http_agw_redis_hash_find(const ngx_http_agw_redis_hash_t *hash,
    unsigned member, agw_str_t value)
{
    ngx_uint_t     i;
    agw_record_t  *records;

    if (hash == NULL) {
        return NULL;
    }

    records = hash->records.elts;

    for (i = 0; i < hash->records.nelts; i++) {
        if (!agw_record_credential(records[i].kind)
            || agw_str_eq(*agw_record_text(&records[i], member), value))
        {
            return &records[i];
        }
    }

    return NULL;
}
