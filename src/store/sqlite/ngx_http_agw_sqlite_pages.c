
/*
 * Pages of rows, in the order of a key.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_admin_change.h"
#include "ngx_http_agw_sqlite_db.h"
#include "ngx_http_agw_sqlite_pages.h"


static int ngx_http_agw_sqlite_pages_get(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op);
static int ngx_http_agw_sqlite_pages_list(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op);
static int ngx_http_agw_sqlite_pages_export(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op);
static int ngx_http_agw_sqlite_pages_page(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op, agw_record_kind_t kind);
static int ngx_http_agw_sqlite_pages_bind(sqlite3_stmt *stmt,
    ngx_http_agw_admin_t *op, agw_record_kind_t kind);
static int ngx_http_agw_sqlite_pages_fill(sqlite3_stmt *stmt,
    ngx_http_agw_admin_t *op, agw_record_kind_t kind);
static ngx_uint_t ngx_http_agw_sqlite_pages_full(
    const ngx_http_agw_admin_t *op, const agw_record_t *next);


int
ngx_http_agw_sqlite_read_records(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op)
{
    int  rc;

    ngx_http_agw_admin_begin(op);

    rc = sqlite3_exec(rs->db, "BEGIN", NULL, NULL, NULL);

    if (rc == SQLITE_OK) {
        switch (op->what) {

        case NGX_HTTP_AGW_ADMIN_GET:
            rc = ngx_http_agw_sqlite_pages_get(rs, op);
            break;

        case NGX_HTTP_AGW_ADMIN_LIST:
            rc = ngx_http_agw_sqlite_pages_list(rs, op);
            break;

        default:
            rc = ngx_http_agw_sqlite_pages_export(rs, op);
            break;
        }
    }

    return rc == SQLITE_OK ? sqlite3_exec(rs->db, "COMMIT", NULL, NULL, NULL)
                           : rc;
}


static int
ngx_http_agw_sqlite_pages_get(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op)
{
    int           rc;
    agw_record_t  found;

    rc = ngx_http_agw_sqlite_find_record(rs, op, &op->record, &found);

    if (rc == SQLITE_DONE) {
        op->result = NGX_HTTP_AGW_ADMIN_NOT_FOUND;
        return SQLITE_OK;
    }

    if (rc != SQLITE_ROW) {
        return rc;
    }

    return ngx_http_agw_admin_add(op, &found) == NGX_OK ? SQLITE_OK
                                                        : SQLITE_NOMEM;
}


static int
ngx_http_agw_sqlite_pages_list(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op)
{
    int         rc;
    ngx_uint_t  none;

    if (agw_record_credential(op->record.kind)) {
        rc = ngx_http_agw_sqlite_find_partner_id(rs, op->record.partner_id,
                                               &none);
        if (rc != SQLITE_OK) {
            return rc;
        }

        if (none) {
            op->result = NGX_HTTP_AGW_ADMIN_NOT_FOUND;
            return SQLITE_OK;
        }
    }

    return ngx_http_agw_sqlite_pages_page(rs, op, op->record.kind);
}


static int
ngx_http_agw_sqlite_pages_export(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op)
{
    int                rc;
    agw_record_kind_t  kind, first;

    rc = SQLITE_OK;
    first = op->after.kind ? op->after.kind : AGW_RECORD_PARTNER;

    for (kind = first; kind <= AGW_RECORD_BUSINESS; kind++) {
        rc = ngx_http_agw_sqlite_pages_page(rs, op, kind);

        if (rc != SQLITE_OK || op->more) {
            break;
        }
    }

    return rc;
}


/* one row more than the page shows whether there is another page */

