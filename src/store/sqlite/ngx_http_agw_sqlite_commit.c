
/*
 * A transaction and its statements.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <time.h>

#include "ngx_http_agw_sqlite_change.h"
#include "ngx_http_agw_sqlite_commit.h"
#include "ngx_http_agw_sqlite_db.h"
#include "ngx_http_agw_revocation_id.h"
#include "ngx_http_agw_sqlite_pages.h"
#include "ngx_http_agw_sqlite_schema.h"


/* us between two attempts to get a lock that another process holds */

#define NGX_HTTP_AGW_COMMIT_TRY       200

/* how often the file may be replaced while one write waits for its lock */

#define NGX_HTTP_AGW_COMMIT_MOVES     3

/* the latest time that is stored */

#define NGX_HTTP_AGW_COMMIT_TIME_MAX  ((int64_t) 1 << 32)

#define NGX_HTTP_AGW_COMMIT_NONE      -1


enum {
    NGX_HTTP_AGW_RAISE = 0,          /* stamp */
    NGX_HTTP_AGW_NEXT,
    NGX_HTTP_AGW_REVOKE,             /* kind, id, iat of a token */
    NGX_HTTP_AGW_STAMP,              /* kind, id */
    NGX_HTTP_AGW_ANNOUNCE,           /* horizon, ahead */
    NGX_HTTP_AGW_ADVANCE,            /* elapsed before, seconds */
    NGX_HTTP_AGW_FLOOR,
    NGX_HTTP_AGW_FORGET,
    NGX_HTTP_AGW_FORGET_LEGACY,
    NGX_HTTP_AGW_TRIM,
    NGX_HTTP_AGW_ELAPSED
};


static int ngx_http_agw_commit_begin(ngx_http_agw_sqlite_commit_t *commit,
    ngx_log_t *log);
static int ngx_http_agw_commit_ready(ngx_http_agw_sqlite_commit_t *commit,
    ngx_log_t *log);
static int ngx_http_agw_commit_connect(ngx_http_agw_sqlite_commit_t *commit);
static int ngx_http_agw_commit_wait(void *data, int tries);
static int ngx_http_agw_commit_read(ngx_http_agw_sqlite_commit_t *commit);
static int ngx_http_agw_commit_all(ngx_http_agw_sqlite_commit_t *commit,
    ngx_log_t *log);
static int ngx_http_agw_commit_one(ngx_http_agw_sqlite_commit_t *commit,
    ngx_http_agw_write_t *write);
static int ngx_http_agw_commit_revoke(ngx_http_agw_sqlite_commit_t *commit,
    ngx_http_agw_write_t *write);
static int ngx_http_agw_commit_maintain(ngx_http_agw_sqlite_commit_t *commit,
    ngx_http_agw_write_t *write);
static int ngx_http_agw_commit_bind(sqlite3_stmt *stmt, agw_str_t kind,
    agw_str_t id);
static int ngx_http_agw_commit_step(sqlite3_stmt *stmt, int64_t *first,
    int64_t *second);
static int ngx_http_agw_commit_step_with(sqlite3_stmt *stmt, int64_t first,
    int64_t second);


/*
 * FLOOR, FORGET: of the thousand rows with the lowest stamps, those older than
 * the horizon are removed.  Stamps and elapsed seconds grow together, so no
 * younger row has a lower stamp.
 */

static const char  *ngx_http_agw_commit_sql[NGX_HTTP_AGW_STATEMENTS] = {

    [NGX_HTTP_AGW_RAISE] =
        "UPDATE clock SET stamp = ?1 WHERE stamp < ?1",

    [NGX_HTTP_AGW_NEXT] = ngx_http_agw_sqlite_next_stamp_sql,

    [NGX_HTTP_AGW_REVOKE] = ngx_http_agw_sqlite_revoke_sql,

    [NGX_HTTP_AGW_STAMP] =
        "SELECT seq, time FROM revocations WHERE kind = ?1 AND id = ?2",

    [NGX_HTTP_AGW_ANNOUNCE] = ngx_http_agw_sqlite_announce_sql,

    [NGX_HTTP_AGW_ADVANCE] =
        "UPDATE clock SET elapsed = elapsed + ?2"
        " WHERE elapsed = ?1 AND ?2 >= 0",

    [NGX_HTTP_AGW_FLOOR] =
        "UPDATE clock SET floor = max(floor, ifnull((SELECT max(seq) FROM"
        " (SELECT seq, r.elapsed AS born FROM revocations r WHERE seq > 0"
        " ORDER BY seq LIMIT 1000)"
        " WHERE born < clock.elapsed - clock.horizon), 0))"
        " WHERE horizon > 0",

    [NGX_HTTP_AGW_FORGET] =
        "DELETE FROM revocations WHERE seq > 0"
        " AND seq <= (SELECT floor FROM clock)",

    [NGX_HTTP_AGW_FORGET_LEGACY] =
        "DELETE FROM revocations WHERE (kind, id) IN"
        " (SELECT kind, id FROM revocations"
        " INDEXED BY revocations_for_legacy WHERE seq = -1 AND elapsed <"
        " (SELECT elapsed - horizon FROM clock WHERE horizon > 0)"
        " ORDER BY elapsed LIMIT 1000)",

    [NGX_HTTP_AGW_TRIM] =
        "DELETE FROM revocation_log WHERE seq IN"
        " (SELECT seq FROM revocation_log WHERE seq <="
        " (SELECT max(seq) - 10000 FROM revocation_log) ORDER BY seq"
        " LIMIT 10000)",

    [NGX_HTTP_AGW_ELAPSED] = "SELECT elapsed, floor FROM clock"
};


