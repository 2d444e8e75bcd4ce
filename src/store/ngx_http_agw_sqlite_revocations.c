
/*
 * Each change of a row has a number in the log, so a reader that knows where
 * it was asks for what came after.  Where the log does not reach back so
 * far, or the file is an older one than was read before, it reads all rows.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "agw_grammar.h"
#include "ngx_http_agw_sqlite_ask.h"
#include "ngx_http_agw_sqlite_db.h"
#include "ngx_http_agw_sqlite_revocations.h"


#define NGX_HTTP_AGW_SQLITE_PAGE   500       /* rows at a time */


static int ngx_http_agw_sqlite_step_revoke(void *state,
    ngx_http_agw_query_t *query);
static int ngx_http_agw_sqlite_bind(sqlite3_stmt *stmt, int n,
    agw_str_t text);
static ngx_int_t ngx_http_agw_sqlite_begin_reading(
    ngx_http_agw_sqlite_t *sqlite, ngx_http_agw_reading_t *reading);
static ngx_int_t ngx_http_agw_sqlite_read_page(
    ngx_http_agw_sqlite_t *sqlite, ngx_http_agw_reading_t *reading);
static ngx_int_t ngx_http_agw_sqlite_read_log(ngx_http_agw_sqlite_t *sqlite,
    ngx_http_agw_reading_t *reading);
static int ngx_http_agw_sqlite_hand_over(sqlite3_stmt *stmt,
    ngx_http_agw_reading_t *reading, ngx_uint_t *rows);
static ngx_int_t ngx_http_agw_sqlite_revocation(sqlite3_stmt *stmt,
    agw_revocation_t *revocation);
static agw_str_t ngx_http_agw_sqlite_column(sqlite3_stmt *stmt, int column);
static ngx_int_t ngx_http_agw_sqlite_failed(ngx_http_agw_sqlite_t *sqlite,
    int rc, ngx_log_t *log);


static const agw_str_t  ngx_http_agw_kinds[] = {
    [AGW_REVOKED_TOKEN] = agw_string("token"),
    [AGW_REVOKED_BUSINESS] = agw_string("business"),
    [AGW_REVOKED_PARTNER] = agw_string("partner")
};


ngx_int_t
ngx_http_agw_sqlite_revoke(void *state, ngx_http_agw_query_t *query)
{
    query->step = ngx_http_agw_sqlite_step_revoke;

    return ngx_http_agw_sqlite_ask(state, query);
}


/*
 * The id of a token is <partner_id>:<jti>, and then, where it fits, another
 * colon and the <business_id> that it is for, if any.
 */

static int
ngx_http_agw_sqlite_step_revoke(void *state, ngx_http_agw_query_t *query)
{
    int                      rc;
    u_char                   buf[NGX_HTTP_AGW_ROW_ID_MAX], *p;
    agw_str_t                id;
    sqlite3_stmt            *stmt;
    const agw_revocation_t  *revocation;
    ngx_http_agw_sqlite_t   *sqlite = state;

    stmt = sqlite->revoke;
    revocation = &query->revocation;

    switch (revocation->kind) {

    case AGW_REVOKED_TOKEN:

        if (revocation->partner_id.len > AGW_ID_MAX
            || revocation->jti.len > AGW_ID_MAX)
        {
            return SQLITE_TOOBIG;
        }

        p = ngx_cpymem(buf, revocation->partner_id.data,
                       revocation->partner_id.len);
        *p++ = ':';
        p = ngx_cpymem(p, revocation->jti.data, revocation->jti.len);

        if (revocation->business_id.len < (size_t) (buf + sizeof(buf) - p)) {
            *p++ = ':';

            if (revocation->business_id.len) {
                p = ngx_cpymem(p, revocation->business_id.data,
                               revocation->business_id.len);
            }
        }

        id.data = buf;
        id.len = p - buf;
        break;

    case AGW_REVOKED_BUSINESS:
        id = revocation->business_id;
        break;

    default:
        id = revocation->partner_id;
        break;
    }

    rc = ngx_http_agw_sqlite_bind(stmt, 1,
                                  ngx_http_agw_kinds[revocation->kind]);

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_bind(stmt, 2, id);
    }

    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int64(stmt, 3, revocation->cutoff);
    }

    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int64(stmt, 4, revocation->expires_at);
    }

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }

    ngx_http_agw_sqlite_release(stmt);

    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}


static int
ngx_http_agw_sqlite_bind(sqlite3_stmt *stmt, int n, agw_str_t text)
{
    return sqlite3_bind_text(stmt, n, (const char *) text.data,
                             (int) text.len, SQLITE_STATIC);
}


