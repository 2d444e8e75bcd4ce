
/*
 * One worker at a time follows the store for all: whoever finds that nobody
 * has for a while.  So none is missed when a worker dies.  Where there is
 * nothing new, none waits for the zone's mutex: whoever holds it may be dying.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_revocation_sync.h"
#include "ngx_http_agw_revocations.h"
#include "ngx_http_agw_zone.h"


#define NGX_HTTP_AGW_SYNC        200         /* ms between two looks */
#define NGX_HTTP_AGW_SYNC_FULL   1000        /* where there is no room */
#define NGX_HTTP_AGW_SYNC_SLICE  8           /* ms of reading without a rest */
#define NGX_HTTP_AGW_TEND        10000       /* ms between two */


/* of this worker */

typedef struct {
    const ngx_http_agw_revocations_t  *revocations;
    ngx_event_t               event;
    ngx_http_agw_reading_t    reading;
    ngx_log_t                 log;           /* silent after an error */
    ngx_atomic_uint_t         overflow;      /* when the reading began */
    unsigned                  more:1;        /* it is in the middle of it */
    unsigned                  lost:1;        /* something did not fit */
    unsigned                  anew:1;        /* of another store, or copy */
    unsigned                  serving:1;     /* requests, meanwhile */

    ngx_http_agw_write_t      tend;
    ngx_msec_t                tended_at;
    unsigned                  tending:1;
} ngx_http_agw_sync_t;


static void ngx_http_agw_sync_look(ngx_event_t *ev);
static ngx_uint_t ngx_http_agw_sync_claim(ngx_atomic_t *last,
    ngx_msec_t interval);
static ngx_uint_t ngx_http_agw_sync_lock(ngx_http_agw_sync_t *sync);
static ngx_int_t ngx_http_agw_sync_read_some(ngx_http_agw_sync_t *sync);
static ngx_int_t ngx_http_agw_sync_read(ngx_http_agw_sync_t *sync);
static void ngx_http_agw_sync_read_all(ngx_http_agw_sync_t *sync);
static void ngx_http_agw_sync_add(void *data,
    const agw_revocation_t *revocation);
static ngx_uint_t ngx_http_agw_sync_sweep(ngx_http_agw_sync_t *sync);
static void ngx_http_agw_sync_tend(ngx_http_agw_sync_t *sync);
static void ngx_http_agw_sync_tended(ngx_http_agw_write_t *write,
    ngx_int_t rc);


static ngx_http_agw_sync_t  ngx_http_agw_sync;


void
ngx_http_agw_revocation_sync_open(ngx_http_agw_revocations_t *revocations,
    ngx_log_t *log)
{
    ngx_http_agw_zone_t  *zone;
    ngx_http_agw_sync_t  *sync;

    sync = &ngx_http_agw_sync;

    if (sync->event.timer_set) {
        ngx_del_timer(&sync->event);
    }

    ngx_memzero(sync, sizeof(ngx_http_agw_sync_t));

    sync->revocations = revocations;
    sync->reading.handler = ngx_http_agw_sync_add;
    sync->reading.data = sync;
    sync->reading.log = &sync->log;
    sync->log = *log;

    sync->event.handler = ngx_http_agw_sync_look;
    sync->event.data = sync;
    sync->event.log = log;
    sync->event.cancelable = 1;

    zone = ngx_http_agw_zone(revocations);

    /* what a process of this number held died with it */

    ngx_http_agw_lock(revocations);
    agw_revoked_set_vacate(zone->set, ngx_process_slot);
    ngx_http_agw_unlock(revocations);

    /* nothing is served yet: this may take its time */

    while (ngx_http_agw_sync_read(sync) == NGX_AGAIN) {
        sync->more = 1;
    }

    sync->more = 0;
    sync->serving = 1;

    if (ngx_http_agw_sync_claim(&zone->tended, NGX_HTTP_AGW_TEND)) {
        ngx_http_agw_sync_tend(sync);
    }

    ngx_add_timer(&sync->event, NGX_HTTP_AGW_SYNC);
}


void
ngx_http_agw_revocation_sync_close(ngx_http_agw_revocations_t *revocations)
{
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(revocations);

    ngx_http_agw_lock(revocations);
    agw_revoked_set_vacate(zone->set, ngx_process_slot);
    ngx_http_agw_unlock(revocations);
}