int
ngx_http_agw_sqlite_commit(ngx_http_agw_sqlite_commit_t *commit,
    ngx_log_t *log)
{
    int  rc;

    if (commit->reads) {
        rc = ngx_http_agw_commit_ready(commit, log);

        return rc == SQLITE_OK ? ngx_http_agw_commit_read(commit) : rc;
    }

    rc = ngx_http_agw_commit_begin(commit, log);

    if (rc == SQLITE_OK && commit->collect != NULL) {
        commit->collect(commit->data);
    }

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_commit_all(commit, log);
    }

    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(commit->db, "COMMIT", NULL, NULL, NULL);
    }

    return rc;
}


void
ngx_http_agw_sqlite_commit_failed(ngx_http_agw_sqlite_commit_t *commit, int rc,
    ngx_log_t *log)
{
    ngx_uint_t             level;
    ngx_http_agw_write_t  *write;

    if (rc == SQLITE_OK) {
        return;
    }

    /* an operator's long statement may delay maintenance: that is no error */

    level = NGX_LOG_INFO;

    for (write = commit->batch; write != NULL; write = write->next) {
        write->rc = rc == SQLITE_BUSY ? NGX_BUSY : NGX_ERROR;

        if (!write->abandoned) {
            level = NGX_LOG_ERR;
        }
    }

    if (rc == SQLITE_BUSY) {
        ngx_log_error(level, log, 0,
                      "auth_gateway: store \"%s\" stays locked by another "
                      "process", commit->path);

    } else if (rc != NGX_HTTP_AGW_COMMIT_NONE && commit->reads) {
        ngx_http_agw_sqlite_log(NGX_LOG_ERR, log, commit->path,
                                "cannot be read", commit->db, rc);

    } else if (rc != NGX_HTTP_AGW_COMMIT_NONE) {
        ngx_http_agw_sqlite_log(NGX_LOG_ERR, log, commit->path,
                                "cannot be written", commit->db, rc);
    }

    ngx_http_agw_sqlite_commit_close(commit);
}


/*
 * The file may be replaced while this waits for the lock: what is written to
 * the one that is gone would be lost, and its journal would be at the path of
 * the other's.
 */

static int
ngx_http_agw_commit_begin(ngx_http_agw_sqlite_commit_t *commit,
    ngx_log_t *log)
{
    int         rc;
    ngx_uint_t  left;

    for (left = NGX_HTTP_AGW_COMMIT_MOVES; left > 0; left--) {
        rc = ngx_http_agw_commit_ready(commit, log);

        if (rc == SQLITE_OK) {
            rc = sqlite3_exec(commit->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        }

        if (rc != SQLITE_OK || !ngx_http_agw_sqlite_moved(commit->db)) {
            return rc;
        }

        ngx_http_agw_sqlite_commit_close(commit);
    }

    return SQLITE_BUSY;
}


static int
ngx_http_agw_commit_ready(ngx_http_agw_sqlite_commit_t *commit,
    ngx_log_t *log)
{
    int  rc;

    if (commit->db != NULL) {

        if (!ngx_http_agw_sqlite_moved(commit->db)) {
            return SQLITE_OK;
        }

        ngx_http_agw_sqlite_commit_close(commit);
    }

    rc = ngx_http_agw_commit_connect(commit);

    if (rc == SQLITE_OK) {
        return SQLITE_OK;
    }

    if (rc != SQLITE_BUSY) {
        ngx_http_agw_sqlite_log(NGX_LOG_ERR, log, commit->path,
                                "cannot be opened for writing", commit->db,
                                rc);

        rc = NGX_HTTP_AGW_COMMIT_NONE;
    }

    ngx_http_agw_sqlite_commit_close(commit);

    return rc;
}


/* does not create a store, which is done by the connection that reads */

static int
ngx_http_agw_commit_connect(ngx_http_agw_sqlite_commit_t *commit)
{
    int         rc;
    ngx_uint_t  i;

    rc = sqlite3_open_v2(commit->path, &commit->db,
                         SQLITE_OPEN_READWRITE|SQLITE_OPEN_NOMUTEX, NULL);

    if (rc == SQLITE_OK && commit->patient) {
        rc = sqlite3_busy_handler(commit->db, ngx_http_agw_commit_wait,
                                  commit);
    }

    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(commit->db,
                          "PRAGMA synchronous = FULL;"
                          "PRAGMA journal_size_limit = "
                          NGX_HTTP_AGW_SQLITE_WAL, NULL, NULL, NULL);
    }

    commit->records.db = commit->db;

    for (i = 0;
         rc == SQLITE_OK && i < NGX_HTTP_AGW_STATEMENTS && !commit->reads;
         i++)
    {
        rc = sqlite3_prepare_v3(commit->db, ngx_http_agw_commit_sql[i], -1,
                                SQLITE_PREPARE_PERSISTENT, &commit->stmts[i],
                                NULL);
    }

    return rc;
}


