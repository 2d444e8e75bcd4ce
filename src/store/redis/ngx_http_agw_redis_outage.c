
/*
 * A reason that changes is logged again, for it may be another thing that an
 * operator must do; but not one that changes all the time.  Nor is each of many
 * outages that follow each other.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_outage.h"


#define NGX_HTTP_AGW_REDIS_LOG_AGAIN  10000      /* ms */
#define NGX_HTTP_AGW_REDIS_LOG_MAX    4          /* outages, in that time */


static ngx_uint_t ngx_http_agw_redis_outage_is_one_of_many(
    ngx_http_agw_redis_worker_t *worker);


void
ngx_http_agw_redis_outage_round(ngx_http_agw_redis_outage_t *outage)
{
    outage->len = 0;
    outage->why[0] = '\0';
}


void
ngx_http_agw_redis_outage_because(ngx_http_agw_redis_outage_t *outage,
    const ngx_str_t *host, const u_char *why)
{
    u_char  *p, *last;

    p = outage->why + outage->len;
    last = outage->why + sizeof(outage->why) - 1;

    p = ngx_slprintf(p, last, "%s%V: %s", outage->len ? "; " : "", host, why);
    *p = '\0';

    outage->len = p - outage->why;
}


void
ngx_http_agw_redis_outage_begin(ngx_http_agw_redis_outage_t *outage)
{
    ngx_uint_t                    first;
    ngx_http_agw_redis_worker_t  *worker;

    worker = outage->worker;
    first = 0;

    if (!outage->down) {
        outage->down = 1;
        first = worker->down++ == 0;
    }

    if (first) {
        worker->down_since = ngx_current_msec;
        worker->down_silent = ngx_http_agw_redis_outage_is_one_of_many(worker);

        if (worker->down_silent) {
            return;
        }

    } else if (ngx_strcmp(worker->down_why, outage->why) == 0
               || ngx_current_msec - worker->down_logged
                  < NGX_HTTP_AGW_REDIS_LOG_AGAIN)
    {
        return;
    }

    worker->down_silent = 0;
    worker->down_logged = ngx_current_msec;
    (void) ngx_cpystrn(worker->down_why, outage->why,
                       sizeof(worker->down_why));

    ngx_log_error(NGX_LOG_ERR, outage->log, 0,
                  "auth_gateway: store \"%V\" is out of reach for %s: %s",
                  &worker->conf->shown, outage->purpose, outage->why);
}


static ngx_uint_t
ngx_http_agw_redis_outage_is_one_of_many(ngx_http_agw_redis_worker_t *worker)
{
    if (worker->down_count == 0
        || ngx_current_msec - worker->down_counted
           >= NGX_HTTP_AGW_REDIS_LOG_AGAIN)
    {
        worker->down_counted = ngx_current_msec;
        worker->down_count = 0;
    }

    return ++worker->down_count > NGX_HTTP_AGW_REDIS_LOG_MAX;
}


void
ngx_http_agw_redis_outage_end(ngx_http_agw_redis_outage_t *outage,
    const ngx_str_t *host)
{
    ngx_http_agw_redis_worker_t  *worker;

    worker = outage->worker;

    if (!outage->down) {
        ngx_log_error(NGX_LOG_INFO, outage->log, 0,
                      "auth_gateway: connected to store \"%V\", %V, for %s",
                      &worker->conf->shown, host, outage->purpose);
        return;
    }

    outage->down = 0;

    if (--worker->down == 0 && !worker->down_silent) {
        ngx_log_error(NGX_LOG_NOTICE, outage->log, 0,
                      "auth_gateway: store \"%V\", %V, is back after %M ms",
                      &worker->conf->shown, host,
                      ngx_current_msec - worker->down_since);
    }
}
