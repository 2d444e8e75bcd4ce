
/*
 * The SQLite engine, and its questions.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_sqlite_ask.h"
#include "ngx_http_agw_sqlite_check.h"
#include "ngx_http_agw_sqlite_db.h"
#include "ngx_http_agw_sqlite_id.h"
#include "ngx_http_agw_sqlite_revocations.h"
#include "ngx_http_agw_sqlite_writer.h"
#include "ngx_http_agw_store_engine.h"
#include "ngx_http_agw_worker_access.h"


#define NGX_HTTP_AGW_SQLITE_MIGRATION  60      /* seconds for a migration */


/* for the child that makes a store */

typedef struct {
    ngx_http_agw_sqlite_t  *sqlite;
    ngx_log_t              *log;
} ngx_http_agw_sqlite_make_t;


static void *ngx_http_agw_sqlite_create(ngx_conf_t *cf, ngx_str_t *words,
    ngx_uint_t n);

static void ngx_http_agw_sqlite_make(void *state,
    const ngx_http_agw_store_limits_t *limits, ngx_cycle_t *cycle);
static ngx_int_t ngx_http_agw_sqlite_make_as_worker(void *data);
static void ngx_http_agw_sqlite_open(void *state,
    const ngx_http_agw_store_limits_t *limits, ngx_cycle_t *cycle);
static void ngx_http_agw_sqlite_close(void *state);

static ngx_int_t ngx_http_agw_sqlite_find_api_keys(void *state,
    ngx_http_agw_query_t *query);
static ngx_int_t ngx_http_agw_sqlite_find_business(void *state,
    ngx_http_agw_query_t *query);

static int ngx_http_agw_sqlite_step_api_keys(void *state,
    ngx_http_agw_query_t *query);
static int ngx_http_agw_sqlite_find(ngx_http_agw_sqlite_t *sqlite,
    const ngx_http_agw_api_key_t *key, agw_api_key_row_t *row);
static int ngx_http_agw_sqlite_even_out(ngx_http_agw_sqlite_t *sqlite,
    const ngx_http_agw_api_key_t *key, const agw_api_key_row_t *row);
static int ngx_http_agw_sqlite_step_business(void *state,
    ngx_http_agw_query_t *query);
static int ngx_http_agw_sqlite_first_row(sqlite3_stmt *stmt, agw_str_t first,
    agw_str_t second);
static int ngx_http_agw_sqlite_is_time(sqlite3_stmt *stmt, int column);


const ngx_http_agw_store_engine_t  ngx_http_agw_sqlite_engine = {
    ngx_string("sqlite:"),
    ngx_http_agw_sqlite_create,
    ngx_http_agw_sqlite_make,
    ngx_http_agw_sqlite_open,
    ngx_http_agw_sqlite_close,
    ngx_http_agw_sqlite_find_api_keys,
    ngx_http_agw_sqlite_find_business,
    ngx_http_agw_sqlite_revoke,
    ngx_http_agw_sqlite_tend,
    ngx_http_agw_sqlite_read_revocations
};


static void *
ngx_http_agw_sqlite_create(ngx_conf_t *cf, ngx_str_t *words, ngx_uint_t n)
{
    size_t                  len;
    ngx_str_t               path;
    ngx_http_agw_sqlite_t  *sqlite;

    if (n != 1) {

        /* what follows a '=' may be a password */

        for (len = 0; len < words[1].len; len++) {
            if (words[1].data[len] == '=') {
                break;
            }
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%*s\" in "
                           "\"auth_gateway_store\", \"sqlite:<path>\" "
                           "takes none", len, words[1].data);
        return NULL;
    }

    path = words[0];
    path.data += ngx_http_agw_sqlite_engine.scheme.len;
    path.len -= ngx_http_agw_sqlite_engine.scheme.len;

    if (path.len > 1 && path.data[0] == '/' && path.data[1] == '/') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sqlite://\" in \"auth_gateway_store\" is no "
                           "path, it must be \"sqlite:<path>\"");
        return NULL;
    }

    if (path.len == 0 || path.data[path.len - 1] == '/'
        || path.data[0] == ':')
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"auth_gateway_store\", "
                           "it must be \"sqlite:<path>\" with the path of a "
                           "file", &words[0]);
        return NULL;
    }

    if (ngx_conf_full_name(cf->cycle, &path, 0) != NGX_OK) {
        return NULL;
    }

    sqlite = ngx_pcalloc(cf->pool, sizeof(ngx_http_agw_sqlite_t));
    if (sqlite == NULL) {
        return NULL;
    }

    sqlite->path = (char *) path.data;      /* ngx_conf_full_name() ends it */

    /* nginx -s reads the configuration as well, and only for the pid */

    if (ngx_process != NGX_PROCESS_SIGNALLER
        && ngx_http_agw_sqlite_check_store(cf, sqlite) != NGX_OK)
    {
        return NULL;
    }

    return sqlite;
}


