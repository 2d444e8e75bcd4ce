
/*
 * The result of the query becomes a reason.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_business.h"
#include "ngx_http_agw_request_query.h"


typedef struct {
    ngx_http_agw_request_query_t  store;     /* must be first */
    ngx_http_agw_business_pt      handler;
} ngx_http_agw_business_query_t;


static void ngx_http_agw_business_decide(ngx_http_agw_request_query_t *rq,
    ngx_int_t rc);


agw_reason_t
ngx_http_agw_find_business(ngx_http_request_t *r, agw_str_t partner_id,
    agw_str_t business_id, const agw_claims_t *token,
    ngx_http_agw_business_pt handler)
{
    ngx_http_agw_directory_query_t  *query;
    ngx_http_agw_business_query_t   *bq;
    const ngx_http_agw_main_conf_t  *mcf;

    bq = ngx_pcalloc(r->pool, sizeof(ngx_http_agw_business_query_t));
    if (bq == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    bq->handler = handler;

    query = &bq->store.query;
    query->partner_id = partner_id;
    query->business_id = business_id;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    if (token != NULL) {
        query->jti = token->jti;
        query->seq = token->seq;
        query->iat = token->iat - mcf->limits.ahead;
    }

    ngx_http_agw_request_query(r, &bq->store, ngx_http_agw_store_find_business,
                               ngx_http_agw_business_decide);

    return AGW_OK;
}


static void
ngx_http_agw_business_decide(ngx_http_agw_request_query_t *rq, ngx_int_t rc)
{
    agw_reason_t                    reason;
    ngx_http_agw_business_query_t  *bq;

    bq = (ngx_http_agw_business_query_t *) rq;

    reason = AGW_STORE_UNAVAILABLE;

    if (rc == NGX_OK) {
        reason = agw_policy_business(&rq->query.business);
    }

    bq->handler(rq->request, reason, &rq->query.business);
}