static int
ngx_http_agw_sqlite_pages_page(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op, agw_record_kind_t kind)
{
    int                            rc;
    sqlite3_stmt                  *stmt;
    ngx_http_agw_row_statement_t   n;

    n = NGX_HTTP_AGW_ROWS_PARTNERS + kind - AGW_RECORD_PARTNER;

    if (op->what == NGX_HTTP_AGW_ADMIN_LIST && agw_record_credential(kind)) {
        n = kind == AGW_RECORD_JWK ? NGX_HTTP_AGW_ROW_JWKS
            : kind == AGW_RECORD_CERTIFICATE ? NGX_HTTP_AGW_ROW_CERTIFICATES
            : NGX_HTTP_AGW_ROW_API_KEYS;
    }

    rc = ngx_http_agw_sqlite_statement(rs, n, &stmt);
    if (rc != SQLITE_OK) {
        return rc;
    }

    rc = ngx_http_agw_sqlite_pages_bind(stmt, op, kind);

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_pages_fill(stmt, op, kind);
    }

    ngx_http_agw_sqlite_release(stmt);

    return rc;
}


static int
ngx_http_agw_sqlite_pages_bind(sqlite3_stmt *stmt,
    ngx_http_agw_admin_t *op, agw_record_kind_t kind)
{
    int           rc;
    agw_str_t     after;
    agw_record_t  filter;

    if (kind == AGW_RECORD_REVOCATION) {
        rc = sqlite3_bind_int64(stmt, 1, op->after.seq);

    } else {
        after = kind == AGW_RECORD_BUSINESS ? op->after.business_id
                                            : op->after.partner_id;

        if (op->what == NGX_HTTP_AGW_ADMIN_LIST
            && agw_record_credential(kind))
        {
            after = op->record.partner_id;
        }

        /* an export goes on at the start of the next kind */

        if (after.len == 0 || (op->what == NGX_HTTP_AGW_ADMIN_EXPORT
                               && kind != op->after.kind))
        {
            after.data = (u_char *) "";
            after.len = 0;
        }

        rc = ngx_http_agw_sqlite_bind(stmt, 1, after);
    }

    if (rc != SQLITE_OK || agw_record_credential(kind)) {
        return rc;
    }

    rc = sqlite3_bind_int64(stmt, 2, op->limit + 1);

    filter = op->record;
    filter.kind = kind;

    if (rc == SQLITE_OK
        && (op->filter & (AGW_MEMBER_STATUS|AGW_MEMBER_KIND)))
    {
        rc = ngx_http_agw_sqlite_bind(stmt, 3, op->filter & AGW_MEMBER_KIND
                                               ? filter.id_kind
                                               : agw_record_status(&filter));
    }

    if (rc == SQLITE_OK && (op->filter & AGW_MEMBER_PARTNER_ID)) {
        rc = ngx_http_agw_sqlite_bind(stmt, 4, filter.partner_id);
    }

    return rc;
}


static int
ngx_http_agw_sqlite_pages_fill(sqlite3_stmt *stmt, ngx_http_agw_admin_t *op,
    agw_record_kind_t kind)
{
    int           rc;
    u_char        buf[AGW_KEY_ID_SIZE];
    agw_record_t  record;

    for ( ;; ) {
        rc = ngx_http_agw_sqlite_next_row(stmt, kind, &record, buf);

        if (rc != SQLITE_ROW) {
            return rc == SQLITE_DONE ? SQLITE_OK : rc;
        }

        if (ngx_http_agw_sqlite_pages_full(op, &record)) {
            op->more = 1;
            return SQLITE_OK;
        }

        if (ngx_http_agw_admin_add(op, &record) != NGX_OK) {
            return SQLITE_NOMEM;
        }

        op->next_seq = record.seq;
    }
}


/* of an export, a page has all API keys of a partner, all JWKs, ... */

static ngx_uint_t
ngx_http_agw_sqlite_pages_full(const ngx_http_agw_admin_t *op,
    const agw_record_t *next)
{
    const agw_record_t  *last;

    if (agw_record_credential(next->kind)) {
        if (op->what == NGX_HTTP_AGW_ADMIN_LIST || op->records.nelts == 0) {
            return 0;
        }

        last = (const agw_record_t *) op->records.elts + op->records.nelts - 1;

        return op->records.nelts >= op->limit
               && !(last->kind == next->kind
                    && agw_str_eq(last->partner_id, next->partner_id));
    }

    return op->records.nelts >= op->limit;
}