void
ngx_http_agw_sqlite_commit_close(ngx_http_agw_sqlite_commit_t *commit)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_AGW_STATEMENTS; i++) {
        sqlite3_finalize(commit->stmts[i]);
        commit->stmts[i] = NULL;
    }

    ngx_http_agw_sqlite_records_close(&commit->records);

    sqlite3_close(commit->db);
    commit->db = NULL;
}


/* an exiting worker waits only for writes that a client waits for */

static int
ngx_http_agw_commit_wait(void *data, int tries)
{
    ngx_uint_t                     wanted;
    ngx_http_agw_write_t          *write;
    ngx_http_agw_sqlite_commit_t  *commit = data;

    wanted = !(ngx_exiting || ngx_quit || ngx_terminate);

    for (write = commit->batch; write != NULL; write = write->next) {
        wanted |= !write->abandoned && !ngx_terminate;
    }

    if (!wanted
        || ngx_http_agw_sqlite_commit_clock() - commit->batch->queued_at
           >= NGX_HTTP_AGW_COMMIT_PATIENCE)
    {
        return 0;
    }

    usleep(NGX_HTTP_AGW_COMMIT_TRY);

    return 1;
}


int64_t
ngx_http_agw_sqlite_commit_clock(void)
{
    struct timespec  now;

    clock_gettime(CLOCK_MONOTONIC, &now);

    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}


static int
ngx_http_agw_commit_read(ngx_http_agw_sqlite_commit_t *commit)
{
    int                    rc;
    ngx_http_agw_write_t  *write;

    rc = SQLITE_OK;

    for (write = commit->batch; write != NULL && rc == SQLITE_OK;
         write = write->next)
    {
        rc = ngx_http_agw_sqlite_read_records(&commit->records, write->admin);
        write->rc = NGX_OK;
    }

    return rc;
}


/* a write that a constraint refuses does not fail the others */

static int
ngx_http_agw_commit_all(ngx_http_agw_sqlite_commit_t *commit, ngx_log_t *log)
{
    int                    rc;
    int64_t                known;
    ngx_http_agw_write_t  *write;

    known = 0;

    for (write = commit->batch; write != NULL; write = write->next) {
        known = ngx_max(known, write->known_stamp);
    }

    rc = ngx_http_agw_commit_step_with(commit->stmts[NGX_HTTP_AGW_RAISE],
                                       known, NGX_HTTP_AGW_COMMIT_NONE);

    if (rc != SQLITE_OK) {
        return rc;
    }

    for (write = commit->batch; write != NULL; write = write->next) {
        rc = ngx_http_agw_commit_one(commit, write);

        write->rc = rc == SQLITE_OK ? NGX_OK : NGX_ERROR;

        if (rc == SQLITE_OK) {
            continue;
        }

        if (rc != SQLITE_CONSTRAINT || sqlite3_get_autocommit(commit->db)) {
            return rc;
        }

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: store \"%s\" refuses %s: %s",
                      commit->path,
                      write->admin ? "what an administrator writes"
                                   : write->revocation.kind
                                     ? "a revocation" : "its maintenance",
                      sqlite3_errmsg(commit->db));
    }

    return SQLITE_OK;
}


static int
ngx_http_agw_commit_one(ngx_http_agw_sqlite_commit_t *commit,
    ngx_http_agw_write_t *write)
{
    if (write->admin != NULL) {
        return ngx_http_agw_sqlite_change(&commit->records, write->admin);
    }

    return write->revocation.kind != 0
           ? ngx_http_agw_commit_revoke(commit, write)
           : ngx_http_agw_commit_maintain(commit, write);
}


