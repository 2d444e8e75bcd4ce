
/*
 * Writes a batch to a SQLite store in one transaction, on a connection that
 * one thread uses at a time.  It blocks while the disk does.  A batch that
 * reads has a transaction for each operation.
 */


#ifndef NGX_HTTP_AGW_SQLITE_COMMIT_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_COMMIT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <sqlite3.h>

#include "ngx_http_agw_sqlite_records.h"
#include "ngx_http_agw_store_revocations.h"


/* how long a write waits for a lock that another process holds: ms */

#define NGX_HTTP_AGW_COMMIT_PATIENCE  10000

#define NGX_HTTP_AGW_STATEMENTS       11


/* the caller zeroes it, and sets the fields above db */

typedef struct {
    const char            *path;     /* terminated */
    unsigned               patient:1;        /* it may wait for a lock */
    unsigned               reads:1;          /* operations that read, alone */
    const ngx_http_agw_store_limits_t  *limits;

    ngx_http_agw_write_t  *batch;    /* the first is the oldest */

    /*
     * adds the writes that were queued while it waited for the lock; or NULL
     */

    void                 (*collect)(void *data);
    void                  *data;

    sqlite3               *db;
    uint64_t               file_id;
    unsigned               moved:1;  /* to another file, since db was opened */
    sqlite3_stmt          *stmts[NGX_HTTP_AGW_STATEMENTS];

    ngx_http_agw_sqlite_records_t  records;  /* for the administration */
} ngx_http_agw_sqlite_commit_t;


/*
 * Writes commit->batch, and sets rc of each write; connects first if it must.
 * Returns SQLITE_OK if all writes are durable, except those that a constraint
 * refused, which is logged; SQLITE_BUSY, to be tried again, since another
 * process has the lock or the file was replaced; or another error.  After an
 * error it is not known whether any is durable.
 */

int ngx_http_agw_sqlite_commit(ngx_http_agw_sqlite_commit_t *commit,
    ngx_log_t *log);


/*
 * If rc is an error, logs it, sets rc of each write in the batch to NGX_BUSY
 * or NGX_ERROR, and closes the connection, whose state is unknown.
 */

void ngx_http_agw_sqlite_commit_failed(ngx_http_agw_sqlite_commit_t *commit,
    int rc, ngx_log_t *log);


/* closes the connection, if it is open; the next batch opens it */

void ngx_http_agw_sqlite_commit_close(ngx_http_agw_sqlite_commit_t *commit);


/* a monotonic clock: ms */

int64_t ngx_http_agw_sqlite_commit_clock(void);


#endif /* NGX_HTTP_AGW_SQLITE_COMMIT_H_INCLUDED_ */
