
/*
 * The feed: the revocations of the stream, read and followed by one worker of
 * a node.
 */


#ifndef NGX_HTTP_AGW_REDIS_FEED_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_FEED_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_store_revocations.h"


typedef struct ngx_http_agw_redis_feed_s  ngx_http_agw_redis_feed_t;


/* NULL if memory runs out; it connects with the first reading */

ngx_http_agw_redis_feed_t *ngx_http_agw_redis_feed_create(
    ngx_http_agw_redis_worker_t *worker);
void ngx_http_agw_redis_feed_close(ngx_http_agw_redis_feed_t *feed);


/* those of the store's interface */

ngx_int_t ngx_http_agw_redis_feed_read(ngx_http_agw_redis_feed_t *feed,
    ngx_http_agw_reading_t *reading);
void ngx_http_agw_redis_feed_stop(ngx_http_agw_redis_feed_t *feed);


/* an entry that this worker has written: the stream may yet lose it */

void ngx_http_agw_redis_feed_written(ngx_http_agw_redis_feed_t *feed,
    const agw_revocation_t *revocation);


#endif /* NGX_HTTP_AGW_REDIS_FEED_H_INCLUDED_ */
