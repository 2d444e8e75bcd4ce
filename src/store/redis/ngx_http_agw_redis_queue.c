
/*
 * After a restart of the stream, all that it has is queued, as entries that
 * the feed has met again.  The file has most of them; what is new would wait
 * behind them, and a node that ends meanwhile would come back without it.  So
 * it is written ahead of them, too, as what the feed has yet to meet.  So is
 * what this worker has written to the stream.
 *
 * If there is one more restart before they are written, the stream may have
 * lost any of them.  But what is lacking can be asked for once the stream, as
 * it is now, is in the file: so they are written after that.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_queue.h"


/* in blocks */

#define NGX_HTTP_AGW_REDIS_QUEUE_MAX   1024  /* of one kind, at most */
#define NGX_HTTP_AGW_REDIS_QUEUE_NEWS  64    /* of those that come again */
#define NGX_HTTP_AGW_REDIS_QUEUE_PART  8     /* in a transaction */


static int64_t ngx_http_agw_redis_queue_saved(
    const ngx_http_agw_redis_state_t *file);
static void ngx_http_agw_redis_queue_unshift(ngx_http_agw_redis_records_t *to,
    ngx_http_agw_redis_records_t *from);


ngx_int_t
ngx_http_agw_redis_queue_own(ngx_http_agw_redis_queue_t *queue,
    const agw_revocation_t *revocation, ngx_log_t *log)
{
    if (queue->ahead.n > 2 * NGX_HTTP_AGW_REDIS_QUEUE_MAX) {
        return NGX_ERROR;
    }

    return ngx_http_agw_redis_records_add(&queue->ahead, revocation, log);
}


ngx_int_t
ngx_http_agw_redis_queue_met(ngx_http_agw_redis_queue_t *queue,
    const agw_revocation_t *revocation, ngx_log_t *log)
{
    if (queue->blocks.n > NGX_HTTP_AGW_REDIS_QUEUE_MAX) {
        return NGX_ERROR;
    }

    return ngx_http_agw_redis_records_add(&queue->blocks, revocation, log);
}


void
ngx_http_agw_redis_queue_news(ngx_http_agw_redis_queue_t *queue,
    const agw_revocation_t *revocation, ngx_log_t *log)
{
    if (queue->news != 0 && revocation->stamp > queue->news
        && queue->ahead.n < NGX_HTTP_AGW_REDIS_QUEUE_NEWS)
    {
        (void) ngx_http_agw_redis_records_add(&queue->ahead, revocation, log);
    }
}


ngx_int_t
ngx_http_agw_redis_queue_restart(ngx_http_agw_redis_queue_t *queue, int64_t n,
    const ngx_http_agw_redis_state_t *file, ngx_log_t *log)
{
    if (queue->behind.n + queue->blocks.n <= NGX_HTTP_AGW_REDIS_QUEUE_MAX) {
        ngx_http_agw_redis_queue_doubt(queue);
    }

    if (queue->news == 0) {
        queue->news = ngx_http_agw_redis_queue_saved(file);
    }

    return ngx_http_agw_redis_records_mark(&queue->blocks, n, NULL, 0, log);
}


ngx_int_t
ngx_http_agw_redis_queue_state(ngx_http_agw_redis_queue_t *queue,
    const ngx_http_agw_redis_state_t *state, ngx_log_t *log)
{
    if (queue->blocks.n > NGX_HTTP_AGW_REDIS_QUEUE_MAX) {
        return NGX_ERROR;
    }

    return ngx_http_agw_redis_records_mark(&queue->blocks, 0, state,
                                           sizeof(ngx_http_agw_redis_state_t),
                                           log);
}


