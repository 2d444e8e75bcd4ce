
/*
 * Writes to a SQLite store on a connection of its own, in a thread: the event
 * loop never waits for a disk or for another process.
 */


#ifndef NGX_HTTP_AGW_SQLITE_WRITER_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_WRITER_H_INCLUDED_


#include "ngx_http_agw_sqlite_db.h"
#include "ngx_http_agw_store_revocations.h"


/*
 * Made by a worker, which owns it; NULL if memory ran out.  Where nginx
 * has no threads, or its event method cannot be told of what they did, it
 * writes in the event loop, and warns about it.
 */

ngx_http_agw_sqlite_writer_t *ngx_http_agw_sqlite_writer_create(
    const char *path, const ngx_http_agw_store_limits_t *limits,
    ngx_cycle_t *cycle);


/* after the threads have ended; writer may be NULL */

void ngx_http_agw_sqlite_writer_close(ngx_http_agw_sqlite_writer_t *writer);


/* closes the file, unless a write is running; the next write opens it */

void ngx_http_agw_sqlite_writer_rest(ngx_http_agw_sqlite_writer_t *writer);


/* queues a write; writer may be NULL: then the write fails at once */

void ngx_http_agw_sqlite_writer_add(ngx_http_agw_sqlite_writer_t *writer,
    ngx_http_agw_write_t *write);


#endif /* NGX_HTTP_AGW_SQLITE_WRITER_H_INCLUDED_ */
