
/*
 * A worker's connection to a SQLite store.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_sqlite_db.h"
#include "ngx_http_agw_sqlite_migrate.h"
#include "ngx_http_agw_sqlite_schema.h"


/* a daemon of nginx has no umask, but a store has digests of API keys */

#define NGX_HTTP_AGW_SQLITE_UMASK  027


static int ngx_http_agw_sqlite_connect(ngx_http_agw_sqlite_t *sqlite,
    ngx_log_t *log);
static int ngx_http_agw_sqlite_announce(ngx_http_agw_sqlite_t *sqlite);
static int ngx_http_agw_sqlite_step_limits(ngx_http_agw_sqlite_t *sqlite,
    const char *sql);
static int ngx_http_agw_sqlite_find_partner(ngx_http_agw_sqlite_t *sqlite);


/*
 * The stamp is read in the same statement as the rows that allow a token:
 * otherwise the token could get a stamp that is newer than those.  There is no
 * row if the partner does not exist, even if it has keys.
 */

static const char  ngx_http_agw_sqlite_find_api_key_sql[] =
    "SELECT p.status = 'active', k.not_before, k.expires_at,"
    " (SELECT stamp FROM clock), p.scopes"
    " FROM partners p LEFT JOIN api_keys k"
    " ON k.partner_id = p.partner_id AND k.key_sha256 = ?2"
    " WHERE p.partner_id = ?1";

/* the same, with notAfter as the last second of a certificate */

static const char  ngx_http_agw_sqlite_find_certificate_sql[] =
    "SELECT p.status = 'active', iif(c.x5t_s256 IS NULL, NULL, 0),"
    " c.not_after + 1, (SELECT stamp FROM clock), p.scopes"
    " FROM partners p LEFT JOIN certificates c"
    " ON c.partner_id = p.partner_id AND c.x5t_s256 = ?2"
    " WHERE p.partner_id = ?1";

static const char  ngx_http_agw_sqlite_find_jwk_sql[] =
    "SELECT p.status = 'active', iif(j.kid IS NULL, NULL, 0), NULL,"
    " (SELECT stamp FROM clock), p.scopes, j.jwk"
    " FROM partners p LEFT JOIN jwks j"
    " ON j.partner_id = p.partner_id AND j.kid = ?2"
    " WHERE p.partner_id = ?1";

/*
 * There is always exactly one row.  ?3 is the id of a partner token, or NULL;
 * the fifth column is whether that token has ended.  Its id in the table may be
 * followed by a colon and a business.
 */

static const char  ngx_http_agw_sqlite_find_business_sql[] =
    "SELECT p.status = 'active',"
    " b.partner_id = ?1, b.status = 'active', c.stamp,"
    " ?3 IS NOT NULL AND ("
    "EXISTS (SELECT 1 FROM revocations WHERE kind = 'partner' AND id = ?1"
    " AND iif(?4 >= 0, ?4 < seq, ?5 <= time))"
    " OR EXISTS (SELECT 1 FROM revocations"
    " WHERE kind = 'token' AND id = ?3)"
    " OR EXISTS (SELECT 1 FROM revocations"
    " WHERE kind = 'token' AND id >= ?3 || ':' AND id < ?3 || ';')),"
    " p.scopes"
    " FROM clock c LEFT JOIN partners p ON p.partner_id = ?1"
    " LEFT JOIN businesses b ON b.business_id = ?2";

static const char  ngx_http_agw_sqlite_read_clock_sql[] =
    "SELECT c.stamp, c.floor, c.horizon,"
    " (SELECT tag FROM revocation_log WHERE seq = ?1), l.seq, l.tag"
    " FROM clock c LEFT JOIN"
    " (SELECT seq, tag FROM revocation_log ORDER BY seq DESC LIMIT 1) l";

/* the index has all columns, so no row is read */

static const char  ngx_http_agw_sqlite_read_rows_sql[] =
    "SELECT seq, kind, id, time, partner_id FROM revocations"
    " INDEXED BY revocations_by_seq WHERE seq > ?1 ORDER BY seq LIMIT ?2";


/* the file is locked while another process creates or migrates the schema */

int
ngx_http_agw_sqlite_connect_first(ngx_http_agw_sqlite_t *sqlite,
    ngx_log_t *log)
{
    int         rc;
    ngx_uint_t  left;

    left = NGX_HTTP_AGW_SQLITE_START / NGX_HTTP_AGW_SQLITE_RETRY;

    sqlite->busy_until = ngx_current_msec;

    for ( ;; ) {
        rc = ngx_http_agw_sqlite_connect(sqlite, log);

        if (rc != SQLITE_BUSY || left-- == 0) {
            return rc;
        }

        ngx_msleep(NGX_HTTP_AGW_SQLITE_RETRY);
    }
}