ngx_int_t
ngx_http_agw_sqlite_read_revocations(void *state,
    ngx_http_agw_reading_t *reading)
{
    int                     rc;
    ngx_int_t               n;
    ngx_http_agw_sqlite_t  *sqlite = state;

    rc = ngx_http_agw_sqlite_ready(sqlite, reading->log);

    if (rc != SQLITE_OK) {
        return rc == SQLITE_BUSY ? NGX_BUSY : NGX_ERROR;
    }

    if (reading->whole) {
        return ngx_http_agw_sqlite_read_page(sqlite, reading);
    }

    n = ngx_http_agw_sqlite_begin_reading(sqlite, reading);

    if (n != NGX_AGAIN) {
        return n;
    }

    return reading->whole ? ngx_http_agw_sqlite_read_page(sqlite, reading)
                          : ngx_http_agw_sqlite_read_log(sqlite, reading);
}


/*
 * NGX_OK where nothing is new, NGX_AGAIN where something is to be read.  A
 * position is a number of the log, plus one.
 */

static ngx_int_t
ngx_http_agw_sqlite_begin_reading(ngx_http_agw_sqlite_t *sqlite,
    ngx_http_agw_reading_t *reading)
{
    int       rc;
    uint64_t  first, last, known;

    rc = sqlite3_step(sqlite->read_ends);
    first = sqlite3_column_int64(sqlite->read_ends, 0);
    last = sqlite3_column_int64(sqlite->read_ends, 1);

    ngx_http_agw_sqlite_release(sqlite->read_ends);

    if (rc != SQLITE_ROW) {
        return ngx_http_agw_sqlite_failed(sqlite, rc, reading->log);
    }

    if (reading->store != sqlite->file) {
        reading->store = sqlite->file;
        reading->position = 0;
    }

    if (reading->position == last + 1) {
        return NGX_OK;
    }

    known = reading->position - 1;

    if (reading->position == 0 || last < known || first > known + 1) {
        reading->whole = 1;
        reading->target = last + 1;
        reading->kind_len = 0;
        reading->id_len = 0;
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_agw_sqlite_read_page(ngx_http_agw_sqlite_t *sqlite,
    ngx_http_agw_reading_t *reading)
{
    int                     rc;
    agw_str_t               kind, id;
    ngx_uint_t              rows;
    sqlite3_stmt           *stmt;
    ngx_http_agw_reading_t  from;

    stmt = sqlite->read_page;

    rows = 0;

    /* SQLite looks at what is bound while rows move the reading on */

    from = *reading;

    kind.data = from.kind;
    kind.len = from.kind_len;
    id.data = from.id;
    id.len = from.id_len;

    rc = ngx_http_agw_sqlite_bind(stmt, 1, kind);

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_bind(stmt, 2, id);
    }

    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int(stmt, 3, NGX_HTTP_AGW_SQLITE_PAGE);
    }

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_hand_over(stmt, reading, &rows);
    }

    ngx_http_agw_sqlite_release(stmt);

    if (rc != SQLITE_DONE) {
        return ngx_http_agw_sqlite_failed(sqlite, rc, reading->log);
    }

    if (rows == NGX_HTTP_AGW_SQLITE_PAGE) {
        return NGX_AGAIN;
    }

    reading->whole = 0;
    reading->position = reading->target;

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_sqlite_read_log(ngx_http_agw_sqlite_t *sqlite,
    ngx_http_agw_reading_t *reading)
{
    int            rc;
    ngx_uint_t     rows;
    sqlite3_stmt  *stmt;

    rows = 0;
    stmt = sqlite->read_log;

    rc = sqlite3_bind_int64(stmt, 1, reading->position - 1);

    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int(stmt, 2, NGX_HTTP_AGW_SQLITE_PAGE);
    }

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_hand_over(stmt, reading, &rows);
    }

    ngx_http_agw_sqlite_release(stmt);

    if (rc != SQLITE_DONE) {
        return ngx_http_agw_sqlite_failed(sqlite, rc, reading->log);
    }

    return rows == NGX_HTTP_AGW_SQLITE_PAGE ? NGX_AGAIN : NGX_OK;
}


/* all rows of a statement: seq, kind, id, cutoff, expires_at */

static int
ngx_http_agw_sqlite_hand_over(sqlite3_stmt *stmt,
    ngx_http_agw_reading_t *reading, ngx_uint_t *rows)
{
    int               rc;
    agw_str_t         kind, id;
    agw_revocation_t  revocation;

    for (*rows = 0; (rc = sqlite3_step(stmt)) == SQLITE_ROW; (*rows)++) {

        if (!reading->whole) {
            reading->position = sqlite3_column_int64(stmt, 0) + 1;
        }

        if (ngx_http_agw_sqlite_revocation(stmt, &revocation) == NGX_OK) {
            reading->handler(reading->data, &revocation);
        }

        kind = ngx_http_agw_sqlite_column(stmt, 1);
        id = ngx_http_agw_sqlite_column(stmt, 2);

        if (reading->whole) {

            /* no table of ours has such a row */

            if (kind.len > sizeof(reading->kind)
                || id.len > sizeof(reading->id))
            {
                return SQLITE_TOOBIG;
            }

            ngx_memcpy(reading->kind, kind.data, kind.len);
            reading->kind_len = kind.len;

            ngx_memcpy(reading->id, id.data, id.len);
            reading->id_len = id.len;
        }
    }

    return rc;
}


