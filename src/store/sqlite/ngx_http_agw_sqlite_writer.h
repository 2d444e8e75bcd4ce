
/*
 * Writes to a SQLite store in a thread, on its own connection, so that the
 * event loop never waits for a disk or for another process.  Another one reads
 * for the administration in the same way.
 */


#ifndef NGX_HTTP_AGW_SQLITE_WRITER_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_WRITER_H_INCLUDED_


#include "ngx_http_agw_sqlite_db.h"
#include "ngx_http_agw_store_revocations.h"


/*
 * Creates the writer of a worker, or its reader; NULL if memory ran out.  If
 * nginx has no threads, or an event method that threads cannot notify, it
 * works in the event loop, and the writer logs a warning.
 */

ngx_http_agw_sqlite_writer_t *ngx_http_agw_sqlite_writer_create(
    const char *path, const ngx_http_agw_store_limits_t *limits,
    ngx_uint_t reads, ngx_cycle_t *cycle);


/* called after the threads have ended; writer may be NULL */

void ngx_http_agw_sqlite_writer_close(ngx_http_agw_sqlite_writer_t *writer);


/* closes the file, unless a write is running; the next write opens it */

void ngx_http_agw_sqlite_writer_rest(ngx_http_agw_sqlite_writer_t *writer);


/* queues a write; writer may be NULL: then the write fails at once */

void ngx_http_agw_sqlite_writer_add(ngx_http_agw_sqlite_writer_t *writer,
    ngx_http_agw_write_t *write);


#endif /* NGX_HTTP_AGW_SQLITE_WRITER_H_INCLUDED_ */
