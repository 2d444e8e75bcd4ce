
/*
 * A query is finished at once, since a reader of a WAL never waits for a
 * writer.  If the file is busy all the same (another process recovers it, or
 * has locked it exclusively), a timer repeats the query, so that a worker never
 * sleeps.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "agw_grammar.h"
#include "ngx_http_agw_sqlite_db.h"
#include "ngx_http_agw_sqlite_directory.h"
#include "ngx_http_agw_revocation_id.h"


#define NGX_HTTP_AGW_SQLITE_PATIENCE  1000   /* ms for one query */


static ngx_int_t ngx_http_agw_sqlite_find_api_keys(void *state,
    ngx_http_agw_directory_query_t *query);
static ngx_int_t ngx_http_agw_sqlite_find_business(void *state,
    ngx_http_agw_directory_query_t *query);

static ngx_int_t ngx_http_agw_sqlite_query(void *state,
    ngx_http_agw_directory_query_t *query);
static ngx_int_t ngx_http_agw_sqlite_wait(
    ngx_http_agw_directory_query_t *query);
static void ngx_http_agw_sqlite_retry(ngx_event_t *ev);
static void ngx_http_agw_sqlite_cancel(void *data);

static int ngx_http_agw_sqlite_step_api_keys(void *state,
    ngx_http_agw_directory_query_t *query);
static int ngx_http_agw_sqlite_find_key(ngx_http_agw_sqlite_t *sqlite,
    ngx_http_agw_directory_query_t *query,
    const ngx_http_agw_api_key_t *key, agw_api_key_row_t *row);
static int ngx_http_agw_sqlite_jwk(sqlite3_stmt *stmt,
    ngx_http_agw_directory_query_t *query);
static int ngx_http_agw_sqlite_even_out(ngx_http_agw_sqlite_t *sqlite,
    ngx_http_agw_directory_query_t *query,
    const ngx_http_agw_api_key_t *key, const agw_api_key_row_t *row);
static int ngx_http_agw_sqlite_step_business(void *state,
    ngx_http_agw_directory_query_t *query);
static int ngx_http_agw_sqlite_first_row(sqlite3_stmt *stmt, agw_str_t first,
    agw_str_t second);
static int ngx_http_agw_sqlite_scopes(ngx_pool_t *pool, sqlite3_stmt *stmt,
    int column, agw_str_t *scopes);
static int ngx_http_agw_sqlite_is_time(sqlite3_stmt *stmt, int column);


const ngx_http_agw_directory_engine_t  ngx_http_agw_sqlite_directory = {
    ngx_http_agw_sqlite_find_api_keys,
    ngx_http_agw_sqlite_find_business,
    NULL
};


static ngx_int_t
ngx_http_agw_sqlite_find_api_keys(void *state,
    ngx_http_agw_directory_query_t *query)
{
    query->step = ngx_http_agw_sqlite_step_api_keys;

    return ngx_http_agw_sqlite_query(state, query);
}


static ngx_int_t
ngx_http_agw_sqlite_find_business(void *state,
    ngx_http_agw_directory_query_t *query)
{
    query->step = ngx_http_agw_sqlite_step_business;

    return ngx_http_agw_sqlite_query(state, query);
}


/*
 * Calls query->step, and later again if the file is busy.  Returns NGX_OK;
 * NGX_AGAIN, and the query's handler will be called; or NGX_ERROR, logged.
 */

