
/*
 * A batch, and the connection to the file, belong to the thread from the time
 * its task is posted until it is done; what is put meanwhile is written
 * afterwards.
 *
 * If the disk cannot keep up, or fails, the loop is not held: what the feed
 * meets is written as if it was not, or dropped where that is too much, and the
 * feed goes back to the position in the file.  It also does where
 * the file lacks what it had, since somebody has removed, replaced or restored
 * it; and where the feed is ahead of the file.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#if (NGX_THREADS)
#include <ngx_thread_pool.h>
#endif

#include "ngx_http_agw_redis_batch.h"
#include "ngx_http_agw_redis_page.h"
#include "ngx_http_agw_redis_queue.h"
#include "ngx_http_agw_redis_replica.h"


#define NGX_HTTP_AGW_REPLICA_PAUSE_MIN  1000     /* ms, after a failure */
#define NGX_HTTP_AGW_REPLICA_PAUSE_MAX  30000    /* after many */
#define NGX_HTTP_AGW_REPLICA_PATIENCE 2000   /* ms for another's lock */
#define NGX_HTTP_AGW_REPLICA_WORKING  60000  /* ms; of any length */
#define NGX_HTTP_AGW_REPLICA_GATHER   20     /* ms between two transactions,
                                                for those of other workers */


struct ngx_http_agw_redis_replica_s {
    ngx_http_agw_redis_worker_t    *worker;
    ngx_http_agw_redis_lacking_pt   handler;
    void                           *data;

    ngx_http_agw_redis_queue_t      queue;
    ngx_http_agw_redis_state_t      file;    /* as it was read or written */
    ngx_http_agw_position_t         reach;   /* of the queue: all up to here
                                                is in it, or in the file */
    ngx_event_t                     working; /* keeps a worker that exits */
    ngx_event_t                     later;   /* likewise: to flush */
    ngx_msec_t                      flushed; /* the last time */
    ngx_msec_t                      again;   /* not before, after a failure */
    ngx_msec_t                      pause;   /* the last one, or 0 */
    int64_t                         owed;    /* restarts, until the last one is
                                                in the file */
    unsigned                        busy:1;
    unsigned                        gap:1;   /* after a failure */
    unsigned                        full:1;  /* what follows is not queued */
    unsigned                        foreign:1;   /* of another store: it is
                                                    left alone */
    unsigned                        failing:1;   /* which was logged */

#if (NGX_THREADS)
    ngx_thread_pool_t              *pool;
    ngx_thread_task_t              *task;
#endif

    /* the thread's, while it is busy */

    ngx_http_agw_redis_copy_t       copy;
    ngx_http_agw_redis_batch_t      batch;
};


static ngx_uint_t ngx_http_agw_replica_is_ignored(
    const ngx_http_agw_redis_replica_t *replica);
static void ngx_http_agw_replica_post(ngx_http_agw_redis_replica_t *replica);
static void ngx_http_agw_replica_thread(void *data, ngx_log_t *log);
static void ngx_http_agw_replica_written(
    ngx_http_agw_redis_replica_t *replica, ngx_http_agw_redis_batch_t *batch);
static void ngx_http_agw_replica_changed(
    ngx_http_agw_redis_replica_t *replica);
static void ngx_http_agw_replica_go_back(
    ngx_http_agw_redis_replica_t *replica);
static void ngx_http_agw_replica_done(ngx_event_t *ev);
static void ngx_http_agw_replica_leave(ngx_http_agw_redis_replica_t *replica);
static void ngx_http_agw_replica_working(ngx_event_t *ev);
static void ngx_http_agw_replica_later(ngx_event_t *ev);


ngx_http_agw_redis_replica_t *
ngx_http_agw_redis_replica_create(ngx_http_agw_redis_worker_t *worker)
{
    ngx_http_agw_redis_replica_t  *replica;
#if (NGX_THREADS)
    ngx_str_t                      pool;
#endif

    if (worker->conf->replica.len == 0) {
        return NULL;
    }

    replica = ngx_pcalloc(worker->pool, sizeof(ngx_http_agw_redis_replica_t));
    if (replica == NULL) {
        return NULL;
    }

    replica->worker = worker;
    replica->again = ngx_current_msec;
    replica->copy.path = (const char *) worker->conf->replica.data;
    replica->copy.store = worker->conf->store;
    replica->copy.patience = NGX_HTTP_AGW_REPLICA_PATIENCE;

    replica->working.handler = ngx_http_agw_replica_working;
    replica->working.data = replica;
    replica->working.log = worker->log;

    replica->later.handler = ngx_http_agw_replica_later;
    replica->later.data = replica;
    replica->later.log = worker->log;

#if (NGX_THREADS)

    pool = worker->limits->thread_pool;

    if (pool.len != 0 && ngx_event_actions.notify != NULL) {
        replica->pool = ngx_thread_pool_get((ngx_cycle_t *) ngx_cycle, &pool);
    }

    if (replica->pool != NULL) {
        replica->task = ngx_thread_task_alloc(worker->pool, 0);
        if (replica->task == NULL) {
            return NULL;
        }

        replica->task->handler = ngx_http_agw_replica_thread;
        replica->task->ctx = replica;
        replica->task->event.handler = ngx_http_agw_replica_done;
        replica->task->event.data = replica;

        return replica;
    }

#endif

    ngx_log_error(NGX_LOG_WARN, worker->log, 0,
                  "auth_gateway: replica \"%V\" is not written: nginx has no "
                  "threads, or an event method without notifications",
                  &worker->conf->replica);

    return NULL;
}


