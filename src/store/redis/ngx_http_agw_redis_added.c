
#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_added.h"
#include "ngx_http_agw_redis_page.h"


static uint64_t ngx_http_agw_redis_added_entries(
    ngx_http_agw_redis_added_t *added, ngx_http_agw_reading_t *reading,
    const redisReply *entries, ngx_http_agw_redis_how_t how);


ngx_uint_t
ngx_http_agw_redis_add(ngx_http_agw_redis_added_t *added,
    ngx_http_agw_reading_t *reading, const redisReply *entries)
{
    uint64_t  doubt;

    doubt = ngx_http_agw_redis_added_entries(added, reading, entries,
                                             NGX_HTTP_AGW_REDIS_MET);

    if (doubt == added->doubt) {
        if (doubt != 0) {
            ngx_http_agw_redis_page_skip(entries, reading->last_stamp,
                                         &added->skips,
                                         &added->worker->conf->shown,
                                         added->worker->log);
        }

        return 1;
    }

    added->doubt = doubt;

    return doubt == 0;
}


void
ngx_http_agw_redis_add_news(ngx_http_agw_redis_added_t *added,
    ngx_http_agw_reading_t *reading, const redisReply *entries)
{
    (void) ngx_http_agw_redis_added_entries(added, reading, entries,
                                            NGX_HTTP_AGW_REDIS_NEWS);
}


/* what is malformed, or 0 */

static uint64_t
ngx_http_agw_redis_added_entries(ngx_http_agw_redis_added_t *added,
    ngx_http_agw_reading_t *reading, const redisReply *entries,
    ngx_http_agw_redis_how_t how)
{
    uint64_t           doubt;
    ngx_uint_t         i;
    agw_revocation_t   revocation;

    doubt = 0;

    for (i = 0; entries != NULL && i < entries->elements; i++) {

        if (ngx_http_agw_redis_page_entry(entries->element[i],
                                          reading->last_stamp, &revocation)
            != NGX_HTTP_AGW_REDIS_ENTRY_OK)
        {
            doubt = ngx_http_agw_redis_page_doubt(doubt, entries->element[i]);
            continue;
        }

        added->last = ngx_max(added->last, revocation.stamp);
        reading->handler(reading->data, &revocation);

        if (added->replica != NULL) {
            ngx_http_agw_redis_replica_put(added->replica, &revocation, how);
        }
    }

    return doubt;
}
