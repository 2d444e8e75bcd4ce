
/*
 * Entries are read in the order of their stamps.  An entry that is written
 * again gets a new stamp, so that a reader reads on from its position.  The
 * log has a random tag for each change: if the last tag that was read is not
 * there, another copy of the file was restored, and all is read again.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_sqlite_db.h"
#include "ngx_http_agw_revocation_id.h"
#include "ngx_http_agw_sqlite_revocations.h"
#include "ngx_http_agw_sqlite_writer.h"


#define NGX_HTTP_AGW_SQLITE_PAGE   500       /* rows at a time */


static void ngx_http_agw_sqlite_write(void *state,
    ngx_http_agw_write_t *write);
static ngx_int_t ngx_http_agw_sqlite_read_revocations(void *state,
    ngx_http_agw_reading_t *reading);
static int ngx_http_agw_sqlite_read_clock(ngx_http_agw_sqlite_t *sqlite,
    ngx_http_agw_reading_t *reading);
static int ngx_http_agw_sqlite_read_rows(ngx_http_agw_sqlite_t *sqlite,
    ngx_http_agw_reading_t *reading, ngx_uint_t *rows);
static ngx_int_t ngx_http_agw_sqlite_revocation(sqlite3_stmt *stmt,
    agw_revocation_t *revocation);
static ngx_int_t ngx_http_agw_sqlite_failed(ngx_http_agw_sqlite_t *sqlite,
    ngx_http_agw_reading_t *reading, int rc);


const ngx_http_agw_revocations_engine_t  ngx_http_agw_sqlite_revocations = {
    ngx_http_agw_sqlite_write,
    ngx_http_agw_sqlite_write,
    ngx_http_agw_sqlite_read_revocations,
    NULL,
    NULL
};


/* revoke(), and maintain(), whose revocation has no kind */

static void
ngx_http_agw_sqlite_write(void *state, ngx_http_agw_write_t *write)
{
    ngx_http_agw_sqlite_t  *sqlite = state;

    ngx_http_agw_sqlite_writer_add(sqlite->writer, write);
}


static ngx_int_t
ngx_http_agw_sqlite_read_revocations(void *state,
    ngx_http_agw_reading_t *reading)
{
    int                     rc;
    ngx_uint_t              rows;
    ngx_http_agw_sqlite_t  *sqlite = state;

    reading->other_store = 0;
    reading->more = 0;

    rc = ngx_http_agw_sqlite_ready(sqlite, reading->log);

    if (rc != SQLITE_OK) {
        reading->other_store = (ngx_http_agw_sqlite_file_id(sqlite->path)
                                != reading->position.store_id);

        return rc == SQLITE_BUSY ? NGX_BUSY : NGX_ERROR;
    }

    rc = ngx_http_agw_sqlite_read_clock(sqlite, reading);

    if (rc != SQLITE_OK) {
        return ngx_http_agw_sqlite_failed(sqlite, reading, rc);
    }

    if (reading->position.stamp >= reading->last_stamp) {
        return NGX_OK;
    }

    rc = ngx_http_agw_sqlite_read_rows(sqlite, reading, &rows);

    if (rc != SQLITE_OK) {
        return ngx_http_agw_sqlite_failed(sqlite, reading, rc);
    }

    if (rows == NGX_HTTP_AGW_SQLITE_PAGE) {
        reading->more = 1;
        return NGX_OK;
    }

    /* a later row may have been read meanwhile */

    reading->position.stamp = ngx_max(reading->position.stamp,
                                      reading->last_stamp);

    return NGX_OK;
}


static int
ngx_http_agw_sqlite_read_clock(ngx_http_agw_sqlite_t *sqlite,
    ngx_http_agw_reading_t *reading)
{
    int                       rc;
    sqlite3_stmt             *stmt;
    ngx_http_agw_position_t  *position;

    stmt = sqlite->read_clock;
    position = &reading->position;

    rc = sqlite3_bind_int64(stmt, 1, position->mark);

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }

    if (rc != SQLITE_ROW) {
        ngx_http_agw_sqlite_release(stmt);
        return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
    }

    reading->last_stamp = sqlite3_column_int64(stmt, 0);
    reading->floor = sqlite3_column_int64(stmt, 1);
    reading->horizon = sqlite3_column_int64(stmt, 2);

    reading->restarted = position->store_id != sqlite->file_id
                    || reading->last_stamp < position->stamp
                    || (position->mark != 0
                        && (sqlite3_column_type(stmt, 3) == SQLITE_NULL
                            || sqlite3_column_int64(stmt, 3)
                               != position->mark_tag));

    if (reading->restarted) {
        position->store_id = sqlite->file_id;
        position->stamp = 0;
    }

    position->mark = sqlite3_column_int64(stmt, 4);
    position->mark_tag = sqlite3_column_int64(stmt, 5);

    ngx_http_agw_sqlite_release(stmt);

    return SQLITE_OK;
}


static int
ngx_http_agw_sqlite_read_rows(ngx_http_agw_sqlite_t *sqlite,
    ngx_http_agw_reading_t *reading, ngx_uint_t *rows)
{
    int                rc;
    sqlite3_stmt      *stmt;
    agw_revocation_t   revocation;

    stmt = sqlite->read_rows;
    *rows = 0;

    rc = sqlite3_bind_int64(stmt, 1, reading->position.stamp);

    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int(stmt, 2, NGX_HTTP_AGW_SQLITE_PAGE);
    }

    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(stmt);

        if (rc != SQLITE_ROW) {
            break;
        }

        (*rows)++;

        if (ngx_http_agw_sqlite_revocation(stmt, &revocation) == NGX_OK) {
            reading->handler(reading->data, &revocation);
        }

        reading->position.stamp = sqlite3_column_int64(stmt, 0);
    }

    ngx_http_agw_sqlite_release(stmt);

    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}


/* NGX_DECLINED if the row is not one that this module writes */

static ngx_int_t
ngx_http_agw_sqlite_revocation(sqlite3_stmt *stmt,
    agw_revocation_t *revocation)
{
    agw_str_t  kind, id;

    kind = ngx_http_agw_sqlite_column(stmt, 1);
    id = ngx_http_agw_sqlite_column(stmt, 2);

    ngx_memzero(revocation, sizeof(agw_revocation_t));

    revocation->stamp = sqlite3_column_int64(stmt, 0);
    revocation->time = sqlite3_column_int64(stmt, 3);

    if (ngx_http_agw_revocation_parse_id(kind, id, revocation) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (revocation->kind == AGW_REVOCATION_BUSINESS) {
        revocation->partner_id = ngx_http_agw_sqlite_column(stmt, 4);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_sqlite_failed(ngx_http_agw_sqlite_t *sqlite,
    ngx_http_agw_reading_t *reading, int rc)
{
    reading->other_store = (sqlite->file_id != reading->position.store_id);

    if (rc == SQLITE_BUSY) {
        return NGX_BUSY;
    }

    ngx_http_agw_sqlite_log(NGX_LOG_ERR, reading->log, sqlite->path,
                            "cannot be read for revocations", sqlite->db, rc);

    ngx_http_agw_sqlite_disconnect(sqlite);

    return NGX_ERROR;
}