/* NGX_DECLINED where the row was removed since, or is none of ours */

static ngx_int_t
ngx_http_agw_sqlite_revocation(sqlite3_stmt *stmt,
    agw_revocation_t *revocation)
{
    agw_str_t      kind, id;
    const u_char  *colon, *second;

    kind = ngx_http_agw_sqlite_column(stmt, 1);
    id = ngx_http_agw_sqlite_column(stmt, 2);

    ngx_memzero(revocation, sizeof(agw_revocation_t));

    revocation->cutoff = sqlite3_column_int64(stmt, 3);
    revocation->expires_at = sqlite3_column_int64(stmt, 4);

    if (agw_str_eq(kind, ngx_http_agw_kinds[AGW_REVOKED_BUSINESS])) {
        revocation->kind = AGW_REVOKED_BUSINESS;
        revocation->business_id = id;

        return agw_is_id(id) ? NGX_OK : NGX_DECLINED;
    }

    if (agw_str_eq(kind, ngx_http_agw_kinds[AGW_REVOKED_PARTNER])) {
        revocation->kind = AGW_REVOKED_PARTNER;
        revocation->partner_id = id;

        return agw_is_id(id) ? NGX_OK : NGX_DECLINED;
    }

    colon = id.len ? memchr(id.data, ':', id.len) : NULL;

    if (!agw_str_eq(kind, ngx_http_agw_kinds[AGW_REVOKED_TOKEN])
        || colon == NULL)
    {
        return NGX_DECLINED;
    }

    revocation->kind = AGW_REVOKED_TOKEN;
    revocation->partner_id.data = id.data;
    revocation->partner_id.len = colon - id.data;
    revocation->jti.data = colon + 1;
    revocation->jti.len = id.len - revocation->partner_id.len - 1;

    second = revocation->jti.len
             ? memchr(revocation->jti.data, ':', revocation->jti.len) : NULL;

    if (second != NULL) {
        revocation->business_id.data = second + 1;
        revocation->business_id.len = id.data + id.len - second - 1;
        revocation->jti.len = second - revocation->jti.data;

        if (revocation->business_id.len
            && !agw_is_id(revocation->business_id))
        {
            return NGX_DECLINED;
        }

    } else {

        /* not ours: its cut-off need not be the iat, so no other covers it */

        revocation->cutoff = 0;
    }

    return agw_is_id(revocation->partner_id) && agw_is_id(revocation->jti)
           ? NGX_OK : NGX_DECLINED;
}


static agw_str_t
ngx_http_agw_sqlite_column(sqlite3_stmt *stmt, int column)
{
    agw_str_t  text;

    text.data = sqlite3_column_text(stmt, column);
    text.len = text.data ? sqlite3_column_bytes(stmt, column) : 0;

    return text;
}


static ngx_int_t
ngx_http_agw_sqlite_failed(ngx_http_agw_sqlite_t *sqlite, int rc,
    ngx_log_t *log)
{
    if (rc == SQLITE_BUSY) {
        return NGX_BUSY;
    }

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "auth_gateway: revocations of store \"%s\" cannot be "
                  "read: %s", sqlite->path, sqlite3_errmsg(sqlite->db));

    ngx_http_agw_sqlite_close(sqlite);

    return NGX_ERROR;
}


/*
 * The last number of the log stays, or a reader could take a later one for
 * one that it knows.
 */

ngx_uint_t
ngx_http_agw_sqlite_forget_revocations(void *state, time_t now)
{
    int                     before;
    char                    sql[512];
    ngx_http_agw_sqlite_t  *sqlite = state;

    if (sqlite->db == NULL) {
        return 0;
    }

    before = sqlite3_total_changes(sqlite->db);

    (void) ngx_snprintf((u_char *) sql, sizeof(sql),
                        "DELETE FROM revocations WHERE (kind, id) IN"
                        " (SELECT kind, id FROM revocations"
                        " WHERE expires_at <= %T LIMIT 1000);"
                        "DELETE FROM revocation_log WHERE seq IN"
                        " (SELECT seq FROM revocation_log WHERE seq <="
                        " (SELECT max(seq) - 10000 FROM revocation_log)"
                        " LIMIT 1000)%Z",
                        now);

    return sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL) == SQLITE_OK
           && sqlite3_total_changes(sqlite->db) - before >= 1000;
}
