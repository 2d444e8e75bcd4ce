
#include <ngx_config.h>
#include <ngx_core.h>

#include <time.h>

#include "ngx_http_agw_sqlite_db.h"
#include "ngx_http_agw_sqlite_schema.h"
#include "ngx_http_agw_sqlite_commit_conn.h"


/* us between two attempts to get a lock that another process holds */

#define NGX_HTTP_AGW_COMMIT_TRY       200


static int ngx_http_agw_commit_connect(ngx_http_agw_sqlite_commit_t *commit);
static int ngx_http_agw_commit_wait(void *data, int tries);


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
ngx_http_agw_sqlite_commit_ready(ngx_http_agw_sqlite_commit_t *commit,
    ngx_log_t *log)
{
    int  rc;

    commit->moved = 0;

    if (commit->db != NULL) {

        if (!ngx_http_agw_sqlite_commit_moved(commit)) {
            return SQLITE_OK;
        }

        ngx_http_agw_sqlite_commit_close(commit);
    }

    rc = ngx_http_agw_commit_connect(commit);

    if (rc == SQLITE_OK) {
        return SQLITE_OK;
    }

    /* to be tried again: ngx_http_agw_sqlite_commit() says so */

    if (ngx_http_agw_sqlite_commit_moved(commit)) {
        commit->moved = 1;

    } else if (rc != SQLITE_BUSY) {
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

    commit->file_id = ngx_http_agw_sqlite_file_id(commit->path);

    if (commit->file_id == NGX_HTTP_AGW_SQLITE_NOT_FILE) {
        return SQLITE_CANTOPEN;
    }

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

    /* another attempt would use the journal and the WAL of the other file */

    return !ngx_http_agw_sqlite_commit_moved(commit);
}


int
ngx_http_agw_sqlite_commit_moved(const ngx_http_agw_sqlite_commit_t *commit)
{
    return commit->db != NULL
           && ngx_http_agw_sqlite_moved(commit->db, commit->path,
                                        commit->file_id);
}


int64_t
ngx_http_agw_sqlite_commit_clock(void)
{
    struct timespec  now;

    clock_gettime(CLOCK_MONOTONIC, &now);

    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
