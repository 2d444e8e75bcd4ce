
/*
 * One worker at a time follows the store for all: whoever finds that nobody
 * has for a while.  So none is missed when a worker dies.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_follow.h"
#include "ngx_http_agw_zone.h"


#define NGX_HTTP_AGW_FOLLOW       200        /* ms between two looks */
#define NGX_HTTP_AGW_FOLLOW_FULL  1000       /* where there is no room */
#define NGX_HTTP_AGW_SWEEP        30000      /* ms between two sweeps */


/* of this worker */

typedef struct {
    const ngx_http_agw_revocations_t  *revocations;
    ngx_event_t               event;
    ngx_http_agw_reading_t    reading;
    ngx_log_t                 log;           /* silent after an error */
    ngx_atomic_uint_t         overflow;      /* when the reading began */
    unsigned                  more:1;        /* it is in the middle of it */
    unsigned                  lost:1;        /* something did not fit */
} ngx_http_agw_follower_t;


static void ngx_http_agw_follow_look(ngx_event_t *ev);
static ngx_uint_t ngx_http_agw_follow_claim(ngx_atomic_t *last,
    ngx_msec_t interval);
static ngx_int_t ngx_http_agw_follow_read(ngx_http_agw_follower_t *follower);
static void ngx_http_agw_follow_sweep(ngx_http_agw_follower_t *follower);
static void ngx_http_agw_follow_add(void *data,
    const agw_revocation_t *revocation);


static ngx_http_agw_follower_t  ngx_http_agw_follower;


void
ngx_http_agw_follow_open(ngx_http_agw_revocations_t *revocations,
    ngx_log_t *log)
{
    ngx_http_agw_follower_t  *follower;

    follower = &ngx_http_agw_follower;

    if (follower->event.timer_set) {
        ngx_del_timer(&follower->event);
    }

    ngx_memzero(follower, sizeof(ngx_http_agw_follower_t));

    follower->revocations = revocations;
    follower->reading.handler = ngx_http_agw_follow_add;
    follower->reading.data = follower;
    follower->reading.log = &follower->log;
    follower->log = *log;

    follower->event.handler = ngx_http_agw_follow_look;
    follower->event.data = follower;
    follower->event.log = log;
    follower->event.cancelable = 1;

    /* nothing is served yet: this may take its time */

    while (ngx_http_agw_follow_read(follower) == NGX_AGAIN) {
        /* void */
    }

    ngx_add_timer(&follower->event, NGX_HTTP_AGW_FOLLOW);
}


static void
ngx_http_agw_follow_look(ngx_event_t *ev)
{
    ngx_msec_t                next;
    ngx_http_agw_zone_t      *zone;
    ngx_http_agw_follower_t  *follower = ev->data;

    zone = ngx_http_agw_zone(follower->revocations);
    next = NGX_HTTP_AGW_FOLLOW;

    if (follower->more) {
        zone->followed = ngx_current_msec;
    }

    if (follower->more
        || ngx_http_agw_follow_claim(&zone->followed,
                                     zone->overflow ? NGX_HTTP_AGW_FOLLOW_FULL
                                                    : NGX_HTTP_AGW_FOLLOW))
    {
        follower->more = 0;

        if (ngx_http_agw_follow_read(follower) == NGX_AGAIN) {
            follower->more = 1;
            next = 1;
        }
    }

    if (ngx_http_agw_follow_claim(&zone->swept, NGX_HTTP_AGW_SWEEP)) {
        ngx_http_agw_follow_sweep(follower);
    }

    ngx_add_timer(ev, next);
}


/* whether it is time again, and nobody else does it */

static ngx_uint_t
ngx_http_agw_follow_claim(ngx_atomic_t *last, ngx_msec_t interval)
{
    ngx_atomic_uint_t  before;

    before = *last;

    if ((ngx_msec_int_t) (ngx_current_msec - before)
        < (ngx_msec_int_t) interval)
    {
        return 0;
    }

    return ngx_atomic_cmp_set(last, before, ngx_current_msec);
}


/*
 * NGX_OK where all is known, NGX_AGAIN where there is more to read.  After
 * something did not fit, all is read again until it does.
 */

static ngx_int_t
ngx_http_agw_follow_read(ngx_http_agw_follower_t *follower)
{
    ngx_int_t             rc;
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(follower->revocations);

    if (!follower->reading.whole) {
        follower->overflow = zone->overflow;
        follower->reading.position = zone->overflow ? 0 : zone->position;
        follower->reading.store = zone->store;
        follower->lost = 0;
    }

    rc = ngx_http_agw_store_read_revocations(follower->revocations->store,
                                             &follower->reading);

    /* an error is said once, not five times a second */

    follower->log.log_level = rc == NGX_ERROR ? NGX_LOG_CRIT
                                        : follower->event.log->log_level;

    if (rc == NGX_BUSY || rc == NGX_ERROR) {
        follower->reading.whole = 0;
        return NGX_ERROR;
    }

    if (follower->reading.whole) {
        return NGX_AGAIN;
    }

    zone->position = follower->reading.position;
    zone->store = follower->reading.store;

    if (follower->lost) {
        return rc;
    }

    /* not where something else did not fit since this reading began */

    if (rc == NGX_OK && follower->overflow
        && ngx_atomic_cmp_set(&zone->overflow, follower->overflow, 0))
    {
        ngx_log_error(NGX_LOG_NOTICE, follower->event.log, 0,
                      "auth_gateway: the zone holds all revocations again");
    }

    if (rc == NGX_OK) {
        zone->known = 1;
    }

    return rc;
}


static void
ngx_http_agw_follow_sweep(ngx_http_agw_follower_t *follower)
{
    ngx_http_agw_zone_t               *zone;
    const ngx_http_agw_revocations_t  *revs;

    revs = follower->revocations;
    zone = ngx_http_agw_zone(revs);

    ngx_http_agw_lock(revs);
    agw_index_purge(zone->index, ngx_time());
    ngx_http_agw_unlock(revs);

    if (ngx_http_agw_store_forget_revocations(revs->store, ngx_time())) {
        zone->swept = ngx_current_msec - NGX_HTTP_AGW_SWEEP;
    }
}


static void
ngx_http_agw_follow_add(void *data, const agw_revocation_t *revocation)
{
    ngx_http_agw_zone_t      *zone;
    agw_index_result_t        result;
    ngx_http_agw_follower_t  *follower = data;

    if (revocation->expires_at <= ngx_time()) {
        return;
    }

    zone = ngx_http_agw_zone(follower->revocations);

    ngx_http_agw_lock(follower->revocations);
    result = agw_index_add(zone->index, revocation, ngx_time());
    ngx_http_agw_unlock(follower->revocations);

    if (result == AGW_INDEX_OK) {
        return;
    }

    follower->lost = 1;

    if (ngx_atomic_fetch_add(&zone->overflow, 1) == 0) {
        ngx_log_error(NGX_LOG_ALERT, follower->event.log, 0,
                      "auth_gateway: the zone has no room for a revocation "
                      "of the store: no token is accepted until it has "
                      "(auth_gateway_zone)");
    }
}
