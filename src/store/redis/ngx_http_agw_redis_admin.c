
/*
 * Which operation is done where.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_admin_change.h"
#include "ngx_http_agw_redis_admin.h"
#include "ngx_http_agw_redis_admin_change.h"
#include "ngx_http_agw_redis_admin_pages.h"


static void ngx_http_agw_redis_admin_run(void *state,
    ngx_http_agw_admin_t *op);


const ngx_http_agw_admin_engine_t  ngx_http_agw_redis_admin = {
    ngx_http_agw_redis_admin_run
};


static void
ngx_http_agw_redis_admin_run(void *state, ngx_http_agw_admin_t *op)
{
    ngx_http_agw_redis_t       *redis = state;
    ngx_http_agw_redis_work_t  *work;

    work = redis->worker ? ngx_http_agw_redis_work(redis->worker, op) : NULL;

    if (work == NULL) {
        op->handler(op, NGX_ERROR);
        return;
    }

    ngx_http_agw_admin_begin(op);

    switch (op->what) {

    case NGX_HTTP_AGW_ADMIN_GET:
        ngx_http_agw_redis_admin_get(work);
        break;

    case NGX_HTTP_AGW_ADMIN_LIST:
    case NGX_HTTP_AGW_ADMIN_EXPORT:
        ngx_http_agw_redis_admin_list(work);
        break;

    case NGX_HTTP_AGW_ADMIN_USED:
        ngx_http_agw_redis_admin_used(work);
        break;

    default:
        ngx_http_agw_redis_admin_change(work);
        break;
    }
}


void
ngx_http_agw_redis_admin_close(ngx_http_agw_redis_worker_t *worker)
{
    if (worker->admin != NULL) {
        ngx_http_agw_redis_link_close(worker->admin);
    }
}