static ngx_int_t
ngx_http_agw_sqlite_query(void *state,
    ngx_http_agw_directory_query_t *query)
{
    int                     rc;
    ngx_http_agw_sqlite_t  *sqlite = state;

    query->state = state;

    rc = ngx_http_agw_sqlite_ready(sqlite, query->log);

    if (rc == SQLITE_OK) {
        rc = query->step(state, query);

        if (rc == SQLITE_OK) {
            return NGX_OK;
        }

        if (rc == SQLITE_MISMATCH) {
            ngx_log_error(NGX_LOG_ERR, query->log, 0,
                          "auth_gateway: store \"%s\" cannot be read: a time "
                          "is no integer", sqlite->path);

        } else if (rc != SQLITE_BUSY) {
            ngx_http_agw_sqlite_log(NGX_LOG_ERR, query->log, sqlite->path,
                                    "cannot be read", sqlite->db, rc);
        }

        if (rc != SQLITE_BUSY) {
            ngx_http_agw_sqlite_disconnect(sqlite);
        }
    }

    return rc == SQLITE_BUSY ? ngx_http_agw_sqlite_wait(query) : NGX_ERROR;
}


static ngx_int_t
ngx_http_agw_sqlite_wait(ngx_http_agw_directory_query_t *query)
{
    ngx_pool_cleanup_t     *cln;
    ngx_http_agw_sqlite_t  *sqlite = query->state;

    if (query->retry.handler == NULL) {
        cln = ngx_pool_cleanup_add(query->pool, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        cln->handler = ngx_http_agw_sqlite_cancel;
        cln->data = query;

        query->retry.handler = ngx_http_agw_sqlite_retry;
        query->retry.data = query;
        query->retry.log = query->log;

        query->deadline = ngx_current_msec + NGX_HTTP_AGW_SQLITE_PATIENCE;
    }

    if ((ngx_msec_int_t) (query->deadline - ngx_current_msec) <= 0) {
        ngx_log_error(NGX_LOG_ERR, query->log, 0,
                      "auth_gateway: store \"%s\" stays locked by another "
                      "process", sqlite->path);
        return NGX_ERROR;
    }

    ngx_add_timer(&query->retry, NGX_HTTP_AGW_SQLITE_RETRY);

    return NGX_AGAIN;
}


static void
ngx_http_agw_sqlite_retry(ngx_event_t *ev)
{
    ngx_int_t                        rc;
    ngx_http_agw_directory_query_t  *query = ev->data;

    rc = ngx_http_agw_sqlite_query(query->state, query);

    if (rc != NGX_AGAIN) {
        query->handler(query, rc);
    }
}


static void
ngx_http_agw_sqlite_cancel(void *data)
{
    ngx_http_agw_directory_query_t  *query = data;

    if (query->retry.timer_set) {
        ngx_del_timer(&query->retry);
    }
}


static int
ngx_http_agw_sqlite_step_api_keys(void *state,
    ngx_http_agw_directory_query_t *query)
{
    int                     rc;
    ngx_uint_t              i;
    agw_api_key_row_t      *row;
    ngx_http_agw_sqlite_t  *sqlite = state;

    for (i = 0; i < query->nkeys; i++) {
        row = &query->api_keys[i];

        rc = ngx_http_agw_sqlite_find_key(sqlite, query, &query->keys[i], row);

        if (rc == SQLITE_OK && row->partner_active && row->found) {
            ngx_http_agw_sqlite_keep_partner(sqlite, query->keys[i].partner_id);
        }

        if (rc == SQLITE_OK
            && agw_policy_api_key(row, query->now) != AGW_OK)
        {
            rc = ngx_http_agw_sqlite_even_out(sqlite, query, &query->keys[i],
                                              row);
        }

        if (rc != SQLITE_OK) {
            return rc;
        }
    }

    return SQLITE_OK;
}


static int
ngx_http_agw_sqlite_find_key(ngx_http_agw_sqlite_t *sqlite,
    ngx_http_agw_directory_query_t *query,
    const ngx_http_agw_api_key_t *key, agw_api_key_row_t *row)
{
    int            rc;
    agw_str_t      digest;
    sqlite3_stmt  *stmt;

    stmt = sqlite->find_api_key;

    ngx_memzero(row, sizeof(agw_api_key_row_t));

    digest.data = key->key_sha256;
    digest.len = NGX_HTTP_AGW_SHA256_HEX;

    if (query->thumbprint.len) {
        stmt = sqlite->find_certificate;
        digest = query->thumbprint;

    } else if (query->kid.len) {
        stmt = sqlite->find_jwk;
        digest = query->kid;
    }

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
        row->limited = sqlite3_column_type(stmt, 4) != SQLITE_NULL;

        if (row->found && query->kid.len) {
            rc = ngx_http_agw_sqlite_jwk(stmt, query);
        }

        if (rc == SQLITE_ROW && row->limited && row->found) {
            rc = ngx_http_agw_sqlite_scopes(query->pool, stmt, 4, &row->scopes);
        }
    }

    ngx_http_agw_sqlite_release(stmt);

    return (rc == SQLITE_ROW || rc == SQLITE_DONE) ? SQLITE_OK : rc;
}


