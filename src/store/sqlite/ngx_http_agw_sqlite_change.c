
/*
 * Operations that write are committed with others, so each has a savepoint: one
 * that is declined, or whose import has a bad record, leaves nothing behind.
 * The triggers write what a change revokes; it is found by its stamps.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_admin_change.h"
#include "ngx_http_agw_revocation_id.h"
#include "ngx_http_agw_sqlite_change.h"
#include "ngx_http_agw_sqlite_db.h"


static int ngx_http_agw_sqlite_change_write(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op);
static int ngx_http_agw_sqlite_change_one(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op);
static int ngx_http_agw_sqlite_change_store(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op, const agw_record_t *stored,
    const agw_record_t *made);
static int ngx_http_agw_sqlite_change_roll(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op, const agw_record_t *old);
static int ngx_http_agw_sqlite_change_delete(ngx_http_agw_sqlite_records_t *rs,
    const agw_record_t *credential);
static int ngx_http_agw_sqlite_change_end(ngx_http_agw_sqlite_records_t *rs,
    const agw_record_t *api_key);
static int ngx_http_agw_sqlite_change_import(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op);
static int ngx_http_agw_sqlite_change_import_one(
    ngx_http_agw_sqlite_records_t *rs, ngx_http_agw_admin_t *op, ngx_uint_t i,
    agw_str_t *partner_id);
static int ngx_http_agw_sqlite_change_taken(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op, const agw_record_t *made);
static int ngx_http_agw_sqlite_change_used(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op);
static int ngx_http_agw_sqlite_change_stamp(ngx_http_agw_sqlite_records_t *rs,
    int64_t *stamp);
static int ngx_http_agw_sqlite_change_revoked(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op, int64_t after);
static int ngx_http_agw_sqlite_change_step(sqlite3_stmt *stmt, int rc);


int
ngx_http_agw_sqlite_change(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op)
{
    int         rc;
    int64_t     stamp;
    ngx_uint_t  keep;

    ngx_http_agw_admin_begin(op);

    stamp = 0;

    rc = sqlite3_exec(rs->db, "SAVEPOINT admin", NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        return rc;
    }

    rc = ngx_http_agw_sqlite_change_stamp(rs, &stamp);

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_change_write(rs, op);
    }

    keep = (rc == SQLITE_OK && !op->dry_run
            && (op->result == NGX_HTTP_AGW_ADMIN_DONE
                || op->result == NGX_HTTP_AGW_ADMIN_CREATED));

    if (keep) {
        rc = ngx_http_agw_sqlite_change_revoked(rs, op, stamp);
    }

    if (rc == SQLITE_OK && keep) {
        return sqlite3_exec(rs->db, "RELEASE admin", NULL, NULL, NULL);
    }

    /* some errors have undone the whole transaction */

    if (sqlite3_get_autocommit(rs->db)) {
        return rc;
    }

    (void) sqlite3_exec(rs->db, "ROLLBACK TO admin; RELEASE admin", NULL, NULL,
                        NULL);
    return rc;
}


static int
ngx_http_agw_sqlite_change_write(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op)
{
    switch (op->what) {

    case NGX_HTTP_AGW_ADMIN_IMPORT:
        return ngx_http_agw_sqlite_change_import(rs, op);

    case NGX_HTTP_AGW_ADMIN_USED:
        return ngx_http_agw_sqlite_change_used(rs, op);

    default:
        return ngx_http_agw_sqlite_change_one(rs, op);
    }
}


static int
ngx_http_agw_sqlite_change_one(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op)
{
    int            rc;
    agw_str_t      partner_id;
    ngx_uint_t     none;
    agw_record_t   stored, made, *found;

    rc = ngx_http_agw_sqlite_find_record(rs, op, &op->record, &stored);

    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        return rc;
    }

    found = rc == SQLITE_ROW ? &stored : NULL;

    /* that of the record as it will be */

    partner_id = op->record.partner_id;

    if (found != NULL && op->record.kind == AGW_RECORD_BUSINESS
        && op->what == NGX_HTTP_AGW_ADMIN_PATCH
        && !(op->patch & AGW_MEMBER_PARTNER_ID))
    {
        partner_id = stored.partner_id;
    }

    rc = ngx_http_agw_sqlite_find_partner_id(rs, partner_id, &none);

    if (rc != SQLITE_OK
        || ngx_http_agw_admin_decide(op, found, none, &made) != NGX_OK)
    {
        return rc;
    }

    return ngx_http_agw_sqlite_change_store(rs, op, found, &made);
}


