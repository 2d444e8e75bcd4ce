
/*
 * What is read of the stream is added to what the node knows, and put to the
 * replica.
 */


#ifndef NGX_HTTP_AGW_REDIS_ADDED_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_ADDED_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_redis_entry.h"
#include "ngx_http_agw_redis_replica.h"
#include "ngx_http_agw_store_revocations.h"


/* zeroed, but for the first two */

typedef struct {
    ngx_http_agw_redis_worker_t   *worker;
    ngx_http_agw_redis_replica_t  *replica;  /* or NULL */
    int64_t                        last;     /* the highest stamp of an entry */
    uint64_t                       doubt;    /* what is malformed in the last
                                                page; 0: nothing */
    ngx_http_agw_redis_skips_t     skips;
} ngx_http_agw_redis_added_t;


/*
 * Adds the entries of a page, or NULL.  Some of them may be malformed: they are
 * skipped, but only if Redis gives the same once more, since it may be the
 * reply that is damaged.  Returns whether to go on behind them.
 */

ngx_uint_t ngx_http_agw_redis_add(ngx_http_agw_redis_added_t *added,
    ngx_http_agw_reading_t *reading, const redisReply *entries);


/* adds those that the feed meets later; one that is malformed is left to it */

void ngx_http_agw_redis_add_news(ngx_http_agw_redis_added_t *added,
    ngx_http_agw_reading_t *reading, const redisReply *entries);


#endif /* NGX_HTTP_AGW_REDIS_ADDED_H_INCLUDED_ */
