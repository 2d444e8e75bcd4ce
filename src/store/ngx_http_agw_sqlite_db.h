
/*
 * A worker's own connection to a SQLite store: SQLite must not be carried
 * over a fork, so it is opened after.
 */


#ifndef NGX_HTTP_AGW_SQLITE_DB_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_DB_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <sqlite3.h>

#include "agw.h"


#define NGX_HTTP_AGW_SQLITE_RETRY   10       /* ms between tries */


typedef struct {
    char           *path;            /* terminated; from configuration */

    /* the worker's own, NULL while there is no connection */

    sqlite3        *db;
    sqlite3_stmt   *find_api_key;    /* partner_id, key_sha256 */
    sqlite3_stmt   *find_business;   /* partner_id, business_id */
    sqlite3_stmt   *revoke;          /* kind, id, cutoff, expires_at */
    sqlite3_stmt   *read_ends;       /* of the log */
    sqlite3_stmt   *read_log;        /* seq, how many */
    sqlite3_stmt   *read_page;       /* kind, id, how many */
    unsigned        opened:1;        /* at least once */
    uint64_t        file;            /* tells it from another file */

    ngx_msec_t      busy_until;      /* no new connection before */
    size_t          known_len;
    u_char          known[AGW_ID_MAX];       /* a partner that is there */
} ngx_http_agw_sqlite_t;


/* for prepared statements: what was bound belongs to somebody else */

void ngx_http_agw_sqlite_release(sqlite3_stmt *stmt);


/* the engine's open() and close(); opening waits for a busy file, bounded */

void ngx_http_agw_sqlite_open(void *state, ngx_log_t *log);
void ngx_http_agw_sqlite_close(void *state);


/*
 * Sees to a connection, while serving: connects again where there is none or
 * the file was replaced, and never waits.  Returns SQLITE_OK; SQLITE_BUSY,
 * to be tried again; or another code, which is logged.
 */

int ngx_http_agw_sqlite_ready(ngx_http_agw_sqlite_t *sqlite, ngx_log_t *log);


/*
 * Remembers a partner that is there, active and with a key, unless there is
 * one: to be asked for beside one that is not.
 */

void ngx_http_agw_sqlite_remember(ngx_http_agw_sqlite_t *sqlite,
    agw_str_t partner_id);


#endif /* NGX_HTTP_AGW_SQLITE_DB_H_INCLUDED_ */
