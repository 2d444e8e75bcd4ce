
/*
 * A row's round is that of the last reading of the whole stream which has met
 * it, with at least its stamp: a row of an earlier round is one that the
 * stream has lost.
 *
 * Rows and position are one transaction, so that a crash leaves an older
 * position, from which all is read again, and never a gap.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_copy.h"
#include "ngx_http_agw_revocation_id.h"


#define NGX_HTTP_AGW_REDIS_COPY_UMASK  027
#define NGX_HTTP_AGW_REDIS_COPY_TRY    5        /* ms between two tries */


static int ngx_http_agw_redis_copy_connect(ngx_http_agw_redis_copy_t *copy);
static int ngx_http_agw_redis_copy_busy(void *data, int tries);
static int ngx_http_agw_redis_copy_is_empty(ngx_http_agw_redis_copy_t *copy,
    ngx_uint_t *empty);
static void ngx_http_agw_redis_copy_remove(ngx_http_agw_redis_copy_t *copy);
static int ngx_http_agw_redis_copy_read(ngx_http_agw_redis_copy_t *copy);
static int ngx_http_agw_redis_copy_exec(ngx_http_agw_redis_copy_t *copy,
    const char *sql);
static int ngx_http_agw_redis_copy_give(sqlite3_stmt *stmt, ngx_uint_t n,
    ngx_uint_t *given, ngx_http_agw_revocation_pt handler, void *data);


/* rows lie in the order of their writing, in which they are met again, too */

static const char  ngx_http_agw_redis_copy_schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS entries ("
    " kind TEXT NOT NULL,"
    " id TEXT NOT NULL,"
    " seq INTEGER NOT NULL,"
    " time INTEGER NOT NULL,"
    " partner_id TEXT,"
    " round INTEGER NOT NULL,"
    " PRIMARY KEY (kind, id)"
    ") STRICT;"
    "CREATE TABLE IF NOT EXISTS state ("
    " one INTEGER PRIMARY KEY CHECK (one = 1),"
    " epoch INTEGER NOT NULL,"
    " stamp INTEGER NOT NULL,"
    " mark INTEGER NOT NULL,"
    " mark_tag INTEGER NOT NULL,"
    " floor INTEGER NOT NULL,"
    " last INTEGER NOT NULL,"
    " horizon INTEGER NOT NULL,"
    " round INTEGER NOT NULL,"
    " written INTEGER NOT NULL,"
    " store TEXT NOT NULL"
    ") STRICT;"
    "INSERT OR IGNORE INTO state VALUES (1, 0, 0, 0, 0, 0, 0, 0, 1, 0, '');"
    "PRAGMA user_version = 1;"
    "COMMIT;";

static const char  ngx_http_agw_redis_copy_put_sql[] =
    "INSERT INTO entries (kind, id, seq, time, partner_id, round)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    " ON CONFLICT (kind, id) DO UPDATE SET seq = max(seq, excluded.seq),"
    " round = iif((excluded.seq, excluded.round) > (seq, round),"
    " excluded.round, round), time = max(time, excluded.time), partner_id ="
    " ifnull(partner_id, excluded.partner_id) WHERE excluded.seq > seq"
    " OR excluded.round > round OR excluded.time > time";

static const char  ngx_http_agw_redis_copy_state_sql[] =
    "UPDATE state SET epoch = ?1, stamp = ?2, mark = ?3, mark_tag = ?4,"
    " floor = ?5, last = ?6, horizon = ?7, round = ?8, written = ?9,"
    " store = ifnull(?10, store)";


ngx_int_t
ngx_http_agw_redis_copy_open(ngx_http_agw_redis_copy_t *copy, ngx_log_t *log)
{
    int  rc;

    if (copy->db != NULL) {
        return NGX_OK;
    }

    rc = ngx_http_agw_redis_copy_connect(copy);

    if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB || rc == SQLITE_MISMATCH) {
        ngx_http_agw_redis_copy_log(copy, log, "is damaged, and made anew",
                                    rc);

        ngx_http_agw_redis_copy_close(copy);
        ngx_http_agw_redis_copy_remove(copy);

        rc = ngx_http_agw_redis_copy_connect(copy);
    }

    if (rc == SQLITE_OK) {
        return NGX_OK;
    }

    if (rc != SQLITE_BUSY || copy->patience != 0) {
        ngx_http_agw_redis_copy_log(copy, log, "cannot be opened", rc);
        ngx_http_agw_redis_copy_close(copy);

        return NGX_ERROR;
    }

    ngx_http_agw_redis_copy_close(copy);

    return NGX_BUSY;
}


