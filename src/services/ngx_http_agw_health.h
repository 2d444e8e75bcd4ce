
/*
 * How the gateway is, for operators: no request depends on it.
 */


#ifndef NGX_HTTP_AGW_HEALTH_H_INCLUDED_
#define NGX_HTTP_AGW_HEALTH_H_INCLUDED_


#include "ngx_http_agw.h"
#include "ngx_http_agw_store_revocations.h"


typedef enum {
    NGX_HTTP_AGW_READY = 0,
    NGX_HTTP_AGW_STARTING,           /* not all revocations were read yet */
    NGX_HTTP_AGW_STALE,              /* auth_gateway_revocations_stale */
    NGX_HTTP_AGW_OVERFLOW            /* some did not fit into the zone */
} ngx_http_agw_state_t;


/* times in ms */

typedef struct {
    ngx_http_agw_state_t     state;
    int64_t                  age;            /* since all was known, or -1 */
    int64_t                  lag;            /* of the newest entry */
    int64_t                  ahead;          /* the store's clock, of ours */
    size_t                   entries;
    size_t                   limit;          /* entries */
    size_t                   used;           /* bytes of the zone, */
    size_t                   size;           /* and all of them */
    ngx_uint_t               unfit;          /* entries that did not fit */
    unsigned                 reachable:1;    /* the store is */
    unsigned                 ahead_known:1;
} ngx_http_agw_health_t;


/* without a store: NGX_HTTP_AGW_READY, and the rest is zero */

void ngx_http_agw_health(const ngx_http_agw_main_conf_t *mcf,
    ngx_http_agw_health_t *health);


/* "ready", "starting", "stale" or "overflow" */

ngx_str_t ngx_http_agw_health_name(ngx_http_agw_state_t state);


/* a reading of the revocations has ended; an entry was read that is new */

void ngx_http_agw_health_answered(
    const ngx_http_agw_revocations_t *revocations,
    const ngx_http_agw_reading_t *reading, ngx_int_t rc);
void ngx_http_agw_health_news(const ngx_http_agw_revocations_t *revocations,
    const agw_revocation_t *revocation);


#endif /* NGX_HTTP_AGW_HEALTH_H_INCLUDED_ */
