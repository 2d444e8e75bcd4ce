
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_issue.h"
#include "ngx_http_agw_revocations.h"
#include "ngx_http_agw_wait.h"


#define NGX_HTTP_AGW_PATIENCE  3             /* seconds for one request */

/* a second has begun when its number is seen: often, rather than late */

#define NGX_HTTP_AGW_WAIT      50            /* ms between two looks */


struct ngx_http_agw_wait_s {
    ngx_http_request_t       *request;
    ngx_http_agw_wait_pt      handler;
    ngx_event_t               event;
    time_t                    cutoff;        /* for this to pass */
    time_t                    until;         /* no longer */
};


static ngx_http_agw_wait_t *ngx_http_agw_wait_create(ngx_http_request_t *r);
static void ngx_http_agw_waited(ngx_event_t *ev);
static void ngx_http_agw_wait_forget(void *data);


ngx_int_t
ngx_http_agw_wait_for_cutoff(ngx_http_request_t *r,
    const ngx_http_agw_grant_t *grant, ngx_http_agw_wait_pt handler)
{
    time_t                           cutoff;
    ngx_http_agw_ctx_t              *ctx;
    const ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    cutoff = ngx_http_agw_cutoff(mcf->revocations, grant->partner_id,
                                 grant->business_id);

    if (grant->issued_at > cutoff) {
        return NGX_OK;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    if (ctx->wait == NULL) {
        ctx->wait = ngx_http_agw_wait_create(r);

        if (ctx->wait == NULL) {
            return NGX_ERROR;
        }
    }

    if (cutoff >= ctx->wait->until) {
        ctx->retry_after = cutoff + 1 - ngx_time();
        return NGX_DECLINED;
    }

    ctx->wait->handler = handler;
    ctx->wait->cutoff = cutoff;

    ngx_add_timer(&ctx->wait->event, NGX_HTTP_AGW_WAIT);

    return NGX_AGAIN;
}


static ngx_http_agw_wait_t *
ngx_http_agw_wait_create(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t   *cln;
    ngx_http_agw_wait_t  *wait;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_agw_wait_t));
    if (cln == NULL) {
        return NULL;
    }

    wait = cln->data;
    ngx_memzero(wait, sizeof(ngx_http_agw_wait_t));

    wait->request = r;
    wait->until = ngx_time() + NGX_HTTP_AGW_PATIENCE;
    wait->event.handler = ngx_http_agw_waited;
    wait->event.data = wait;
    wait->event.log = r->connection->log;

    cln->handler = ngx_http_agw_wait_forget;

    return wait;
}


static void
ngx_http_agw_waited(ngx_event_t *ev)
{
    ngx_connection_t     *c;
    ngx_http_agw_wait_t  *wait = ev->data;

    if (ngx_time() <= wait->cutoff) {
        ngx_add_timer(ev, NGX_HTTP_AGW_WAIT);
        return;
    }

    c = wait->request->connection;

    wait->handler(wait->request);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_agw_wait_forget(void *data)
{
    ngx_http_agw_wait_t  *wait = data;

    if (wait->event.timer_set) {
        ngx_del_timer(&wait->event);
    }
}