static int
ngx_http_agw_redis_copy_connect(ngx_http_agw_redis_copy_t *copy)
{
    int         rc;
    mode_t      mask;
    ngx_uint_t  empty;

    /* from before: if another file comes meanwhile, it has moved */

    copy->file_id = ngx_http_agw_sqlite_file_id(copy->path);

    if (copy->file_id == NGX_HTTP_AGW_SQLITE_NOT_FILE) {
        return SQLITE_CANTOPEN;
    }

    mask = umask(NGX_HTTP_AGW_REDIS_COPY_UMASK);

    rc = sqlite3_open_v2(copy->path, &copy->db,
                         SQLITE_OPEN_READWRITE|SQLITE_OPEN_CREATE
                         |SQLITE_OPEN_NOMUTEX, NULL);

    if (rc == SQLITE_OK) {
        rc = sqlite3_busy_handler(copy->db, ngx_http_agw_redis_copy_busy,
                                  copy);
    }

    empty = 0;

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_redis_copy_is_empty(copy, &empty);
    }

    /* one that has tables has ours, or nothing is done to it */

    if (rc == SQLITE_OK && !empty) {
        rc = ngx_http_agw_redis_copy_read(copy);
    }

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_redis_copy_exec(copy,
                                          "PRAGMA journal_mode = WAL;"
                                          "PRAGMA synchronous = NORMAL;"
                                          "PRAGMA journal_size_limit ="
                                          " 4194304");
    }

    if (rc == SQLITE_OK && empty) {
        rc = ngx_http_agw_redis_copy_exec(copy,
                                          ngx_http_agw_redis_copy_schema);

        if (rc == SQLITE_OK) {
            rc = ngx_http_agw_redis_copy_read(copy);
        }
    }

    /* the former one is of files that are older */

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_redis_copy_exec(copy,
                          "DROP INDEX IF EXISTS entries_by_round;"
                          "CREATE INDEX IF NOT EXISTS entries_in_turn"
                          " ON entries (round, seq)");
    }

    if (rc == SQLITE_OK) {
        rc = sqlite3_prepare_v3(copy->db, ngx_http_agw_redis_copy_put_sql, -1,
                                SQLITE_PREPARE_PERSISTENT, &copy->put, NULL);
    }

    (void) umask(mask);

    if (copy->file_id == NGX_HTTP_AGW_SQLITE_NO_FILE) {
        copy->file_id = ngx_http_agw_sqlite_file_id(copy->path);
    }

    return rc;
}


/* nginx kills a worker that is to end at once, and has not after 3 s */

static int
ngx_http_agw_redis_copy_busy(void *data, int tries)
{
    const ngx_http_agw_redis_copy_t  *copy = data;

    if (ngx_terminate
        || tries * NGX_HTTP_AGW_REDIS_COPY_TRY >= copy->patience)
    {
        return 0;
    }

    ngx_msleep(NGX_HTTP_AGW_REDIS_COPY_TRY);

    return 1;
}


static int
ngx_http_agw_redis_copy_is_empty(ngx_http_agw_redis_copy_t *copy,
    ngx_uint_t *empty)
{
    int            rc;
    sqlite3_stmt  *stmt;

    rc = sqlite3_prepare_v2(copy->db, "SELECT 1 FROM sqlite_master", -1, &stmt,
                            NULL);

    if (rc != SQLITE_OK) {
        return rc;
    }

    rc = sqlite3_step(stmt);
    sqlite3_finalize(stmt);

    *empty = (rc == SQLITE_DONE);

    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}


