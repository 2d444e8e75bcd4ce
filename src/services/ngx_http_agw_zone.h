
/*
 * The zone: memory that all workers of one nginx share, with the set of
 * revocations.
 */


#ifndef NGX_HTTP_AGW_ZONE_H_INCLUDED_
#define NGX_HTTP_AGW_ZONE_H_INCLUDED_


#include "ngx_http_agw.h"
#include "ngx_http_agw_store_revocations.h"


struct ngx_http_agw_revocations_s {
    ngx_shm_zone_t           *zone;
    ngx_http_agw_store_t     *store;
    size_t                    set_size;      /* bytes */
    time_t                    horizon;       /* ngx_http_agw_store_limits_t */
    time_t                    ahead;         /* likewise */
    ngx_msec_t                stale;         /* knowledge this old; 0: none */
    unsigned                  inherited:1;   /* the zone existed before */
};


/* what was known at some time, of a store: stamps up to this one */

typedef struct {
    ngx_msec_t                at;
    uint64_t                  store_id;
    int64_t                   stamp;
} ngx_http_agw_held_t;

#define NGX_HTTP_AGW_HELD   16


/*
 * In shared memory.  Fields of an atomic type are changed by atomic operations,
 * the others under the mutex.
 */

typedef struct {
    ngx_uint_t                layout;
    agw_revoked_set_t        *set;
    ngx_http_agw_position_t   position;      /* in the store */
    int64_t                   elapsed;       /* the store's clock, or -1 */
    ngx_msec_t                elapsed_at;    /* ngx_current_msec at that time */
    int64_t                   horizon;       /* that the store knows */
    ngx_atomic_t              last_read;     /* ngx_current_msec */
    ngx_atomic_t              follower;      /* its pid, of a followed store */
    ngx_atomic_t              last_maintained;   /* ngx_current_msec */
    ngx_atomic_t              heard;         /* when all was known, at last */
    ngx_atomic_t              stale;         /* that is too long ago: logged */
    ngx_http_agw_position_t   known;         /* see ngx_http_agw_known() */
    ngx_http_agw_held_t       held[NGX_HTTP_AGW_HELD];
    ngx_uint_t                nheld;         /* so many were ever held */
    ngx_atomic_t              loaded;        /* all has been read once */
    ngx_atomic_t              filled;        /* ngx_http_agw_reading_t */
    ngx_atomic_t              overflow;      /* entries that did not fit */
    ngx_http_agw_store_shared_t  shared;     /* the store's */

    /* for operators alone */

    ngx_atomic_t              answered;      /* when the store did, at last */
    ngx_atomic_t              silent;        /* it did not since */
    ngx_atomic_t              said;          /* why not, at last */
    ngx_atomic_t              lag;           /* of the newest entry, in ms */
    volatile int64_t          ahead;         /* the store's clock, in ms */
    ngx_atomic_t              ahead_known;
} ngx_http_agw_zone_t;


/* the zone, once nginx has created its memory: from then on never NULL */

ngx_http_agw_zone_t *ngx_http_agw_zone(
    const ngx_http_agw_revocations_t *revocations);


/*
 * How far the store's revocations are known, all of them; store_id is 0 if
 * they are not.  The follower alone changes it.
 */

void ngx_http_agw_known(const ngx_http_agw_revocations_t *revocations,
    ngx_http_agw_position_t *known);
void ngx_http_agw_set_known(const ngx_http_agw_revocations_t *revocations,
    const ngx_http_agw_position_t *known);


/*
 * Whether it is time again, interval ms after *last, and no other worker has
 * claimed that: then *last is now.
 */

ngx_uint_t ngx_http_agw_claim(ngx_atomic_t *last, ngx_msec_t interval);


/* if a worker dies with the mutex, nginx unlocks it */

void ngx_http_agw_zone_lock(const ngx_http_agw_revocations_t *revocations);
ngx_uint_t ngx_http_agw_zone_trylock(
    const ngx_http_agw_revocations_t *revocations);
void ngx_http_agw_zone_unlock(const ngx_http_agw_revocations_t *revocations);


/*
 * Creates a zone of size bytes, 0 for the default, for the revocations of a
 * store.  Returns NGX_CONF_OK, or NGX_CONF_ERROR, logged.
 */

char *ngx_http_agw_zone_create(ngx_conf_t *cf, size_t size,
    const ngx_http_agw_store_limits_t *limits, ngx_http_agw_store_t *store,
    ngx_msec_t stale, ngx_http_agw_revocations_t **revocations);


#endif /* NGX_HTTP_AGW_ZONE_H_INCLUDED_ */