/*
 * A file of root's would be out of the workers' reach, so a child that is as
 * they are makes it.  What fails is tried again by the workers.
 */

static void
ngx_http_agw_sqlite_make(void *state,
    const ngx_http_agw_store_limits_t *limits, ngx_cycle_t *cycle)
{
    ngx_int_t                    rc;
    ngx_http_agw_sqlite_t       *sqlite = state;
    ngx_http_agw_sqlite_make_t   make;

    make.sqlite = sqlite;
    make.log = cycle->log;

    sqlite->limits = limits;

    rc = ngx_http_agw_as_worker(cycle, cycle->log,
                                ngx_http_agw_sqlite_make_as_worker, &make,
                                NGX_HTTP_AGW_SQLITE_MIGRATION);

    if (rc == NGX_BUSY) {
        ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                      "auth_gateway: store \"%s\" is locked by another "
                      "process, and left to the workers", sqlite->path);
    }
}


static ngx_int_t
ngx_http_agw_sqlite_make_as_worker(void *data)
{
    int                          rc;
    ngx_http_agw_sqlite_make_t  *make = data;

    rc = ngx_http_agw_sqlite_connect_first(make->sqlite, make->log);

    ngx_http_agw_sqlite_disconnect(make->sqlite);

    return rc == SQLITE_OK ? NGX_OK : rc == SQLITE_BUSY ? NGX_BUSY : NGX_ERROR;
}


static void
ngx_http_agw_sqlite_open(void *state,
    const ngx_http_agw_store_limits_t *limits, ngx_cycle_t *cycle)
{
    ngx_http_agw_sqlite_t  *sqlite = state;

    sqlite->limits = limits;
    sqlite->writer = ngx_http_agw_sqlite_writer_create(sqlite->path, limits,
                                                       cycle);
    sqlite->moved = ngx_http_agw_sqlite_writer_rest;

    if (ngx_http_agw_sqlite_connect_first(sqlite, cycle->log) == SQLITE_BUSY) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
                      "auth_gateway: store \"%s\" is locked by another "
                      "process", sqlite->path);
    }
}


static void
ngx_http_agw_sqlite_close(void *state)
{
    ngx_http_agw_sqlite_t  *sqlite = state;

    ngx_http_agw_sqlite_disconnect(sqlite);
    ngx_http_agw_sqlite_writer_close(sqlite->writer);
}


static ngx_int_t
ngx_http_agw_sqlite_find_api_keys(void *state, ngx_http_agw_query_t *query)
{
    query->step = ngx_http_agw_sqlite_step_api_keys;

    return ngx_http_agw_sqlite_ask(state, query);
}


static ngx_int_t
ngx_http_agw_sqlite_find_business(void *state, ngx_http_agw_query_t *query)
{
    query->step = ngx_http_agw_sqlite_step_business;

    return ngx_http_agw_sqlite_ask(state, query);
}


static int
ngx_http_agw_sqlite_step_api_keys(void *state, ngx_http_agw_query_t *query)
{
    int                     rc;
    ngx_uint_t              i;
    agw_api_key_row_t      *row;
    ngx_http_agw_sqlite_t  *sqlite = state;

    for (i = 0; i < query->nkeys; i++) {
        row = &query->api_keys[i];

        rc = ngx_http_agw_sqlite_find(sqlite, &query->keys[i], row);

        if (rc == SQLITE_OK && row->partner_active && row->found) {
            ngx_http_agw_sqlite_remember(sqlite, query->keys[i].partner_id);
        }

        if (rc == SQLITE_OK
            && agw_policy_api_key(row, query->now) != AGW_OK)
        {
            rc = ngx_http_agw_sqlite_even_out(sqlite, &query->keys[i], row);
        }

        if (rc != SQLITE_OK) {
            return rc;
        }
    }

    return SQLITE_OK;
}