/* it may be no replica at all: it is kept, beside the new one */

static void
ngx_http_agw_redis_copy_remove(ngx_http_agw_redis_copy_t *copy)
{
    u_char  name[NGX_MAX_PATH + sizeof(".damaged")];

    if (ngx_strlen(copy->path) > NGX_MAX_PATH) {
        return;
    }

    (void) ngx_sprintf(name, "%s.damaged%Z", copy->path);
    (void) ngx_rename_file(copy->path, name);

    (void) ngx_sprintf(name, "%s-wal%Z", copy->path);
    (void) ngx_delete_file(name);

    (void) ngx_sprintf(name, "%s-shm%Z", copy->path);
    (void) ngx_delete_file(name);
}


void
ngx_http_agw_redis_copy_close(ngx_http_agw_redis_copy_t *copy)
{
    sqlite3_finalize(copy->put);
    sqlite3_finalize(copy->rows);

    /* the journal is read at the next start; writing it back takes a while */

    if (copy->db != NULL && ngx_terminate) {
        (void) sqlite3_db_config(copy->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
                                 NULL);
    }

    sqlite3_close(copy->db);

    copy->put = NULL;
    copy->rows = NULL;
    copy->db = NULL;
}


static int
ngx_http_agw_redis_copy_read(ngx_http_agw_redis_copy_t *copy)
{
    int                          rc;
    agw_str_t                    store;
    sqlite3_stmt                *stmt;
    ngx_http_agw_redis_state_t  *state;

    state = &copy->state;

    rc = sqlite3_prepare_v2(copy->db,
                            "SELECT epoch, stamp, mark, mark_tag, floor, last,"
                            " horizon, round, written, store FROM state"
                            " WHERE one = 1",
                            -1, &stmt, NULL);

    if (rc != SQLITE_OK) {
        return rc;
    }

    rc = sqlite3_step(stmt);

    if (rc == SQLITE_ROW) {
        state->position.store_id = (uint64_t) sqlite3_column_int64(stmt, 0);
        state->position.stamp = sqlite3_column_int64(stmt, 1);
        state->position.mark = sqlite3_column_int64(stmt, 2);
        state->position.mark_tag = sqlite3_column_int64(stmt, 3);
        state->floor = sqlite3_column_int64(stmt, 4);
        state->last = sqlite3_column_int64(stmt, 5);
        state->horizon = sqlite3_column_int64(stmt, 6);
        state->round = sqlite3_column_int64(stmt, 7);
        state->written = (time_t) sqlite3_column_int64(stmt, 8);

        store = ngx_http_agw_sqlite_column(stmt, 9);

        state->whole = store.len == copy->store.len
                       && ngx_memcmp(store.data, copy->store.data, store.len)
                          == 0;
        state->other = store.len != 0 && !state->whole;

        (void) ngx_snprintf(copy->of, sizeof(copy->of), "%*s%Z",
                            ngx_min(store.len, sizeof(copy->of) - 1),
                            store.data);

        rc = SQLITE_OK;

    } else if (rc == SQLITE_DONE) {
        rc = SQLITE_MISMATCH;
    }

    sqlite3_finalize(stmt);

    if (rc == SQLITE_OK
        && ((uint64_t) state->last > AGW_STAMP_MAX
            || state->floor < 0 || state->floor > state->last
            || (uint64_t) state->position.stamp > AGW_STAMP_MAX
            || state->position.mark < 0
            || (uint64_t) state->horizon > AGW_STAMP_MAX
            || (uint64_t) state->written > AGW_STAMP_MAX
            || state->round < 1 || state->round > AGW_STAMP_MAX))
    {
        return SQLITE_MISMATCH;
    }

    return rc;
}


