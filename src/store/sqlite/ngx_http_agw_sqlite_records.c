
/*
 * Each kind of record has its columns in one order, in queries and in
 * statements that write.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_admin_change.h"
#include "ngx_http_agw_sqlite_db.h"
#include "ngx_http_agw_sqlite_records.h"
#include "ngx_http_agw_sqlite_schema.h"


#define NGX_HTTP_AGW_API_KEY_COLUMNS                                          \
    "partner_id, key_sha256, key_id, name, created_at, not_before,"           \
    " expires_at, last_used_at"


static int ngx_http_agw_row_text(sqlite3_stmt *stmt, int column,
    agw_str_t *text);
static int ngx_http_agw_row_key_id(agw_record_t *record, u_char *buf);
static int ngx_http_agw_bind_record(sqlite3_stmt *stmt,
    const agw_record_t *record);


static const unsigned  ngx_http_agw_row_columns[][9] = {
    [AGW_RECORD_PARTNER] = {
        AGW_MEMBER_PARTNER_ID, AGW_MEMBER_STATUS, AGW_MEMBER_NAME,
        AGW_MEMBER_SCOPES, 0
    },
    [AGW_RECORD_API_KEY] = {
        AGW_MEMBER_PARTNER_ID, AGW_MEMBER_KEY_SHA256, AGW_MEMBER_KEY_ID,
        AGW_MEMBER_NAME, AGW_MEMBER_CREATED_AT, AGW_MEMBER_NOT_BEFORE,
        AGW_MEMBER_EXPIRES_AT, AGW_MEMBER_LAST_USED_AT, 0
    },
    [AGW_RECORD_JWK] = {
        AGW_MEMBER_PARTNER_ID, AGW_MEMBER_KID, AGW_MEMBER_JWK, 0
    },
    [AGW_RECORD_CERTIFICATE] = {
        AGW_MEMBER_PARTNER_ID, AGW_MEMBER_X5T, AGW_MEMBER_NOT_AFTER, 0
    },
    [AGW_RECORD_BUSINESS] = {
        AGW_MEMBER_BUSINESS_ID, AGW_MEMBER_PARTNER_ID, AGW_MEMBER_STATUS, 0
    },
    [AGW_RECORD_REVOCATION] = {
        AGW_MEMBER_SEQ, AGW_MEMBER_KIND, AGW_MEMBER_ID, AGW_MEMBER_TIME,
        AGW_MEMBER_PARTNER_ID, 0
    }
};


static const char  *ngx_http_agw_row_sql[NGX_HTTP_AGW_ROW_STATEMENTS] = {

    [NGX_HTTP_AGW_ROW_PARTNER] =
        "SELECT partner_id, status, name, scopes FROM partners"
        " WHERE partner_id = ?1",

    [NGX_HTTP_AGW_ROW_API_KEYS] =
        "SELECT " NGX_HTTP_AGW_API_KEY_COLUMNS " FROM api_keys"
        " WHERE partner_id = ?1",

    [NGX_HTTP_AGW_ROW_API_KEY] =
        "SELECT " NGX_HTTP_AGW_API_KEY_COLUMNS " FROM api_keys"
        " WHERE partner_id = ?1 AND key_sha256 = ?2",

    [NGX_HTTP_AGW_ROW_JWKS] =
        "SELECT partner_id, kid, jwk FROM jwks WHERE partner_id = ?1",

    [NGX_HTTP_AGW_ROW_CERTIFICATES] =
        "SELECT partner_id, x5t_s256, not_after FROM certificates"
        " WHERE partner_id = ?1",

    [NGX_HTTP_AGW_ROW_BUSINESS] =
        "SELECT business_id, partner_id, status FROM businesses"
        " WHERE business_id = ?1",

    [NGX_HTTP_AGW_ROWS_PARTNERS] =
        "SELECT partner_id, status, name, scopes FROM partners"
        " WHERE partner_id > ?1 AND (?3 IS NULL OR status = ?3)"
        " ORDER BY partner_id LIMIT ?2",

    [NGX_HTTP_AGW_ROWS_API_KEYS] =
        "SELECT " NGX_HTTP_AGW_API_KEY_COLUMNS " FROM api_keys"
        " WHERE partner_id > ?1 ORDER BY partner_id, key_sha256",

    [NGX_HTTP_AGW_ROWS_JWKS] =
        "SELECT partner_id, kid, jwk FROM jwks"
        " WHERE partner_id > ?1 ORDER BY partner_id, kid",

    [NGX_HTTP_AGW_ROWS_CERTIFICATES] =
        "SELECT partner_id, x5t_s256, not_after FROM certificates"
        " WHERE partner_id > ?1 ORDER BY partner_id, x5t_s256",

    [NGX_HTTP_AGW_ROWS_BUSINESSES] =
        "SELECT business_id, partner_id, status FROM businesses"
        " WHERE business_id > ?1 AND (?3 IS NULL OR status = ?3)"
        " AND (?4 IS NULL OR partner_id = ?4)"
        " ORDER BY business_id LIMIT ?2",

    [NGX_HTTP_AGW_ROWS_REVOCATIONS] =
        "SELECT seq, kind, id, time, partner_id FROM revocations"
        " INDEXED BY revocations_by_seq WHERE seq > ?1"
        " AND (?3 IS NULL OR kind = ?3)"
        " AND (?4 IS NULL OR (kind = 'partner' AND id = ?4)"
        " OR (kind = 'business' AND partner_id = ?4)"
        " OR (kind IN ('token', 'owner')"
        " AND substr(id, 1, length(?4) + 1) = ?4 || ':'))"
        " ORDER BY seq LIMIT ?2",

    [NGX_HTTP_AGW_INSERT_PARTNER] =
        "INSERT INTO partners (partner_id, status, name, scopes)"
        " VALUES (?1, ?2, ?3, ?4)",

    [NGX_HTTP_AGW_INSERT_API_KEY] =
        "INSERT INTO api_keys (" NGX_HTTP_AGW_API_KEY_COLUMNS ")"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",

    [NGX_HTTP_AGW_INSERT_JWK] =
        "INSERT INTO jwks (partner_id, kid, jwk) VALUES (?1, ?2, ?3)",

    [NGX_HTTP_AGW_INSERT_CERTIFICATE] =
        "INSERT INTO certificates (partner_id, x5t_s256, not_after)"
        " VALUES (?1, ?2, ?3)",

    [NGX_HTTP_AGW_INSERT_BUSINESS] =
        "INSERT INTO businesses (business_id, partner_id, status)"
        " VALUES (?1, ?2, ?3)",

    [NGX_HTTP_AGW_UPDATE_PARTNER] =
        "UPDATE partners SET status = ?2, name = ?3, scopes = ?4"
        " WHERE partner_id = ?1",

    [NGX_HTTP_AGW_UPDATE_API_KEY] =
        "UPDATE api_keys SET key_id = ?3, name = ?4, created_at = ?5,"
        " not_before = ?6, expires_at = ?7, last_used_at = ?8"
        " WHERE partner_id = ?1 AND key_sha256 = ?2",

    [NGX_HTTP_AGW_UPDATE_JWK] =
        "UPDATE jwks SET jwk = ?3 WHERE partner_id = ?1 AND kid = ?2",

    [NGX_HTTP_AGW_UPDATE_CERTIFICATE] =
        "UPDATE certificates SET not_after = ?3"
        " WHERE partner_id = ?1 AND x5t_s256 = ?2",

    [NGX_HTTP_AGW_UPDATE_BUSINESS] =
        "UPDATE businesses SET partner_id = ?2, status = ?3"
        " WHERE business_id = ?1",

    [NGX_HTTP_AGW_DELETE_API_KEY] =
        "DELETE FROM api_keys WHERE partner_id = ?1 AND key_sha256 = ?2",

    [NGX_HTTP_AGW_DELETE_JWK] =
        "DELETE FROM jwks WHERE partner_id = ?1 AND kid = ?2",

    [NGX_HTTP_AGW_DELETE_CERTIFICATE] =
        "DELETE FROM certificates WHERE partner_id = ?1 AND x5t_s256 = ?2",

    [NGX_HTTP_AGW_USE_API_KEY] =
        "UPDATE api_keys SET last_used_at = ?3"
        " WHERE partner_id = ?1 AND key_sha256 = ?2"
        " AND ifnull(last_used_at, 0) < ?3",

    [NGX_HTTP_AGW_READ_STAMP] = "SELECT stamp FROM clock",

    [NGX_HTTP_AGW_NEXT_STAMP] = ngx_http_agw_sqlite_next_stamp_sql,

    [NGX_HTTP_AGW_REVOKE_ID] = ngx_http_agw_sqlite_revoke_sql
};


void
ngx_http_agw_sqlite_records_close(ngx_http_agw_sqlite_records_t *rs)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_AGW_ROW_STATEMENTS; i++) {
        sqlite3_finalize(rs->stmts[i]);
        rs->stmts[i] = NULL;
    }

    rs->db = NULL;
}


int
ngx_http_agw_sqlite_statement(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_row_statement_t n, sqlite3_stmt **stmt)
{
    int  rc;

    rc = SQLITE_OK;

    if (rs->stmts[n] == NULL) {
        rc = sqlite3_prepare_v3(rs->db, ngx_http_agw_row_sql[n], -1,
                                SQLITE_PREPARE_PERSISTENT, &rs->stmts[n],
                                NULL);
    }

    *stmt = rs->stmts[n];

    return rc;
}


int
ngx_http_agw_sqlite_bind(sqlite3_stmt *stmt, int parameter, agw_str_t text)
{
    return sqlite3_bind_text(stmt, parameter, (const char *) text.data,
                             (int) text.len, SQLITE_STATIC);
}


int
ngx_http_agw_sqlite_next_row(sqlite3_stmt *stmt, agw_record_kind_t kind,
    agw_record_t *record, u_char *buf)
{
    int              rc, i;
    agw_str_t        status, *text;
    const unsigned  *columns;

    rc = sqlite3_step(stmt);

    if (rc != SQLITE_ROW) {
        return rc;
    }

    ngx_memzero(record, sizeof(agw_record_t));

    record->kind = kind;
    columns = ngx_http_agw_row_columns[kind];

    for (i = 0; columns[i] != 0; i++) {

        if (sqlite3_column_type(stmt, i) == SQLITE_NULL) {
            continue;
        }

        record->has |= columns[i];

        if (columns[i] == AGW_MEMBER_STATUS) {
            if (ngx_http_agw_row_text(stmt, i, &status) != SQLITE_OK) {
                return SQLITE_NOMEM;
            }

            (void) agw_record_set_status(record, status);
            continue;
        }

        text = agw_record_text(record, columns[i]);

        if (text == NULL) {
            *agw_record_number(record, columns[i]) =
                                                sqlite3_column_int64(stmt, i);

        } else if (ngx_http_agw_row_text(stmt, i, text) != SQLITE_OK) {
            return SQLITE_NOMEM;
        }
    }

    return kind == AGW_RECORD_API_KEY ? ngx_http_agw_row_key_id(record, buf)
                                      : SQLITE_ROW;
}


static int
ngx_http_agw_row_text(sqlite3_stmt *stmt, int column, agw_str_t *text)
{
    text->data = sqlite3_column_text(stmt, column);
    text->len = sqlite3_column_bytes(stmt, column);

    return text->data ? SQLITE_OK : SQLITE_NOMEM;
}


static int
ngx_http_agw_row_key_id(agw_record_t *record, u_char *buf)
{
    if (record->has & AGW_MEMBER_KEY_ID) {
        return SQLITE_ROW;
    }

    if (agw_record_derive_key_id(record->key_sha256, buf) != 0) {
        return SQLITE_NOMEM;
    }

    record->has |= AGW_MEMBER_KEY_ID;
    record->key_id.data = buf;
    record->key_id.len = AGW_KEY_ID_SIZE;

    return SQLITE_ROW;
}


int
ngx_http_agw_sqlite_find_record(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op, const agw_record_t *wanted, agw_record_t *found)
{
    int                            rc;
    u_char                         buf[AGW_KEY_ID_SIZE];
    unsigned                       named;
    ngx_uint_t                     by_digest;
    sqlite3_stmt                  *stmt;
    ngx_http_agw_row_statement_t   n;

    by_digest = (wanted->kind == AGW_RECORD_API_KEY
                 && !(wanted->has & AGW_MEMBER_KEY_ID));

    switch (wanted->kind) {

    case AGW_RECORD_PARTNER:
        n = NGX_HTTP_AGW_ROW_PARTNER;
        break;

    case AGW_RECORD_BUSINESS:
        n = NGX_HTTP_AGW_ROW_BUSINESS;
        break;

    case AGW_RECORD_JWK:
        n = NGX_HTTP_AGW_ROW_JWKS;
        break;

    case AGW_RECORD_CERTIFICATE:
        n = NGX_HTTP_AGW_ROW_CERTIFICATES;
        break;

    default:
        n = by_digest ? NGX_HTTP_AGW_ROW_API_KEY : NGX_HTTP_AGW_ROW_API_KEYS;
        break;
    }

    named = by_digest ? 0 : agw_record_credential(wanted->kind);

    rc = ngx_http_agw_sqlite_statement(rs, n, &stmt);
    if (rc != SQLITE_OK) {
        return rc;
    }

    rc = ngx_http_agw_sqlite_bind(stmt, 1, wanted->kind == AGW_RECORD_BUSINESS
                                           ? wanted->business_id
                                           : wanted->partner_id);

    if (rc == SQLITE_OK && by_digest) {
        rc = ngx_http_agw_sqlite_bind(stmt, 2, wanted->key_sha256);
    }

    if (rc == SQLITE_OK) {
        do {
            rc = ngx_http_agw_sqlite_next_row(stmt, wanted->kind, found, buf);

        } while (rc == SQLITE_ROW && named
                 && !agw_record_same(found, wanted, named));
    }

    if (rc == SQLITE_ROW && ngx_http_agw_admin_keep(op, found) != NGX_OK) {
        rc = SQLITE_NOMEM;
    }

    ngx_http_agw_sqlite_release(stmt);

    return rc;
}


int
ngx_http_agw_sqlite_write_record(ngx_http_agw_sqlite_records_t *rs,
    const agw_record_t *record, ngx_uint_t exists)
{
    int            rc, first;
    sqlite3_stmt  *stmt;

    first = exists ? NGX_HTTP_AGW_UPDATE_PARTNER : NGX_HTTP_AGW_INSERT_PARTNER;

    rc = ngx_http_agw_sqlite_statement(rs, first + record->kind
                                           - AGW_RECORD_PARTNER, &stmt);
    if (rc != SQLITE_OK) {
        return rc;
    }

    rc = ngx_http_agw_bind_record(stmt, record);

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }

    ngx_http_agw_sqlite_release(stmt);

    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}


static int
ngx_http_agw_bind_record(sqlite3_stmt *stmt, const agw_record_t *record)
{
    int              rc, i;
    agw_str_t        value;
    agw_record_t     copy;
    const unsigned  *columns;

    copy = *record;
    columns = ngx_http_agw_row_columns[record->kind];
    rc = SQLITE_OK;

    for (i = 0; rc == SQLITE_OK && columns[i] != 0; i++) {

        if (!(copy.has & columns[i])) {
            rc = sqlite3_bind_null(stmt, i + 1);
            continue;
        }

        if (agw_record_number(&copy, columns[i]) != NULL) {
            rc = sqlite3_bind_int64(stmt, i + 1,
                                    *agw_record_number(&copy, columns[i]));
            continue;
        }

        value = columns[i] == AGW_MEMBER_STATUS
                ? agw_record_status(&copy)
                : *agw_record_text(&copy, columns[i]);

        if (value.len == 0) {
            value.data = (u_char *) "";
        }

        rc = ngx_http_agw_sqlite_bind(stmt, i + 1, value);
    }

    return rc;
}


int
ngx_http_agw_sqlite_find_partner_id(ngx_http_agw_sqlite_records_t *rs,
    agw_str_t partner_id, ngx_uint_t *none)
{
    int            rc;
    sqlite3_stmt  *stmt;

    rc = ngx_http_agw_sqlite_statement(rs, NGX_HTTP_AGW_ROW_PARTNER, &stmt);
    if (rc != SQLITE_OK) {
        return rc;
    }

    rc = ngx_http_agw_sqlite_bind(stmt, 1, partner_id);

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }

    ngx_http_agw_sqlite_release(stmt);

    *none = (rc == SQLITE_DONE);

    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}
