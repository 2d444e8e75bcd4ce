
/*
 * Arrays of arrays: { "same": [[key, state]], "revoke": [[kind, id]],
 * "write": [[key, field, value]], "name": [[key, id]] }.  A key is its number
 * in KEYS; without a value, a field is removed.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_admin_record.h"
#include "ngx_http_agw_redis_todo.h"
#include "ngx_http_agw_revocation_id.h"


/* the numbers of the keys of the script, from 1 */

#define NGX_HTTP_AGW_REDIS_TODO_PARTNERS    4
#define NGX_HTTP_AGW_REDIS_TODO_BUSINESSES  5
#define NGX_HTTP_AGW_REDIS_TODO_HASHES      6


static void ngx_http_agw_redis_todo_add(ngx_http_agw_redis_todo_t *todo,
    const char *list, json_t *item);
static void ngx_http_agw_redis_todo_write(ngx_http_agw_redis_todo_t *todo,
    const ngx_http_agw_redis_hash_t *hash, agw_str_t field, json_t *value);
static void ngx_http_agw_redis_todo_member(ngx_http_agw_redis_todo_t *todo,
    const ngx_http_agw_redis_hash_t *hash, const agw_record_t *made,
    unsigned member);
static void ngx_http_agw_redis_todo_api_key(ngx_http_agw_redis_todo_t *todo,
    ngx_http_agw_redis_hashes_t *hashes, const agw_record_t *stored,
    const agw_record_t *made);
static void ngx_http_agw_redis_todo_credential(ngx_http_agw_redis_todo_t *todo,
    ngx_http_agw_redis_hashes_t *hashes, const agw_record_t *record,
    ngx_uint_t put);
static json_t *ngx_http_agw_redis_todo_string(agw_str_t text);


void
ngx_http_agw_redis_todo_create(ngx_http_agw_redis_todo_t *todo)
{
    todo->failed = 0;
    todo->json = json_pack("{s[]s[]s[]s[]}", "same", "revoke", "write",
                           "name");
}


void
ngx_http_agw_redis_todo_free(ngx_http_agw_redis_todo_t *todo)
{
    json_decref(todo->json);
    todo->json = NULL;
}


/* takes item; NULL is one that there was no memory for */

static void
ngx_http_agw_redis_todo_add(ngx_http_agw_redis_todo_t *todo, const char *list,
    json_t *item)
{
    if (json_array_append_new(json_object_get(todo->json, list), item) != 0) {
        todo->failed = 1;
    }
}


static json_t *
ngx_http_agw_redis_todo_string(agw_str_t text)
{
    return json_stringn(text.len ? (const char *) text.data : "", text.len);
}


void
ngx_http_agw_redis_todo_same(ngx_http_agw_redis_todo_t *todo,
    const ngx_http_agw_redis_hash_t *hash)
{
    ngx_http_agw_redis_todo_add(todo, "same",
                 json_pack("[io]",
                           (int) hash->number
                           + NGX_HTTP_AGW_REDIS_TODO_HASHES,
                           ngx_http_agw_redis_todo_string(hash->state)));
}


void
ngx_http_agw_redis_todo_put(ngx_http_agw_redis_todo_t *todo,
    ngx_http_agw_redis_hashes_t *hashes, const agw_record_t *stored,
    const agw_record_t *made)
{
    int                         list;
    ngx_http_agw_redis_hash_t  *hash;

    if (made->kind == AGW_RECORD_API_KEY) {

        ngx_http_agw_redis_todo_api_key(todo, hashes, stored, made);
        return;
    }

    if (agw_record_credential(made->kind)) {

        ngx_http_agw_redis_todo_credential(todo, hashes, made, 1);
        return;
    }

    hash = ngx_http_agw_redis_hash_of(hashes, made);

    if (hash == NULL) {
        todo->failed = 1;
        return;
    }

    ngx_http_agw_redis_todo_member(todo, hash, made, AGW_MEMBER_STATUS);

    if (made->kind == AGW_RECORD_PARTNER) {
        list = NGX_HTTP_AGW_REDIS_TODO_PARTNERS;
        ngx_http_agw_redis_todo_member(todo, hash, made, AGW_MEMBER_NAME);
        ngx_http_agw_redis_todo_member(todo, hash, made, AGW_MEMBER_SCOPES);

    } else {
        list = NGX_HTTP_AGW_REDIS_TODO_BUSINESSES;
        ngx_http_agw_redis_todo_member(todo, hash, made,
                                       AGW_MEMBER_PARTNER_ID);
    }

    ngx_http_agw_redis_todo_add(todo, "name",
                 json_pack("[io]", list,
                           ngx_http_agw_redis_todo_string(hash->id)));
}


static void
ngx_http_agw_redis_todo_member(ngx_http_agw_redis_todo_t *todo,
    const ngx_http_agw_redis_hash_t *hash, const agw_record_t *made,
    unsigned member)
{
    json_t        *value;
    agw_str_t      field;
    const char    *name;
    agw_record_t   copy;

    copy = *made;
    value = NULL;

    name = agw_record_member_name(member);
    field.data = (const u_char *) name;
    field.len = ngx_strlen(name);

    if (member == AGW_MEMBER_STATUS) {
        value = ngx_http_agw_redis_todo_string(agw_record_status(made));

    } else if (made->has & member) {
        value = ngx_http_agw_redis_todo_string(*agw_record_text(&copy,
                                                                member));
    }

    if (value == NULL
        && (member == AGW_MEMBER_STATUS || (made->has & member)))
    {
        todo->failed = 1;
    }

    ngx_http_agw_redis_todo_write(todo, hash, field, value);
}


