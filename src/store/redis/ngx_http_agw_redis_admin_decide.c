
/*
 * What SQLite does by its rows and triggers: which records there are, and which
 * tokens a change ends.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_admin_change.h"
#include "ngx_http_agw_redis_admin_decide.h"


static ngx_int_t ngx_http_agw_redis_admin_one(ngx_http_agw_redis_work_t *work,
    ngx_http_agw_redis_todo_t *todo);
static ngx_int_t ngx_http_agw_redis_admin_roll(ngx_http_agw_redis_work_t *work,
    ngx_http_agw_redis_todo_t *todo, const agw_record_t *stored,
    const agw_record_t *old);
static ngx_int_t ngx_http_agw_redis_admin_import(
    ngx_http_agw_redis_work_t *work, ngx_http_agw_redis_todo_t *todo);
static ngx_int_t ngx_http_agw_redis_admin_import_one(
    ngx_http_agw_redis_work_t *work, ngx_http_agw_redis_todo_t *todo,
    ngx_uint_t i);
static ngx_int_t ngx_http_agw_redis_admin_put(ngx_http_agw_redis_work_t *work,
    ngx_http_agw_redis_todo_t *todo, const agw_record_t *stored,
    const agw_record_t *made);
static ngx_int_t ngx_http_agw_redis_admin_revoke(
    ngx_http_agw_redis_work_t *work, ngx_http_agw_redis_todo_t *todo,
    agw_revocation_kind_t kind, agw_str_t partner_id, agw_str_t business_id);


void
ngx_http_agw_redis_admin_hashes(ngx_http_agw_redis_hashes_t *hashes,
    const agw_record_t *record)
{
    if (record->kind == AGW_RECORD_BUSINESS) {
        (void) ngx_http_agw_redis_hash(hashes,
                                       NGX_HTTP_AGW_REDIS_HASH_BUSINESS,
                                       record->business_id);
    }

    if (record->kind != AGW_RECORD_BUSINESS
        || (record->has & AGW_MEMBER_PARTNER_ID))
    {
        (void) ngx_http_agw_redis_hash(hashes,
                                       NGX_HTTP_AGW_REDIS_HASH_PARTNER,
                                       record->partner_id);
    }

    if (agw_record_credential(record->kind)) {
        (void) ngx_http_agw_redis_hash_of(hashes, record);
    }

    if (record->kind == AGW_RECORD_API_KEY) {
        (void) ngx_http_agw_redis_hash(hashes,
                                       NGX_HTTP_AGW_REDIS_HASH_USED,
                                       record->partner_id);
    }
}


ngx_int_t
ngx_http_agw_redis_admin_decide(ngx_http_agw_redis_work_t *work,
    ngx_http_agw_redis_todo_t *todo)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    ngx_http_agw_redis_hash_t   **list;
    ngx_http_agw_redis_hashes_t  *hashes;

    hashes = work->data;

    rc = work->op->what == NGX_HTTP_AGW_ADMIN_IMPORT
         ? ngx_http_agw_redis_admin_import(work, todo)
         : ngx_http_agw_redis_admin_one(work, todo);

    list = hashes->list.elts;

    /* the use of an API key is no change of it */

    for (i = 0; rc == NGX_OK && i < hashes->list.nelts; i++) {
        if (list[i]->kind != NGX_HTTP_AGW_REDIS_HASH_USED) {
            ngx_http_agw_redis_todo_same(todo, list[i]);
        }
    }

    return todo->json == NULL || todo->failed ? NGX_ERROR : rc;
}


static ngx_int_t
ngx_http_agw_redis_admin_one(ngx_http_agw_redis_work_t *work,
    ngx_http_agw_redis_todo_t *todo)
{
    ngx_int_t                     rc;
    ngx_uint_t                    no_partner;
    agw_record_t                 *stored, made;
    ngx_http_agw_admin_t         *op;
    ngx_http_agw_redis_hashes_t  *hashes;

    op = work->op;
    hashes = work->data;

    stored = ngx_http_agw_redis_admin_find(hashes, &op->record);

    no_partner = (agw_record_credential(op->record.kind)
                  || (op->record.has & AGW_MEMBER_PARTNER_ID))
                 && ngx_http_agw_redis_admin_no_partner(hashes,
                                                    op->record.partner_id);

    rc = ngx_http_agw_admin_decide(op, stored, no_partner, &made);
    if (rc != NGX_OK) {
        return rc;
    }

    switch (op->what) {

    case NGX_HTTP_AGW_ADMIN_ROLL:
        return ngx_http_agw_redis_admin_roll(work, todo, stored, &made);

    case NGX_HTTP_AGW_ADMIN_END:
        rc = ngx_http_agw_redis_admin_revoke(work, todo,
                                             AGW_REVOCATION_PARTNER,
                                             made.partner_id,
                                             agw_empty);
        /* fall through */

    case NGX_HTTP_AGW_ADMIN_DELETE:
        ngx_http_agw_redis_todo_delete(todo, hashes, &made);
        return rc;

    default:
        rc = ngx_http_agw_redis_admin_put(work, todo, stored, &made);

        return rc == NGX_OK ? ngx_http_agw_admin_add(op, &made) : rc;
    }
}


