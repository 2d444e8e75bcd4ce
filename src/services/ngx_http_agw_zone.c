
/*
 * The zone outlives configurations, and workers that die.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "ngx_http_agw_zone.h"


#define NGX_HTTP_AGW_ZONE_SIZE    (8 * 1024 * 1024)
#define NGX_HTTP_AGW_ZONE_MIN     (16 * ngx_pagesize)

/* pages for the slab allocator itself */

#define NGX_HTTP_AGW_ZONE_SLACK   4

#define NGX_HTTP_AGW_ZONE_LAYOUT  7


static ngx_int_t ngx_http_agw_zone_init(ngx_shm_zone_t *zone, void *data);
static size_t ngx_http_agw_zone_usable(size_t size);
static ngx_int_t ngx_http_agw_zone_fill(ngx_slab_pool_t *pool, size_t size,
    ngx_log_t *log);


/*
 * A zone belongs to one store.  If a reload changes the store, there is a new
 * zone, and old workers go on with the old one.
 */

char *
ngx_http_agw_zone_create(ngx_conf_t *cf, size_t size,
    const ngx_http_agw_store_limits_t *limits, ngx_http_agw_store_t *store,
    ngx_msec_t stale, ngx_http_agw_revocations_t **revocations)
{
    ngx_str_t                    name, of;
    ngx_http_agw_revocations_t  *revs;

    if (size == 0) {
        size = NGX_HTTP_AGW_ZONE_SIZE;
    }

    if (size < NGX_HTTP_AGW_ZONE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"auth_gateway_zone\" of %uz bytes is too small, "
                           "it must be at least %uz", size,
                           (size_t) NGX_HTTP_AGW_ZONE_MIN);
        return NGX_CONF_ERROR;
    }

    revs = ngx_pcalloc(cf->pool, sizeof(ngx_http_agw_revocations_t));
    if (revs == NULL) {
        return NGX_CONF_ERROR;
    }

    of = ngx_http_agw_store_name(store);

    name.len = sizeof("auth_gateway ") - 1 + of.len;
    name.data = ngx_pnalloc(cf->pool, name.len);
    if (name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_sprintf(name.data, "auth_gateway %V", &of);

    revs->store = store;
    revs->horizon = limits->horizon;
    revs->ahead = limits->ahead;
    revs->stale = stale;
    revs->set_size = ngx_http_agw_zone_usable(size);
    revs->zone = ngx_shared_memory_add(cf, &name, size,
                                       &ngx_http_auth_gateway_module);
    if (revs->zone == NULL) {
        return NGX_CONF_ERROR;
    }

    revs->zone->init = ngx_http_agw_zone_init;
    revs->zone->data = revs;

    ngx_conf_log_error(NGX_LOG_NOTICE, cf, 0,
                       "\"auth_gateway_zone\" of %uz bytes holds %uz entries",
                       size, agw_revoked_set_capacity(revs->set_size));

    *revocations = revs;

    return NGX_CONF_OK;
}


/* what the allocator leaves for the set: bytes */

static size_t
ngx_http_agw_zone_usable(size_t size)
{
    size_t  pages;

    pages = (size - NGX_HTTP_AGW_ZONE_SLACK * ngx_pagesize)
            / (ngx_pagesize + sizeof(ngx_slab_page_t));

    return pages * ngx_pagesize;
}


/*
 * After a reload this is the zone of the old cycle, which its workers still
 * use: it is used unchanged, or refused.
 */

static ngx_int_t
ngx_http_agw_zone_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t             *pool;
    ngx_http_agw_zone_t         *z;
    ngx_http_agw_revocations_t  *revs = zone->data;

    pool = (ngx_slab_pool_t *) zone->shm.addr;

    if (data == NULL && !zone->shm.exists) {
        return ngx_http_agw_zone_fill(pool, revs->set_size, zone->shm.log);
    }

    z = pool->data;

    if (z == NULL || z->layout != NGX_HTTP_AGW_ZONE_LAYOUT
        || !agw_revoked_set_is_valid(z->set, revs->set_size))
    {
        ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                      "auth_gateway: the zone is of another version of the "
                      "module; restart nginx");
        return NGX_ERROR;
    }

    revs->inherited = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_agw_zone_fill(ngx_slab_pool_t *pool, size_t size, ngx_log_t *log)
{
    void                 *block;
    uint64_t              key[2];
    ngx_http_agw_zone_t  *z;

    /* a full zone is logged by this module */

    pool->log_nomem = 0;

    block = ngx_slab_alloc(pool, size);
    z = ngx_slab_calloc(pool, sizeof(ngx_http_agw_zone_t));

    if (block == NULL || z == NULL
        || RAND_bytes((u_char *) key, sizeof(key)) != 1)
    {
        ERR_clear_error();
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "auth_gateway: the zone could not be set up");
        return NGX_ERROR;
    }

    z->set = agw_revoked_set_create(block, size, key);
    z->elapsed = -1;
    z->layout = NGX_HTTP_AGW_ZONE_LAYOUT;

    pool->data = z;

    return NGX_OK;
}


ngx_http_agw_zone_t *
ngx_http_agw_zone(const ngx_http_agw_revocations_t *revocations)
{
    ngx_slab_pool_t  *pool;

    pool = (ngx_slab_pool_t *) revocations->zone->shm.addr;

    return pool->data;
}


/*
 * Read without a lock: a position of one store with the epoch of another is
 * never seen, and an older position does no harm.
 */

void
ngx_http_agw_known(const ngx_http_agw_revocations_t *revocations,
    ngx_http_agw_position_t *known)
{
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(revocations);

    known->store_id = *(volatile uint64_t *) &zone->known.store_id;
    ngx_memory_barrier();
    known->stamp = *(volatile int64_t *) &zone->known.stamp;
    known->mark = *(volatile int64_t *) &zone->known.mark;
    ngx_memory_barrier();

    if (*(volatile uint64_t *) &zone->known.store_id != known->store_id) {
        known->store_id = 0;
    }
}


void
ngx_http_agw_set_known(const ngx_http_agw_revocations_t *revocations,
    const ngx_http_agw_position_t *known)
{
    ngx_http_agw_zone_t  *zone;

    zone = ngx_http_agw_zone(revocations);

    if (zone->known.store_id != known->store_id) {
        zone->known.store_id = 0;
        ngx_memory_barrier();
    }

    /* both parts of a mark and its stamp: lower first */

    zone->known.mark = 0;
    ngx_memory_barrier();
    zone->known.stamp = known->stamp;
    ngx_memory_barrier();
    zone->known.mark = known->mark;
    ngx_memory_barrier();
    zone->known.store_id = known->store_id;
}


ngx_uint_t
ngx_http_agw_claim(ngx_atomic_t *last, ngx_msec_t interval)
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


void
ngx_http_agw_zone_lock(const ngx_http_agw_revocations_t *revocations)
{
    ngx_slab_pool_t  *pool;

    pool = (ngx_slab_pool_t *) revocations->zone->shm.addr;

    ngx_shmtx_lock(&pool->mutex);
}


ngx_uint_t
ngx_http_agw_zone_trylock(const ngx_http_agw_revocations_t *revocations)
{
    ngx_slab_pool_t  *pool;

    pool = (ngx_slab_pool_t *) revocations->zone->shm.addr;

    return ngx_shmtx_trylock(&pool->mutex);
}


void
ngx_http_agw_zone_unlock(const ngx_http_agw_revocations_t *revocations)
{
    ngx_slab_pool_t  *pool;

    pool = (ngx_slab_pool_t *) revocations->zone->shm.addr;

    ngx_shmtx_unlock(&pool->mutex);
}
