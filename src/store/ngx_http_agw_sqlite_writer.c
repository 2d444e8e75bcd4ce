
/*
 * What is asked for while a transaction is being written waits, and is
 * written by the next one: all of it with one sync of the disk.
 *
 * The event loop owns what waits, and all that belongs to the connection is
 * the thread's from the moment a task is posted until it is done.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#if (NGX_THREADS)
#include <ngx_thread_pool.h>
#endif

#include <time.h>

#include "ngx_http_agw_sqlite_revocations.h"
#include "ngx_http_agw_sqlite_schema.h"
#include "ngx_http_agw_sqlite_writer.h"


/* for a lock that another process holds: seconds, and us between two tries */

#define NGX_HTTP_AGW_WRITER_PATIENCE  10
#define NGX_HTTP_AGW_WRITER_TRY       500

/* the WAL is cut to that when it begins anew: bytes */

#define NGX_HTTP_AGW_WRITER_WAL       "4194304"

/* an iat is kept up to the end of 32 bits, and stands there for any later */

#define NGX_HTTP_AGW_WRITER_TIME_MAX  ((int64_t) 1 << 32)

#define NGX_HTTP_AGW_WRITER_NONE      -1


enum {
    NGX_HTTP_AGW_RAISE = 0,          /* stamp */
    NGX_HTTP_AGW_NEXT,
    NGX_HTTP_AGW_REVOKE,             /* kind, id, iat of a token */
    NGX_HTTP_AGW_STAMP,              /* kind, id */
    NGX_HTTP_AGW_ADVANCE,            /* elapsed before, seconds */
    NGX_HTTP_AGW_FLOOR,
    NGX_HTTP_AGW_FORGET,
    NGX_HTTP_AGW_FORGET_LEGACY,
    NGX_HTTP_AGW_TRIM,
    NGX_HTTP_AGW_ELAPSED,
    NGX_HTTP_AGW_STATEMENTS
};


struct ngx_http_agw_sqlite_writer_s {
    const char            *path;
    ngx_log_t             *log;

    /* the event loop's */

    ngx_http_agw_write_t  *waiting;
    ngx_http_agw_write_t **last;
    ngx_event_t            retry;    /* where there is no thread */
    ngx_uint_t             busy;     /* unsigned  busy:1; */

#if (NGX_THREADS)
    ngx_thread_pool_t     *pool;     /* NULL: no thread */
    ngx_thread_task_t     *task;
#endif

    /* whose turn it is */

    ngx_http_agw_write_t  *batch;
    struct timespec        begun;
    ngx_uint_t             patient;  /* unsigned  patient:1; */
    sqlite3               *db;
    sqlite3_stmt          *stmts[NGX_HTTP_AGW_STATEMENTS];
};


#if (NGX_THREADS)
static void ngx_http_agw_writer_thread(void *data, ngx_log_t *log);
static void ngx_http_agw_writer_done(ngx_event_t *ev);
#endif

static void ngx_http_agw_writer_add(ngx_http_agw_sqlite_writer_t *writer,
    ngx_http_agw_write_t *write);
static void ngx_http_agw_writer_start(ngx_http_agw_sqlite_writer_t *writer);
static void ngx_http_agw_writer_here(ngx_http_agw_sqlite_writer_t *writer);
static void ngx_http_agw_writer_retry(ngx_event_t *ev);
static void ngx_http_agw_writer_answer(ngx_http_agw_write_t *batch);

static int ngx_http_agw_writer_commit(ngx_http_agw_sqlite_writer_t *writer,
    ngx_log_t *log);
static void ngx_http_agw_writer_fail(ngx_http_agw_sqlite_writer_t *writer,
    int rc, ngx_log_t *log);
static int ngx_http_agw_writer_ready(ngx_http_agw_sqlite_writer_t *writer,
    ngx_log_t *log);
static int ngx_http_agw_writer_connect(ngx_http_agw_sqlite_writer_t *writer);
static void ngx_http_agw_writer_disconnect(
    ngx_http_agw_sqlite_writer_t *writer);
static int ngx_http_agw_writer_wait(void *data, int tries);
static time_t ngx_http_agw_writer_waited(
    const ngx_http_agw_sqlite_writer_t *writer);

