
/*
 * What waits to be written to a replica.  It belongs to the event loop.
 */


#ifndef NGX_HTTP_AGW_REDIS_QUEUE_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_QUEUE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_batch.h"
#include "ngx_http_agw_redis_copy.h"
#include "ngx_http_agw_redis_records.h"


typedef struct {
    ngx_http_agw_redis_records_t  ahead;     /* not met by the feed so far */
    ngx_http_agw_redis_records_t  blocks;    /* met, with marks in between */
    ngx_http_agw_redis_records_t  behind;    /* met before a restart, or a
                                                failure: the stream may lack
                                                them by now */
    int64_t                       news;      /* what is above that stamp is put
                                                ahead, too; 0: nothing is */
    ngx_uint_t                    lacking;   /* entries to look for after the
                                                blocks */
} ngx_http_agw_redis_queue_t;


/*
 * Each of these returns NGX_OK, or NGX_ERROR if memory or the room in the queue
 * runs out.
 */

ngx_int_t ngx_http_agw_redis_queue_own(ngx_http_agw_redis_queue_t *queue,
    const agw_revocation_t *revocation, ngx_log_t *log);
ngx_int_t ngx_http_agw_redis_queue_met(ngx_http_agw_redis_queue_t *queue,
    const agw_revocation_t *revocation, ngx_log_t *log);


/* the stream is read from the first entry on, the nth time */

ngx_int_t ngx_http_agw_redis_queue_restart(ngx_http_agw_redis_queue_t *queue,
    int64_t n, const ngx_http_agw_redis_state_t *file, ngx_log_t *log);


/* all up to the position of the state was put */

ngx_int_t ngx_http_agw_redis_queue_state(ngx_http_agw_redis_queue_t *queue,
    const ngx_http_agw_redis_state_t *state, ngx_log_t *log);


/* what was met is put ahead, if it is new and there is room */

void ngx_http_agw_redis_queue_news(ngx_http_agw_redis_queue_t *queue,
    const agw_revocation_t *revocation, ngx_log_t *log);


/* the next ones, as many as a transaction should have, go to an empty batch */

void ngx_http_agw_redis_queue_take(ngx_http_agw_redis_queue_t *queue,
    ngx_http_agw_redis_batch_t *batch);


ngx_uint_t ngx_http_agw_redis_queue_is_empty(
    const ngx_http_agw_redis_queue_t *queue);


/* they were not written: they are the next ones again */

void ngx_http_agw_redis_queue_return(ngx_http_agw_redis_queue_t *queue,
    ngx_http_agw_redis_batch_t *batch);


/*
 * What was met is written as if it was not: by defer() after all else; by
 * doubt() before it, if it is new and one transaction takes it.  It is dropped
 * where there is no room.
 */

void ngx_http_agw_redis_queue_defer(ngx_http_agw_redis_queue_t *queue);
void ngx_http_agw_redis_queue_doubt(ngx_http_agw_redis_queue_t *queue);


/*
 * So is one that is met while nothing is written as met: before all else, if
 * it is new to the file.
 */

void ngx_http_agw_redis_queue_late(ngx_http_agw_redis_queue_t *queue,
    const agw_revocation_t *revocation, const ngx_http_agw_redis_state_t *file,
    ngx_log_t *log);


void ngx_http_agw_redis_queue_free(ngx_http_agw_redis_queue_t *queue);


#endif /* NGX_HTTP_AGW_REDIS_QUEUE_H_INCLUDED_ */
