
/*
 * A page is filled by as many scripts as it takes, each of which looks at a
 * bounded number of records.  One record more than the page shows whether
 * there is another page.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_admin_change.h"
#include "ngx_http_agw_redis_admin_decide.h"
#include "ngx_http_agw_redis_admin_lua.h"
#include "ngx_http_agw_redis_admin_pages.h"
#include "ngx_http_agw_redis_admin_record.h"
#include "ngx_http_agw_redis_entry.h"
#include "ngx_http_agw_redis_hashes.h"
#include "ngx_http_agw_redis_reply.h"
#include "ngx_http_agw_revocation_id.h"


/* where a list is */

typedef struct {
    agw_record_kind_t  kind;
    agw_str_t          at;           /* an id, or empty: the start */
    int64_t            last;         /* the place of the last revocation */
} ngx_http_agw_redis_pages_t;


static void ngx_http_agw_redis_pages_index(ngx_http_agw_redis_work_t *work,
    agw_str_t cursor);
static void ngx_http_agw_redis_pages_indexed(ngx_http_agw_redis_work_t *work,
    const redisReply *reply);
static void ngx_http_agw_redis_pages_next(ngx_http_agw_redis_work_t *work);
static void ngx_http_agw_redis_pages_records(ngx_http_agw_redis_work_t *work);
static void ngx_http_agw_redis_pages_read(ngx_http_agw_redis_work_t *work,
    const redisReply *reply);
static ngx_int_t ngx_http_agw_redis_pages_fill(ngx_http_agw_redis_work_t *work,
    const redisReply *reply);
static ngx_int_t ngx_http_agw_redis_pages_fill_credentials(
    ngx_http_agw_redis_work_t *work, const redisReply *reply);
static ngx_int_t ngx_http_agw_redis_pages_copy(ngx_http_agw_redis_work_t *work,
    agw_str_t text);

static void ngx_http_agw_redis_pages_credentials(
    ngx_http_agw_redis_work_t *work);
static void ngx_http_agw_redis_pages_credentials_read(
    ngx_http_agw_redis_work_t *work, const redisReply *reply);

static void ngx_http_agw_redis_pages_entries(ngx_http_agw_redis_work_t *work);
static void ngx_http_agw_redis_pages_entries_read(
    ngx_http_agw_redis_work_t *work, const redisReply *reply);
static ngx_int_t ngx_http_agw_redis_pages_entry(
    ngx_http_agw_redis_work_t *work, const redisReply *entry, int64_t stamp);


void
ngx_http_agw_redis_admin_list(ngx_http_agw_redis_work_t *work)
{
    ngx_http_agw_admin_t        *op;
    ngx_http_agw_redis_pages_t  *pages;
    static const agw_str_t       start = agw_string("0");

    op = work->op;

    pages = ngx_pcalloc(op->pool, sizeof(ngx_http_agw_redis_pages_t));
    if (pages == NULL) {
        ngx_http_agw_redis_work_end(work, NGX_ERROR);
        return;
    }

    work->data = pages;

    if (op->what == NGX_HTTP_AGW_ADMIN_LIST) {
        pages->kind = op->record.kind;

    } else {
        pages->kind = op->after.kind ? op->after.kind : AGW_RECORD_PARTNER;
    }

    pages->at = pages->kind == AGW_RECORD_BUSINESS ? op->after.business_id
                                                   : op->after.partner_id;

    if (pages->kind == AGW_RECORD_REVOCATION) {
        ngx_http_agw_redis_pages_entries(work);

    } else if (op->what == NGX_HTTP_AGW_ADMIN_LIST
               && agw_record_credential(pages->kind))
    {
        ngx_http_agw_redis_pages_credentials(work);

    } else if (pages->at.len == 0
               && (op->what == NGX_HTTP_AGW_ADMIN_LIST
                   || pages->kind == AGW_RECORD_PARTNER))
    {
        ngx_http_agw_redis_pages_index(work, start);

    } else {
        ngx_http_agw_redis_pages_records(work);
    }
}


