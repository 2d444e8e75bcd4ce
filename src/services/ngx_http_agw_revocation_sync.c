
/*
 * One worker at a time reads the store for all: each looks at intervals, and
 * the first that finds the last reading too old begins one.  So no particular
 * worker is needed.  A serving worker never waits for the zone's mutex, since
 * its owner may be dying.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_revocation_sync.h"
#include "ngx_http_agw_revocations.h"
#include "ngx_http_agw_zone.h"


#define NGX_HTTP_AGW_SYNC           200      /* ms between two readings */
#define NGX_HTTP_AGW_SYNC_FULL      1000     /* the same, if it did not fit */
#define NGX_HTTP_AGW_SYNC_SLICE     8        /* ms of reading at a stretch */
#define NGX_HTTP_AGW_SYNC_MAINTAIN  10000    /* ms between two */


/* the state of this worker */

typedef struct {
    const ngx_http_agw_revocations_t  *revocations;
    ngx_event_t               event;
    ngx_http_agw_reading_t    reading;
    ngx_log_t                 log;           /* no errors after the first */
    ngx_atomic_uint_t         overflow;      /* when the reading began */
    unsigned                  more:1;        /* to read */
    unsigned                  overflowed:1;  /* an entry did not fit */
    unsigned                  restarted:1;   /* another store, or copy */
    unsigned                  serving:1;     /* requests */

    ngx_http_agw_write_t      write;         /* maintenance */
    ngx_msec_t                counted_until; /* in write.seconds */
    unsigned                  maintaining:1;
} ngx_http_agw_sync_t;


static void ngx_http_agw_sync_poll(ngx_event_t *ev);
static ngx_uint_t ngx_http_agw_sync_claim(ngx_atomic_t *last,
    ngx_msec_t interval);
static ngx_uint_t ngx_http_agw_sync_lock(ngx_http_agw_sync_t *sync);
static ngx_int_t ngx_http_agw_sync_read_some(ngx_http_agw_sync_t *sync);
static ngx_int_t ngx_http_agw_sync_read(ngx_http_agw_sync_t *sync);
static void ngx_http_agw_sync_loaded(ngx_http_agw_sync_t *sync);
static void ngx_http_agw_sync_add(void *data,
    const agw_revocation_t *revocation);
static ngx_uint_t ngx_http_agw_sync_sweep(ngx_http_agw_sync_t *sync);
static void ngx_http_agw_sync_maintain(ngx_http_agw_sync_t *sync);
static void ngx_http_agw_sync_maintained(ngx_http_agw_write_t *write,
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

    sync->event.handler = ngx_http_agw_sync_poll;
    sync->event.data = sync;
    sync->event.log = log;
    sync->event.cancelable = 1;

    zone = ngx_http_agw_zone(revocations);

    /* the process that had this slot before may have died */

    ngx_http_agw_zone_lock(revocations);
    agw_revoked_set_release_all(zone->set, ngx_process_slot);
    ngx_http_agw_zone_unlock(revocations);

    /* no request is served yet, so this may block */

    while (ngx_http_agw_sync_read(sync) == NGX_AGAIN) {
        sync->more = 1;
    }

    sync->more = 0;
    sync->serving = 1;

    if (ngx_http_agw_sync_claim(&zone->last_maintained,
                                NGX_HTTP_AGW_SYNC_MAINTAIN))
    {
        ngx_http_agw_sync_maintain(sync);
    }

    ngx_add_timer(&sync->event, NGX_HTTP_AGW_SYNC);
}


void
ngx_http_agw_revocation_sync_close(ngx_http_agw_revocations_t *revocations)
{
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(revocations);

    ngx_http_agw_zone_lock(revocations);
    agw_revoked_set_release_all(zone->set, ngx_process_slot);
    ngx_http_agw_zone_unlock(revocations);
}


static void
ngx_http_agw_sync_poll(ngx_event_t *ev)
{
    ngx_msec_t            next;
    ngx_http_agw_zone_t  *zone;
    ngx_http_agw_sync_t  *sync = ev->data;

    zone = ngx_http_agw_zone(sync->revocations);
    next = NGX_HTTP_AGW_SYNC;

    if (sync->more) {
        zone->last_read = ngx_current_msec;
    }

    if (sync->more
        || ngx_http_agw_sync_claim(&zone->last_read,
                                   zone->overflow ? NGX_HTTP_AGW_SYNC_FULL
                                                  : NGX_HTTP_AGW_SYNC))
    {
        sync->more = (ngx_http_agw_sync_read_some(sync) == NGX_AGAIN);
    }

    if (sync->more || ngx_http_agw_sync_sweep(sync)) {
        next = 1;
    }

    if (!sync->maintaining
        && ngx_http_agw_sync_claim(&zone->last_maintained,
                                   NGX_HTTP_AGW_SYNC_MAINTAIN))
    {
        ngx_http_agw_sync_maintain(sync);
    }

    ngx_add_timer(ev, next);
}