static int
ngx_http_agw_sqlite_change_store(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op, const agw_record_t *stored,
    const agw_record_t *made)
{
    int  rc;

    switch (op->what) {

    case NGX_HTTP_AGW_ADMIN_DELETE:
        return ngx_http_agw_sqlite_change_delete(rs, made);

    case NGX_HTTP_AGW_ADMIN_END:
        return ngx_http_agw_sqlite_change_end(rs, made);

    case NGX_HTTP_AGW_ADMIN_ROLL:
        return ngx_http_agw_sqlite_change_roll(rs, op, made);

    default:
        break;
    }

    rc = ngx_http_agw_sqlite_write_record(rs, made, stored != NULL);

    if (rc == SQLITE_OK && ngx_http_agw_admin_add(op, made) != NGX_OK) {
        rc = SQLITE_NOMEM;
    }

    return rc;
}


static int
ngx_http_agw_sqlite_change_roll(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op, const agw_record_t *old)
{
    int           rc;
    agw_record_t  made;

    ngx_http_agw_admin_rolled(op, old, &made);

    rc = ngx_http_agw_sqlite_write_record(rs, old, 1);

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_write_record(rs, &made, 0);
    }

    if (rc == SQLITE_OK
        && (ngx_http_agw_admin_add(op, &made) != NGX_OK
            || ngx_http_agw_admin_add(op, old) != NGX_OK))
    {
        rc = SQLITE_NOMEM;
    }

    return rc;
}


static int
ngx_http_agw_sqlite_change_delete(ngx_http_agw_sqlite_records_t *rs,
    const agw_record_t *credential)
{
    int            rc, n;
    agw_str_t      id;
    sqlite3_stmt  *stmt;

    n = NGX_HTTP_AGW_DELETE_API_KEY + credential->kind - AGW_RECORD_API_KEY;

    rc = ngx_http_agw_sqlite_statement(rs, n, &stmt);
    if (rc != SQLITE_OK) {
        return rc;
    }

    id = credential->kind == AGW_RECORD_JWK ? credential->kid
         : credential->kind == AGW_RECORD_CERTIFICATE ? credential->x5t
         : credential->key_sha256;

    rc = ngx_http_agw_sqlite_bind(stmt, 1, credential->partner_id);

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_bind(stmt, 2, id);
    }

    return ngx_http_agw_sqlite_change_step(stmt, rc);
}


static int
ngx_http_agw_sqlite_change_end(ngx_http_agw_sqlite_records_t *rs,
    const agw_record_t *api_key)
{
    int            rc;
    sqlite3_stmt  *stmt;

    rc = ngx_http_agw_sqlite_change_delete(rs, api_key);

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_statement(rs, NGX_HTTP_AGW_NEXT_STAMP, &stmt);
    }

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_change_step(stmt, SQLITE_OK);
    }

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_statement(rs, NGX_HTTP_AGW_REVOKE_ID, &stmt);
    }

    if (rc != SQLITE_OK) {
        return rc;
    }

    rc = ngx_http_agw_sqlite_bind(stmt, 1,
                      ngx_http_agw_revocation_kind(AGW_REVOCATION_PARTNER));

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_bind(stmt, 2, api_key->partner_id);
    }

    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int64(stmt, 3, 0);
    }

    return ngx_http_agw_sqlite_change_step(stmt, rc);
}


static int
ngx_http_agw_sqlite_change_import(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op)
{
    int         rc;
    agw_str_t   partner_id;
    ngx_uint_t  i;

    rc = SQLITE_OK;
    partner_id.len = 0;

    for (i = 0; rc == SQLITE_OK && i < op->nimport; i++) {
        rc = ngx_http_agw_sqlite_change_import_one(rs, op, i, &partner_id);

        if (op->result != NGX_HTTP_AGW_ADMIN_DONE) {
            break;
        }
    }

    return rc;
}


/* *partner_id is one that is known to exist: lines have the same many times */