/* after the threads have ended */

void
ngx_http_agw_redis_replica_close(ngx_http_agw_redis_replica_t *replica)
{
    if (replica->working.timer_set) {
        ngx_del_timer(&replica->working);
    }

    if (replica->later.timer_set) {
        ngx_del_timer(&replica->later);
    }

    ngx_http_agw_redis_queue_free(&replica->queue);
    ngx_http_agw_redis_records_free(&replica->batch.ahead);
    ngx_http_agw_redis_records_free(&replica->batch.blocks);
    ngx_http_agw_redis_records_free(&replica->batch.found);
    ngx_http_agw_redis_copy_close(&replica->copy);
}


void
ngx_http_agw_redis_replica_set_lacking(ngx_http_agw_redis_replica_t *replica,
    ngx_http_agw_redis_lacking_pt handler, void *data)
{
    replica->handler = handler;
    replica->data = data;
}


void
ngx_http_agw_redis_replica_put(ngx_http_agw_redis_replica_t *replica,
    const agw_revocation_t *revocation, ngx_http_agw_redis_how_t how)
{
    ngx_log_t  *log = replica->worker->log;

    if (replica->foreign) {
        return;
    }

    if (how == NGX_HTTP_AGW_REDIS_WRITTEN) {
        /* what this worker has written may be known to nobody else */

        if (ngx_http_agw_redis_queue_own(&replica->queue, revocation, log)
            != NGX_OK && !replica->gap)
        {
            ngx_http_agw_redis_replica_lose(replica);
        }

        return;
    }

    /* the feed meets it once more; but the stream may lose it before */

    if (ngx_http_agw_replica_is_ignored(replica)
        || how == NGX_HTTP_AGW_REDIS_NEWS)
    {
        ngx_http_agw_redis_queue_late(&replica->queue, revocation,
                                      &replica->file, log);
        return;
    }

    ngx_http_agw_redis_queue_news(&replica->queue, revocation, log);

    if (ngx_http_agw_redis_queue_met(&replica->queue, revocation, log)
        != NGX_OK)
    {
        replica->full = 1;
    }
}


static ngx_uint_t
ngx_http_agw_replica_is_ignored(const ngx_http_agw_redis_replica_t *replica)
{
    return replica->gap || replica->full || replica->foreign;
}


void
ngx_http_agw_redis_replica_restart(ngx_http_agw_redis_replica_t *replica)
{
    ngx_http_agw_redis_queue_t  *queue;

    queue = &replica->queue;

    /* until the stream is read again, all of it would be lacking */

    queue->lacking = 0;
    replica->owed++;

    if (ngx_http_agw_replica_is_ignored(replica)) {
        return;
    }

    if (ngx_http_agw_redis_queue_restart(queue, replica->owed, &replica->file,
                                         replica->worker->log)
        != NGX_OK)
    {
        ngx_http_agw_redis_replica_lose(replica);
    }
}


void
ngx_http_agw_redis_replica_save(ngx_http_agw_redis_replica_t *replica,
    const ngx_http_agw_position_t *from,
    const ngx_http_agw_redis_state_t *state, ngx_uint_t lacking)
{
    ngx_http_agw_redis_records_t  none;

    if (replica->foreign && lacking && replica->handler != NULL) {
        ngx_memzero(&none, sizeof(ngx_http_agw_redis_records_t));
        replica->handler(replica->data, &none, &state->position);
    }

    if (ngx_http_agw_replica_is_ignored(replica)) {
        ngx_http_agw_redis_replica_flush(replica);
        return;
    }

    /* a reading that failed goes on from where the zone is, not the file */

    if (!ngx_http_agw_redis_page_reaches(&replica->reach, from)
        && (state->position.stamp != 0 || state->position.mark != 0))
    {
        ngx_http_agw_replica_go_back(replica);
        ngx_http_agw_redis_replica_flush(replica);
        return;
    }

    if (ngx_http_agw_redis_queue_state(&replica->queue, state,
                                       replica->worker->log)
        != NGX_OK)
    {
        replica->full = 1;
        return;
    }

    replica->reach = state->position;
    replica->queue.lacking = state->whole
                             ? ngx_max(replica->queue.lacking, lacking) : 0;

    ngx_http_agw_redis_replica_flush(replica);
}