static int ngx_http_agw_writer_all(ngx_http_agw_sqlite_writer_t *writer,
    ngx_log_t *log);
static int ngx_http_agw_writer_revoke(ngx_http_agw_sqlite_writer_t *writer,
    ngx_http_agw_write_t *write);
static int ngx_http_agw_writer_tend(ngx_http_agw_sqlite_writer_t *writer,
    ngx_http_agw_write_t *write);
static int ngx_http_agw_writer_bind(sqlite3_stmt *stmt, agw_str_t kind,
    agw_str_t id);
static int ngx_http_agw_writer_step(sqlite3_stmt *stmt, int64_t *first,
    int64_t *second);
static int ngx_http_agw_writer_step_with(sqlite3_stmt *stmt, int64_t first,
    int64_t second);


/*
 * Forgetting: the first thousand rows by stamp, as far as they are older than
 * the horizon.  Stamps and elapsed seconds grow together, so that no row that
 * is younger has a stamp below.
 */

static const char  *ngx_http_agw_writer_sql[NGX_HTTP_AGW_STATEMENTS] = {

    [NGX_HTTP_AGW_RAISE] =
        "UPDATE clock SET stamp = ?1 WHERE stamp < ?1",

    [NGX_HTTP_AGW_NEXT] = ngx_http_agw_sqlite_next_stamp_sql,

    [NGX_HTTP_AGW_REVOKE] = ngx_http_agw_sqlite_revoke_sql,

    [NGX_HTTP_AGW_STAMP] =
        "SELECT seq, time FROM revocations WHERE kind = ?1 AND id = ?2",

    [NGX_HTTP_AGW_ADVANCE] =
        "UPDATE clock SET elapsed = elapsed + ?2 WHERE elapsed = ?1",

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
        " (SELECT r.kind, r.id FROM revocations r, clock c WHERE r.seq = -1"
        " AND c.horizon > 0 AND r.elapsed < c.elapsed - c.horizon"
        " LIMIT 1000)",

    [NGX_HTTP_AGW_TRIM] =
        "DELETE FROM revocation_log WHERE seq IN"
        " (SELECT seq FROM revocation_log WHERE seq <="
        " (SELECT max(seq) - 10000 FROM revocation_log) ORDER BY seq"
        " LIMIT 10000)",

    [NGX_HTTP_AGW_ELAPSED] = "SELECT elapsed, floor FROM clock"
};


ngx_http_agw_sqlite_writer_t *
ngx_http_agw_sqlite_writer_create(const char *path, ngx_str_t pool,
    ngx_cycle_t *cycle)
{
    ngx_http_agw_sqlite_writer_t  *writer;

    writer = ngx_pcalloc(cycle->pool, sizeof(ngx_http_agw_sqlite_writer_t));
    if (writer == NULL) {
        return NULL;
    }

    writer->path = path;
    writer->log = cycle->log;
    writer->last = &writer->waiting;

    writer->retry.handler = ngx_http_agw_writer_retry;
    writer->retry.data = writer;
    writer->retry.log = cycle->log;
    writer->retry.cancelable = 1;

#if (NGX_THREADS)

    if (ngx_event_actions.notify != NULL) {
        writer->pool = ngx_thread_pool_get(cycle, &pool);
    }

    if (writer->pool != NULL) {
        writer->task = ngx_thread_task_alloc(cycle->pool, 0);
        if (writer->task == NULL) {
            return NULL;
        }

        writer->patient = 1;

        writer->task->handler = ngx_http_agw_writer_thread;
        writer->task->ctx = writer;
        writer->task->event.handler = ngx_http_agw_writer_done;
        writer->task->event.data = writer;

        return writer;
    }

#endif

    ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                  "auth_gateway: store \"%s\" is written in the event loop: "
                  "nginx has no threads, or an event method without "
                  "notifications", path);

    return writer;
}


void
ngx_http_agw_sqlite_writer_close(ngx_http_agw_sqlite_writer_t *writer)
{
    if (writer != NULL) {
        ngx_http_agw_writer_disconnect(writer);
    }
}


void
ngx_http_agw_sqlite_revoke(void *state, ngx_http_agw_write_t *write)
{
    ngx_http_agw_sqlite_t  *sqlite = state;

    ngx_http_agw_writer_add(sqlite->writer, write);
}


