
/*
 * One worker at a time reads the store for all: each looks at intervals, and
 * the first that finds the last reading too old begins one.  So no particular
 * worker is needed.  A serving worker never waits for the zone's mutex, since
 * its owner may be dying.
 *
 * A store that is followed (Redis) sends what is new to one worker, which
 * renews its lease at each interval; if it does not, another takes it over.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_health.h"
#include "ngx_http_agw_revocation_sync.h"
#include "ngx_http_agw_revocation_batch.h"
#include "ngx_http_agw_revocation_maintenance.h"
#include "ngx_http_agw_revocations.h"
#include "ngx_http_agw_zone.h"


#define NGX_HTTP_AGW_SYNC        200         /* ms between two readings */
#define NGX_HTTP_AGW_SYNC_FULL   1000        /* the same, if it did not fit */
#define NGX_HTTP_AGW_SYNC_SLICE  8           /* ms of reading at a stretch */
#define NGX_HTTP_AGW_SYNC_LEASE  600         /* ms without a renewal */
#define NGX_HTTP_AGW_SYNC_LOG    10000       /* ms between two errors */


/* the state of this worker */

typedef struct {
    const ngx_http_agw_revocations_t  *revocations;
    ngx_event_t               event;
    ngx_http_agw_reading_t    reading;
    ngx_http_agw_batch_t      batch;         /* of what was read */
    ngx_str_t                 name;          /* of the store */
    ngx_log_t                 log;           /* no errors but now and then */
    ngx_atomic_uint_t         overflow;      /* when the reading began */
    int64_t                   stamp;         /* likewise */
    unsigned                  more:1;        /* to read */
    unsigned                  overflowed:1;  /* an entry did not fit */
    unsigned                  restarted:1;   /* another store, or copy */
    unsigned                  serving:1;     /* requests */
    unsigned                  followed:1;    /* the store is */
    ngx_atomic_t              full;          /* last time, without room */
    unsigned                  goes_on:1;     /* from where it has come to */
    unsigned                  leading:1;     /* this worker follows it */
    unsigned                  waiting:1;     /* for reading.done */
    unsigned                  exiting:1;     /* and leads all the same */
} ngx_http_agw_sync_t;


static void ngx_http_agw_sync_poll(ngx_event_t *ev);
static void ngx_http_agw_sync_follow(ngx_http_agw_sync_t *sync);
static void ngx_http_agw_sync_go_on(ngx_http_agw_sync_t *sync);
static ngx_uint_t ngx_http_agw_sync_leads(ngx_http_agw_sync_t *sync);
static void ngx_http_agw_sync_leave(ngx_http_agw_sync_t *sync);
static ngx_uint_t ngx_http_agw_sync_lock(ngx_http_agw_sync_t *sync);
static ngx_int_t ngx_http_agw_sync_read_some(ngx_http_agw_sync_t *sync);
static ngx_int_t ngx_http_agw_sync_read(ngx_http_agw_sync_t *sync);
static void ngx_http_agw_sync_done(ngx_http_agw_reading_t *reading,
    ngx_int_t rc);
static ngx_int_t ngx_http_agw_sync_end(ngx_http_agw_sync_t *sync,
    ngx_int_t rc);
static void ngx_http_agw_sync_failed(ngx_http_agw_sync_t *sync);
static void ngx_http_agw_sync_loaded(ngx_http_agw_sync_t *sync);
static void ngx_http_agw_sync_add(void *data,
    const agw_revocation_t *revocation);
static void ngx_http_agw_sync_overflow(ngx_http_agw_sync_t *sync);
static ngx_uint_t ngx_http_agw_sync_sweep(ngx_http_agw_sync_t *sync);


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
    sync->followed = ngx_http_agw_store_is_followed(revocations->store);
    sync->reading.handler = ngx_http_agw_sync_add;
    sync->reading.done = ngx_http_agw_sync_done;
    sync->reading.data = sync;
    sync->reading.log = &sync->log;
    sync->name = ngx_http_agw_store_name(revocations->store);
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

    ngx_http_agw_store_know(revocations->store,
                            agw_revoked_set_stamp(zone->set));

    ngx_http_agw_maintain_open(revocations);

    /* no request is served yet, so this may block */

    while (!sync->followed && ngx_http_agw_sync_read(sync) == NGX_OK
           && sync->more)
    {
        /* void */
    }

    sync->serving = 1;

    if (sync->followed) {
        ngx_http_agw_sync_follow(sync);
    }

    ngx_http_agw_maintain();

    ngx_add_timer(&sync->event, NGX_HTTP_AGW_SYNC);
}


