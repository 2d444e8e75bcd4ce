
/*
 * The zone: memory that all workers of one nginx share.
 */


#ifndef NGX_HTTP_AGW_ZONE_H_INCLUDED_
#define NGX_HTTP_AGW_ZONE_H_INCLUDED_


#include "ngx_http_agw.h"
#include "ngx_http_agw_store_revocations.h"


struct ngx_http_agw_revocations_s {
    ngx_shm_zone_t           *zone;
    ngx_http_agw_store_t     *store;
    size_t                    size;          /* of the set, in bytes */
    time_t                    horizon;       /* of any token: seconds */
    time_t                    ahead;         /* of an iat, at most: seconds */
    ngx_msec_t                stale;         /* age that is too much; 0: none */
    unsigned                  reloaded:1;    /* the zone is of a cycle before */
};


/* what was known at some time, of a store: stamps up to this one */

typedef struct {
    ngx_msec_t                at;
    uint64_t                  store;
    int64_t                   stamp;
} ngx_http_agw_held_t;

#define NGX_HTTP_AGW_HELD   16


/* in shared memory; changed with atomic operations, or under the mutex */

typedef struct {
    ngx_uint_t                layout;
    agw_revoked_set_t        *set;
    ngx_http_agw_position_t   position;      /* read up to there: mutex */
    int64_t                   elapsed;       /* of the store, -1: mutex */
    ngx_msec_t                elapsed_at;    /* when it was that: mutex */
    int64_t                   horizon;       /* of the store: mutex */
    ngx_atomic_t              followed;      /* ngx_current_msec, at last */
    ngx_atomic_t              follower;      /* who does, of a followed store */
    ngx_atomic_t              tended;        /* as `followed` */
    ngx_atomic_t              heard;         /* when all was known, at last */
    ngx_atomic_t              stale;         /* that is too long ago: logged */
    ngx_http_agw_position_t   known;         /* all up to there is in the set:
                                                see ngx_http_agw_known() */
    ngx_http_agw_held_t       held[NGX_HTTP_AGW_HELD];    /* mutex */
    ngx_uint_t                nheld;         /* ever: mutex */
    ngx_atomic_t              complete;      /* all has been read once */
    ngx_atomic_t              overflow;      /* what did not fit */
} ngx_http_agw_zone_t;


ngx_http_agw_zone_t *ngx_http_agw_zone(
    const ngx_http_agw_revocations_t *revocations);


/*
 * How far the store's revocations are known, all of them; store is 0 where
 * they are not.  The follower alone changes it.
 */

void ngx_http_agw_known(const ngx_http_agw_revocations_t *revocations,
    ngx_http_agw_position_t *known);
void ngx_http_agw_set_known(const ngx_http_agw_revocations_t *revocations,
    const ngx_http_agw_position_t *known);


/*
 * Whether it is time again, interval ms after *last, and nobody else has seen
 * that: then *last is now.
 */

ngx_uint_t ngx_http_agw_claim(ngx_atomic_t *last, ngx_msec_t interval);


/* the mutex that nginx frees for a worker that dies with it */

void ngx_http_agw_zone_lock(const ngx_http_agw_revocations_t *revocations);
ngx_uint_t ngx_http_agw_zone_trylock(
    const ngx_http_agw_revocations_t *revocations);
void ngx_http_agw_zone_unlock(const ngx_http_agw_revocations_t *revocations);


/*
 * Makes room for a store's revocations in a zone of size bytes, 0 for the
 * default.  Returns NGX_CONF_OK, or NGX_CONF_ERROR, logged.
 */

char *ngx_http_agw_zone_create(ngx_conf_t *cf, size_t size,
    const ngx_http_agw_store_limits_t *limits, ngx_http_agw_store_t *store,
    ngx_msec_t stale, ngx_http_agw_revocations_t **revocations);


#endif /* NGX_HTTP_AGW_ZONE_H_INCLUDED_ */