/* hashes that no operation has written are found, and get their names */

static void
ngx_http_agw_redis_pages_index(ngx_http_agw_redis_work_t *work,
    agw_str_t cursor)
{
    ngx_http_agw_redis_work_script(work, &ngx_http_agw_redis_admin_index_lua,
                                   2);
    ngx_http_agw_redis_work_key(work, "partners", agw_empty);
    ngx_http_agw_redis_work_key(work, "businesses", agw_empty);

    ngx_http_agw_redis_work_arg(work, cursor);
    ngx_http_agw_redis_work_key(work, "*", agw_empty);
    ngx_http_agw_redis_work_key(work, "partner:", agw_empty);
    ngx_http_agw_redis_work_key(work, "business:", agw_empty);

    ngx_http_agw_redis_work_send(work, ngx_http_agw_redis_pages_indexed);
}


static void
ngx_http_agw_redis_pages_indexed(ngx_http_agw_redis_work_t *work,
    const redisReply *reply)
{
    agw_str_t               cursor;
    static const agw_str_t  end = agw_string("0");

    cursor = ngx_http_agw_redis_string(ngx_http_agw_redis_element(reply, 1));

    if (cursor.len == 0) {
        ngx_http_agw_redis_work_malformed(work);

    } else if (agw_str_eq(cursor, end)) {
        ngx_http_agw_redis_pages_records(work);

    } else {
        ngx_http_agw_redis_pages_index(work, cursor);
    }
}


static void
ngx_http_agw_redis_pages_records(ngx_http_agw_redis_work_t *work)
{
    agw_str_t                    status, partner_id;
    ngx_uint_t                   room;
    ngx_http_agw_admin_t        *op;
    ngx_http_agw_redis_pages_t  *pages;

    op = work->op;
    pages = work->data;

    room = op->records.nelts < op->limit ? op->limit - op->records.nelts : 0;

    if (agw_record_credential(pages->kind)) {
        ngx_http_agw_redis_work_script(work,
                               &ngx_http_agw_redis_admin_credentials_lua, 2);
        ngx_http_agw_redis_work_key(work, "partners", agw_empty);
        ngx_http_agw_redis_work_key(work, "none", agw_empty);

        ngx_http_agw_redis_work_arg(work, pages->at);
        ngx_http_agw_redis_work_number(work, room + 1);
        ngx_http_agw_redis_work_key(work, "", agw_empty);
        ngx_http_agw_redis_work_key(work, pages->kind == AGW_RECORD_JWK
                                          ? "jwks:"
                                          : pages->kind == AGW_RECORD_API_KEY
                                          ? "api_keys:" : "certificates:",
                                    agw_empty);

        ngx_http_agw_redis_work_send(work, ngx_http_agw_redis_pages_read);
        return;
    }

    status = op->filter & AGW_MEMBER_STATUS ? agw_record_status(&op->record)
                                            : agw_empty;
    partner_id = op->filter & AGW_MEMBER_PARTNER_ID ? op->record.partner_id
                                                    : agw_empty;

    ngx_http_agw_redis_work_script(work, &ngx_http_agw_redis_admin_page_lua,
                                   2);
    ngx_http_agw_redis_work_key(work, pages->kind == AGW_RECORD_PARTNER
                                       ? "partners" : "businesses", agw_empty);
    ngx_http_agw_redis_work_key(work, "none", agw_empty);

    ngx_http_agw_redis_work_arg(work, pages->at);
    ngx_http_agw_redis_work_number(work, room + 1);
    ngx_http_agw_redis_work_key(work, pages->kind == AGW_RECORD_PARTNER
                                       ? "partner:" : "business:", agw_empty);
    ngx_http_agw_redis_work_arg(work, status);
    ngx_http_agw_redis_work_arg(work, partner_id);

    ngx_http_agw_redis_work_send(work, ngx_http_agw_redis_pages_read);
}