void
ngx_http_agw_redis_queue_take(ngx_http_agw_redis_queue_t *queue,
    ngx_http_agw_redis_batch_t *batch)
{
    ngx_http_agw_redis_records_move(&batch->ahead, &queue->ahead,
                                    NGX_HTTP_AGW_REDIS_QUEUE_PART);

    if (queue->ahead.n != 0) {
        return;
    }

    ngx_http_agw_redis_records_move(&batch->blocks, &queue->blocks,
                                    NGX_HTTP_AGW_REDIS_QUEUE_PART);

    if (queue->blocks.n != 0) {
        return;
    }

    batch->lacking = queue->lacking;
    queue->lacking = 0;

    if (batch->lacking == 0) {
        ngx_http_agw_redis_records_move(&batch->ahead, &queue->behind,
                                        NGX_HTTP_AGW_REDIS_QUEUE_PART);
    }
}


ngx_uint_t
ngx_http_agw_redis_queue_is_empty(const ngx_http_agw_redis_queue_t *queue)
{
    return queue->ahead.n == 0 && queue->blocks.n == 0
           && queue->behind.n == 0;
}


void
ngx_http_agw_redis_queue_return(ngx_http_agw_redis_queue_t *queue,
    ngx_http_agw_redis_batch_t *batch)
{
    ngx_http_agw_redis_queue_unshift(&queue->ahead, &batch->ahead);
    ngx_http_agw_redis_queue_unshift(&queue->blocks, &batch->blocks);
}


/* from is put before to */

static void
ngx_http_agw_redis_queue_unshift(ngx_http_agw_redis_records_t *to,
    ngx_http_agw_redis_records_t *from)
{
    ngx_http_agw_redis_records_move(from, to, to->n);

    *to = *from;

    ngx_memzero(from, sizeof(ngx_http_agw_redis_records_t));
}


/*
 * Where all is read again, what is new was put ahead already.  Else all of it
 * is new: as much as a transaction has is put ahead, and more than that is what
 * other nodes know, too.
 */

void
ngx_http_agw_redis_queue_doubt(ngx_http_agw_redis_queue_t *queue)
{
    if (queue->news == 0
        && queue->blocks.n <= NGX_HTTP_AGW_REDIS_QUEUE_PART
        && queue->ahead.n <= NGX_HTTP_AGW_REDIS_QUEUE_MAX)
    {
        ngx_http_agw_redis_records_move(&queue->ahead, &queue->blocks,
                                        queue->blocks.n);
    }

    ngx_http_agw_redis_queue_defer(queue);
}


void
ngx_http_agw_redis_queue_defer(ngx_http_agw_redis_queue_t *queue)
{
    while (queue->blocks.n != 0
           && queue->behind.n < NGX_HTTP_AGW_REDIS_QUEUE_MAX)
    {
        ngx_http_agw_redis_records_move(&queue->behind, &queue->blocks, 1);
    }

    ngx_http_agw_redis_records_free(&queue->blocks);

    queue->lacking = 0;
}


void
ngx_http_agw_redis_queue_late(ngx_http_agw_redis_queue_t *queue,
    const agw_revocation_t *revocation, const ngx_http_agw_redis_state_t *file,
    ngx_log_t *log)
{
    int64_t                        saved;
    ngx_http_agw_redis_records_t  *to;

    saved = queue->news ? queue->news : ngx_http_agw_redis_queue_saved(file);
    to = revocation->stamp > saved ? &queue->ahead : &queue->behind;

    if (to->n < NGX_HTTP_AGW_REDIS_QUEUE_NEWS) {
        (void) ngx_http_agw_redis_records_add(to, revocation, log);
    }
}


/* the file has all up to that stamp; 0: only some */

static int64_t
ngx_http_agw_redis_queue_saved(const ngx_http_agw_redis_state_t *file)
{
    return file->whole ? file->position.stamp : 0;
}


void
ngx_http_agw_redis_queue_free(ngx_http_agw_redis_queue_t *queue)
{
    ngx_http_agw_redis_records_free(&queue->blocks);
    ngx_http_agw_redis_records_free(&queue->ahead);
    ngx_http_agw_redis_records_free(&queue->behind);
}