void
ngx_http_agw_sqlite_disconnect(ngx_http_agw_sqlite_t *sqlite)
{
    sqlite3_finalize(sqlite->find_api_key);
    sqlite3_finalize(sqlite->find_certificate);
    sqlite3_finalize(sqlite->find_jwk);
    sqlite3_finalize(sqlite->find_business);
    sqlite3_finalize(sqlite->read_clock);
    sqlite3_finalize(sqlite->read_rows);
    sqlite3_close(sqlite->db);

    sqlite->find_api_key = NULL;
    sqlite->find_certificate = NULL;
    sqlite->find_jwk = NULL;
    sqlite->find_business = NULL;
    sqlite->read_clock = NULL;
    sqlite->read_rows = NULL;
    sqlite->db = NULL;
}


/*
 * Returns SQLITE_OK; SQLITE_BUSY, to be tried again; or another code, which is
 * logged.  A store is created only if this worker has not opened it before.
 * If it was removed later, that is an error until there is one again that is
 * not empty.
 */

static int
ngx_http_agw_sqlite_connect(ngx_http_agw_sqlite_t *sqlite, ngx_log_t *log)
{
    int     rc, flags;
    mode_t  mask;

    /* from before: if another file comes meanwhile, it has moved */

    sqlite->file_id = ngx_http_agw_sqlite_file_id(sqlite->path);

    flags = SQLITE_OPEN_READWRITE|SQLITE_OPEN_NOMUTEX
            |(sqlite->opened ? 0 : SQLITE_OPEN_CREATE);

    /* SQLite gives the WAL the mode and owner of this file */

    mask = umask(NGX_HTTP_AGW_SQLITE_UMASK);

    rc = sqlite->file_id == NGX_HTTP_AGW_SQLITE_NOT_FILE
         ? SQLITE_CANTOPEN
         : sqlite3_open_v2(sqlite->path, &sqlite->db, flags, NULL);

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_migrate(sqlite, log);
    }

    (void) umask(mask);

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_announce(sqlite);
    }

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_prepare(sqlite);
    }

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_find_partner(sqlite);
    }

    if (rc == SQLITE_OK) {

        if (sqlite->file_id == NGX_HTTP_AGW_SQLITE_NO_FILE) {
            sqlite->file_id = ngx_http_agw_sqlite_file_id(sqlite->path);
        }

        sqlite->opened = 1;
        return SQLITE_OK;
    }

    if (rc == SQLITE_BUSY) {
        sqlite->busy_until = ngx_current_msec + NGX_HTTP_AGW_SQLITE_RETRY;
    }

    /* ngx_http_agw_sqlite_migrate() has logged a SQLITE_MISMATCH */

    if (rc != SQLITE_BUSY && rc != SQLITE_MISMATCH) {
        ngx_http_agw_sqlite_log(NGX_LOG_ERR, log, sqlite->path,
                                "cannot be opened", sqlite->db, rc);
    }

    ngx_http_agw_sqlite_disconnect(sqlite);

    return rc;
}


void
ngx_http_agw_sqlite_log(ngx_uint_t level, ngx_log_t *log, const char *path,
    const char *what, sqlite3 *db, int rc)
{
    u_char  buf[NGX_HTTP_AGW_SQLITE_ERROR];

    ngx_log_error(level, log, ngx_http_agw_sqlite_errno(db, rc),
                  "auth_gateway: store \"%s\" %s: %s", path, what,
                  ngx_http_agw_sqlite_error(db, rc, buf));
}


const char *
ngx_http_agw_sqlite_error(sqlite3 *db, int rc, u_char *buf)
{
    u_char  *p;

    p = ngx_slprintf(buf, buf + NGX_HTTP_AGW_SQLITE_ERROR - 1,
                     "%s, SQLite code %d",
                     db ? sqlite3_errmsg(db) : sqlite3_errstr(rc),
                     db ? sqlite3_extended_errcode(db) : rc);
    *p = '\0';

    return (const char *) buf;
}


ngx_err_t
ngx_http_agw_sqlite_errno(sqlite3 *db, int rc)
{
    rc &= 0xff;

    /* with other codes it may be that of an earlier call */

    if (db == NULL || (rc != SQLITE_CANTOPEN && rc != SQLITE_IOERR)) {
        return 0;
    }

    return sqlite3_system_errno(db);
}


/*
 * Tells the store how long a token may live here, before this nginx accepts
 * one.  Usually the store knows it already.  If another process is writing,
 * the writer does it later, since this connection never waits for a lock.
 */

