
/*
 * The store's answer, turned into a reason.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_business.h"
#include "ngx_http_agw_log.h"


typedef struct {
    ngx_http_request_t       *request;
    ngx_http_agw_business_pt  handler;
    ngx_http_agw_query_t      query;
} ngx_http_agw_business_query_t;


static void ngx_http_agw_business_answered(ngx_http_agw_query_t *query,
    ngx_int_t rc);
static void ngx_http_agw_business_decide(ngx_http_agw_business_query_t *bq,
    ngx_int_t rc);


agw_reason_t
ngx_http_agw_find_business(ngx_http_request_t *r, agw_str_t partner_id,
    agw_str_t business_id, const agw_claims_t *token,
    ngx_http_agw_business_pt handler)
{
    ngx_int_t                        rc;
    const ngx_http_agw_main_conf_t  *mcf;
    ngx_http_agw_business_query_t   *bq;

    bq = ngx_pcalloc(r->pool, sizeof(ngx_http_agw_business_query_t));
    if (bq == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    bq->request = r;
    bq->handler = handler;

    bq->query.pool = r->pool;
    bq->query.log = ngx_http_agw_log(r);
    bq->query.handler = ngx_http_agw_business_answered;
    bq->query.data = bq;
    bq->query.partner_id = partner_id;
    bq->query.business_id = business_id;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    if (token != NULL) {
        bq->query.jti = token->jti;
        bq->query.seq = token->seq;
        bq->query.iat = token->iat - mcf->limits.ahead;
    }

    rc = ngx_http_agw_store_find_business(mcf->store, &bq->query);

    if (rc != NGX_AGAIN) {
        ngx_http_agw_business_decide(bq, rc);
    }

    return AGW_OK;
}


static void
ngx_http_agw_business_answered(ngx_http_agw_query_t *query, ngx_int_t rc)
{
    ngx_connection_t               *c;
    ngx_http_agw_business_query_t  *bq = query->data;

    c = bq->request->connection;

    ngx_http_agw_business_decide(bq, rc);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_agw_business_decide(ngx_http_agw_business_query_t *bq, ngx_int_t rc)
{
    agw_reason_t  reason;

    reason = AGW_STORE_UNAVAILABLE;

    if (rc == NGX_OK) {
        reason = agw_policy_business(&bq->query.business);
    }

    bq->handler(bq->request, reason, bq->query.business.stamp);
}