static void
ngx_http_agw_redis_pages_read(ngx_http_agw_redis_work_t *work,
    const redisReply *reply)
{
    int64_t                      last;
    ngx_int_t                    rc;
    ngx_http_agw_redis_pages_t  *pages;

    pages = work->data;

    if (ngx_http_agw_redis_whole(ngx_http_agw_redis_element(reply, 2), &last)
        != NGX_OK)
    {
        ngx_http_agw_redis_work_malformed(work);
        return;
    }

    rc = agw_record_credential(pages->kind)
         ? ngx_http_agw_redis_pages_fill_credentials(work, reply)
         : ngx_http_agw_redis_pages_fill(work, reply);

    if (rc == NGX_OK) {
        rc = ngx_http_agw_redis_pages_copy(work,
               ngx_http_agw_redis_string(ngx_http_agw_redis_element(reply,
                                                                    1)));
    }

    if (rc != NGX_OK || work->op->more) {
        ngx_http_agw_redis_work_end(work, rc);

    } else if (last) {
        ngx_http_agw_redis_pages_next(work);

    } else {
        ngx_http_agw_redis_pages_records(work);
    }
}


static void
ngx_http_agw_redis_pages_next(ngx_http_agw_redis_work_t *work)
{
    ngx_http_agw_redis_pages_t  *pages;

    pages = work->data;

    if (work->op->what == NGX_HTTP_AGW_ADMIN_LIST
        || pages->kind == AGW_RECORD_BUSINESS)
    {
        ngx_http_agw_redis_work_end(work, NGX_OK);
        return;
    }

    pages->kind++;
    pages->at.len = 0;

    ngx_http_agw_redis_pages_records(work);
}