static void
ngx_http_agw_sync_look(ngx_event_t *ev)
{
    ngx_msec_t            next;
    ngx_http_agw_zone_t  *zone;
    ngx_http_agw_sync_t  *sync = ev->data;

    zone = ngx_http_agw_zone(sync->revocations);
    next = NGX_HTTP_AGW_SYNC;

    if (sync->more) {
        zone->followed = ngx_current_msec;
    }

    if (sync->more
        || ngx_http_agw_sync_claim(&zone->followed,
                                   zone->overflow ? NGX_HTTP_AGW_SYNC_FULL
                                                  : NGX_HTTP_AGW_SYNC))
    {
        sync->more = (ngx_http_agw_sync_read_some(sync) == NGX_AGAIN);
    }

    if (sync->more || ngx_http_agw_sync_sweep(sync)) {
        next = 1;
    }

    if (!sync->tending
        && ngx_http_agw_sync_claim(&zone->tended, NGX_HTTP_AGW_TEND))
    {
        ngx_http_agw_sync_tend(sync);
    }

    ngx_add_timer(ev, next);
}


/* whether it is time again, and nobody else does it */

static ngx_uint_t
ngx_http_agw_sync_claim(ngx_atomic_t *last, ngx_msec_t interval)
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


static ngx_uint_t
ngx_http_agw_sync_lock(ngx_http_agw_sync_t *sync)
{
    if (sync->serving) {
        return ngx_http_agw_trylock(sync->revocations);
    }

    ngx_http_agw_lock(sync->revocations);

    return 1;
}


static ngx_int_t
ngx_http_agw_sync_read_some(ngx_http_agw_sync_t *sync)
{
    ngx_int_t   rc;
    ngx_msec_t  begun;

    begun = ngx_current_msec;

    for ( ;; ) {
        rc = ngx_http_agw_sync_read(sync);

        if (rc != NGX_AGAIN) {
            return rc;
        }

        sync->more = 1;

        ngx_time_update();

        if (ngx_current_msec - begun >= NGX_HTTP_AGW_SYNC_SLICE) {
            return NGX_AGAIN;
        }
    }
}


/*
 * NGX_OK where all is known, NGX_AGAIN where there is more to read.  After
 * something did not fit, all is read again until it does.
 */

static ngx_int_t
ngx_http_agw_sync_read(ngx_http_agw_sync_t *sync)
{
    int64_t                            stamp;
    ngx_int_t                          rc;
    ngx_http_agw_zone_t               *zone;
    const ngx_http_agw_revocations_t  *revs;

    revs = sync->revocations;
    zone = ngx_http_agw_zone(revs);
    stamp = agw_revoked_set_stamp(zone->set);

    if (!sync->more) {
        if (!ngx_http_agw_sync_lock(sync)) {
            return NGX_ERROR;
        }

        sync->reading.position = zone->position;
        ngx_http_agw_unlock(revs);

        sync->overflow = zone->overflow;
        sync->lost = 0;
        sync->anew = 0;

        if (sync->overflow) {
            sync->reading.position.stamp = 0;
        }
    }

    rc = ngx_http_agw_store_read_revocations(revs->store, &sync->reading);

    /* an error is said once, not five times a second */

    sync->log.log_level = rc == NGX_ERROR ? NGX_LOG_CRIT
                                          : sync->event.log->log_level;

    if (rc == NGX_BUSY || rc == NGX_ERROR) {

        /* a reload begins with nothing that another file said */

        if (!sync->serving && revs->reloaded
            && (sync->reading.other || sync->anew))
        {
            zone->complete = 0;
        }

        return NGX_ERROR;
    }

    sync->anew |= sync->reading.anew;

    /* where it is not told now, it is read once more */

    if (ngx_http_agw_sync_lock(sync)) {

        if (rc == NGX_OK || !sync->overflow) {
            zone->position = sync->reading.position;
        }

        agw_revoked_set_raise_floor(zone->set, sync->reading.floor);
        agw_revoked_set_know(zone->set, sync->reading.last);

        zone->horizon = ngx_max(zone->horizon, sync->reading.horizon);

        ngx_http_agw_unlock(revs);

    } else if (rc == NGX_OK && (!zone->complete || sync->overflow)) {
        return NGX_ERROR;
    }

    /* an older copy of the store: its stamps go on behind those we know */

    if (sync->reading.last < stamp && !sync->tending) {
        zone->tended = ngx_current_msec;
        ngx_http_agw_sync_tend(sync);
    }

    if (rc == NGX_OK) {
        ngx_http_agw_sync_read_all(sync);
    }

    return rc;
}


