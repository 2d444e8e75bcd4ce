
/*
 * Questions are answered at once, since readers of a WAL never wait for a
 * writer; where the file is busy all the same (another process recovers it, or
 * has it alone), it is asked again on a timer, so that a worker never sleeps.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_sqlite_ask.h"
#include "ngx_http_agw_sqlite_db.h"


#define NGX_HTTP_AGW_SQLITE_PATIENCE  1000   /* ms for one question */


static ngx_int_t ngx_http_agw_sqlite_wait(ngx_http_agw_query_t *query);
static void ngx_http_agw_sqlite_retry(ngx_event_t *ev);
static void ngx_http_agw_sqlite_forget(void *data);


ngx_int_t
ngx_http_agw_sqlite_ask(void *state, ngx_http_agw_query_t *query)
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
ngx_http_agw_sqlite_wait(ngx_http_agw_query_t *query)
{
    ngx_pool_cleanup_t     *cln;
    ngx_http_agw_sqlite_t  *sqlite = query->state;

    if (query->retry.handler == NULL) {
        cln = ngx_pool_cleanup_add(query->pool, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        cln->handler = ngx_http_agw_sqlite_forget;
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
    ngx_int_t              rc;
    ngx_http_agw_query_t  *query = ev->data;

    rc = ngx_http_agw_sqlite_ask(query->state, query);

    if (rc != NGX_AGAIN) {
        query->handler(query, rc);
    }
}


static void
ngx_http_agw_sqlite_forget(void *data)
{
    ngx_http_agw_query_t  *query = data;

    if (query->retry.timer_set) {
        ngx_del_timer(&query->retry);
    }
}