static ngx_int_t
ngx_http_agw_redis_pages_fill(ngx_http_agw_redis_work_t *work,
    const redisReply *reply)
{
    agw_str_t                    id;
    ngx_uint_t                   i;
    agw_record_t                 record;
    ngx_http_agw_admin_t        *op;
    ngx_http_agw_redis_pages_t  *pages;

    op = work->op;
    pages = work->data;

    for (i = 3; i + 1 < reply->elements; i += 2) {
        id = ngx_http_agw_redis_string(ngx_http_agw_redis_element(reply, i));

        if (ngx_http_agw_redis_admin_record(pages->kind, id,
                                ngx_http_agw_redis_element(reply, i + 1),
                                &record)
            != NGX_OK)
        {
            continue;
        }

        if (op->records.nelts >= op->limit) {
            op->more = 1;
            return NGX_OK;
        }

        if (ngx_http_agw_admin_add(op, &record) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* a page has all API keys of a partner, all JWKs, all certificates */

static ngx_int_t
ngx_http_agw_redis_pages_fill_credentials(ngx_http_agw_redis_work_t *work,
    const redisReply *reply)
{
    ngx_uint_t                   i, n, malformed;
    ngx_array_t                  keys;
    const redisReply            *flat;
    ngx_http_agw_admin_t        *op;
    ngx_http_agw_redis_pages_t  *pages;

    op = work->op;
    pages = work->data;

    if (ngx_array_init(&keys, op->pool, 4, sizeof(agw_record_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 3; i + 2 < reply->elements; i += 3) {
        flat = ngx_http_agw_redis_element(reply, i + 1);
        keys.nelts = 0;
        malformed = 0;

        if (flat == NULL
            || ngx_http_agw_redis_admin_record_credentials(op->pool,
                   pages->kind, ngx_http_agw_redis_string(
                                      ngx_http_agw_redis_element(reply, i)),
                   flat, ngx_http_agw_redis_element(reply, i + 2), &keys,
                   &malformed)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (malformed) {
            ngx_log_error(NGX_LOG_ERR, work->worker->log, 0,
                          "auth_gateway: store \"%V\": %ui malformed "
                          "credentials are left out of an export",
                          &work->worker->conf->shown, malformed);
        }

        if (keys.nelts && op->records.nelts >= op->limit) {
            op->more = 1;
            return NGX_OK;
        }

        for (n = 0; n < keys.nelts; n++) {
            if (ngx_http_agw_admin_add(op, (agw_record_t *) keys.elts + n)
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_redis_pages_copy(ngx_http_agw_redis_work_t *work, agw_str_t text)
{
    u_char                      *p;
    ngx_http_agw_redis_pages_t  *pages;

    pages = work->data;

    p = ngx_pnalloc(work->op->pool, text.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (text.len) {
        ngx_memcpy(p, text.data, text.len);
    }

    pages->at.data = p;
    pages->at.len = text.len;

    return NGX_OK;
}


static void
ngx_http_agw_redis_pages_credentials(ngx_http_agw_redis_work_t *work)
{
    agw_str_t                     id;
    ngx_http_agw_redis_hashes_t  *hashes;

    id = work->op->record.partner_id;
    hashes = ngx_http_agw_redis_hashes_create(work);

    if (hashes == NULL) {
        ngx_http_agw_redis_work_end(work, NGX_ERROR);
        return;
    }

    work->data = hashes;

    (void) ngx_http_agw_redis_hash(hashes, NGX_HTTP_AGW_REDIS_HASH_PARTNER,
                                   id);
    (void) ngx_http_agw_redis_hash_of(hashes, &work->op->record);
    (void) ngx_http_agw_redis_hash(hashes, NGX_HTTP_AGW_REDIS_HASH_USED, id);

    ngx_http_agw_redis_hashes_send(hashes, 0,
                                   ngx_http_agw_redis_pages_credentials_read);
}


static void
ngx_http_agw_redis_pages_credentials_read(ngx_http_agw_redis_work_t *work,
    const redisReply *reply)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    agw_record_t                 *records;
    ngx_http_agw_redis_hash_t    *partner, *keys;
    ngx_http_agw_redis_hashes_t  *hashes;

    hashes = work->data;

    rc = ngx_http_agw_redis_hashes_read(hashes, reply);

    if (rc == NGX_DECLINED) {
        ngx_http_agw_redis_work_malformed(work);
        return;
    }

    partner = ngx_http_agw_redis_hash(hashes, NGX_HTTP_AGW_REDIS_HASH_PARTNER,
                                      work->op->record.partner_id);
    keys = ngx_http_agw_redis_hash_of(hashes, &work->op->record);

    if (rc == NGX_OK && partner->records.nelts == 0) {
        work->op->result = NGX_HTTP_AGW_ADMIN_NOT_FOUND;
        ngx_http_agw_redis_work_end(work, NGX_OK);
        return;
    }

    records = keys->records.elts;

    for (i = 0; rc == NGX_OK && i < keys->records.nelts; i++) {
        rc = ngx_http_agw_admin_add(work->op, &records[i]);
    }

    ngx_http_agw_redis_work_end(work, rc);
}


/*
 * In the order of the stream: an entry that was healed has an old stamp at a
 * late place.  A page goes on behind a place.
 */

static void
ngx_http_agw_redis_pages_entries(ngx_http_agw_redis_work_t *work)
{
    u_char                      *p;
    ngx_http_agw_redis_pages_t  *pages;

    pages = work->data;

    if (pages->at.len == 0) {
        p = ngx_pnalloc(work->op->pool, 2 * NGX_INT64_LEN + 1);
        if (p == NULL) {
            ngx_http_agw_redis_work_end(work, NGX_ERROR);
            return;
        }

        pages->at.data = p;
        pages->at.len = ngx_sprintf(p, "%L-18446744073709551615",
                                    work->op->after.seq) - p;
    }

    ngx_http_agw_redis_work_script(work,
                                   &ngx_http_agw_redis_admin_entries_lua, 1);
    ngx_http_agw_redis_work_key(work, "none", agw_empty);
    ngx_http_agw_redis_work_arg(work, pages->at);

    ngx_http_agw_redis_work_send(work,
                                 ngx_http_agw_redis_pages_entries_read);
}


static void
ngx_http_agw_redis_pages_entries_read(ngx_http_agw_redis_work_t *work,
    const redisReply *reply)
{
    int64_t            stamp;
    ngx_int_t          rc;
    ngx_uint_t         i;
    const redisReply  *entries;

    entries = ngx_http_agw_redis_element(reply, 2);

    if (entries == NULL || entries->type != REDIS_REPLY_ARRAY
        || ngx_http_agw_redis_whole(ngx_http_agw_redis_element(reply, 1),
                                    &stamp)
           != NGX_OK)
    {
        ngx_http_agw_redis_work_malformed(work);
        return;
    }

    rc = NGX_OK;

    for (i = 0; i < entries->elements; i++) {

        if (rc != NGX_OK || work->op->more) {
            break;
        }

        rc = ngx_http_agw_redis_pages_entry(work,
                            ngx_http_agw_redis_element(entries, i), stamp);
    }

    if (rc == NGX_DECLINED) {
        ngx_http_agw_redis_work_malformed(work);
        return;
    }

    if (rc != NGX_OK || work->op->more
        || entries->elements < NGX_HTTP_AGW_REDIS_ADMIN_PAGE)
    {
        ngx_http_agw_redis_work_end(work, rc);
        return;
    }

    ngx_http_agw_redis_pages_entries(work);
}


/* entries of one place, which somebody wrote by hand, are in one page */

static ngx_int_t
ngx_http_agw_redis_pages_entry(ngx_http_agw_redis_work_t *work,
    const redisReply *entry, int64_t stamp)
{
    int64_t                      place, mark;
    u_char                       buf[NGX_HTTP_AGW_REVOCATION_ID_MAX];
    agw_record_t                 record;
    agw_revocation_t             revocation;
    ngx_http_agw_admin_t        *op;
    ngx_http_agw_redis_pages_t  *pages;

    op = work->op;
    pages = work->data;

    if (ngx_http_agw_redis_entry_id(entry, &place, &mark) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_http_agw_redis_entry(entry, place, stamp, &revocation)
        != NGX_HTTP_AGW_REDIS_ENTRY_OK)
    {
        goto next;
    }

    ngx_memzero(&record, sizeof(agw_record_t));

    record.kind = AGW_RECORD_REVOCATION;
    record.has = AGW_MEMBER_KIND|AGW_MEMBER_ID|AGW_MEMBER_SEQ|AGW_MEMBER_TIME
                 | (revocation.partner_id.len ? AGW_MEMBER_PARTNER_ID : 0);
    record.id_kind = ngx_http_agw_revocation_kind(revocation.kind);
    record.id = ngx_http_agw_revocation_id(&revocation, buf);
    record.seq = revocation.stamp;
    record.time = revocation.time;
    record.partner_id = revocation.partner_id;

    if (((op->filter & AGW_MEMBER_KIND)
         && !agw_str_eq(record.id_kind, op->record.id_kind))
        || ((op->filter & AGW_MEMBER_PARTNER_ID)
            && !agw_str_eq(record.partner_id, op->record.partner_id)))
    {
        goto next;
    }

    if (op->records.nelts >= op->limit && place != pages->last) {
        op->more = 1;
        op->next_seq = pages->last;
        return NGX_OK;
    }

    pages->last = place;

    if (ngx_http_agw_admin_add(op, &record) != NGX_OK) {
        return NGX_ERROR;
    }

next:

    return ngx_http_agw_redis_pages_copy(work,
               ngx_http_agw_redis_string(ngx_http_agw_redis_element(entry,
                                                                    0)));
}