void
ngx_http_agw_revocation_sync_close(ngx_http_agw_revocations_t *revocations)
{
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(revocations);

    ngx_http_agw_sync_leave(&ngx_http_agw_sync);

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

    ngx_http_agw_store_know(sync->revocations->store,
                            agw_revoked_set_stamp(zone->set));

    if (sync->followed) {
        ngx_http_agw_sync_follow(sync);

    } else {
        if (sync->more) {
            zone->last_read = ngx_current_msec;
        }

        if (sync->more
            || ngx_http_agw_claim(&zone->last_read,
                                  zone->overflow ? NGX_HTTP_AGW_SYNC_FULL
                                                 : NGX_HTTP_AGW_SYNC))
        {
            (void) ngx_http_agw_sync_read_some(sync);
        }
    }

    if ((sync->more && !sync->waiting) || ngx_http_agw_sync_sweep(sync)) {
        next = 1;
    }

    ngx_http_agw_maintain();
    ngx_http_agw_watch_stale(sync->revocations, sync->event.log);

    ngx_add_timer(ev, next);
}


static void
ngx_http_agw_sync_follow(ngx_http_agw_sync_t *sync)
{
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(sync->revocations);

    /* a worker that exits follows only where no other does */

    if (sync->leading
        && (!ngx_http_agw_sync_leads(sync) || (ngx_exiting && !sync->exiting)))
    {
        sync->exiting = ngx_exiting;
        ngx_http_agw_sync_leave(sync);
        return;
    }

    if (!sync->leading) {
        if (!ngx_http_agw_claim(&zone->last_read,
                                ngx_exiting ? 4 * NGX_HTTP_AGW_SYNC_LEASE
                                            : NGX_HTTP_AGW_SYNC_LEASE))
        {
            return;
        }

        zone->follower = ngx_pid;
        sync->leading = 1;
        sync->exiting = ngx_exiting;
    }

    zone->last_read = ngx_current_msec;

    if (!sync->waiting) {
        ngx_http_agw_sync_go_on(sync);
    }
}


/* where there is no room, all is read again and again, but not without rest */

static void
ngx_http_agw_sync_go_on(ngx_http_agw_sync_t *sync)
{
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(sync->revocations);

    if (zone->overflow && !sync->more
        && !ngx_http_agw_claim(&sync->full, NGX_HTTP_AGW_SYNC_FULL))
    {
        return;
    }

    (void) ngx_http_agw_sync_read_some(sync);
}


static ngx_uint_t
ngx_http_agw_sync_leads(ngx_http_agw_sync_t *sync)
{
    return ngx_http_agw_zone(sync->revocations)->follower
           == (ngx_atomic_uint_t) ngx_pid;
}


/* another worker may take over at once */

static void
ngx_http_agw_sync_leave(ngx_http_agw_sync_t *sync)
{
    ngx_http_agw_zone_t  *zone;

    if (!sync->leading) {
        return;
    }

    zone = ngx_http_agw_zone(sync->revocations);

    if (ngx_http_agw_sync_leads(sync)) {
        zone->last_read = ngx_current_msec - NGX_HTTP_AGW_SYNC_LEASE;
    }

    ngx_http_agw_store_stop_reading(sync->revocations->store, &sync->reading);

    sync->leading = 0;
    sync->goes_on = 0;
    sync->waiting = 0;
    sync->more = 0;
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

        if (rc != NGX_OK || !sync->more) {
            return rc;
        }

        ngx_time_update();

        if (ngx_current_msec - begun >= NGX_HTTP_AGW_SYNC_SLICE) {
            return NGX_OK;
        }
    }
}


/*
 * NGX_OK if all has been read, or there is more, see sync->more; NGX_AGAIN if
 * ngx_http_agw_sync_done() will be called; or NGX_ERROR: to be tried later.
 */

static ngx_int_t
ngx_http_agw_sync_read(ngx_http_agw_sync_t *sync)
{
    ngx_int_t                          rc;
    ngx_http_agw_zone_t               *zone;
    const ngx_http_agw_revocations_t  *revs;

    revs = sync->revocations;
    zone = ngx_http_agw_zone(revs);

    sync->stamp = agw_revoked_set_stamp(zone->set);

    if (!sync->more) {
        if (!sync->goes_on) {
            if (!ngx_http_agw_sync_lock(sync)) {
                return NGX_ERROR;
            }

            sync->reading.position = zone->position;
            ngx_http_agw_zone_unlock(revs);
        }

        /* of a followed store nobody else changes the position */

        sync->goes_on = sync->followed;
        sync->overflow = zone->overflow;
        sync->overflowed = 0;
        sync->restarted = 0;

        sync->reading.anew = (sync->overflow != 0);

        if (sync->overflow) {
            sync->reading.position.stamp = 0;
        }
    }

    /* an error is logged, and ten seconds later what it is by then */

    sync->reading.filled = zone->filled;
    sync->log.log_level = (!zone->silent
                           || ngx_http_agw_claim(&zone->said,
                                                 NGX_HTTP_AGW_SYNC_LOG))
                          ? sync->event.log->log_level : NGX_LOG_CRIT;

    rc = ngx_http_agw_store_read_revocations(revs->store, &sync->reading);

    if (rc == NGX_AGAIN) {
        sync->waiting = 1;
        return NGX_AGAIN;
    }

    return ngx_http_agw_sync_end(sync, rc);
}


