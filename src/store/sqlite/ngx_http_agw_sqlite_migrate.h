
/*
 * Recognizes what a file contains, and migrates it to this version.
 */


#ifndef NGX_HTTP_AGW_SQLITE_MIGRATE_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_MIGRATE_H_INCLUDED_


#include "ngx_http_agw_sqlite_db.h"


#define NGX_HTTP_AGW_SQLITE_MISSING   64
#define NGX_HTTP_AGW_SQLITE_WHY     256


typedef struct {
    int      version;                /* user_version */
    int      empty;
    int      clock;                  /* has the table of version 3 */
    int      admin;                  /* has the columns of version 4 */
    int      credentials;            /* has the tables of this version */
    int      log;                    /* has the table of version 2 */

    /* by ngx_http_agw_sqlite_inspect_schema(); "" if nothing is missing */
    u_char   missing[NGX_HTTP_AGW_SQLITE_MISSING];
} ngx_http_agw_sqlite_file_t;


/*
 * Both only read.  The first finds the version; the second checks that the file
 * has all tables, columns and indexes of that version, and names one that is
 * missing.  They return SQLITE_OK or a code of SQLite.
 */

int ngx_http_agw_sqlite_inspect(sqlite3 *db, ngx_http_agw_sqlite_file_t *found);
int ngx_http_agw_sqlite_inspect_schema(sqlite3 *db,
    ngx_http_agw_sqlite_file_t *found);


/*
 * Returns the reason why the file cannot be opened as a store, as the end of a
 * sentence, or NULL.  The text is in why, which has NGX_HTTP_AGW_SQLITE_WHY
 * bytes.
 */

const char *ngx_http_agw_sqlite_why_refused(sqlite3 *db,
    const ngx_http_agw_sqlite_file_t *found, u_char *why);


/*
 * Makes a store of this version from an empty file, an older store, or one that
 * was restored from a .dump; does not change any other file.  Returns
 * SQLITE_OK; SQLITE_MISMATCH, logged; or another code.
 */

int ngx_http_agw_sqlite_migrate(ngx_http_agw_sqlite_t *sqlite,
    ngx_log_t *log);


#endif /* NGX_HTTP_AGW_SQLITE_MIGRATE_H_INCLUDED_ */
