
/*
 * The connection that a batch is written on, with its statements.
 */


#ifndef NGX_HTTP_AGW_SQLITE_COMMIT_CONN_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_COMMIT_CONN_H_INCLUDED_


#include "ngx_http_agw_sqlite_commit.h"


/* an error that was logged */

#define NGX_HTTP_AGW_COMMIT_NONE      -1


/* the statements, and their parameters */

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


/*
 * Connects, if it is not connected or the file was replaced.  Returns
 * SQLITE_OK; SQLITE_BUSY; or NGX_HTTP_AGW_COMMIT_NONE.
 */

int ngx_http_agw_sqlite_commit_ready(ngx_http_agw_sqlite_commit_t *commit,
    ngx_log_t *log);


/* whether it is connected to a file that is no longer at its path: 1 or 0 */

int ngx_http_agw_sqlite_commit_moved(
    const ngx_http_agw_sqlite_commit_t *commit);


#endif /* NGX_HTTP_AGW_SQLITE_COMMIT_CONN_H_INCLUDED_ */