/* the worker that lost the lease leaves what it has read to the next one */

static void
ngx_http_agw_sync_done(ngx_http_agw_reading_t *reading, ngx_int_t rc)
{
    ngx_http_agw_sync_t *sync = reading->data;

    sync->waiting = 0;

    if (!ngx_http_agw_sync_leads(sync)) {
        ngx_http_agw_sync_leave(sync);
        return;
    }

    ngx_http_agw_zone(sync->revocations)->last_read = ngx_current_msec;

    if (ngx_http_agw_sync_end(sync, rc) == NGX_OK) {
        ngx_http_agw_sync_go_on(sync);
    }
}


/*
 * The end of a reading: NGX_OK or NGX_ERROR.  After something did not fit, all
 * is read again until it does.
 */

static ngx_int_t
ngx_http_agw_sync_end(ngx_http_agw_sync_t *sync, ngx_int_t rc)
{
    ngx_uint_t                         more;
    ngx_http_agw_zone_t               *zone;
    const ngx_http_agw_revocations_t  *revs;

    revs = sync->revocations;
    zone = ngx_http_agw_zone(revs);

    if (ngx_http_agw_batch_flush(&sync->batch, revs) != NGX_OK) {
        ngx_http_agw_sync_overflow(sync);
    }

    if (rc == NGX_ERROR && sync->log.log_level != NGX_LOG_CRIT) {
        zone->said = ngx_current_msec;
    }

    ngx_http_agw_health_answered(revs, &sync->reading, rc);

    if (rc != NGX_OK) {
        ngx_http_agw_sync_failed(sync);
        return NGX_ERROR;
    }

    more = sync->reading.more;

    zone->filled = sync->reading.filled;
    sync->more = more;
    sync->restarted |= sync->reading.restarted;

    /* if the zone is not updated now, the same is read once more */

    if (ngx_http_agw_sync_lock(sync)) {

        if (!more || !sync->overflow) {
            zone->position = sync->reading.position;
        }

        agw_revoked_set_raise_floor(zone->set, sync->reading.floor);
        agw_revoked_set_raise_stamp(zone->set, sync->reading.last_stamp);

        zone->horizon = ngx_max(zone->horizon, sync->reading.horizon);

        ngx_http_agw_zone_unlock(revs);

    } else if (!more && (!zone->loaded || sync->overflow)) {
        return NGX_ERROR;
    }

    /* an older copy of the store: raise its stamp above those we know */

    if (!sync->followed && sync->reading.last_stamp < sync->stamp) {
        ngx_http_agw_maintain_now();
    }

    if (!more) {
        ngx_http_agw_sync_loaded(sync);
    }

    return NGX_OK;
}


static void
ngx_http_agw_sync_failed(ngx_http_agw_sync_t *sync)
{
    ngx_http_agw_zone_t               *zone;
    const ngx_http_agw_revocations_t  *revs;

    revs = sync->revocations;
    zone = ngx_http_agw_zone(revs);

    sync->more = 0;
    sync->goes_on = 0;

    /* a reload begins with nothing that another file said */

    if (!sync->serving && revs->inherited
        && (sync->reading.other_store || sync->restarted))
    {
        zone->loaded = 0;
    }

    /* a start without the store: what this node had saved has to do */

    if (sync->reading.saved && !sync->overflowed && !zone->loaded) {
        zone->loaded = 1;
    }
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

    ngx_http_agw_set_known(sync->revocations, &sync->reading.position);

    zone->heard = ngx_current_msec;

    if (sync->followed && (!zone->loaded || sync->restarted)) {
        ngx_log_error(NGX_LOG_NOTICE, sync->event.log, 0,
                      "auth_gateway: store \"%V\": all revocations are known "
                      "(%uz)", &sync->name,
                      agw_revoked_set_count(zone->set));
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

    zone = ngx_http_agw_zone(sync->revocations);

    /* what is read again is not news */
    if (zone->loaded && !sync->overflow && !sync->restarted
        && !sync->reading.restarted)
    {
        ngx_http_agw_health_news(sync->revocations, revocation);
    }

    if (ngx_http_agw_batch_add(&sync->batch, sync->revocations, revocation)
        != NGX_OK)
    {
        ngx_http_agw_sync_overflow(sync);
    }
}


static void
ngx_http_agw_sync_overflow(ngx_http_agw_sync_t *sync)
{
    sync->overflowed = 1;

    if (ngx_atomic_fetch_add(&ngx_http_agw_zone(sync->revocations)->overflow,
                             1)
        == 0)
    {
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