/* whether the interval is over, and no other worker was faster */

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
        return ngx_http_agw_zone_trylock(sync->revocations);
    }

    ngx_http_agw_zone_lock(sync->revocations);

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
 * NGX_OK if all has been read, NGX_AGAIN if there is more, NGX_ERROR if it has
 * to be tried later.  After an entry did not fit, all is read again until it
 * does.
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
        ngx_http_agw_zone_unlock(revs);

        sync->overflow = zone->overflow;
        sync->overflowed = 0;
        sync->restarted = 0;

        if (sync->overflow) {
            sync->reading.position.stamp = 0;
        }
    }

    rc = ngx_http_agw_store_read_revocations(revs->store, &sync->reading);

    /* an error is logged once, not five times a second */

    sync->log.log_level = rc == NGX_ERROR ? NGX_LOG_CRIT
                                          : sync->event.log->log_level;

    if (rc == NGX_BUSY || rc == NGX_ERROR) {

        /* after a reload, nothing that came from another store counts */

        if (!sync->serving && revs->inherited
            && (sync->reading.other_store || sync->restarted))
        {
            zone->loaded = 0;
        }

        return NGX_ERROR;
    }

    sync->restarted |= sync->reading.restarted;

    /* if the zone is not updated now, the same is read once more */

    if (ngx_http_agw_sync_lock(sync)) {

        if (rc == NGX_OK || !sync->overflow) {
            zone->position = sync->reading.position;
        }

        agw_revoked_set_raise_floor(zone->set, sync->reading.floor);
        agw_revoked_set_raise_stamp(zone->set, sync->reading.last_stamp);

        zone->horizon = ngx_max(zone->horizon, sync->reading.horizon);

        ngx_http_agw_zone_unlock(revs);

    } else if (rc == NGX_OK && (!zone->loaded || sync->overflow)) {
        return NGX_ERROR;
    }

    /* an older copy of the store: raise its stamp above those we know */

    if (sync->reading.last_stamp < stamp && !sync->maintaining) {
        zone->last_maintained = ngx_current_msec;
        ngx_http_agw_sync_maintain(sync);
    }

    if (rc == NGX_OK) {
        ngx_http_agw_sync_loaded(sync);
    }

    return rc;
}


/* the zone holds all revocations, unless one did not fit meanwhile */

static void
ngx_http_agw_sync_loaded(ngx_http_agw_sync_t *sync)
{
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(sync->revocations);

    if (sync->overflowed) {
        return;
    }

    zone->loaded = 1;

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

    sync->overflowed = 1;

    if (ngx_atomic_fetch_add(&zone->overflow, 1) == 0) {
        ngx_log_error(NGX_LOG_ALERT, sync->event.log, 0,
                      "auth_gateway: the zone has no room for a revocation "
                      "of the store: no token is accepted until it has; "
                      "increase \"auth_gateway_zone\"");
    }
}


/* removes some thousands of the entries below the floor; 1: there are more */

static ngx_uint_t
ngx_http_agw_sync_sweep(ngx_http_agw_sync_t *sync)
{
    int                   more;
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(sync->revocations);

    if (!agw_revoked_set_is_unswept(zone->set)
        || !ngx_http_agw_zone_trylock(sync->revocations))
    {
        return 0;
    }

    more = agw_revoked_set_sweep(zone->set);

    ngx_http_agw_zone_unlock(sync->revocations);

    return more;
}


static void
ngx_http_agw_sync_maintain(ngx_http_agw_sync_t *sync)
{
    ngx_msec_int_t         passed;
    ngx_http_agw_zone_t   *zone;
    ngx_http_agw_write_t  *write;

    zone = ngx_http_agw_zone(sync->revocations);
    write = &sync->write;

    ngx_memzero(write, sizeof(ngx_http_agw_write_t));

    write->handler = ngx_http_agw_sync_maintained;
    write->data = sync;
    write->known_stamp = agw_revoked_set_stamp(zone->set);
    write->abandoned = 1;

    if (!ngx_http_agw_sync_lock(sync)) {
        return;
    }

    write->elapsed = zone->elapsed;

    if (write->elapsed >= 0) {
        /* ngx_current_msec of another worker may be ahead of ours */

        passed = (ngx_msec_int_t) (ngx_current_msec - zone->elapsed_at);

        write->seconds = ngx_max(passed, 0) / 1000;
        sync->counted_until = zone->elapsed_at
                              + (ngx_msec_t) write->seconds * 1000;
    }

    ngx_http_agw_zone_unlock(sync->revocations);

    sync->maintaining = 1;

    ngx_http_agw_store_maintain(sync->revocations->store, write);
}


/* if another nginx counted the seconds, ours begin now */

static void
ngx_http_agw_sync_maintained(ngx_http_agw_write_t *write, ngx_int_t rc)
{
    ngx_http_agw_zone_t  *zone;
    ngx_http_agw_sync_t  *sync = write->data;

    zone = ngx_http_agw_zone(sync->revocations);
    sync->maintaining = 0;

    /* if the zone is not updated, the next seconds are not counted */

    if (rc != NGX_OK || !ngx_http_agw_zone_trylock(sync->revocations)) {
        return;
    }

    zone->elapsed = write->elapsed;
    zone->elapsed_at = write->advanced ? sync->counted_until : ngx_current_msec;

    agw_revoked_set_raise_floor(zone->set, write->floor);

    ngx_http_agw_zone_unlock(sync->revocations);

    if (write->more) {
        zone->last_maintained = ngx_current_msec - NGX_HTTP_AGW_SYNC_MAINTAIN;
    }
}
