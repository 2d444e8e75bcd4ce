
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_health.h"
#include "ngx_http_agw_revocations.h"
#include "ngx_http_agw_zone.h"


/* more than a store ever needs to answer, or to reconnect: ms */

#define NGX_HTTP_AGW_SILENCE  5000

#define NGX_HTTP_AGW_DAY      86400000


static ngx_http_agw_state_t ngx_http_agw_health_state(
    const ngx_http_agw_revocations_t *revocations);
static int64_t ngx_http_agw_wall_clock(void);


void
ngx_http_agw_health(const ngx_http_agw_main_conf_t *mcf,
    ngx_http_agw_health_t *health)
{
    ngx_msec_int_t                     passed;
    const ngx_http_agw_zone_t         *zone;
    const ngx_http_agw_revocations_t  *revs;

    ngx_memzero(health, sizeof(ngx_http_agw_health_t));

    revs = mcf->revocations;

    if (revs == NULL) {
        return;
    }

    zone = ngx_http_agw_zone(revs);

    health->state = ngx_http_agw_health_state(revs);

    /* another worker's clock of this turn may be ahead of ours */

    passed = (ngx_msec_int_t) (ngx_current_msec - zone->heard);
    health->age = zone->heard ? ngx_max(passed, 0) : -1;

    passed = (ngx_msec_int_t) (ngx_current_msec - zone->answered);
    health->reachable = zone->answered && !zone->silent
                        && passed < NGX_HTTP_AGW_SILENCE;

    health->lag = (int64_t) zone->lag;
    health->ahead = zone->ahead;
    health->ahead_known = (zone->ahead_known != 0);

    health->unfit = zone->overflow;
    health->entries = agw_revoked_set_count(zone->set);
    health->limit = agw_revoked_set_size(zone->set);
    health->size = revs->set_size;
    health->used = (size_t) ((double) revs->set_size / health->limit
                             * health->entries);
}


/* as ngx_http_agw_check_revoked() decides */

static ngx_http_agw_state_t
ngx_http_agw_health_state(const ngx_http_agw_revocations_t *revocations)
{
    const ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(revocations);

    if (!zone->loaded) {
        return NGX_HTTP_AGW_STARTING;
    }

    if (zone->overflow) {
        return NGX_HTTP_AGW_OVERFLOW;
    }

    return revocations->stale && ngx_http_agw_is_stale(revocations)
           ? NGX_HTTP_AGW_STALE : NGX_HTTP_AGW_READY;
}


ngx_str_t
ngx_http_agw_health_name(ngx_http_agw_state_t state)
{
    static const ngx_str_t  names[] = {
        [NGX_HTTP_AGW_READY] = ngx_string("ready"),
        [NGX_HTTP_AGW_STARTING] = ngx_string("starting"),
        [NGX_HTTP_AGW_STALE] = ngx_string("stale"),
        [NGX_HTTP_AGW_OVERFLOW] = ngx_string("overflow")
    };

    return names[state];
}


/* a store that is locked, NGX_BUSY, may answer a moment later */

void
ngx_http_agw_health_answered(const ngx_http_agw_revocations_t *revocations,
    const ngx_http_agw_reading_t *reading, ngx_int_t rc)
{
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(revocations);

    if (rc == NGX_OK) {
        zone->answered = ngx_current_msec;
        zone->silent = 0;
        zone->ahead = reading->ahead;
        zone->ahead_known = reading->ahead_known;

    } else if (rc == NGX_ERROR) {
        zone->silent = 1;
    }
}


/*
 * By the clock of the store, if that is known.  A stamp is a time in ms, unless
 * it had to be above others, as for a day after Redis was another one: then
 * there are whole seconds, and what may be less than one is none.
 */

void
ngx_http_agw_health_news(const ngx_http_agw_revocations_t *revocations,
    const agw_revocation_t *revocation)
{
    int64_t               now, lag;
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(revocations);

    now = ngx_http_agw_wall_clock() + (zone->ahead_known ? zone->ahead : 0);
    lag = now - revocation->stamp;

    if (lag < 0) {
        lag = now - (revocation->time + 1) * 1000;
    }

    /* a time that somebody made up is no lag */

    if (lag < 0 || lag > NGX_HTTP_AGW_DAY) {
        lag = 0;
    }

    zone->lag = (ngx_atomic_uint_t) lag;
}


static int64_t
ngx_http_agw_wall_clock(void)
{
    const ngx_time_t  *now;

    now = ngx_timeofday();

    return (int64_t) now->sec * 1000 + now->msec;
}
