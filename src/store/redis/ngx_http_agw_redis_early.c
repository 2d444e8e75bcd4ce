
/*
 * They are few and do not wait long: the timer looks at each.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_agw_redis_early.h"
#include "ngx_http_agw_redis_pipeline.h"


#define NGX_HTTP_AGW_REDIS_EARLY_MAX  16384


static void ngx_http_agw_redis_early_timer(ngx_event_t *ev);
static void ngx_http_agw_redis_early_arm(ngx_http_agw_redis_early_t *early);


void
ngx_http_agw_redis_early_init(ngx_http_agw_redis_early_t *early,
    ngx_log_t *log)
{
    ngx_queue_init(&early->slots);

    early->log = log;
    early->timer.handler = ngx_http_agw_redis_early_timer;
    early->timer.data = early;
    early->timer.log = log;
}


ngx_int_t
ngx_http_agw_redis_early_push(ngx_http_agw_redis_early_t *early,
    ngx_http_agw_redis_command_t *command, ngx_uint_t argc, const char **argv,
    const size_t *argvlen)
{
    ngx_http_agw_redis_slot_t  *slot;

    if (early->count >= NGX_HTTP_AGW_REDIS_EARLY_MAX) {
        return NGX_DECLINED;
    }

    slot = ngx_http_agw_redis_slot_create(command, argc, argv, argvlen,
                                          early->log);
    if (slot == NULL) {
        return NGX_DECLINED;
    }

    ngx_http_agw_redis_slot_push(slot, &early->slots, &early->held);
    early->count++;

    ngx_http_agw_redis_early_arm(early);

    return NGX_OK;
}


void
ngx_http_agw_redis_early_send(ngx_http_agw_redis_early_t *early,
    ngx_http_agw_redis_conn_t *conn)
{
    ngx_queue_t                *q;
    ngx_http_agw_redis_slot_t  *slot;

    while (!ngx_queue_empty(&early->slots)) {
        q = ngx_queue_head(&early->slots);
        slot = ngx_queue_data(q, ngx_http_agw_redis_slot_t, queue);

        ngx_http_agw_redis_slot_remove(slot);
        early->count--;

        if (slot->command == NULL
            || ngx_http_agw_redis_pipeline_push(conn, slot) != NGX_OK)
        {
            ngx_http_agw_redis_slot_finish(slot, NULL);
        }
    }

    ngx_http_agw_redis_early_arm(early);
}


static void
ngx_http_agw_redis_early_timer(ngx_event_t *ev)
{
    ngx_queue_t                *q, *next, expired;
    ngx_http_agw_redis_slot_t  *slot;
    ngx_http_agw_redis_early_t *early = ev->data;

    ngx_queue_init(&expired);

    for (q = ngx_queue_head(&early->slots);
         q != ngx_queue_sentinel(&early->slots);
         q = next)
    {
        next = ngx_queue_next(q);
        slot = ngx_queue_data(q, ngx_http_agw_redis_slot_t, queue);

        if ((ngx_msec_int_t) (slot->deadline - ngx_current_msec) > 0) {
            continue;
        }

        ngx_http_agw_redis_slot_remove(slot);
        ngx_queue_insert_tail(&expired, q);
        early->count--;
    }

    ngx_http_agw_redis_early_arm(early);

    ngx_http_agw_redis_slots_end(&expired, 0);
}


/* for the earliest deadline */

static void
ngx_http_agw_redis_early_arm(ngx_http_agw_redis_early_t *early)
{
    ngx_queue_t                *q;
    ngx_msec_int_t              left, least;
    ngx_http_agw_redis_slot_t  *slot;

    if (ngx_queue_empty(&early->slots)) {
        if (early->timer.timer_set) {
            ngx_del_timer(&early->timer);
        }

        return;
    }

    /* whoever is pushed is rarely earlier than those before: not looked at */

    early->timer.cancelable = early->held == 0;

    if (early->timer.timer_set) {
        return;
    }

    least = NGX_HTTP_AGW_REDIS_TIMEOUT;

    for (q = ngx_queue_head(&early->slots);
         q != ngx_queue_sentinel(&early->slots);
         q = ngx_queue_next(q))
    {
        slot = ngx_queue_data(q, ngx_http_agw_redis_slot_t, queue);
        left = (ngx_msec_int_t) (slot->deadline - ngx_current_msec);
        least = ngx_min(least, left);
    }

    ngx_add_timer(&early->timer, least > 0 ? (ngx_msec_t) least : 0);
}


void
ngx_http_agw_redis_early_end(ngx_http_agw_redis_early_t *early,
    ngx_uint_t forget)
{
    early->count = 0;

    if (early->timer.timer_set) {
        ngx_del_timer(&early->timer);
    }

    ngx_http_agw_redis_slots_end(&early->slots, forget);
}