ngx_int_t
ngx_http_agw_redis_copy_rows(ngx_http_agw_redis_copy_t *copy, ngx_uint_t n,
    ngx_uint_t *rows, ngx_http_agw_revocation_pt handler, void *data,
    ngx_log_t *log)
{
    int         rc;
    ngx_uint_t  given;

    rc = SQLITE_OK;
    given = 0;

    if (copy->rows == NULL) {
        rc = sqlite3_prepare_v2(copy->db,
                                "SELECT kind, id, seq, time, partner_id"
                                " FROM entries", -1, &copy->rows, NULL);
    }

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_redis_copy_give(copy->rows, n, &given, handler,
                                          data);
    }

    *rows += given;

    if (rc == SQLITE_OK && given == n) {
        return NGX_AGAIN;
    }

    sqlite3_finalize(copy->rows);
    copy->rows = NULL;

    if (rc == SQLITE_OK) {
        return NGX_OK;
    }

    ngx_http_agw_redis_copy_log(copy, log, "cannot be read", rc);

    return NGX_ERROR;
}


int
ngx_http_agw_redis_copy_begin(ngx_http_agw_redis_copy_t *copy)
{
    int  rc;

    rc = ngx_http_agw_redis_copy_exec(copy, "BEGIN IMMEDIATE");

    return rc == SQLITE_OK ? ngx_http_agw_redis_copy_read(copy) : rc;
}


int
ngx_http_agw_redis_copy_put(ngx_http_agw_redis_copy_t *copy,
    agw_revocation_kind_t kind, agw_str_t id, agw_str_t partner_id,
    int64_t stamp, int64_t time, ngx_uint_t seen)
{
    int            rc;
    agw_str_t      name;
    sqlite3_stmt  *stmt;

    stmt = copy->put;
    name = ngx_http_agw_revocation_kind(kind);

    sqlite3_bind_text(stmt, 1, (const char *) name.data, (int) name.len,
                      SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, (const char *) id.data, (int) id.len,
                      SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 3, stamp);
    sqlite3_bind_int64(stmt, 4, time);

    if (partner_id.len != 0) {
        sqlite3_bind_text(stmt, 5, (const char *) partner_id.data,
                          (int) partner_id.len, SQLITE_STATIC);

    } else {
        sqlite3_bind_null(stmt, 5);
    }

    sqlite3_bind_int64(stmt, 6, seen ? copy->state.round : 0);

    rc = sqlite3_step(stmt);

    sqlite3_reset(stmt);

    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}


int
ngx_http_agw_redis_copy_state(ngx_http_agw_redis_copy_t *copy,
    const ngx_http_agw_redis_state_t *state)
{
    int            rc;
    ngx_uint_t     raised;
    sqlite3_stmt  *stmt;

    rc = sqlite3_prepare_v2(copy->db, ngx_http_agw_redis_copy_state_sql, -1,
                            &stmt, NULL);

    if (rc != SQLITE_OK) {
        return rc;
    }

    raised = (state->floor > copy->state.floor);

    sqlite3_bind_int64(stmt, 1, (int64_t) state->position.store_id);
    sqlite3_bind_int64(stmt, 2, state->position.stamp);
    sqlite3_bind_int64(stmt, 3, state->position.mark);
    sqlite3_bind_int64(stmt, 4, state->position.mark_tag);
    sqlite3_bind_int64(stmt, 5, ngx_max(state->floor, copy->state.floor));
    sqlite3_bind_int64(stmt, 6, ngx_max(state->last, copy->state.last));
    sqlite3_bind_int64(stmt, 7, ngx_max(state->horizon, copy->state.horizon));
    sqlite3_bind_int64(stmt, 8, copy->state.round);
    sqlite3_bind_int64(stmt, 9, state->written);

    if (state->whole) {
        sqlite3_bind_text(stmt, 10, (const char *) copy->store.data,
                          (int) copy->store.len, SQLITE_STATIC);

    } else {
        sqlite3_bind_null(stmt, 10);
    }

    rc = sqlite3_step(stmt);

    sqlite3_finalize(stmt);

    if (rc == SQLITE_DONE && raised) {
        return ngx_http_agw_redis_copy_exec(copy,
                                            "DELETE FROM entries WHERE seq <="
                                            " (SELECT floor FROM state)");
    }

    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}