static int
ngx_http_agw_sqlite_jwk(sqlite3_stmt *stmt,
    ngx_http_agw_directory_query_t *query)
{
    u_char        *p;
    size_t         len;
    const u_char  *text;

    text = sqlite3_column_text(stmt, 5);
    len = sqlite3_column_bytes(stmt, 5);

    p = text ? ngx_pnalloc(query->pool, len + 1) : NULL;
    if (p == NULL) {
        return SQLITE_NOMEM;
    }

    ngx_memcpy(p, text, len);

    query->jwk.data = p;
    query->jwk.len = len;

    return SQLITE_ROW;
}


/*
 * It takes longer to find a row than to find none.  So that the time does not
 * tell whether a partner exists, a key that is refused is looked up twice: the
 * second time as a key of an existing partner if its partner does not exist,
 * and of one that does not if its partner exists.
 */

static int
ngx_http_agw_sqlite_even_out(ngx_http_agw_sqlite_t *sqlite,
    ngx_http_agw_directory_query_t *query,
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
        other.partner_id.data = sqlite->partner;
        other.partner_id.len = sqlite->partner_len;
    }

    return ngx_http_agw_sqlite_find_key(sqlite, query, &other, &unused);
}


static int
ngx_http_agw_sqlite_step_business(void *state,
    ngx_http_agw_directory_query_t *query)
{
    int                     rc;
    u_char                  buf[NGX_HTTP_AGW_REVOCATION_ID_MAX];
    agw_str_t               token;
    sqlite3_stmt           *stmt;
    agw_business_row_t     *row;
    ngx_http_agw_sqlite_t  *sqlite = state;

    stmt = sqlite->find_business;
    row = &query->business;
    rc = SQLITE_OK;

    if (query->jti.len) {
        token = ngx_http_agw_revocation_pair(query->partner_id, query->jti,
                                             buf);

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
        row->limited = sqlite3_column_type(stmt, 5) != SQLITE_NULL;

        if (row->limited && row->active) {
            rc = ngx_http_agw_sqlite_scopes(query->pool, stmt, 5,
                                            &row->scopes);
        }
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


/* a copy of a partner's list; one that is malformed allows nothing */

static int
ngx_http_agw_sqlite_scopes(ngx_pool_t *pool, sqlite3_stmt *stmt, int column,
    agw_str_t *scopes)
{
    u_char  *p;

    scopes->data = sqlite3_column_text(stmt, column);
    scopes->len = sqlite3_column_bytes(stmt, column);

    if (!agw_is_scope(*scopes)) {
        scopes->len = 0;
        return SQLITE_ROW;
    }

    p = ngx_pnalloc(pool, scopes->len);
    if (p == NULL) {
        return SQLITE_NOMEM;
    }

    ngx_memcpy(p, scopes->data, scopes->len);
    scopes->data = p;

    return SQLITE_ROW;
}


/*
 * Tables that were made by hand may hold a date as text, which would compare
 * like an arbitrary number: such a row is an error.
 */

static int
ngx_http_agw_sqlite_is_time(sqlite3_stmt *stmt, int column)
{
    int  type;

    type = sqlite3_column_type(stmt, column);

    return type == SQLITE_INTEGER || type == SQLITE_NULL;
}