static int
ngx_http_agw_sqlite_find(ngx_http_agw_sqlite_t *sqlite,
    const ngx_http_agw_api_key_t *key, agw_api_key_row_t *row)
{
    int            rc;
    agw_str_t      digest;
    sqlite3_stmt  *stmt;

    stmt = sqlite->find_api_key;

    ngx_memzero(row, sizeof(agw_api_key_row_t));

    digest.data = key->key_sha256;
    digest.len = NGX_HTTP_AGW_SHA256_HEX;

    rc = ngx_http_agw_sqlite_first_row(stmt, key->partner_id, digest);

    if (rc == SQLITE_ROW && (!ngx_http_agw_sqlite_is_time(stmt, 1)
                             || !ngx_http_agw_sqlite_is_time(stmt, 2)))
    {
        rc = SQLITE_MISMATCH;
    }

    if (rc == SQLITE_ROW) {
        row->partner_found = 1;
        row->partner_active = sqlite3_column_int(stmt, 0);
        row->found = sqlite3_column_type(stmt, 1) != SQLITE_NULL;
        row->not_before = sqlite3_column_int64(stmt, 1);
        row->expires = sqlite3_column_type(stmt, 2) != SQLITE_NULL;
        row->expires_at = sqlite3_column_int64(stmt, 2);
        row->stamp = sqlite3_column_int64(stmt, 3);
    }

    ngx_http_agw_sqlite_release(stmt);

    return (rc == SQLITE_ROW || rc == SQLITE_DONE) ? SQLITE_OK : rc;
}


/*
 * Finding a row takes longer than not finding it.  So a key that is refused
 * is looked for twice: once more under a partner that is there where its own
 * is not, and under nobody where it is.
 */

static int
ngx_http_agw_sqlite_even_out(ngx_http_agw_sqlite_t *sqlite,
    const ngx_http_agw_api_key_t *key, const agw_api_key_row_t *row)
{
    agw_api_key_row_t       unused;
    ngx_http_agw_api_key_t  other;
    static const agw_str_t  nobody =
                            agw_string(NGX_HTTP_AGW_NOBODY);

    other = *key;

    if (row->partner_found) {
        other.partner_id = nobody;

    } else {
        other.partner_id.data = sqlite->known;
        other.partner_id.len = sqlite->known_len;
    }

    return ngx_http_agw_sqlite_find(sqlite, &other, &unused);
}


static int
ngx_http_agw_sqlite_step_business(void *state, ngx_http_agw_query_t *query)
{
    int                     rc;
    u_char                  buf[NGX_HTTP_AGW_SQLITE_ID_MAX];
    agw_str_t               token;
    sqlite3_stmt           *stmt;
    agw_business_row_t     *row;
    ngx_http_agw_sqlite_t  *sqlite = state;

    stmt = sqlite->find_business;
    row = &query->business;
    rc = SQLITE_OK;

    if (query->jti.len) {
        token = ngx_http_agw_sqlite_pair(query->partner_id, query->jti, buf);

        rc = sqlite3_bind_text(stmt, 3, (const char *) token.data,
                               (int) token.len, SQLITE_STATIC);

        if (rc == SQLITE_OK) {
            rc = sqlite3_bind_int64(stmt, 4, query->seq);
        }

        if (rc == SQLITE_OK) {
            rc = sqlite3_bind_int64(stmt, 5, query->iat);
        }
    }

    if (rc == SQLITE_OK) {
        rc = ngx_http_agw_sqlite_first_row(stmt, query->partner_id,
                                           query->business_id);
    }

    if (rc == SQLITE_ROW) {
        row->partner_active = sqlite3_column_int(stmt, 0);
        row->found = sqlite3_column_type(stmt, 1) != SQLITE_NULL;
        row->owned = sqlite3_column_int(stmt, 1);
        row->active = sqlite3_column_int(stmt, 2);
        row->stamp = sqlite3_column_int64(stmt, 3);
        row->token_ended = sqlite3_column_int(stmt, 4);
    }

    ngx_http_agw_sqlite_release(stmt);

    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}


/* binds both and steps once: SQLITE_ROW, SQLITE_DONE, or an error */

static int
ngx_http_agw_sqlite_first_row(sqlite3_stmt *stmt, agw_str_t first,
    agw_str_t second)
{
    int  rc;

    rc = sqlite3_bind_text(stmt, 1, (const char *) first.data,
                           (int) first.len, SQLITE_STATIC);

    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_text(stmt, 2, (const char *) second.data,
                               (int) second.len, SQLITE_STATIC);
    }

    return rc == SQLITE_OK ? sqlite3_step(stmt) : rc;
}


/*
 * Tables that others made may hold a date as text, which would compare as a
 * number of any size: such a row is no answer.
 */

static int
ngx_http_agw_sqlite_is_time(sqlite3_stmt *stmt, int column)
{
    int  type;

    type = sqlite3_column_type(stmt, column);

    return type == SQLITE_INTEGER || type == SQLITE_NULL;
}
