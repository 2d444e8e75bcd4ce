
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
    unsigned                  reloaded:1;    /* the zone is of a cycle before */
};


/* in shared memory; changed with atomic operations, or under the mutex */

typedef struct {
    ngx_uint_t                layout;
    agw_revoked_set_t        *set;
    ngx_http_agw_position_t   position;      /* read up to there: mutex */
    int64_t                   elapsed;       /* of the store, -1: mutex */
    ngx_msec_t                elapsed_at;    /* when it was that: mutex */
    int64_t                   horizon;       /* of the store: mutex */
    ngx_atomic_t              followed;      /* ngx_current_msec, at last */
    ngx_atomic_t              tended;        /* likewise */
    ngx_atomic_t              complete;      /* all has been read once */
    ngx_atomic_t              overflow;      /* what did not fit */
} ngx_http_agw_zone_t;


ngx_http_agw_zone_t *ngx_http_agw_zone(
    const ngx_http_agw_revocations_t *revocations);


/* the mutex that nginx frees for a worker that dies with it */

void ngx_http_agw_lock(const ngx_http_agw_revocations_t *revocations);
ngx_uint_t ngx_http_agw_trylock(
    const ngx_http_agw_revocations_t *revocations);
void ngx_http_agw_unlock(const ngx_http_agw_revocations_t *revocations);


/*
 * Makes room for a store's revocations in a zone of size bytes, 0 for the
 * default.  Returns NGX_CONF_OK, or NGX_CONF_ERROR, logged.
 */

char *ngx_http_agw_revocations_create(ngx_conf_t *cf, size_t size,
    const ngx_http_agw_store_limits_t *limits, ngx_http_agw_store_t *store,
    ngx_http_agw_revocations_t **revocations);


#endif /* NGX_HTTP_AGW_ZONE_H_INCLUDED_ */
