
/*
 * What the workers of this nginx have done, counted in shared memory.  It
 * outlives reloads, and does not depend on the configuration.
 */


#ifndef NGX_HTTP_AGW_COUNTERS_H_INCLUDED_
#define NGX_HTTP_AGW_COUNTERS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "agw_reason.h"
#include "ngx_http_agw.h"


/* writes of an operator, by auth_gateway_admin */

typedef enum {
    NGX_HTTP_AGW_WROTE_PARTNER_CREATE = 0,
    NGX_HTTP_AGW_WROTE_PARTNER_UPDATE,
    NGX_HTTP_AGW_WROTE_KEY_CREATE,
    NGX_HTTP_AGW_WROTE_KEY_UPDATE,
    NGX_HTTP_AGW_WROTE_KEY_DELETE,
    NGX_HTTP_AGW_WROTE_KEY_ROLL,
    NGX_HTTP_AGW_WROTE_KEY_END,
    NGX_HTTP_AGW_WROTE_JWK_CREATE,
    NGX_HTTP_AGW_WROTE_JWK_DELETE,
    NGX_HTTP_AGW_WROTE_CERTIFICATE_CREATE,
    NGX_HTTP_AGW_WROTE_CERTIFICATE_DELETE,
    NGX_HTTP_AGW_WROTE_BUSINESS_CREATE,
    NGX_HTTP_AGW_WROTE_BUSINESS_UPDATE,
    NGX_HTTP_AGW_WROTE_REVOKE,
    NGX_HTTP_AGW_WROTE_IMPORT,

    NGX_HTTP_AGW_WROTE_KINDS        /* how many there are */
} ngx_http_agw_admin_write_t;


/* what the store is asked for */

typedef enum {
    NGX_HTTP_AGW_STORE_API_KEY = 0,
    NGX_HTTP_AGW_STORE_BUSINESS,
    NGX_HTTP_AGW_STORE_REVOKE,
    NGX_HTTP_AGW_STORE_ADMIN,

    NGX_HTTP_AGW_STORE_OPERATIONS    /* how many there are */
} ngx_http_agw_store_operation_t;


/* durations up to each of the limits, longer ones, and their sum in us */

#define NGX_HTTP_AGW_DURATIONS       14
#define NGX_HTTP_AGW_DURATION_SUM    (NGX_HTTP_AGW_DURATIONS + 1)
#define NGX_HTTP_AGW_HISTOGRAM       (NGX_HTTP_AGW_DURATION_SUM + 1)

extern const uint32_t  ngx_http_agw_durations[NGX_HTTP_AGW_DURATIONS];  /* us */


/* the counters; one that stands for several is the first of them */

enum {
    NGX_HTTP_AGW_COUNT_REQUESTS = 0,             /* by agw_reason_t */

    /* refusals that were let through, likewise */

    NGX_HTTP_AGW_COUNT_WOULD_REFUSE =
        NGX_HTTP_AGW_COUNT_REQUESTS + AGW_REASONS,

    NGX_HTTP_AGW_COUNT_ISSUED =                  /* by agw_kind_t */
        NGX_HTTP_AGW_COUNT_WOULD_REFUSE + AGW_REASONS,

    NGX_HTTP_AGW_COUNT_CACHE_HITS =
        NGX_HTTP_AGW_COUNT_ISSUED + AGW_KIND_BUSINESS + 1,

    NGX_HTTP_AGW_COUNT_CACHE_MISSES,

    NGX_HTTP_AGW_COUNT_REVOKED,                  /* by agw_revocation_kind_t */

    NGX_HTTP_AGW_COUNT_ADMIN_WRITES =            /* by admin_write_t */
        NGX_HTTP_AGW_COUNT_REVOKED + AGW_REVOCATION_KINDS,

    NGX_HTTP_AGW_COUNT_STORE_FAILURES =          /* by store_operation_t */
        NGX_HTTP_AGW_COUNT_ADMIN_WRITES + NGX_HTTP_AGW_WROTE_KINDS,

    NGX_HTTP_AGW_COUNT_STORE_DURATIONS =         /* a histogram for each */
        NGX_HTTP_AGW_COUNT_STORE_FAILURES + NGX_HTTP_AGW_STORE_OPERATIONS,

    NGX_HTTP_AGW_COUNTERS =
        NGX_HTTP_AGW_COUNT_STORE_DURATIONS
        + NGX_HTTP_AGW_STORE_OPERATIONS * NGX_HTTP_AGW_HISTOGRAM
};


/* this worker's; no other process adds to them often */

extern ngx_atomic_t  *ngx_http_agw_counters;


static ngx_inline void
ngx_http_agw_count(ngx_uint_t counter)
{
    (void) ngx_atomic_fetch_add(&ngx_http_agw_counters[counter], 1);
}


/*
 * A question to the store, or a write: the time when it begins, and its end,
 * with NGX_OK or NGX_ERROR.
 */

uint64_t ngx_http_agw_count_from(void);
void ngx_http_agw_count_store(ngx_http_agw_store_operation_t operation,
    uint64_t from, ngx_int_t rc);


/* writes of this worker that wait for the store: one more, or one less (-1) */

void ngx_http_agw_count_waiting(ngx_atomic_int_t n);


/* the value of a counter, and how many writes wait, of all workers */

uint64_t ngx_http_agw_counted(const ngx_http_agw_main_conf_t *mcf,
    ngx_uint_t counter);
uint64_t ngx_http_agw_counted_waiting(const ngx_http_agw_main_conf_t *mcf);


/*
 * Creates the shared memory.  Returns NGX_CONF_OK, or NGX_CONF_ERROR, logged.
 */

char *ngx_http_agw_counters_create(ngx_conf_t *cf,
    ngx_http_agw_main_conf_t *mcf);


/*
 * In a worker that starts: until then, what a process counts is lost.  And in
 * one that exits: no write of its waits any more.
 */

void ngx_http_agw_counters_open(const ngx_http_agw_main_conf_t *mcf);
void ngx_http_agw_counters_close(void);


#endif /* NGX_HTTP_AGW_COUNTERS_H_INCLUDED_ */
