
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_counters.h"
#include "ngx_http_agw_log.h"
#include "ngx_http_agw_request_query.h"
#include "ngx_http_agw_zone.h"


/* ms until a query that came too early is run again */

#define NGX_HTTP_AGW_QUERY_LATER  20


static ngx_int_t ngx_http_agw_request_query_run(
    ngx_http_agw_request_query_t *rq);
static ngx_int_t ngx_http_agw_request_query_find(
    ngx_http_agw_request_query_t *rq, ngx_http_agw_store_t *store);
static void ngx_http_agw_request_query_destroy(void *data);
static void ngx_http_agw_request_query_done(
    ngx_http_agw_directory_query_t *query, ngx_int_t rc);
static ngx_int_t ngx_http_agw_request_query_later(
    ngx_http_agw_request_query_t *rq);
static void ngx_http_agw_request_query_again(ngx_event_t *ev);
static void ngx_http_agw_request_query_forget(void *data);
static void ngx_http_agw_request_query_count(
    const ngx_http_agw_request_query_t *rq, ngx_int_t rc);


void
ngx_http_agw_request_query(ngx_http_request_t *r,
    ngx_http_agw_request_query_t *rq, ngx_http_agw_store_find_pt find,
    ngx_http_agw_request_query_pt handler)
{
    ngx_int_t  rc;

    rq->request = r;
    rq->handler = handler;
    rq->find = find;

    rq->query.pool = r->pool;
    rq->query.log = ngx_http_agw_log(r);
    rq->query.handler = ngx_http_agw_request_query_done;
    rq->query.data = rq;

    rq->from = ngx_http_agw_count_from();

    rc = ngx_http_agw_request_query_run(rq);

    if (rc != NGX_AGAIN) {
        ngx_http_agw_request_query_count(rq, rc);
        handler(rq, rc);
    }
}


static ngx_int_t
ngx_http_agw_request_query_run(ngx_http_agw_request_query_t *rq)
{
    const ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(rq->request,
                                        ngx_http_auth_gateway_module);

    ngx_http_agw_known(mcf->revocations, &rq->query.known);
    ngx_http_agw_store_know(mcf->store, agw_revoked_set_stamp(
                                ngx_http_agw_zone(mcf->revocations)->set));

    return ngx_http_agw_request_query_find(rq, mcf->store);
}


/*
 * The query of a request that cannot wait has a pool of its own: destroying it
 * cancels the query.
 */

static ngx_int_t
ngx_http_agw_request_query_find(ngx_http_agw_request_query_t *rq,
    ngx_http_agw_store_t *store)
{
    ngx_int_t            rc;
    ngx_pool_t          *pool;
    ngx_pool_cleanup_t  *cln;
    ngx_http_request_t  *r;

    r = rq->request;

    if (!r->filter_finalize) {
        return rq->find(store, &rq->query);
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, r->connection->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rq->query.pool = pool;

    rc = rq->find(store, &rq->query);

    if (rc == NGX_AGAIN && !ngx_http_agw_store_may_wait(r)) {
        ngx_destroy_pool(pool);
        return NGX_ERROR;
    }

    cln->handler = ngx_http_agw_request_query_destroy;
    cln->data = pool;

    return rc;
}


static void
ngx_http_agw_request_query_destroy(void *data)
{
    ngx_pool_t *pool = data;

    ngx_destroy_pool(pool);
}


/*
 * ngx_http_filter_finalize_request() returns NGX_ERROR to the handler whose
 * response it replaces, and nginx then closes the connection.
 */

ngx_uint_t
ngx_http_agw_store_may_wait(ngx_http_request_t *r)
{
    ngx_log_t  *log;

    if (!r->filter_finalize) {
        return 1;
    }

    log = ngx_http_agw_log(r);

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "auth_gateway: the error page of a header filter cannot "
                  "wait for the store");

    return 0;
}


/* the handler may free the request and its pool */

static void
ngx_http_agw_request_query_done(ngx_http_agw_directory_query_t *query,
    ngx_int_t rc)
{
    ngx_connection_t              *c;
    ngx_http_agw_request_query_t  *rq = query->data;

    if (rc == NGX_BUSY) {

        if (ngx_http_agw_request_query_later(rq) == NGX_OK) {
            return;
        }

        rc = NGX_ERROR;
    }

    c = rq->request->connection;

    ngx_http_agw_request_query_count(rq, rc);
    rq->handler(rq, rc);

    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_http_agw_request_query_later(ngx_http_agw_request_query_t *rq)
{
    ngx_pool_cleanup_t  *cln;

    if (rq->later.handler == NULL) {
        cln = ngx_pool_cleanup_add(rq->request->pool, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        cln->handler = ngx_http_agw_request_query_forget;
        cln->data = rq;

        rq->later.handler = ngx_http_agw_request_query_again;
        rq->later.data = rq;
        rq->later.log = rq->query.log;
    }

    ngx_add_timer(&rq->later, NGX_HTTP_AGW_QUERY_LATER);

    return NGX_OK;
}


/* the store is not asked again before this node has read more of it */

static void
ngx_http_agw_request_query_again(ngx_event_t *ev)
{
    ngx_int_t                        rc;
    ngx_http_agw_position_t          known, *before;
    const ngx_http_agw_main_conf_t  *mcf;
    ngx_http_agw_request_query_t    *rq = ev->data;

    mcf = ngx_http_get_module_main_conf(rq->request,
                                        ngx_http_auth_gateway_module);
    before = &rq->query.known;

    ngx_http_agw_known(mcf->revocations, &known);

    if (known.store_id == before->store_id && known.stamp == before->stamp
        && known.mark == before->mark
        && (ngx_msec_int_t) (rq->query.deadline - ngx_current_msec) > 0)
    {
        ngx_add_timer(ev, NGX_HTTP_AGW_QUERY_LATER);
        return;
    }

    rc = ngx_http_agw_request_query_run(rq);

    if (rc != NGX_AGAIN) {
        ngx_http_agw_request_query_done(&rq->query, rc);
    }
}


/* the request has ended */

static void
ngx_http_agw_request_query_forget(void *data)
{
    ngx_http_agw_request_query_t  *rq = data;

    if (rq->later.timer_set) {
        ngx_del_timer(&rq->later);
    }
}


static void
ngx_http_agw_request_query_count(const ngx_http_agw_request_query_t *rq,
    ngx_int_t rc)
{
    ngx_http_agw_count_store(rq->find == ngx_http_agw_store_find_business
                             ? NGX_HTTP_AGW_STORE_BUSINESS
                             : NGX_HTTP_AGW_STORE_API_KEY,
                             rq->from, rc);
}