static int
ngx_http_agw_sqlite_change_import_one(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op, ngx_uint_t i, agw_str_t *partner_id)
{
    int            rc;
    ngx_int_t      decided;
    ngx_uint_t     none;
    agw_record_t   wanted, stored, made, *found;

    wanted = op->import[i];

    if (wanted.kind == AGW_RECORD_API_KEY) {
        wanted.has &= ~AGW_MEMBER_KEY_ID;
    }

    rc = ngx_http_agw_sqlite_find_record(rs, op, &wanted, &stored);

    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        return rc;
    }

    found = rc == SQLITE_ROW ? &stored : NULL;
    none = 0;
    rc = SQLITE_OK;

    if (wanted.kind != AGW_RECORD_PARTNER
        && !agw_str_eq(wanted.partner_id, *partner_id))
    {
        rc = ngx_http_agw_sqlite_find_partner_id(rs, wanted.partner_id, &none);
        *partner_id = wanted.partner_id;
    }

    if (rc != SQLITE_OK) {
        return rc;
    }

    decided = ngx_http_agw_admin_decide_import(op, i, found, none, &made);

    if (decided != NGX_OK) {
        return decided == NGX_DECLINED ? SQLITE_OK : SQLITE_NOMEM;
    }

    if (made.kind == AGW_RECORD_API_KEY) {
        rc = ngx_http_agw_sqlite_change_taken(rs, op, &made);
    }

    if (rc != SQLITE_OK || op->result != NGX_HTTP_AGW_ADMIN_DONE) {
        return rc;
    }

    return ngx_http_agw_sqlite_write_record(rs, &made, found != NULL);
}


static int
ngx_http_agw_sqlite_change_taken(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op, const agw_record_t *made)
{
    int           rc;
    agw_record_t  other;

    rc = ngx_http_agw_sqlite_find_record(rs, op, made, &other);

    if (rc == SQLITE_ROW
        && !agw_str_eq(other.key_sha256, made->key_sha256))
    {
        op->result = NGX_HTTP_AGW_ADMIN_TAKEN;
        op->member = AGW_MEMBER_KEY_ID;
    }

    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}


static int
ngx_http_agw_sqlite_change_used(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op)
{
    int            rc;
    ngx_uint_t     i;
    sqlite3_stmt  *stmt;

    rc = ngx_http_agw_sqlite_statement(rs, NGX_HTTP_AGW_USE_API_KEY, &stmt);

    for (i = 0; rc == SQLITE_OK && i < op->nimport; i++) {
        rc = ngx_http_agw_sqlite_bind(stmt, 1, op->import[i].partner_id);

        if (rc == SQLITE_OK) {
            rc = ngx_http_agw_sqlite_bind(stmt, 2, op->import[i].key_sha256);
        }

        if (rc == SQLITE_OK) {
            rc = sqlite3_bind_int64(stmt, 3, op->import[i].last_used_at);
        }

        rc = ngx_http_agw_sqlite_change_step(stmt, rc);
    }

    return rc;
}


static int
ngx_http_agw_sqlite_change_stamp(ngx_http_agw_sqlite_records_t *rs,
    int64_t *stamp)
{
    int            rc;
    sqlite3_stmt  *stmt;

    rc = ngx_http_agw_sqlite_statement(rs, NGX_HTTP_AGW_READ_STAMP, &stmt);
    if (rc != SQLITE_OK) {
        return rc;
    }

    rc = sqlite3_step(stmt);

    if (rc == SQLITE_ROW) {
        *stamp = sqlite3_column_int64(stmt, 0);
    }

    ngx_http_agw_sqlite_release(stmt);

    return rc == SQLITE_ROW ? SQLITE_OK
                            : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}


/* what this transaction revoked after a stamp */

static int
ngx_http_agw_sqlite_change_revoked(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op, int64_t after)
{
    int                rc;
    agw_record_t       record;
    sqlite3_stmt      *stmt;
    agw_revocation_t   revocation;

    rc = ngx_http_agw_sqlite_statement(rs, NGX_HTTP_AGW_ROWS_REVOCATIONS,
                                       &stmt);
    if (rc != SQLITE_OK) {
        return rc;
    }

    rc = sqlite3_bind_int64(stmt, 1, after);

    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int64(stmt, 2, -1);
    }

    while (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_next_row(stmt, AGW_RECORD_REVOCATION, &record,
                                          NULL);
        if (rc != SQLITE_ROW) {
            break;
        }

        rc = SQLITE_OK;

        ngx_memzero(&revocation, sizeof(agw_revocation_t));

        if (ngx_http_agw_revocation_parse_id(record.id_kind, record.id,
                                             &revocation)
            != NGX_OK)
        {
            continue;
        }

        revocation.stamp = record.seq;
        revocation.time = record.time;

        if (ngx_http_agw_admin_add_revocation(op, &revocation) != NGX_OK) {
            rc = SQLITE_NOMEM;
        }
    }

    ngx_http_agw_sqlite_release(stmt);

    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}


/* rc is that of the bindings */

static int
ngx_http_agw_sqlite_change_step(sqlite3_stmt *stmt, int rc)
{
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }

    ngx_http_agw_sqlite_release(stmt);

    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
