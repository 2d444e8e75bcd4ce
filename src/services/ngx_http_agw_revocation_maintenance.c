
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

#include "ngx_http_agw_key_use.h"
#include "ngx_http_agw_revocation_maintenance.h"
#include "ngx_http_agw_zone.h"


#define NGX_HTTP_AGW_MAINTAIN        10000       /* ms between two */


/* of this worker */

typedef struct {
    const ngx_http_agw_revocations_t  *revocations;
    ngx_http_agw_write_t      write;
    ngx_msec_t                counted_until;
    unsigned                  maintaining:1;
    unsigned                  serving:1;     /* requests, meanwhile */
} ngx_http_agw_maintenance_t;


static void ngx_http_agw_maintain_start(ngx_http_agw_maintenance_t *state);
static ngx_uint_t ngx_http_agw_maintain_lock(ngx_http_agw_maintenance_t *state);
static void ngx_http_agw_maintain_held(ngx_http_agw_maintenance_t *state);
static void ngx_http_agw_maintain_hold(ngx_http_agw_zone_t *zone,
    ngx_msec_t interval);
static void ngx_http_agw_maintain_done(ngx_http_agw_write_t *write,
    ngx_int_t rc);


static ngx_http_agw_maintenance_t  ngx_http_agw_maintain_state;


void
ngx_http_agw_maintain_open(const ngx_http_agw_revocations_t *revocations)
{
    ngx_http_agw_maintenance_t  *state;

    state = &ngx_http_agw_maintain_state;

    ngx_memzero(state, sizeof(ngx_http_agw_maintenance_t));

    state->revocations = revocations;
}


void
ngx_http_agw_maintain(void)
{
    ngx_http_agw_zone_t    *zone;
    ngx_http_agw_maintenance_t  *state;

    state = &ngx_http_agw_maintain_state;
    zone = ngx_http_agw_zone(state->revocations);

    if (!state->maintaining
        && ngx_http_agw_claim(&zone->last_maintained, NGX_HTTP_AGW_MAINTAIN))
    {
        ngx_http_agw_maintain_start(state);
    }

    state->serving = 1;

    ngx_http_agw_write_key_uses(state->revocations->store);
}


void
ngx_http_agw_maintain_now(void)
{
    ngx_http_agw_zone_t    *zone;
    ngx_http_agw_maintenance_t  *state;

    state = &ngx_http_agw_maintain_state;

    if (state->maintaining) {
        return;
    }

    zone = ngx_http_agw_zone(state->revocations);
    zone->last_maintained = ngx_current_msec;

    ngx_http_agw_maintain_start(state);
}


static void
ngx_http_agw_maintain_start(ngx_http_agw_maintenance_t *state)
{
    ngx_msec_int_t         passed;
    ngx_http_agw_zone_t   *zone;
    ngx_http_agw_write_t  *write;

    zone = ngx_http_agw_zone(state->revocations);
    write = &state->write;

    ngx_memzero(write, sizeof(ngx_http_agw_write_t));

    write->handler = ngx_http_agw_maintain_done;
    write->data = state;
    write->known_stamp = agw_revoked_set_stamp(zone->set);
    write->abandoned = 1;

    if (!ngx_http_agw_maintain_lock(state)) {
        return;
    }

    write->elapsed = zone->elapsed;

    if (write->elapsed >= 0) {
        /* another worker's clock of this turn may be ahead of ours */

        passed = (ngx_msec_int_t) (ngx_current_msec - zone->elapsed_at);

        write->seconds = ngx_max(passed, 0) / 1000;
        state->counted_until = zone->elapsed_at
                          + (ngx_msec_t) write->seconds * 1000;
    }

    ngx_http_agw_maintain_held(state);

    ngx_http_agw_zone_unlock(state->revocations);

    state->maintaining = 1;

    ngx_http_agw_store_maintain(state->revocations->store, write);
}


static ngx_uint_t
ngx_http_agw_maintain_lock(ngx_http_agw_maintenance_t *state)
{
    if (state->serving) {
        return ngx_http_agw_zone_trylock(state->revocations);
    }

    ngx_http_agw_zone_lock(state->revocations);

    return 1;
}


/*
 * What was known a horizon ago.  Of records that go round, each is a fraction
 * of it younger than the one before.  Locked.
 */

static void
ngx_http_agw_maintain_held(ngx_http_agw_maintenance_t *state)
{
    ngx_uint_t                 i, n;
    ngx_msec_t                 horizon;
    ngx_http_agw_zone_t       *zone;
    ngx_http_agw_write_t      *write;
    const ngx_http_agw_held_t *held;

    zone = ngx_http_agw_zone(state->revocations);
    write = &state->write;

    write->horizon = ngx_max(zone->horizon,
                            (int64_t) state->revocations->horizon);
    write->held = 0;

    horizon = (ngx_msec_t) write->horizon * 1000;
    n = ngx_min(zone->nheld, NGX_HTTP_AGW_HELD);

    for (i = 0; i < n; i++) {
        held = &zone->held[i];

        if (held->store_id == zone->known.store_id
            && (ngx_msec_int_t) (ngx_current_msec - held->at)
               > (ngx_msec_int_t) horizon)
        {
            write->held = ngx_max(write->held, held->stamp);
        }
    }

    ngx_http_agw_maintain_hold(zone, horizon / (NGX_HTTP_AGW_HELD - 2));
}


static void
ngx_http_agw_maintain_hold(ngx_http_agw_zone_t *zone, ngx_msec_t interval)
{
    ngx_http_agw_held_t  *held;

    if (zone->known.store_id == 0) {
        return;
    }

    held = &zone->held[(zone->nheld + NGX_HTTP_AGW_HELD - 1)
                       % NGX_HTTP_AGW_HELD];

    if (zone->nheld != 0 && held->store_id == zone->known.store_id
        && ngx_current_msec - held->at < interval)
    {
        return;
    }

    held = &zone->held[zone->nheld % NGX_HTTP_AGW_HELD];

    held->at = ngx_current_msec;
    held->store_id = zone->known.store_id;
    held->stamp = zone->known.stamp;

    zone->nheld++;
}


/* seconds that somebody else counted are counted from now on */

static void
ngx_http_agw_maintain_done(ngx_http_agw_write_t *write, ngx_int_t rc)
{
    ngx_http_agw_zone_t  *zone;
    ngx_http_agw_maintenance_t  *state = write->data;

    zone = ngx_http_agw_zone(state->revocations);
    state->maintaining = 0;

    /* where the zone is not told, the next seconds are not counted */

    if (rc != NGX_OK || !ngx_http_agw_zone_trylock(state->revocations)) {
        return;
    }

    zone->elapsed = write->elapsed;
    zone->elapsed_at = write->advanced ? state->counted_until
                                       : ngx_current_msec;

    agw_revoked_set_raise_floor(zone->set, write->floor);

    ngx_http_agw_zone_unlock(state->revocations);

    if (write->more) {
        zone->last_maintained = ngx_current_msec - NGX_HTTP_AGW_MAINTAIN;
    }
}
