
/*
 * A worker counts in a stripe that it shares with few others, so that
 * processors rarely wait for each other's cache lines.  A count is one atomic
 * addition, and needs no lock: it is exact even if a worker is killed, and old
 * and new workers count at the same time.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <time.h>

#include "ngx_http_agw_counters.h"


#define NGX_HTTP_AGW_STRIPES      32

/* counters of a stripe, a multiple of what a cache line holds */

#define NGX_HTTP_AGW_STRIPE       ngx_align(NGX_HTTP_AGW_COUNTERS, 16)

/* pages for the slab allocator itself */

#define NGX_HTTP_AGW_COUNTERS_SLACK  8


typedef struct {
    ngx_atomic_t    stripes[NGX_HTTP_AGW_STRIPES][NGX_HTTP_AGW_STRIPE];
    ngx_atomic_t    waiting[NGX_MAX_PROCESSES];      /* by ngx_process_slot */
} ngx_http_agw_counters_t;


static ngx_int_t ngx_http_agw_counters_init(ngx_shm_zone_t *zone, void *data);
static ngx_http_agw_counters_t *ngx_http_agw_counters_shared(
    const ngx_http_agw_main_conf_t *mcf);


const uint32_t  ngx_http_agw_durations[NGX_HTTP_AGW_DURATIONS] = {
    100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000,
    500000, 1000000, 2500000
};


/* a process that is no worker, for example the master */

static ngx_atomic_t   ngx_http_agw_uncounted[NGX_HTTP_AGW_COUNTERS];
static ngx_atomic_t   ngx_http_agw_unwaited;

ngx_atomic_t         *ngx_http_agw_counters = ngx_http_agw_uncounted;
static ngx_atomic_t  *ngx_http_agw_waiting = &ngx_http_agw_unwaited;


char *
ngx_http_agw_counters_create(ngx_conf_t *cf, ngx_http_agw_main_conf_t *mcf)
{
    size_t            size;
    static ngx_str_t  name = ngx_string("auth_gateway_counters");

    size = ngx_align(sizeof(ngx_http_agw_counters_t), ngx_pagesize)
           + NGX_HTTP_AGW_COUNTERS_SLACK * ngx_pagesize;

    mcf->counters = ngx_shared_memory_add(cf, &name, size,
                                          &ngx_http_auth_gateway_module);
    if (mcf->counters == NULL) {
        return NGX_CONF_ERROR;
    }

    mcf->counters->init = ngx_http_agw_counters_init;
    mcf->counters->data = mcf;

    return NGX_CONF_OK;
}


/* after a reload, this is the memory that old workers count in */

static ngx_int_t
ngx_http_agw_counters_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t  *pool;

    pool = (ngx_slab_pool_t *) zone->shm.addr;

    if (data != NULL || zone->shm.exists) {
        return NGX_OK;
    }

    pool->data = ngx_slab_calloc(pool, sizeof(ngx_http_agw_counters_t));

    if (pool->data == NULL) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                      "auth_gateway: the counters could not be set up");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_http_agw_counters_t *
ngx_http_agw_counters_shared(const ngx_http_agw_main_conf_t *mcf)
{
    ngx_slab_pool_t  *pool;

    pool = (ngx_slab_pool_t *) mcf->counters->shm.addr;

    return pool->data;
}


/* the process that had this slot before may have died */

void
ngx_http_agw_counters_open(const ngx_http_agw_main_conf_t *mcf)
{
    ngx_http_agw_counters_t  *shared;

    shared = ngx_http_agw_counters_shared(mcf);

    ngx_http_agw_counters =
                      shared->stripes[ngx_process_slot % NGX_HTTP_AGW_STRIPES];
    ngx_http_agw_waiting = &shared->waiting[ngx_process_slot];

    *ngx_http_agw_waiting = 0;
}


/* nobody may have this slot for a long time */

void
ngx_http_agw_counters_close(void)
{
    *ngx_http_agw_waiting = 0;
}


uint64_t
ngx_http_agw_count_from(void)
{
    struct timespec  ts;

    if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0) {
        return 0;
    }

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


void
ngx_http_agw_count_store(ngx_http_agw_store_operation_t operation,
    uint64_t from, ngx_int_t rc)
{
    uint64_t       passed;
    ngx_uint_t     i;
    ngx_atomic_t  *histogram;

    passed = ngx_http_agw_count_from() - from;

    for (i = 0; i < NGX_HTTP_AGW_DURATIONS; i++) {
        if (passed <= ngx_http_agw_durations[i]) {
            break;
        }
    }

    histogram = &ngx_http_agw_counters[NGX_HTTP_AGW_COUNT_STORE_DURATIONS
                                       + operation * NGX_HTTP_AGW_HISTOGRAM];

    (void) ngx_atomic_fetch_add(&histogram[i], 1);
    (void) ngx_atomic_fetch_add(&histogram[NGX_HTTP_AGW_DURATION_SUM],
                                (ngx_atomic_int_t) passed);

    if (rc != NGX_OK) {
        ngx_http_agw_count(NGX_HTTP_AGW_COUNT_STORE_FAILURES + operation);
    }
}


void
ngx_http_agw_count_waiting(ngx_atomic_int_t n)
{
    (void) ngx_atomic_fetch_add(ngx_http_agw_waiting, n);
}


uint64_t
ngx_http_agw_counted(const ngx_http_agw_main_conf_t *mcf, ngx_uint_t counter)
{
    uint64_t                        sum;
    ngx_uint_t                      i;
    const ngx_http_agw_counters_t  *shared;

    shared = ngx_http_agw_counters_shared(mcf);
    sum = 0;

    for (i = 0; i < NGX_HTTP_AGW_STRIPES; i++) {
        sum += shared->stripes[i][counter];
    }

    return sum;
}


uint64_t
ngx_http_agw_counted_waiting(const ngx_http_agw_main_conf_t *mcf)
{
    uint64_t                        sum;
    ngx_uint_t                      i;
    const ngx_http_agw_counters_t  *shared;

    shared = ngx_http_agw_counters_shared(mcf);
    sum = 0;

    for (i = 0; i < NGX_MAX_PROCESSES; i++) {
        sum += shared->waiting[i];
    }

    return sum;
}