static int
ngx_http_agw_sqlite_announce(ngx_http_agw_sqlite_t *sqlite)
{
    int  rc;

    rc = ngx_http_agw_sqlite_step_limits(sqlite,
                                         "SELECT 1 FROM clock"
                                         " WHERE horizon < ?1 OR ahead < ?2");

    if (rc == SQLITE_ROW) {
        rc = ngx_http_agw_sqlite_step_limits(sqlite,
                                             ngx_http_agw_sqlite_announce_sql);
        rc = (rc == SQLITE_BUSY) ? SQLITE_DONE : rc;
    }

    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}


static int
ngx_http_agw_sqlite_step_limits(ngx_http_agw_sqlite_t *sqlite, const char *sql)
{
    int            rc;
    sqlite3_stmt  *stmt;

    rc = sqlite3_prepare_v2(sqlite->db, sql, -1, &stmt, NULL);

    if (rc != SQLITE_OK) {
        return rc;
    }

    sqlite3_bind_int64(stmt, 1, sqlite->limits->horizon);
    sqlite3_bind_int64(stmt, 2, sqlite->limits->ahead);

    rc = sqlite3_step(stmt);

    sqlite3_finalize(stmt);

    return rc;
}


int
ngx_http_agw_sqlite_prepare(ngx_http_agw_sqlite_t *sqlite)
{
    int         rc;
    ngx_uint_t  i;

    const struct {
        const char     *sql;
        sqlite3_stmt  **stmt;
    } statements[] = {
        { ngx_http_agw_sqlite_find_api_key_sql, &sqlite->find_api_key },
        { ngx_http_agw_sqlite_find_certificate_sql,
          &sqlite->find_certificate },
        { ngx_http_agw_sqlite_find_jwk_sql, &sqlite->find_jwk },
        { ngx_http_agw_sqlite_find_business_sql, &sqlite->find_business },
        { ngx_http_agw_sqlite_read_clock_sql, &sqlite->read_clock },
        { ngx_http_agw_sqlite_read_rows_sql, &sqlite->read_rows }
    };

    for (i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        rc = sqlite3_prepare_v3(sqlite->db, statements[i].sql, -1,
                                SQLITE_PREPARE_PERSISTENT,
                                statements[i].stmt, NULL);
        if (rc != SQLITE_OK) {
            return rc;
        }
    }

    return SQLITE_OK;
}


void
ngx_http_agw_sqlite_keep_partner(ngx_http_agw_sqlite_t *sqlite,
    agw_str_t partner_id)
{
    if (sqlite->partner_len == 0 && partner_id.len <= sizeof(sqlite->partner)) {
        ngx_memcpy(sqlite->partner, partner_id.data, partner_id.len);
        sqlite->partner_len = partner_id.len;
    }
}


static int
ngx_http_agw_sqlite_find_partner(ngx_http_agw_sqlite_t *sqlite)
{
    int            rc;
    agw_str_t      partner_id;
    sqlite3_stmt  *stmt;

    sqlite->partner_len = 0;

    rc = sqlite3_prepare_v2(sqlite->db,
                            "SELECT partner_id FROM partners"
                            " JOIN api_keys USING (partner_id)"
                            " WHERE status = 'active' LIMIT 1",
                            -1, &stmt, NULL);
    if (rc != SQLITE_OK) {
        return rc;
    }

    rc = sqlite3_step(stmt);

    if (rc == SQLITE_ROW) {
        partner_id.data = sqlite3_column_text(stmt, 0);
        partner_id.len = sqlite3_column_bytes(stmt, 0);

        ngx_http_agw_sqlite_keep_partner(sqlite, partner_id);
        rc = SQLITE_DONE;
    }

    sqlite3_finalize(stmt);

    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}


/* a file that was replaced is another store: the open one is closed */

int
ngx_http_agw_sqlite_ready(ngx_http_agw_sqlite_t *sqlite, ngx_log_t *log)
{
    if (sqlite->db != NULL) {

        if (!ngx_http_agw_sqlite_moved(sqlite->db, sqlite->path,
                                       sqlite->file_id))
        {
            return SQLITE_OK;
        }

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: store \"%s\" was moved or removed",
                      sqlite->path);

        ngx_http_agw_sqlite_disconnect(sqlite);
        sqlite->moved(sqlite->writer);
        sqlite->moved(sqlite->reader);
    }

    /* of many queries that wait, only one at a time tries to connect */

    if ((ngx_msec_int_t) (sqlite->busy_until - ngx_current_msec) > 0) {
        return SQLITE_BUSY;
    }

    return ngx_http_agw_sqlite_connect(sqlite, log);
}


void
ngx_http_agw_sqlite_release(sqlite3_stmt *stmt)
{
    (void) sqlite3_reset(stmt);
    (void) sqlite3_clear_bindings(stmt);
}
