
/*
 * The zone that the workers of a node share.
 */


#ifndef NGX_HTTP_AGW_ZONE_H_INCLUDED_
#define NGX_HTTP_AGW_ZONE_H_INCLUDED_


#include "ngx_http_agw.h"


struct ngx_http_agw_revocations_s {
    ngx_shm_zone_t           *zone;
    ngx_http_agw_store_t     *store;
    size_t                    size;          /* of the index, in bytes */
};


/* in shared memory; changed with atomic operations, or under the mutex */

typedef struct {
    ngx_uint_t                layout;
    agw_index_t              *index;
    ngx_atomic_t              position;      /* in the store */
    ngx_atomic_t              store;         /* of which that is */
    ngx_atomic_t              followed;      /* ngx_current_msec, at last */
    ngx_atomic_t              swept;         /* likewise */
    ngx_atomic_t              known;         /* all has been read once */
    ngx_atomic_t              overflow;      /* what did not fit */
} ngx_http_agw_zone_t;


ngx_http_agw_zone_t *ngx_http_agw_zone(
    const ngx_http_agw_revocations_t *revocations);


/* the mutex that nginx frees for a worker that dies with it */

void ngx_http_agw_lock(const ngx_http_agw_revocations_t *revocations);
void ngx_http_agw_unlock(const ngx_http_agw_revocations_t *revocations);


/*
 * Makes room for an index of a store's revocations in a zone of size bytes,
 * 0 for the default.  Returns NGX_CONF_OK, or NGX_CONF_ERROR, logged.
 */

char *ngx_http_agw_revocations_create(ngx_conf_t *cf, size_t size,
    ngx_http_agw_store_t *store, ngx_http_agw_revocations_t **revocations);


#endif /* NGX_HTTP_AGW_ZONE_H_INCLUDED_ */
