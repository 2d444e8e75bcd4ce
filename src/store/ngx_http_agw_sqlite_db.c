
/*
 * Opening, making and checking a SQLite store.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_sqlite_db.h"
#include "ngx_http_agw_sqlite_schema.h"


#define NGX_HTTP_AGW_SQLITE_START   3000     /* ms for a worker to open */


static int ngx_http_agw_sqlite_connect(ngx_http_agw_sqlite_t *sqlite,
    ngx_log_t *log);
static int ngx_http_agw_sqlite_migrate(sqlite3 *db, ngx_log_t *log);
static int ngx_http_agw_sqlite_version(sqlite3 *db, int *version,
    int *empty);
static int ngx_http_agw_sqlite_prepare(ngx_http_agw_sqlite_t *sqlite);


/*
 * Each question gives exactly one row, whatever is found: the work, and so
 * the time, hardly tells an unknown partner from a wrong key.
 */

static const char  ngx_http_agw_sqlite_find_api_key_sql[] =
    "SELECT (SELECT status = 'active' FROM partners WHERE partner_id = ?1),"
    " k.not_before, k.expires_at"
    " FROM (SELECT 1) LEFT JOIN api_keys k"
    " ON k.partner_id = ?1 AND k.key_sha256 = ?2";

static const char  ngx_http_agw_sqlite_find_business_sql[] =
    "SELECT (SELECT status = 'active' FROM partners WHERE partner_id = ?1),"
    " b.partner_id = ?1, b.status = 'active'"
    " FROM (SELECT 1) LEFT JOIN businesses b ON b.business_id = ?2";


/*
 * Workers start together on a new file: the first makes the schema, while
 * the others wait here, before they serve.
 */

void
ngx_http_agw_sqlite_open(void *state, ngx_log_t *log)
{
    int                     rc;
    ngx_uint_t              left;
    ngx_http_agw_sqlite_t  *sqlite = state;

    left = NGX_HTTP_AGW_SQLITE_START / NGX_HTTP_AGW_SQLITE_RETRY;

    for ( ;; ) {
        rc = ngx_http_agw_sqlite_connect(sqlite, log);

        if (rc == SQLITE_OK) {
            return;
        }

        if (rc != SQLITE_BUSY || left-- == 0) {
            break;
        }

        ngx_msleep(NGX_HTTP_AGW_SQLITE_RETRY);
    }

    if (rc == SQLITE_BUSY) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: store \"%s\" is locked by another "
                      "process", sqlite->path);
    }
}


void
ngx_http_agw_sqlite_close(void *state)
{
    ngx_http_agw_sqlite_t  *sqlite = state;

    sqlite3_finalize(sqlite->find_api_key);
    sqlite3_finalize(sqlite->find_business);
    sqlite3_close(sqlite->db);

    sqlite->find_api_key = NULL;
    sqlite->find_business = NULL;
    sqlite->db = NULL;
}


/*
 * Returns SQLITE_OK; SQLITE_BUSY, to be tried again; or another code, which
 * is logged.  Only a store that this worker has never had open is made new:
 * one that was removed under it is out of reach until it is back, rather
 * than empty.
 */

static int
ngx_http_agw_sqlite_connect(ngx_http_agw_sqlite_t *sqlite, ngx_log_t *log)
{
    int  rc, flags;

    flags = SQLITE_OPEN_READWRITE|SQLITE_OPEN_NOMUTEX
            |(sqlite->opened ? 0 : SQLITE_OPEN_CREATE);

    rc = sqlite3_open_v2(sqlite->path, &sqlite->db, flags, NULL);

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_migrate(sqlite->db, log);
    }

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_prepare(sqlite);
    }

    if (rc == SQLITE_OK) {
        sqlite->opened = 1;
        return SQLITE_OK;
    }

    /* a SQLITE_MISMATCH is our own, and logged */

    if (rc != SQLITE_BUSY && rc != SQLITE_MISMATCH) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: store \"%s\" cannot be opened: %s",
                      sqlite->path,
                      sqlite->db ? sqlite3_errmsg(sqlite->db)
                                 : sqlite3_errstr(rc));
    }

    ngx_http_agw_sqlite_close(sqlite);

    return rc;
}


/*
 * A store that is up to date is only read here: another process may be
 * writing it.
 */

static int
ngx_http_agw_sqlite_migrate(sqlite3 *db, ngx_log_t *log)
{
    int  rc, version, empty;

    version = 0;
    empty = 0;

    rc = sqlite3_exec(db, "PRAGMA journal_mode = WAL;"
                          "PRAGMA synchronous = FULL",
                      NULL, NULL, NULL);

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_version(db, &version, &empty);
    }

    if (rc != SQLITE_OK || version == NGX_HTTP_AGW_SQLITE_VERSION) {
        return rc;
    }

    rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_version(db, &version, &empty);
    }

    if (rc == SQLITE_OK && version != NGX_HTTP_AGW_SQLITE_VERSION) {

        if (version != 0 || !empty) {
            ngx_log_error(NGX_LOG_ERR, log, 0,
                          "auth_gateway: store \"%s\" has user_version %d, "
                          "accepted is %d, or 0 in an empty database",
                          sqlite3_db_filename(db, "main"), version,
                          NGX_HTTP_AGW_SQLITE_VERSION);
            return SQLITE_MISMATCH;
        }

        rc = sqlite3_exec(db, ngx_http_agw_sqlite_schema, NULL, NULL, NULL);
    }

    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    }

    return rc;                       /* closing rolls back what is left */
}


static int
ngx_http_agw_sqlite_version(sqlite3 *db, int *version, int *empty)
{
    int            rc;
    sqlite3_stmt  *stmt;

    rc = sqlite3_prepare_v2(db,
                            "SELECT user_version, NOT EXISTS"
                            " (SELECT 1 FROM sqlite_schema)"
                            " FROM pragma_user_version",
                            -1, &stmt, NULL);
    if (rc != SQLITE_OK) {
        return rc;
    }

    rc = sqlite3_step(stmt);

    if (rc == SQLITE_ROW) {
        *version = sqlite3_column_int(stmt, 0);
        *empty = sqlite3_column_int(stmt, 1);
        rc = SQLITE_OK;
    }

    sqlite3_finalize(stmt);

    return rc;
}


static int
ngx_http_agw_sqlite_prepare(ngx_http_agw_sqlite_t *sqlite)
{
    int  rc;

    rc = sqlite3_prepare_v3(sqlite->db, ngx_http_agw_sqlite_find_api_key_sql,
                            -1, SQLITE_PREPARE_PERSISTENT,
                            &sqlite->find_api_key, NULL);

    if (rc != SQLITE_OK) {
        return rc;
    }

    return sqlite3_prepare_v3(sqlite->db,
                              ngx_http_agw_sqlite_find_business_sql,
                              -1, SQLITE_PREPARE_PERSISTENT,
                              &sqlite->find_business, NULL);
}


/* a file that was replaced is another store: its old one says nothing */

int
ngx_http_agw_sqlite_ready(ngx_http_agw_sqlite_t *sqlite, ngx_log_t *log)
{
    int  moved;

    moved = 0;

    if (sqlite->db != NULL) {
        (void) sqlite3_file_control(sqlite->db, "main",
                                    SQLITE_FCNTL_HAS_MOVED, &moved);

        if (!moved) {
            return SQLITE_OK;
        }

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: store \"%s\" was moved or removed",
                      sqlite->path);

        ngx_http_agw_sqlite_close(sqlite);
    }

    return ngx_http_agw_sqlite_connect(sqlite, log);
}
