
/*
 * Recognizes what a file is, and migrates it to this version.
 */


#ifndef NGX_HTTP_AGW_SQLITE_MIGRATE_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_MIGRATE_H_INCLUDED_


#include "ngx_http_agw_sqlite_db.h"


#define NGX_HTTP_AGW_SQLITE_LACKS   64
#define NGX_HTTP_AGW_SQLITE_WHY     256


typedef struct {
    int      version;                /* user_version */
    int      empty;
    int      clock;                  /* the table that marks this version */
    int      log;                    /* the table that came with version 2 */

    /* by ngx_http_agw_sqlite_look_whole() */
    u_char   lacks[NGX_HTTP_AGW_SQLITE_LACKS];   /* "" where it is whole */
} ngx_http_agw_sqlite_found_t;


/*
 * Both only read.  The first finds the version; the second checks that the
 * file has all that a store of that version has, and names what it lacks.
 * They return SQLITE_OK or a code of SQLite.
 */

int ngx_http_agw_sqlite_look(sqlite3 *db, ngx_http_agw_sqlite_found_t *found);
int ngx_http_agw_sqlite_look_whole(sqlite3 *db,
    ngx_http_agw_sqlite_found_t *found);


/*
 * Returns the reason why the file cannot be opened as a store, as the end of a
 * sentence, or NULL.  The text is in why, which has NGX_HTTP_AGW_SQLITE_WHY
 * bytes.
 */

const char *ngx_http_agw_sqlite_why_not(sqlite3 *db,
    const ngx_http_agw_sqlite_found_t *found, u_char *why);


/*
 * Turns an empty file, an older store, or one that was restored from a .dump,
 * into a store of this version; does not change any other file.  Returns
 * SQLITE_OK; SQLITE_MISMATCH, logged; or another code.
 */

int ngx_http_agw_sqlite_migrate(ngx_http_agw_sqlite_t *sqlite,
    ngx_log_t *log);


#endif /* NGX_HTTP_AGW_SQLITE_MIGRATE_H_INCLUDED_ */
