
/*
 * A transaction.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_sqlite_change.h"
#include "ngx_http_agw_sqlite_commit_conn.h"
#include "ngx_http_agw_sqlite_db.h"
#include "ngx_http_agw_revocation_id.h"
#include "ngx_http_agw_sqlite_pages.h"


/* the latest time that is stored */

#define NGX_HTTP_AGW_COMMIT_TIME_MAX  ((int64_t) 1 << 32)


static int ngx_http_agw_commit_write(ngx_http_agw_sqlite_commit_t *commit,
    ngx_log_t *log);
static int ngx_http_agw_commit_begin(ngx_http_agw_sqlite_commit_t *commit,
    ngx_log_t *log);
static int ngx_http_agw_commit_read(ngx_http_agw_sqlite_commit_t *commit,
    ngx_log_t *log);
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
 * Another file may take the path at any time, above all while this waits for a
 * lock.  What was written to the former one would be lost, so it is written
 * again, to the one that is there.
 */

int
ngx_http_agw_sqlite_commit(ngx_http_agw_sqlite_commit_t *commit,
    ngx_log_t *log)
{
    int  rc;

    rc = commit->reads ? ngx_http_agw_commit_read(commit, log)
                       : ngx_http_agw_commit_write(commit, log);

    if (ngx_http_agw_sqlite_commit_moved(commit)) {
        ngx_http_agw_sqlite_commit_close(commit);
        commit->moved = 1;
    }

    return commit->moved ? SQLITE_BUSY : rc;
}


static int
ngx_http_agw_commit_write(ngx_http_agw_sqlite_commit_t *commit,
    ngx_log_t *log)
{
    int  rc;

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

    if (commit->moved) {

        /* the connection that reads logs it */

    } else if (rc == SQLITE_BUSY) {
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
    commit->moved = 0;
}


static int
ngx_http_agw_commit_begin(ngx_http_agw_sqlite_commit_t *commit,
    ngx_log_t *log)
{
    int  rc;

    rc = ngx_http_agw_sqlite_commit_ready(commit, log);

    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(commit->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    }

    /* the journal would have the name of the other file's */

    if (rc == SQLITE_OK && ngx_http_agw_sqlite_commit_moved(commit)) {
        return SQLITE_BUSY;
    }

    return rc;
}


static int
ngx_http_agw_commit_read(ngx_http_agw_sqlite_commit_t *commit, ngx_log_t *log)
{
    int                    rc;
    ngx_http_agw_write_t  *write;

    rc = ngx_http_agw_sqlite_commit_ready(commit, log);

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