int
ngx_http_agw_redis_copy_end(ngx_http_agw_redis_copy_t *copy)
{
    return ngx_http_agw_redis_copy_exec(copy, "COMMIT");
}


int
ngx_http_agw_redis_copy_cancel(ngx_http_agw_redis_copy_t *copy)
{
    return ngx_http_agw_redis_copy_exec(copy, "ROLLBACK");
}


int
ngx_http_agw_redis_copy_lacking(ngx_http_agw_redis_copy_t *copy, ngx_uint_t n,
    int64_t last, ngx_http_agw_revocation_pt handler, void *data)
{
    int            rc, met;
    ngx_uint_t     given;
    sqlite3_stmt  *stmt;

    /* in the order of the index: to sort all of them takes long */

    for (met = 0, rc = SQLITE_OK; met < 2 && rc == SQLITE_OK; met++) {

        rc = sqlite3_prepare_v2(copy->db,
                                "SELECT kind, id, seq, time, partner_id"
                                " FROM entries WHERE round BETWEEN ?1 AND ?2"
                                " AND seq > (SELECT floor FROM state)"
                                " AND seq <= ?3 ORDER BY round DESC, seq DESC",
                                -1, &stmt, NULL);
        if (rc == SQLITE_OK) {
            sqlite3_bind_int(stmt, 1, met);
            sqlite3_bind_int64(stmt, 2, met ? copy->state.round - 1 : 0);
            sqlite3_bind_int64(stmt, 3, last);

            rc = ngx_http_agw_redis_copy_give(stmt, n, &given, handler, data);
            n -= given;
        }

        sqlite3_finalize(stmt);
    }

    return rc;
}


/* a row without an id or a stamp is left out; one without a time is of now */

static int
ngx_http_agw_redis_copy_give(sqlite3_stmt *stmt, ngx_uint_t n,
    ngx_uint_t *given, ngx_http_agw_revocation_pt handler, void *data)
{
    int               rc;
    int64_t           time;
    agw_revocation_t  revocation;

    for (*given = 0; *given < n; (*given)++) {
        rc = sqlite3_step(stmt);

        if (rc == SQLITE_DONE) {
            return SQLITE_OK;
        }

        if (rc != SQLITE_ROW) {
            return rc;
        }

        ngx_memzero(&revocation, sizeof(agw_revocation_t));

        revocation.stamp = sqlite3_column_int64(stmt, 2);
        time = sqlite3_column_int64(stmt, 3);
        revocation.time = (uint64_t) time > AGW_STAMP_MAX ? ngx_time() : time;

        if (ngx_http_agw_revocation_parse_id(
                                    ngx_http_agw_sqlite_column(stmt, 0),
                                    ngx_http_agw_sqlite_column(stmt, 1),
                                    &revocation)
            != NGX_OK
            || revocation.stamp < 1 || revocation.stamp > AGW_STAMP_MAX)
        {
            continue;
        }

        if (revocation.kind == AGW_REVOCATION_BUSINESS) {
            revocation.partner_id = ngx_http_agw_sqlite_column(stmt, 4);
        }

        handler(data, &revocation);
    }

    return SQLITE_OK;
}


static int
ngx_http_agw_redis_copy_exec(ngx_http_agw_redis_copy_t *copy, const char *sql)
{
    return sqlite3_exec(copy->db, sql, NULL, NULL, NULL);
}


void
ngx_http_agw_redis_copy_log(const ngx_http_agw_redis_copy_t *copy,
    ngx_log_t *log, const char *what, int rc)
{
    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "auth_gateway: replica \"%s\" %s: %s, SQLite code %d",
                  copy->path, what,
                  copy->db ? sqlite3_errmsg(copy->db) : sqlite3_errstr(rc),
                  rc);
}