void
ngx_http_agw_sqlite_tend(void *state, ngx_http_agw_write_t *write)
{
    ngx_http_agw_sqlite_t  *sqlite = state;

    ngx_http_agw_writer_add(sqlite->writer, write);
}


static void
ngx_http_agw_writer_add(ngx_http_agw_sqlite_writer_t *writer,
    ngx_http_agw_write_t *write)
{
    if (writer == NULL) {
        write->handler(write, NGX_ERROR);
        return;
    }

    write->next = NULL;

    *writer->last = write;
    writer->last = &write->next;

    ngx_http_agw_writer_start(writer);
}


static void
ngx_http_agw_writer_start(ngx_http_agw_sqlite_writer_t *writer)
{
    if (writer->busy || writer->waiting == NULL) {
        return;
    }

    writer->batch = writer->waiting;
    writer->waiting = NULL;
    writer->last = &writer->waiting;
    writer->busy = 1;

    clock_gettime(CLOCK_MONOTONIC, &writer->begun);

#if (NGX_THREADS)

    if (writer->pool != NULL
        && ngx_thread_task_post(writer->pool, writer->task) == NGX_OK)
    {
        return;
    }

    if (writer->pool != NULL) {
        writer->patient = 0;
        ngx_http_agw_writer_here(writer);
        writer->patient = 1;
        return;
    }

#endif

    ngx_http_agw_writer_here(writer);
}


#if (NGX_THREADS)

static void
ngx_http_agw_writer_thread(void *data, ngx_log_t *log)
{
    ngx_http_agw_sqlite_writer_t  *writer = data;

    ngx_http_agw_writer_fail(writer, ngx_http_agw_writer_commit(writer, log),
                             log);
}


/* the next are on their way before these are answered */

static void
ngx_http_agw_writer_done(ngx_event_t *ev)
{
    ngx_http_agw_write_t          *batch;
    ngx_http_agw_sqlite_writer_t  *writer = ev->data;

    batch = writer->batch;

    writer->batch = NULL;
    writer->busy = 0;

    ngx_http_agw_writer_start(writer);
    ngx_http_agw_writer_answer(batch);
}

#endif


/* in the event loop: a lock that another process holds is tried again */

static void
ngx_http_agw_writer_here(ngx_http_agw_sqlite_writer_t *writer)
{
    int                    rc;
    ngx_http_agw_write_t  *batch;

    rc = ngx_http_agw_writer_commit(writer, writer->log);

    if (rc == SQLITE_BUSY
        && ngx_http_agw_writer_waited(writer) < NGX_HTTP_AGW_WRITER_PATIENCE)
    {
        ngx_add_timer(&writer->retry, NGX_HTTP_AGW_SQLITE_RETRY);
        return;
    }

    ngx_http_agw_writer_fail(writer, rc, writer->log);

    batch = writer->batch;

    writer->batch = NULL;
    writer->busy = 0;

    ngx_http_agw_writer_answer(batch);
}


static void
ngx_http_agw_writer_retry(ngx_event_t *ev)
{
    ngx_http_agw_sqlite_writer_t  *writer = ev->data;

    ngx_http_agw_writer_here(writer);
    ngx_http_agw_writer_start(writer);
}


static void
ngx_http_agw_writer_answer(ngx_http_agw_write_t *batch)
{
    ngx_http_agw_write_t  *write;

    while (batch != NULL) {
        write = batch;
        batch = write->next;

        write->handler(write, write->rc);
    }
}


/*
 * Writes the batch in one transaction, and sets rc of each.  Returns
 * SQLITE_OK where it is durable, or an error, and nothing of it is.
 */

static int
ngx_http_agw_writer_commit(ngx_http_agw_sqlite_writer_t *writer,
    ngx_log_t *log)
{
    int  rc;

    rc = ngx_http_agw_writer_ready(writer, log);

    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(writer->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    }

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_writer_all(writer, log);
    }

    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(writer->db, "COMMIT", NULL, NULL, NULL);
    }

    return rc;
}


/* after an error nobody knows what the connection is good for */

