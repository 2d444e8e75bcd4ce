
/*
 * What both engines ask of SQLite: the store's file, or that of a replica.
 * Nothing here belongs to the event loop: it may be used in a thread.
 */


#ifndef NGX_HTTP_AGW_SQLITE_FILE_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_FILE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <sqlite3.h>

#include "agw.h"


/*
 * A number that identifies the file at a path, or that there is none, or what
 * is no file: a FIFO, say, which would hold whoever opens it.
 */

#define NGX_HTTP_AGW_SQLITE_NO_FILE   1
#define NGX_HTTP_AGW_SQLITE_NOT_FILE  2

uint64_t ngx_http_agw_sqlite_file_id(const char *path);


/*
 * Returns 1 if path no longer leads to the file that db has open, else 0.
 * file_id is of the path, from before it was opened.
 */

int ngx_http_agw_sqlite_moved(sqlite3 *db, const char *path,
    uint64_t file_id);


/* a text, valid until the statement's next step; without data if it is NULL */

agw_str_t ngx_http_agw_sqlite_column(sqlite3_stmt *stmt, int column);


#endif /* NGX_HTTP_AGW_SQLITE_FILE_H_INCLUDED_ */
