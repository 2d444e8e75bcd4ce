
/*
 * A worker's own connection to a SQLite store.  It is opened after the fork: a
 * child process must not use a connection of its parent.
 */


#ifndef NGX_HTTP_AGW_SQLITE_DB_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_DB_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <sqlite3.h>

#include "agw.h"
#include "ngx_http_agw_sqlite_file.h"
#include "ngx_http_agw_store.h"


#define NGX_HTTP_AGW_SQLITE_START   500      /* ms to wait for it at start */
#define NGX_HTTP_AGW_SQLITE_RETRY   10       /* ms between tries */

#define NGX_HTTP_AGW_SQLITE_ERROR   256      /* bytes of a message */

/* size to which a restarted WAL is truncated, in bytes */

#define NGX_HTTP_AGW_SQLITE_WAL     "4194304"


typedef struct ngx_http_agw_sqlite_writer_s  ngx_http_agw_sqlite_writer_t;


typedef struct {
    char           *path;            /* terminated; from configuration */

    /* set when a worker opens it */

    const ngx_http_agw_store_limits_t  *limits;
    ngx_http_agw_sqlite_writer_t       *writer;
    ngx_http_agw_sqlite_writer_t       *reader;  /* administration */
    void                              (*moved)(
                                       ngx_http_agw_sqlite_writer_t *writer);

    /* the worker's own, NULL while there is no connection */

    sqlite3        *db;
    sqlite3_stmt   *find_api_key;    /* partner_id, key_sha256 */
    sqlite3_stmt   *find_certificate;    /* partner_id, x5t_s256 */
    sqlite3_stmt   *find_jwk;        /* partner_id, kid */
    sqlite3_stmt   *find_business;   /* partner, business, token, seq, iat */
    sqlite3_stmt   *read_clock;      /* mark */
    sqlite3_stmt   *read_rows;       /* seq, how many */
    unsigned        opened:1;        /* at least once */
    uint64_t        file_id;

    ngx_msec_t      busy_until;      /* no connection is tried before */
    size_t          partner_len;
    u_char          partner[AGW_ID_MAX];     /* one that exists, or none */
} ngx_http_agw_sqlite_t;


/* resets a statement, and its bindings, which point to borrowed memory */

void ngx_http_agw_sqlite_release(sqlite3_stmt *stmt);


/* logs a failure, with the errors of SQLite and of the system */

void ngx_http_agw_sqlite_log(ngx_uint_t level, ngx_log_t *log,
    const char *path, const char *what, sqlite3 *db, int rc);


/*
 * The parts of that message: the text, written to buf, of
 * NGX_HTTP_AGW_SQLITE_ERROR bytes; and the system's error, or 0.  db may be
 * NULL.
 */

const char *ngx_http_agw_sqlite_error(sqlite3 *db, int rc, u_char *buf);
ngx_err_t ngx_http_agw_sqlite_errno(sqlite3 *db, int rc);


/*
 * Connects for the first time, and creates the store if there is none.  Waits
 * for a locked file, at most NGX_HTTP_AGW_SQLITE_START.  Returns SQLITE_OK;
 * SQLITE_BUSY; or another code, which is logged.
 */

int ngx_http_agw_sqlite_connect_first(ngx_http_agw_sqlite_t *sqlite,
    ngx_log_t *log);
void ngx_http_agw_sqlite_disconnect(ngx_http_agw_sqlite_t *sqlite);


/*
 * Prepares a worker's statements, which need all tables and indexes of this
 * version.  Returns SQLITE_OK or a code of SQLite.
 */

int ngx_http_agw_sqlite_prepare(ngx_http_agw_sqlite_t *sqlite);


/*
 * Called before each use of the connection.  Connects again if there is none,
 * or if the file was replaced; never waits.  Returns SQLITE_OK; SQLITE_BUSY, to
 * be tried again; or another code, which is logged.
 */

int ngx_http_agw_sqlite_ready(ngx_http_agw_sqlite_t *sqlite, ngx_log_t *log);


/*
 * Keeps the id of a partner that exists, is active and has a key, unless there
 * is one already: it is looked up along with partners that do not exist.
 */

void ngx_http_agw_sqlite_keep_partner(ngx_http_agw_sqlite_t *sqlite,
    agw_str_t partner_id);


#endif /* NGX_HTTP_AGW_SQLITE_DB_H_INCLUDED_ */