/* not where something else did not fit since this reading began */

static void
ngx_http_agw_sync_read_all(ngx_http_agw_sync_t *sync)
{
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(sync->revocations);

    if (sync->lost) {
        return;
    }

    zone->complete = 1;

    if (sync->overflow
        && ngx_atomic_cmp_set(&zone->overflow, sync->overflow, 0))
    {
        ngx_log_error(NGX_LOG_NOTICE, sync->event.log, 0,
                      "auth_gateway: the zone holds all revocations again");
    }
}


static void
ngx_http_agw_sync_add(void *data, const agw_revocation_t *revocation)
{
    ngx_http_agw_zone_t  *zone;
    ngx_http_agw_sync_t  *sync = data;

    if (ngx_http_agw_revocations_add(sync->revocations, revocation)
        == NGX_OK)
    {
        return;
    }

    zone = ngx_http_agw_zone(sync->revocations);

    sync->lost = 1;

    if (ngx_atomic_fetch_add(&zone->overflow, 1) == 0) {
        ngx_log_error(NGX_LOG_ALERT, sync->event.log, 0,
                      "auth_gateway: the zone has no room for a revocation "
                      "of the store: no token is accepted until it has; "
                      "increase \"auth_gateway_zone\"");
    }
}


/* what is below the floor goes, some thousands at a time; 1: there is more */

static ngx_uint_t
ngx_http_agw_sync_sweep(ngx_http_agw_sync_t *sync)
{
    int                   more;
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(sync->revocations);

    if (!agw_revoked_set_is_unswept(zone->set)
        || !ngx_http_agw_trylock(sync->revocations))
    {
        return 0;
    }

    more = agw_revoked_set_sweep(zone->set);

    ngx_http_agw_unlock(sync->revocations);

    return more;
}


static void
ngx_http_agw_sync_tend(ngx_http_agw_sync_t *sync)
{
    ngx_msec_int_t         passed;
    ngx_http_agw_zone_t   *zone;
    ngx_http_agw_write_t  *tend;

    zone = ngx_http_agw_zone(sync->revocations);
    tend = &sync->tend;

    ngx_memzero(tend, sizeof(ngx_http_agw_write_t));

    tend->handler = ngx_http_agw_sync_tended;
    tend->data = sync;
    tend->known = agw_revoked_set_stamp(zone->set);
    tend->unwanted = 1;

    if (!ngx_http_agw_sync_lock(sync)) {
        return;
    }

    tend->elapsed = zone->elapsed;

    if (tend->elapsed >= 0) {
        /* another worker's clock of this turn may be ahead of ours */

        passed = (ngx_msec_int_t) (ngx_current_msec - zone->elapsed_at);

        tend->passed = ngx_max(passed, 0) / 1000;
        sync->tended_at = zone->elapsed_at
                          + (ngx_msec_t) tend->passed * 1000;
    }

    ngx_http_agw_unlock(sync->revocations);

    sync->tending = 1;

    ngx_http_agw_store_tend(sync->revocations->store, tend);
}


/* seconds that somebody else counted are counted from now on */

static void
ngx_http_agw_sync_tended(ngx_http_agw_write_t *write, ngx_int_t rc)
{
    ngx_http_agw_zone_t  *zone;
    ngx_http_agw_sync_t  *sync = write->data;

    zone = ngx_http_agw_zone(sync->revocations);
    sync->tending = 0;

    /* where the zone is not told, the next seconds are not counted */

    if (rc != NGX_OK || !ngx_http_agw_trylock(sync->revocations)) {
        return;
    }

    zone->elapsed = write->elapsed;
    zone->elapsed_at = write->advanced ? sync->tended_at : ngx_current_msec;

    agw_revoked_set_raise_floor(zone->set, write->floor);

    ngx_http_agw_unlock(sync->revocations);

    if (write->more) {
        zone->tended = ngx_current_msec - NGX_HTTP_AGW_TEND;
    }
}