static int
ngx_http_agw_commit_revoke(ngx_http_agw_sqlite_commit_t *commit,
    ngx_http_agw_write_t *write)
{
    int                rc;
    u_char             buf[NGX_HTTP_AGW_REVOCATION_ID_MAX];
    agw_str_t          kind, id;
    sqlite3_stmt      *stmt;
    agw_revocation_t  *revocation;

    revocation = &write->revocation;
    kind = ngx_http_agw_revocation_kind(revocation->kind);
    id = ngx_http_agw_revocation_id(revocation, buf);

    rc = ngx_http_agw_commit_step(commit->stmts[NGX_HTTP_AGW_NEXT], NULL,
                                  NULL);
    if (rc != SQLITE_OK) {
        return rc;
    }

    stmt = commit->stmts[NGX_HTTP_AGW_REVOKE];

    rc = ngx_http_agw_commit_bind(stmt, kind, id);

    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int64(stmt, 3,
                                ngx_min(revocation->time,
                                        NGX_HTTP_AGW_COMMIT_TIME_MAX));
    }

    if (rc == SQLITE_OK && revocation->kind == AGW_REVOCATION_BUSINESS) {
        rc = sqlite3_bind_text(stmt, 4,
                               (const char *) revocation->partner_id.data,
                               (int) revocation->partner_id.len,
                               SQLITE_TRANSIENT);
    }

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_commit_step(stmt, NULL, NULL);
    }

    if (rc != SQLITE_OK) {
        return rc;
    }

    stmt = commit->stmts[NGX_HTTP_AGW_STAMP];

    rc = ngx_http_agw_commit_bind(stmt, kind, id);

    return rc == SQLITE_OK
           ? ngx_http_agw_commit_step(stmt, &revocation->stamp,
                                      &revocation->time)
           : rc;
}


/*
 * The seconds are added only if elapsed is still what this nginx has read, so
 * that only one of several nginx on one store counts them.
 */

static int
ngx_http_agw_commit_maintain(ngx_http_agw_sqlite_commit_t *commit,
    ngx_http_agw_write_t *write)
{
    int         rc, before;
    ngx_uint_t  i;

    rc = ngx_http_agw_commit_step_with(commit->stmts[NGX_HTTP_AGW_ANNOUNCE],
                                       commit->limits->horizon,
                                       commit->limits->ahead);

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_commit_step_with(
                                       commit->stmts[NGX_HTTP_AGW_ADVANCE],
                                       write->elapsed, write->seconds);
    }

    write->advanced = rc == SQLITE_OK && sqlite3_changes(commit->db) == 1;
    before = sqlite3_total_changes(commit->db);

    for (i = NGX_HTTP_AGW_FLOOR; rc == SQLITE_OK && i <= NGX_HTTP_AGW_TRIM;
         i++)
    {
        rc = ngx_http_agw_commit_step(commit->stmts[i], NULL, NULL);
    }

    write->more = sqlite3_total_changes(commit->db) - before > 1000;

    return rc == SQLITE_OK
           ? ngx_http_agw_commit_step(commit->stmts[NGX_HTTP_AGW_ELAPSED],
                                      &write->elapsed, &write->floor)
           : rc;
}


/* if it fails, bindings stay until the next step of the statement */

static int
ngx_http_agw_commit_bind(sqlite3_stmt *stmt, agw_str_t kind, agw_str_t id)
{
    int  rc;

    rc = sqlite3_bind_text(stmt, 1, (const char *) kind.data, (int) kind.len,
                           SQLITE_TRANSIENT);

    return rc == SQLITE_OK
           ? sqlite3_bind_text(stmt, 2, (const char *) id.data, (int) id.len,
                               SQLITE_TRANSIENT)
           : rc;
}


static int
ngx_http_agw_commit_step_with(sqlite3_stmt *stmt, int64_t first,
    int64_t second)
{
    int  rc;

    rc = sqlite3_bind_int64(stmt, 1, first);

    if (rc == SQLITE_OK && second != NGX_HTTP_AGW_COMMIT_NONE) {
        rc = sqlite3_bind_int64(stmt, 2, second);
    }

    return rc == SQLITE_OK ? ngx_http_agw_commit_step(stmt, NULL, NULL) : rc;
}


/* returns SQLITE_OK, and the two integers of the row if first is not NULL */

static int
ngx_http_agw_commit_step(sqlite3_stmt *stmt, int64_t *first, int64_t *second)
{
    int  rc;

    rc = sqlite3_step(stmt);

    if (rc == SQLITE_ROW && first != NULL) {
        *first = sqlite3_column_int64(stmt, 0);
        *second = sqlite3_column_int64(stmt, 1);
        rc = SQLITE_OK;

    } else if (rc == SQLITE_DONE) {
        rc = first == NULL ? SQLITE_OK : SQLITE_CORRUPT;
    }

    ngx_http_agw_sqlite_release(stmt);

    return rc;
}
