
/*
 * Records of the administration as rows of a SQLite store.
 */


#ifndef NGX_HTTP_AGW_SQLITE_RECORDS_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_RECORDS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <sqlite3.h>

#include "ngx_http_agw_store_admin.h"


/* queries of rows; their parameters are in this order */

typedef enum {
    NGX_HTTP_AGW_ROW_PARTNER = 0,    /* partner_id */
    NGX_HTTP_AGW_ROW_API_KEYS,       /* partner_id */
    NGX_HTTP_AGW_ROW_API_KEY,        /* partner_id, key_sha256 */
    NGX_HTTP_AGW_ROW_JWKS,           /* partner_id */
    NGX_HTTP_AGW_ROW_CERTIFICATES,   /* partner_id */
    NGX_HTTP_AGW_ROW_BUSINESS,       /* business_id */
    NGX_HTTP_AGW_ROWS_PARTNERS,      /* after, limit, status */
    NGX_HTTP_AGW_ROWS_API_KEYS,      /* after: a partner_id */
    NGX_HTTP_AGW_ROWS_JWKS,          /* the same */
    NGX_HTTP_AGW_ROWS_CERTIFICATES,  /* the same */
    NGX_HTTP_AGW_ROWS_BUSINESSES,    /* after, limit, status, partner_id */
    NGX_HTTP_AGW_ROWS_REVOCATIONS,   /* after: a seq, limit, kind, partner_id */

    /* statements that write; the record's members */

    NGX_HTTP_AGW_INSERT_PARTNER,
    NGX_HTTP_AGW_INSERT_API_KEY,
    NGX_HTTP_AGW_INSERT_JWK,
    NGX_HTTP_AGW_INSERT_CERTIFICATE,
    NGX_HTTP_AGW_INSERT_BUSINESS,
    NGX_HTTP_AGW_UPDATE_PARTNER,
    NGX_HTTP_AGW_UPDATE_API_KEY,
    NGX_HTTP_AGW_UPDATE_JWK,
    NGX_HTTP_AGW_UPDATE_CERTIFICATE,
    NGX_HTTP_AGW_UPDATE_BUSINESS,

    NGX_HTTP_AGW_DELETE_API_KEY,     /* partner_id, key_sha256 */
    NGX_HTTP_AGW_DELETE_JWK,         /* partner_id, kid */
    NGX_HTTP_AGW_DELETE_CERTIFICATE, /* partner_id, x5t_s256 */
    NGX_HTTP_AGW_USE_API_KEY,        /* the same, and last_used_at */
    NGX_HTTP_AGW_READ_STAMP,
    NGX_HTTP_AGW_NEXT_STAMP,
    NGX_HTTP_AGW_REVOKE_ID,          /* kind, id, 0, NULL */

    NGX_HTTP_AGW_ROW_STATEMENTS
} ngx_http_agw_row_statement_t;


/* the caller zeroes it, and sets db; statements are prepared when used */

typedef struct {
    sqlite3       *db;
    sqlite3_stmt  *stmts[NGX_HTTP_AGW_ROW_STATEMENTS];
} ngx_http_agw_sqlite_records_t;


/* finalizes the statements; db is the caller's, who closes it afterwards */

void ngx_http_agw_sqlite_records_close(ngx_http_agw_sqlite_records_t *rs);


/* *stmt is prepared, and has no bindings: SQLITE_OK or another code */

int ngx_http_agw_sqlite_statement(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_row_statement_t n, sqlite3_stmt **stmt);


/* binds a string, or NULL if it has no data; it is not copied */

int ngx_http_agw_sqlite_bind(sqlite3_stmt *stmt, int parameter,
    agw_str_t text);


/*
 * Steps a query, and reads a row into *record, whose strings are those of
 * SQLite, until the next step; key_id is made in buf, of AGW_KEY_ID_SIZE, if
 * an API key has none.  Returns SQLITE_ROW, SQLITE_DONE, or another code.
 */

int ngx_http_agw_sqlite_next_row(sqlite3_stmt *stmt, agw_record_kind_t kind,
    agw_record_t *record, u_char *buf);


/*
 * Finds the record that has the ids of wanted, or, for an API key without a
 * key_id, its key_sha256.  The strings of *found are copies.  Returns
 * SQLITE_ROW, SQLITE_DONE if there is none, or another code.
 */

int ngx_http_agw_sqlite_find_record(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op, const agw_record_t *wanted, agw_record_t *found);


/* whether there is no such partner: SQLITE_OK or another code */

int ngx_http_agw_sqlite_find_partner_id(ngx_http_agw_sqlite_records_t *rs,
    agw_str_t partner_id, ngx_uint_t *none);


/* runs a statement that writes a record: SQLITE_OK or another code */

int ngx_http_agw_sqlite_write_record(ngx_http_agw_sqlite_records_t *rs,
    const agw_record_t *record, ngx_uint_t exists);


#endif /* NGX_HTTP_AGW_SQLITE_RECORDS_H_INCLUDED_ */