/* many entries at a time: a transaction costs as much as hundreds of them */

void
ngx_http_agw_redis_replica_flush(ngx_http_agw_redis_replica_t *replica)
{
    ngx_uint_t      last;
    ngx_msec_int_t  wait;

    if (replica->busy || replica->later.timer_set
        || ngx_http_agw_redis_queue_is_empty(&replica->queue))
    {
        return;
    }

    wait = (ngx_msec_int_t) (replica->flushed + NGX_HTTP_AGW_REPLICA_GATHER
                             - ngx_current_msec);

    /* in a gap, it has what is ahead; a worker that ends tries once more */

    last = (replica->gap && replica->pause > NGX_HTTP_AGW_REPLICA_PAUSE_MIN);

    if (last && ngx_exiting) {
        return;
    }

    if (replica->gap) {
        wait = ngx_max(wait, (ngx_msec_int_t) (replica->again
                                               - ngx_current_msec));
    }

    /* what is behind lets the feed go back in between */

    if (ngx_http_agw_replica_is_ignored(replica) && !ngx_exiting
        && replica->queue.ahead.n == 0 && replica->queue.blocks.n == 0)
    {
        wait = ngx_max((ngx_msec_int_t) (replica->again - ngx_current_msec),
                       (ngx_msec_int_t) (replica->flushed - ngx_current_msec))
               + NGX_HTTP_AGW_REPLICA_PAUSE_MIN;
    }

    if (wait > 0) {
        replica->later.cancelable = last;
        ngx_add_timer(&replica->later, (ngx_msec_t) wait);
        return;
    }

    ngx_http_agw_replica_post(replica);
}


static void
ngx_http_agw_replica_post(ngx_http_agw_redis_replica_t *replica)
{
#if (NGX_THREADS)

    ngx_http_agw_redis_batch_t  *batch;

    batch = &replica->batch;

    ngx_memzero(batch, sizeof(ngx_http_agw_redis_batch_t));

    ngx_http_agw_redis_queue_take(&replica->queue, batch);

    batch->file = replica->file;
    batch->store_id = batch->blocks.n ? replica->reach.store_id : 0;

    replica->busy = 1;

    ngx_add_timer(&replica->working, NGX_HTTP_AGW_REPLICA_WORKING);

    if (ngx_thread_task_post(replica->pool, replica->task) != NGX_OK) {
        batch->failed = 1;
        ngx_http_agw_replica_done(&replica->task->event);
    }

#endif
}


ngx_uint_t
ngx_http_agw_redis_replica_has_gap(ngx_http_agw_redis_replica_t *replica)
{
    if (replica->busy) {
        return 0;
    }

    if (replica->full && !replica->gap) {
        return replica->queue.blocks.n == 0;
    }

    return replica->gap
           && (ngx_msec_int_t) (ngx_current_msec - replica->again) >= 0;
}


ngx_uint_t
ngx_http_agw_redis_replica_is_owed(const ngx_http_agw_redis_replica_t *replica)
{
    return replica->owed != 0;
}


void
ngx_http_agw_redis_replica_goes_on(ngx_http_agw_redis_replica_t *replica,
    const ngx_http_agw_redis_state_t *state)
{
    /* another worker may have read another stream */

    if (state->round != replica->file.round
        || state->position.store_id != replica->file.position.store_id)
    {
        ngx_http_agw_redis_queue_doubt(&replica->queue);
    }

    replica->file = *state;
    replica->reach = state->position;
    replica->queue.lacking = 0;
}


void
ngx_http_agw_redis_replica_resume(ngx_http_agw_redis_replica_t *replica)
{
    replica->gap = 0;
    replica->full = 0;

    /* what waits for the end of the gap */

    if (replica->later.timer_set) {
        replica->later.cancelable = 0;
        ngx_add_timer(&replica->later, NGX_HTTP_AGW_REPLICA_GATHER);
    }
}