static ngx_int_t
ngx_http_agw_redis_admin_roll(ngx_http_agw_redis_work_t *work,
    ngx_http_agw_redis_todo_t *todo, const agw_record_t *stored,
    const agw_record_t *old)
{
    agw_record_t  made;

    ngx_http_agw_admin_rolled(work->op, old, &made);

    if (ngx_http_agw_redis_admin_put(work, todo, stored, old) != NGX_OK
        || ngx_http_agw_redis_admin_put(work, todo, NULL, &made) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_agw_admin_add(work->op, &made) == NGX_OK
           ? ngx_http_agw_admin_add(work->op, old) : NGX_ERROR;
}


static ngx_int_t
ngx_http_agw_redis_admin_import(ngx_http_agw_redis_work_t *work,
    ngx_http_agw_redis_todo_t *todo)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    rc = NGX_OK;

    for (i = 0; rc == NGX_OK && i < work->op->nimport; i++) {
        rc = ngx_http_agw_redis_admin_import_one(work, todo, i);
    }

    return rc;
}


/* a later record of the import finds this one as if it were stored */

static ngx_int_t
ngx_http_agw_redis_admin_import_one(ngx_http_agw_redis_work_t *work,
    ngx_http_agw_redis_todo_t *todo, ngx_uint_t i)
{
    ngx_int_t                     rc;
    agw_record_t                  made, *stored, *other;
    ngx_http_agw_admin_t         *op;
    ngx_http_agw_redis_hash_t    *hash;
    ngx_http_agw_redis_hashes_t  *hashes;

    op = work->op;
    hashes = work->data;

    hash = ngx_http_agw_redis_hash_of(hashes, &op->import[i]);

    stored = op->import[i].kind == AGW_RECORD_API_KEY
             ? ngx_http_agw_redis_hash_find(hash, AGW_MEMBER_KEY_SHA256,
                                            op->import[i].key_sha256)
             : ngx_http_agw_redis_admin_find(hashes, &op->import[i]);

    rc = ngx_http_agw_admin_decide_import(op, i, stored,
             ngx_http_agw_redis_admin_no_partner(hashes,
                                             op->import[i].partner_id),
             &made);

    if (rc != NGX_OK) {
        return rc;
    }

    if (made.kind == AGW_RECORD_API_KEY) {
        other = ngx_http_agw_redis_hash_find(hash, AGW_MEMBER_KEY_ID,
                                             made.key_id);

        if (other != NULL && other != stored) {
            op->result = NGX_HTTP_AGW_ADMIN_TAKEN;
            op->member = AGW_MEMBER_KEY_ID;
            return NGX_DECLINED;
        }
    }

    rc = ngx_http_agw_redis_admin_put(work, todo, stored, &made);

    if (stored == NULL) {
        stored = ngx_array_push(&hash->records);
        if (stored == NULL) {
            return NGX_ERROR;
        }
    }

    *stored = made;

    return rc;
}


agw_record_t *
ngx_http_agw_redis_admin_find(ngx_http_agw_redis_hashes_t *hashes,
    const agw_record_t *record)
{
    unsigned      member;
    agw_str_t     id;
    agw_record_t  copy;

    copy = *record;
    member = agw_record_credential(record->kind);

    if (member) {
        id = *agw_record_text(&copy, member);

    } else {
        id = agw_empty;
    }

    return ngx_http_agw_redis_hash_find(
                          ngx_http_agw_redis_hash_of(hashes, record),
                          member, id);
}


ngx_uint_t
ngx_http_agw_redis_admin_no_partner(ngx_http_agw_redis_hashes_t *hashes,
    agw_str_t partner_id)
{
    const ngx_http_agw_redis_hash_t  *hash;

    hash = ngx_http_agw_redis_hash(hashes, NGX_HTTP_AGW_REDIS_HASH_PARTNER,
                                   partner_id);

    return hash == NULL || hash->records.nelts == 0;
}


/*
 * What ends tokens in SQLite by a trigger ends them here.  A status that is
 * asked for by name ends them although the store has it already: it may be
 * there by a plain HSET, which ended none, or by a try that was answered with
 * 503.
 */

static ngx_int_t
ngx_http_agw_redis_admin_put(ngx_http_agw_redis_work_t *work,
    ngx_http_agw_redis_todo_t *todo, const agw_record_t *stored,
    const agw_record_t *made)
{
    ngx_int_t   rc;
    ngx_uint_t  ended;

    rc = NGX_OK;
    ended = stored != NULL && !made->active
            && (stored->active
                || (work->op->what == NGX_HTTP_AGW_ADMIN_PATCH
                    && (work->op->patch & AGW_MEMBER_STATUS)));

    if (made->kind == AGW_RECORD_PARTNER && ended) {
        rc = ngx_http_agw_redis_admin_revoke(work, todo,
                                             AGW_REVOCATION_PARTNER,
                                             stored->partner_id,
                                             agw_empty);
    }

    if (made->kind == AGW_RECORD_BUSINESS && stored != NULL
        && (ended || !agw_str_eq(stored->partner_id, made->partner_id)))
    {
        rc = ngx_http_agw_redis_admin_revoke(work, todo, AGW_REVOCATION_OWNER,
                                             stored->partner_id,
                                             stored->business_id);
    }

    ngx_http_agw_redis_todo_put(todo, work->data, stored, made);

    return rc;
}


static ngx_int_t
ngx_http_agw_redis_admin_revoke(ngx_http_agw_redis_work_t *work,
    ngx_http_agw_redis_todo_t *todo, agw_revocation_kind_t kind,
    agw_str_t partner_id, agw_str_t business_id)
{
    agw_revocation_t  revocation;

    ngx_memzero(&revocation, sizeof(agw_revocation_t));

    revocation.kind = kind;
    revocation.partner_id = partner_id;
    revocation.business_id = business_id;

    ngx_http_agw_redis_todo_revoke(todo, &revocation);

    return ngx_http_agw_admin_add_revocation(work->op, &revocation);
}
