
/*
 * The store's own clock goes on, and entries that are older than any valid
 * token go, by one worker of a node at a time.
 *
 * Of a store that is followed, this node counts by itself how long it has
 * known what: in the zone, by a clock that nobody sets.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_revocation_upkeep.h"
#include "ngx_http_agw_zone.h"


#define NGX_HTTP_AGW_SYNC_MAINTAIN        10000       /* ms between two */


/* of this worker */

typedef struct {
    const ngx_http_agw_revocations_t  *revocations;
    ngx_http_agw_write_t      tend;
    ngx_msec_t                tended_at;
    unsigned                  tending:1;
    unsigned                  serving:1;     /* requests, meanwhile */
} ngx_http_agw_upkeep_t;


static void ngx_http_agw_upkeep_start(ngx_http_agw_upkeep_t *upkeep);
static ngx_uint_t ngx_http_agw_upkeep_lock(ngx_http_agw_upkeep_t *upkeep);
static void ngx_http_agw_upkeep_held(ngx_http_agw_upkeep_t *upkeep);
static void ngx_http_agw_upkeep_hold(ngx_http_agw_zone_t *zone,
    ngx_msec_t interval);
static void ngx_http_agw_upkeep_done(ngx_http_agw_write_t *write,
    ngx_int_t rc);


static ngx_http_agw_upkeep_t  ngx_http_agw_upkeep_state;


void
ngx_http_agw_upkeep_open(const ngx_http_agw_revocations_t *revocations)
{
    ngx_http_agw_upkeep_t  *upkeep;

    upkeep = &ngx_http_agw_upkeep_state;

    ngx_memzero(upkeep, sizeof(ngx_http_agw_upkeep_t));

    upkeep->revocations = revocations;
}


void
ngx_http_agw_upkeep(void)
{
    ngx_http_agw_zone_t    *zone;
    ngx_http_agw_upkeep_t  *upkeep;

    upkeep = &ngx_http_agw_upkeep_state;
    zone = ngx_http_agw_zone(upkeep->revocations);

    if (!upkeep->tending
        && ngx_http_agw_claim(&zone->last_maintained, NGX_HTTP_AGW_SYNC_MAINTAIN))
    {
        ngx_http_agw_upkeep_start(upkeep);
    }

    upkeep->serving = 1;
}


void
ngx_http_agw_upkeep_now(void)
{
    ngx_http_agw_zone_t    *zone;
    ngx_http_agw_upkeep_t  *upkeep;

    upkeep = &ngx_http_agw_upkeep_state;

    if (upkeep->tending) {
        return;
    }

    zone = ngx_http_agw_zone(upkeep->revocations);
    zone->last_maintained = ngx_current_msec;

    ngx_http_agw_upkeep_start(upkeep);
}


static void
ngx_http_agw_upkeep_start(ngx_http_agw_upkeep_t *upkeep)
{
    ngx_msec_int_t         passed;
    ngx_http_agw_zone_t   *zone;
    ngx_http_agw_write_t  *tend;

    zone = ngx_http_agw_zone(upkeep->revocations);
    tend = &upkeep->tend;

    ngx_memzero(tend, sizeof(ngx_http_agw_write_t));

    write->handler = ngx_http_agw_upkeep_done;
    write->data = upkeep;
    write->known_stamp = agw_revoked_set_stamp(zone->set);
    write->abandoned = 1;

    if (!ngx_http_agw_upkeep_lock(upkeep)) {
        return;
    }

    write->elapsed = zone->elapsed;

    if (write->elapsed >= 0) {
        /* another worker's clock of this turn may be ahead of ours */

        passed = (ngx_msec_int_t) (ngx_current_msec - zone->elapsed_at);

        write->seconds = ngx_max(passed, 0) / 1000;
        upkeep->tended_at = zone->elapsed_at
                          + (ngx_msec_t) write->seconds * 1000;
    }

    ngx_http_agw_upkeep_held(upkeep);

    ngx_http_agw_zone_unlock(upkeep->revocations);

    upkeep->tending = 1;

    ngx_http_agw_store_maintain(upkeep->revocations->store, tend);
}


static ngx_uint_t
ngx_http_agw_upkeep_lock(ngx_http_agw_upkeep_t *upkeep)
{
    if (upkeep->serving) {
        return ngx_http_agw_zone_trylock(upkeep->revocations);
    }

    ngx_http_agw_zone_lock(upkeep->revocations);

    return 1;
}


/*
 * What was known a horizon ago.  Of records that go round, each is a fraction
 * of it younger than the one before.  Locked.
 */

static void
ngx_http_agw_upkeep_held(ngx_http_agw_upkeep_t *upkeep)
{
    ngx_uint_t                 i, n;
    ngx_msec_t                 horizon;
    ngx_http_agw_zone_t       *zone;
    ngx_http_agw_write_t      *tend;
    const ngx_http_agw_held_t *held;

    zone = ngx_http_agw_zone(upkeep->revocations);
    tend = &upkeep->tend;

    write->horizon = ngx_max(zone->horizon,
                            (int64_t) upkeep->revocations->horizon);
    write->held = 0;

    horizon = (ngx_msec_t) write->horizon * 1000;
    n = ngx_min(zone->nheld, NGX_HTTP_AGW_HELD);

    for (i = 0; i < n; i++) {
        held = &zone->held[i];

        if (held->store == zone->known.store
            && (ngx_msec_int_t) (ngx_current_msec - held->at)
               > (ngx_msec_int_t) horizon)
        {
            write->held = ngx_max(write->held, held->stamp);
        }
    }

    ngx_http_agw_upkeep_hold(zone, horizon / (NGX_HTTP_AGW_HELD - 2));
}


static void
ngx_http_agw_upkeep_hold(ngx_http_agw_zone_t *zone, ngx_msec_t interval)
{
    ngx_http_agw_held_t  *held;

    if (zone->known.store == 0) {
        return;
    }

    held = &zone->held[(zone->nheld + NGX_HTTP_AGW_HELD - 1)
                       % NGX_HTTP_AGW_HELD];

    if (zone->nheld != 0 && held->store == zone->known.store
        && ngx_current_msec - held->at < interval)
    {
        return;
    }

    held = &zone->held[zone->nheld % NGX_HTTP_AGW_HELD];

    held->at = ngx_current_msec;
    held->store = zone->known.store;
    held->stamp = zone->known.stamp;

    zone->nheld++;
}


/* seconds that somebody else counted are counted from now on */

static void
ngx_http_agw_upkeep_done(ngx_http_agw_write_t *write, ngx_int_t rc)
{
    ngx_http_agw_zone_t  *zone;
    ngx_http_agw_upkeep_t  *upkeep = write->data;

    zone = ngx_http_agw_zone(upkeep->revocations);
    upkeep->tending = 0;

    /* where the zone is not told, the next seconds are not counted */

    if (rc != NGX_OK || !ngx_http_agw_zone_trylock(upkeep->revocations)) {
        return;
    }

    zone->elapsed = write->elapsed;
    zone->elapsed_at = write->advanced ? upkeep->tended_at : ngx_current_msec;

    agw_revoked_set_raise_floor(zone->set, write->floor);

    ngx_http_agw_zone_unlock(upkeep->revocations);

    if (write->more) {
        zone->last_maintained = ngx_current_msec - NGX_HTTP_AGW_SYNC_MAINTAIN;
    }
}