void
ngx_http_agw_redis_replica_lose(ngx_http_agw_redis_replica_t *replica)
{
    ngx_http_agw_replica_go_back(replica);

    /* while there is a gap, nothing is healed; a lock is gone in a moment */

    replica->pause = ngx_min(2 * replica->pause,
                             NGX_HTTP_AGW_REPLICA_PAUSE_MAX);
    replica->pause = ngx_max(replica->pause, NGX_HTTP_AGW_REPLICA_PAUSE_MIN);
    replica->again = ngx_current_msec + replica->pause;

    if (!replica->failing) {
        replica->failing = 1;

        ngx_log_error(NGX_LOG_ERR, replica->worker->log, 0,
                      "auth_gateway: replica \"%V\" is behind, and is written "
                      "again later", &replica->worker->conf->replica);
    }
}


static void
ngx_http_agw_replica_go_back(ngx_http_agw_redis_replica_t *replica)
{
    ngx_http_agw_redis_queue_defer(&replica->queue);

    replica->gap = 1;
    replica->again = ngx_current_msec + NGX_HTTP_AGW_REPLICA_PAUSE_MIN;
}


static void
ngx_http_agw_replica_thread(void *data, ngx_log_t *log)
{
    ngx_http_agw_redis_replica_t  *replica = data;

    ngx_http_agw_redis_batch_write(&replica->batch, &replica->copy, log);
}


static void
ngx_http_agw_replica_done(ngx_event_t *ev)
{
    ngx_http_agw_redis_batch_t     batch;
    ngx_http_agw_redis_replica_t  *replica = ev->data;

    ngx_del_timer(&replica->working);

    batch = replica->batch;

    ngx_memzero(&replica->batch, sizeof(ngx_http_agw_redis_batch_t));

    replica->busy = 0;
    replica->flushed = ngx_current_msec;

    if (batch.failed) {
        ngx_http_agw_redis_queue_return(&replica->queue, &batch);
        ngx_http_agw_redis_replica_lose(replica);

    } else if (batch.changed) {
        ngx_http_agw_replica_changed(replica);

    } else {
        replica->failing = 0;
        replica->pause = 0;

        if (batch.foreign) {
            ngx_http_agw_replica_leave(replica);

        } else {
            ngx_http_agw_replica_written(replica, &batch);
        }
    }

    ngx_http_agw_redis_records_free(&batch.ahead);
    ngx_http_agw_redis_records_free(&batch.blocks);
    ngx_http_agw_redis_records_free(&batch.found);

    ngx_http_agw_redis_replica_flush(replica);
}


static void
ngx_http_agw_replica_written(ngx_http_agw_redis_replica_t *replica,
    ngx_http_agw_redis_batch_t *batch)
{
    ngx_uint_t  whole;

    if (batch->has_state || batch->restart) {
        whole = replica->file.whole;
        replica->file = batch->file;
        replica->file.whole |= whole;
    }

    if (batch->restart == replica->owed) {
        replica->owed = 0;
    }

    if (batch->has_state && batch->state.whole && replica->owed == 0) {
        replica->queue.news = 0;
    }

    if (batch->lacking == 0 || !batch->has_state || replica->handler == NULL) {
        return;
    }

    /*
     * After one more restart, something else is lacking; and that nothing is,
     * is not known before all is written.
     */

    if (replica->owed == 0
        && (batch->found.n != 0 || replica->queue.behind.n == 0))
    {
        replica->handler(replica->data, &batch->found,
                         &batch->state.position);
    }
}


static void
ngx_http_agw_replica_changed(ngx_http_agw_redis_replica_t *replica)
{
    ngx_http_agw_redis_queue_doubt(&replica->queue);
    ngx_http_agw_replica_go_back(replica);

    ngx_log_error(NGX_LOG_NOTICE, replica->worker->log, 0,
                  "auth_gateway: replica \"%V\" was removed, replaced, "
                  "restored, or written by another worker: what it lacks is "
                  "read again",
                  &replica->worker->conf->replica);
}


/* for as long as this worker lives */

static void
ngx_http_agw_replica_leave(ngx_http_agw_redis_replica_t *replica)
{
    ngx_http_agw_redis_queue_free(&replica->queue);

    replica->foreign = 1;

    ngx_log_error(NGX_LOG_ERR, replica->worker->log, 0,
                  "auth_gateway: replica \"%V\" is of store \"%s\", and \"%V\" "
                  "is another one: the file is left alone, and nothing of it "
                  "is written back; this store must have a file of its own",
                  &replica->worker->conf->replica, replica->copy.of,
                  &replica->worker->conf->store);
}


/* keeps a worker that exits until the thread is done */

static void
ngx_http_agw_replica_working(ngx_event_t *ev)
{
    ngx_add_timer(ev, NGX_HTTP_AGW_REPLICA_WORKING);
}


static void
ngx_http_agw_replica_later(ngx_event_t *ev)
{
    ngx_http_agw_redis_replica_flush(ev->data);
}
