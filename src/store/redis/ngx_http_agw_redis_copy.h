
/*
 * The file of a replica: a SQLite file of this node with the revocations that
 * it knows, and the position in the stream that they reach to.  Nothing here
 * belongs to the event loop: it may be used in a thread.
 */


#ifndef NGX_HTTP_AGW_REDIS_COPY_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_COPY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <sqlite3.h>

#include "ngx_http_agw_sqlite_file.h"
#include "ngx_http_agw_store_revocations.h"


/* what the file says of itself; position.store_id is 0 where it is empty */

typedef struct {
    ngx_http_agw_position_t      position;
    int64_t                      floor;
    int64_t                      last;       /* stamp of the store */
    int64_t                      horizon;    /* seconds */
    int64_t                      round;      /* of reading all, 1 and up */
    time_t                       written;
    unsigned                     whole:1;    /* all of this store was read */
    unsigned                     other:1;    /* all of another store was, by
                                                its name */
} ngx_http_agw_redis_state_t;


typedef struct {
    const char                  *path;
    ngx_str_t                    store;      /* its name */
    int                          patience;   /* ms for another one's lock */
    sqlite3                     *db;         /* NULL: closed */
    uint64_t                     file_id;    /* of path, when it was opened */
    sqlite3_stmt                *put;
    sqlite3_stmt                *rows;       /* while they are read */
    ngx_http_agw_redis_state_t   state;
    u_char                       of[256];    /* the store that it names */
} ngx_http_agw_redis_copy_t;


/*
 * Opens the file, and makes it where there is none; reads its state.  One that
 * is damaged is renamed, and made anew.  Returns NGX_OK; NGX_BUSY if it is
 * locked, and patience is 0; or NGX_ERROR, logged, also where it is another
 * program's.
 */

ngx_int_t ngx_http_agw_redis_copy_open(ngx_http_agw_redis_copy_t *copy,
    ngx_log_t *log);
void ngx_http_agw_redis_copy_close(ngx_http_agw_redis_copy_t *copy);


/*
 * Calls the handler with the next n entries, from the first on, and adds
 * their number to *rows.  Returns NGX_AGAIN; NGX_OK if those were all; or
 * NGX_ERROR, logged.
 */

ngx_int_t ngx_http_agw_redis_copy_rows(ngx_http_agw_redis_copy_t *copy,
    ngx_uint_t n, ngx_uint_t *rows, ngx_http_agw_revocation_pt handler,
    void *data, ngx_log_t *log);


/*
 * One transaction: begin(), which reads the state, then put() and state(),
 * then end(), or cancel() right after begin().  seen: the stream has the entry;
 * else this node alone knows so far.  Each returns SQLITE_OK or a code of
 * SQLite.
 */

int ngx_http_agw_redis_copy_begin(ngx_http_agw_redis_copy_t *copy);
int ngx_http_agw_redis_copy_put(ngx_http_agw_redis_copy_t *copy,
    agw_revocation_kind_t kind, agw_str_t id, agw_str_t partner_id,
    int64_t stamp, int64_t time, ngx_uint_t seen);
int ngx_http_agw_redis_copy_state(ngx_http_agw_redis_copy_t *copy,
    const ngx_http_agw_redis_state_t *state);
int ngx_http_agw_redis_copy_end(ngx_http_agw_redis_copy_t *copy);
int ngx_http_agw_redis_copy_cancel(ngx_http_agw_redis_copy_t *copy);


/*
 * After state(): calls the handler with up to n entries that the stream lacked
 * when it was last read from the first on; first with those that it was never
 * seen to have, then with the newest.  Those whose stamp is above last may be
 * in the stream: it is yet to be read.  Returns SQLITE_OK or a code of SQLite.
 */

int ngx_http_agw_redis_copy_lacking(ngx_http_agw_redis_copy_t *copy,
    ngx_uint_t n, int64_t last, ngx_http_agw_revocation_pt handler,
    void *data);


/* logs a failure, with the error of SQLite */

void ngx_http_agw_redis_copy_log(const ngx_http_agw_redis_copy_t *copy,
    ngx_log_t *log, const char *what, int rc);


#endif /* NGX_HTTP_AGW_REDIS_COPY_H_INCLUDED_ */