static void
ngx_http_agw_writer_fail(ngx_http_agw_sqlite_writer_t *writer, int rc,
    ngx_log_t *log)
{
    ngx_http_agw_write_t  *write;

    if (rc == SQLITE_OK) {
        return;
    }

    for (write = writer->batch; write != NULL; write = write->next) {
        write->rc = NGX_ERROR;
    }

    if (rc == SQLITE_BUSY) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: store \"%s\" stays locked by another "
                      "process", writer->path);

    } else if (rc != NGX_HTTP_AGW_WRITER_NONE) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: store \"%s\" cannot be written: %s",
                      writer->path,
                      writer->db ? sqlite3_errmsg(writer->db)
                                 : sqlite3_errstr(rc));
    }

    ngx_http_agw_writer_disconnect(writer);
}


static int
ngx_http_agw_writer_ready(ngx_http_agw_sqlite_writer_t *writer,
    ngx_log_t *log)
{
    int  rc, moved;

    if (writer->db != NULL) {
        moved = 0;

        (void) sqlite3_file_control(writer->db, "main",
                                    SQLITE_FCNTL_HAS_MOVED, &moved);
        if (!moved) {
            return SQLITE_OK;
        }

        ngx_http_agw_writer_disconnect(writer);
    }

    rc = ngx_http_agw_writer_connect(writer);

    if (rc == SQLITE_OK) {
        return SQLITE_OK;
    }

    if (rc != SQLITE_BUSY) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: store \"%s\" cannot be opened for "
                      "writing: %s", writer->path,
                      writer->db ? sqlite3_errmsg(writer->db)
                                 : sqlite3_errstr(rc));

        rc = NGX_HTTP_AGW_WRITER_NONE;
    }

    ngx_http_agw_writer_disconnect(writer);

    return rc;
}


/* a store is made by who reads it */

static int
ngx_http_agw_writer_connect(ngx_http_agw_sqlite_writer_t *writer)
{
    int         rc;
    ngx_uint_t  i;

    rc = sqlite3_open_v2(writer->path, &writer->db,
                         SQLITE_OPEN_READWRITE|SQLITE_OPEN_NOMUTEX, NULL);

    if (rc == SQLITE_OK && writer->patient) {
        rc = sqlite3_busy_handler(writer->db, ngx_http_agw_writer_wait,
                                  writer);
    }

    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(writer->db,
                          "PRAGMA synchronous = FULL;"
                          "PRAGMA journal_size_limit = "
                          NGX_HTTP_AGW_WRITER_WAL, NULL, NULL, NULL);
    }

    for (i = 0; rc == SQLITE_OK && i < NGX_HTTP_AGW_STATEMENTS; i++) {
        rc = sqlite3_prepare_v3(writer->db, ngx_http_agw_writer_sql[i], -1,
                                SQLITE_PREPARE_PERSISTENT, &writer->stmts[i],
                                NULL);
    }

    return rc;
}


static void
ngx_http_agw_writer_disconnect(ngx_http_agw_sqlite_writer_t *writer)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_AGW_STATEMENTS; i++) {
        sqlite3_finalize(writer->stmts[i]);
        writer->stmts[i] = NULL;
    }

    sqlite3_close(writer->db);
    writer->db = NULL;
}


static int
ngx_http_agw_writer_wait(void *data, int tries)
{
    ngx_http_agw_sqlite_writer_t  *writer = data;

    if (ngx_http_agw_writer_waited(writer) >= NGX_HTTP_AGW_WRITER_PATIENCE) {
        return 0;
    }

    usleep(NGX_HTTP_AGW_WRITER_TRY);

    return 1;
}


static time_t
ngx_http_agw_writer_waited(const ngx_http_agw_sqlite_writer_t *writer)
{
    struct timespec  now;

    clock_gettime(CLOCK_MONOTONIC, &now);

    return now.tv_sec - writer->begun.tv_sec
           - (now.tv_nsec < writer->begun.tv_nsec);
}


/* what a constraint refuses fails alone */