/* takes value; NULL removes the field */

static void
ngx_http_agw_redis_todo_write(ngx_http_agw_redis_todo_t *todo,
    const ngx_http_agw_redis_hash_t *hash, agw_str_t field, json_t *value)
{
    json_t  *item;

    item = json_pack("[io]",
                     (int) hash->number + NGX_HTTP_AGW_REDIS_TODO_HASHES,
                     ngx_http_agw_redis_todo_string(field));

    if (value != NULL && json_array_append_new(item, value) != 0) {
        todo->failed = 1;
    }

    ngx_http_agw_redis_todo_add(todo, "write", item);
}


/* its digest may be another, or its key_id, which is not in its JSON then */

static void
ngx_http_agw_redis_todo_api_key(ngx_http_agw_redis_todo_t *todo,
    ngx_http_agw_redis_hashes_t *hashes, const agw_record_t *stored,
    const agw_record_t *made)
{
    char                       *text;
    json_t                     *value;
    ngx_http_agw_redis_hash_t  *keys, *used;

    keys = ngx_http_agw_redis_hash_of(hashes, made);
    used = ngx_http_agw_redis_hash(hashes, NGX_HTTP_AGW_REDIS_HASH_USED,
                                   made->partner_id);

    text = ngx_http_agw_redis_admin_record_json(made);
    value = text ? json_string(text) : NULL;

    free(text);

    if (keys == NULL || used == NULL || value == NULL) {
        json_decref(value);
        todo->failed = 1;
        return;
    }

    if (stored != NULL
        && !(agw_str_eq(stored->key_sha256, made->key_sha256)
             && agw_str_eq(stored->key_id, made->key_id)))
    {
        ngx_http_agw_redis_todo_delete(todo, hashes, stored);
        stored = NULL;
    }

    ngx_http_agw_redis_todo_write(todo, keys, made->key_sha256, value);

    if ((made->has & AGW_MEMBER_LAST_USED_AT)
        && (stored == NULL || stored->last_used_at != made->last_used_at))
    {
        value = json_sprintf("%lld", (long long) made->last_used_at);

        if (value == NULL) {
            todo->failed = 1;
            return;
        }

        ngx_http_agw_redis_todo_write(todo, used, made->key_id, value);
    }
}


/* a JWK or a certificate is written, or removed */

static void
ngx_http_agw_redis_todo_credential(ngx_http_agw_redis_todo_t *todo,
    ngx_http_agw_redis_hashes_t *hashes, const agw_record_t *record,
    ngx_uint_t put)
{
    json_t                     *value;
    agw_str_t                   field;
    ngx_http_agw_redis_hash_t  *hash;

    hash = ngx_http_agw_redis_hash_of(hashes, record);

    field = record->kind == AGW_RECORD_JWK ? record->kid : record->x5t;

    if (!put) {
        value = NULL;

    } else if (record->kind == AGW_RECORD_JWK) {
        value = ngx_http_agw_redis_todo_string(record->jwk);

    } else if (record->has & AGW_MEMBER_NOT_AFTER) {
        value = json_sprintf("%lld", (long long) record->not_after);

    } else {
        value = json_string("");
    }

    if (hash == NULL || (put && value == NULL)) {
        json_decref(value);
        todo->failed = 1;
        return;
    }

    ngx_http_agw_redis_todo_write(todo, hash, field, value);
}


void
ngx_http_agw_redis_todo_delete(ngx_http_agw_redis_todo_t *todo,
    ngx_http_agw_redis_hashes_t *hashes, const agw_record_t *stored)
{
    ngx_http_agw_redis_hash_t  *keys, *used;

    if (stored->kind != AGW_RECORD_API_KEY) {
        ngx_http_agw_redis_todo_credential(todo, hashes, stored, 0);
        return;
    }

    keys = ngx_http_agw_redis_hash_of(hashes, stored);
    used = ngx_http_agw_redis_hash(hashes, NGX_HTTP_AGW_REDIS_HASH_USED,
                                   stored->partner_id);

    if (keys == NULL || used == NULL) {
        todo->failed = 1;
        return;
    }

    ngx_http_agw_redis_todo_write(todo, keys, stored->key_sha256, NULL);
    ngx_http_agw_redis_todo_write(todo, used, stored->key_id, NULL);
}


void
ngx_http_agw_redis_todo_revoke(ngx_http_agw_redis_todo_t *todo,
    const agw_revocation_t *revocation)
{
    u_char     buf[NGX_HTTP_AGW_REVOCATION_ID_MAX];
    agw_str_t  kind, id;

    kind = ngx_http_agw_revocation_kind(revocation->kind);
    id = ngx_http_agw_revocation_id(revocation, buf);

    ngx_http_agw_redis_todo_add(todo, "revoke",
                 json_pack("[oo]", ngx_http_agw_redis_todo_string(kind),
                           ngx_http_agw_redis_todo_string(id)));
}


char *
ngx_http_agw_redis_todo_text(ngx_http_agw_redis_todo_t *todo)
{
    return todo->failed ? NULL : json_dumps(todo->json, JSON_COMPACT);
}