static int
ngx_http_agw_writer_all(ngx_http_agw_sqlite_writer_t *writer, ngx_log_t *log)
{
    int                    rc;
    int64_t                known;
    ngx_http_agw_write_t  *write;

    known = 0;

    for (write = writer->batch; write != NULL; write = write->next) {
        known = ngx_max(known, write->known);
    }

    rc = ngx_http_agw_writer_step_with(writer->stmts[NGX_HTTP_AGW_RAISE],
                                       known, NGX_HTTP_AGW_WRITER_NONE);

    if (rc != SQLITE_OK) {
        return rc;
    }

    for (write = writer->batch; write != NULL; write = write->next) {
        rc = write->revocation.kind ? ngx_http_agw_writer_revoke(writer, write)
                                    : ngx_http_agw_writer_tend(writer, write);

        write->rc = rc == SQLITE_OK ? NGX_OK : NGX_ERROR;

        if (rc == SQLITE_OK) {
            continue;
        }

        if (rc != SQLITE_CONSTRAINT || sqlite3_get_autocommit(writer->db)) {
            return rc;
        }

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: store \"%s\" refuses a revocation: %s",
                      writer->path, sqlite3_errmsg(writer->db));
    }

    return SQLITE_OK;
}


static int
ngx_http_agw_writer_revoke(ngx_http_agw_sqlite_writer_t *writer,
    ngx_http_agw_write_t *write)
{
    int                rc;
    u_char             buf[NGX_HTTP_AGW_SQLITE_ID_MAX];
    agw_str_t          kind, id;
    sqlite3_stmt      *stmt;
    agw_revocation_t  *revocation;

    revocation = &write->revocation;
    kind = ngx_http_agw_sqlite_kind(revocation->kind);
    id = ngx_http_agw_sqlite_id(revocation, buf);

    rc = ngx_http_agw_writer_step(writer->stmts[NGX_HTTP_AGW_NEXT], NULL,
                                  NULL);
    if (rc != SQLITE_OK) {
        return rc;
    }

    stmt = writer->stmts[NGX_HTTP_AGW_REVOKE];

    rc = ngx_http_agw_writer_bind(stmt, kind, id);

    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int64(stmt, 3,
                                ngx_min(revocation->time,
                                        NGX_HTTP_AGW_WRITER_TIME_MAX));
    }

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_writer_step(stmt, NULL, NULL);
    }

    if (rc != SQLITE_OK) {
        return rc;
    }

    stmt = writer->stmts[NGX_HTTP_AGW_STAMP];

    rc = ngx_http_agw_writer_bind(stmt, kind, id);

    return rc == SQLITE_OK
           ? ngx_http_agw_writer_step(stmt, &revocation->stamp,
                                      &revocation->time)
           : rc;
}


/*
 * The seconds count only where nobody has counted any since we looked: of
 * several nginx on one store, one advances its clock.
 */

static int
ngx_http_agw_writer_tend(ngx_http_agw_sqlite_writer_t *writer,
    ngx_http_agw_write_t *write)
{
    int         rc, before;
    ngx_uint_t  i;

    rc = ngx_http_agw_writer_step_with(writer->stmts[NGX_HTTP_AGW_ADVANCE],
                                       write->elapsed, write->passed);

    write->advanced = rc == SQLITE_OK && sqlite3_changes(writer->db) == 1;
    before = sqlite3_total_changes(writer->db);

    for (i = NGX_HTTP_AGW_FLOOR; rc == SQLITE_OK && i <= NGX_HTTP_AGW_TRIM;
         i++)
    {
        rc = ngx_http_agw_writer_step(writer->stmts[i], NULL, NULL);
    }

    write->more = sqlite3_total_changes(writer->db) - before > 1000;

    return rc == SQLITE_OK
           ? ngx_http_agw_writer_step(writer->stmts[NGX_HTTP_AGW_ELAPSED],
                                      &write->elapsed, &write->floor)
           : rc;
}


/* what a step does not take is given back by the next look at the statement */

static int
ngx_http_agw_writer_bind(sqlite3_stmt *stmt, agw_str_t kind, agw_str_t id)
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
ngx_http_agw_writer_step_with(sqlite3_stmt *stmt, int64_t first,
    int64_t second)
{
    int  rc;

    rc = sqlite3_bind_int64(stmt, 1, first);

    if (rc == SQLITE_OK && second != NGX_HTTP_AGW_WRITER_NONE) {
        rc = sqlite3_bind_int64(stmt, 2, second);
    }

    return rc == SQLITE_OK ? ngx_http_agw_writer_step(stmt, NULL, NULL) : rc;
}


/* SQLITE_OK, and the integers of the row that is asked for; or an error */

static int
ngx_http_agw_writer_step(sqlite3_stmt *stmt, int64_t *first, int64_t *second)
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
