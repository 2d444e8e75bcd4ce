
/*
 * Writes that come while a transaction is running wait, and the next one
 * writes them all, with one sync of the disk.
 *
 * The list of those that wait is under a mutex, since the thread takes them as
 * soon as it has the store's lock.  The connection, and the batch, belong to
 * the thread from the time its task is posted until it is done.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#if (NGX_THREADS)
#include <ngx_thread_pool.h>
#endif

#include "ngx_http_agw_sqlite_commit.h"
#include "ngx_http_agw_sqlite_writer.h"


#define NGX_HTTP_AGW_WRITER_WORKING  60000   /* ms; any value */


struct ngx_http_agw_sqlite_writer_s {
    ngx_log_t             *log;

    ngx_http_agw_write_t  *waiting;
    ngx_http_agw_write_t **last;

    /* used by the event loop */

    ngx_event_t            retry;    /* if there is no thread */
    ngx_event_t            working;  /* keeps an exiting worker alive */
    ngx_uint_t             busy;     /* unsigned  busy:1; */

#if (NGX_THREADS)
    ngx_thread_pool_t     *pool;     /* NULL: no thread */
    ngx_thread_task_t     *task;
    ngx_thread_mutex_t     mutex;
#endif

    /* used by the thread, while it is busy */

    ngx_http_agw_sqlite_commit_t  commit;
};


#if (NGX_THREADS)
static void ngx_http_agw_writer_thread(void *data, ngx_log_t *log);
static void ngx_http_agw_writer_collect(void *data);
static void ngx_http_agw_writer_done(ngx_event_t *ev);
#endif

static void ngx_http_agw_writer_lock(ngx_http_agw_sqlite_writer_t *writer);
static void ngx_http_agw_writer_unlock(ngx_http_agw_sqlite_writer_t *writer);
static ngx_http_agw_write_t *ngx_http_agw_writer_waiting(
    ngx_http_agw_sqlite_writer_t *writer);

static void ngx_http_agw_writer_start(ngx_http_agw_sqlite_writer_t *writer);
static void ngx_http_agw_writer_here(ngx_http_agw_sqlite_writer_t *writer);
static void ngx_http_agw_writer_retry(ngx_event_t *ev);
static void ngx_http_agw_writer_working(ngx_event_t *ev);
static ngx_http_agw_write_t *ngx_http_agw_writer_take(
    ngx_http_agw_sqlite_writer_t *writer);
static void ngx_http_agw_writer_queue(ngx_http_agw_sqlite_writer_t *writer,
    ngx_http_agw_write_t *write);
static void ngx_http_agw_writer_answer(ngx_http_agw_write_t *batch);


ngx_http_agw_sqlite_writer_t *
ngx_http_agw_sqlite_writer_create(const char *path,
    const ngx_http_agw_store_limits_t *limits, ngx_uint_t reads,
    ngx_cycle_t *cycle)
{
    ngx_http_agw_sqlite_writer_t  *writer;
#if (NGX_THREADS)
    ngx_str_t                      pool;
#endif

    writer = ngx_pcalloc(cycle->pool, sizeof(ngx_http_agw_sqlite_writer_t));
    if (writer == NULL) {
        return NULL;
    }

    writer->commit.path = path;
    writer->commit.limits = limits;
    writer->commit.reads = reads;
    writer->log = cycle->log;
    writer->last = &writer->waiting;

    writer->retry.handler = ngx_http_agw_writer_retry;
    writer->retry.data = writer;
    writer->retry.log = cycle->log;
    writer->retry.cancelable = 1;

    writer->working.handler = ngx_http_agw_writer_working;
    writer->working.data = writer;
    writer->working.log = cycle->log;

#if (NGX_THREADS)

    pool = limits->thread_pool;

    if (pool.len != 0 && ngx_event_actions.notify != NULL) {
        writer->pool = ngx_thread_pool_get(cycle, &pool);
    }

    if (writer->pool != NULL) {
        writer->task = ngx_thread_task_alloc(cycle->pool, 0);
        if (writer->task == NULL) {
            return NULL;
        }

        if (ngx_thread_mutex_create(&writer->mutex, cycle->log) != NGX_OK) {
            return NULL;
        }

        writer->commit.patient = 1;
        writer->commit.collect = ngx_http_agw_writer_collect;
        writer->commit.data = writer;

        writer->task->handler = ngx_http_agw_writer_thread;
        writer->task->ctx = writer;
        writer->task->event.handler = ngx_http_agw_writer_done;
        writer->task->event.data = writer;

        return writer;
    }

#endif

    if (!reads) {
        ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                      "auth_gateway: store \"%s\" is written in the event "
                      "loop: nginx has no threads, or an event method without "
                      "notifications", path);
    }

    return writer;
}


void
ngx_http_agw_sqlite_writer_close(ngx_http_agw_sqlite_writer_t *writer)
{
    if (writer != NULL) {
        ngx_http_agw_sqlite_commit_close(&writer->commit);
    }
}


void
ngx_http_agw_sqlite_writer_rest(ngx_http_agw_sqlite_writer_t *writer)
{
    if (writer != NULL && !writer->busy) {
        ngx_http_agw_sqlite_commit_close(&writer->commit);
    }
}


void
ngx_http_agw_sqlite_writer_add(ngx_http_agw_sqlite_writer_t *writer,
    ngx_http_agw_write_t *write)
{
    if (writer == NULL) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "auth_gateway: no memory to write to the store");
        write->handler(write, NGX_ERROR);
        return;
    }

    write->queued_at = ngx_http_agw_sqlite_commit_clock();

    ngx_http_agw_writer_lock(writer);
    ngx_http_agw_writer_queue(writer, write);
    ngx_http_agw_writer_unlock(writer);

    ngx_http_agw_writer_start(writer);
}


static void
ngx_http_agw_writer_start(ngx_http_agw_sqlite_writer_t *writer)
{
    if (writer->busy) {
        return;
    }

    ngx_http_agw_writer_lock(writer);
    writer->commit.batch = ngx_http_agw_writer_waiting(writer);
    ngx_http_agw_writer_unlock(writer);

    if (writer->commit.batch == NULL) {
        return;
    }

    writer->busy = 1;

    ngx_add_timer(&writer->working, NGX_HTTP_AGW_WRITER_WORKING);

#if (NGX_THREADS)

    if (writer->pool != NULL) {
        if (ngx_thread_task_post(writer->pool, writer->task) == NGX_OK) {
            return;
        }

        ngx_http_agw_sqlite_commit_failed(&writer->commit, SQLITE_NOMEM,
                                          writer->log);
        ngx_http_agw_writer_answer(ngx_http_agw_writer_take(writer));
        return;
    }

#endif

    ngx_http_agw_writer_here(writer);
}


#if (NGX_THREADS)

static void
ngx_http_agw_writer_thread(void *data, ngx_log_t *log)
{
    int                            rc;
    ngx_http_agw_sqlite_writer_t  *writer = data;

    rc = ngx_http_agw_sqlite_commit(&writer->commit, log);

    ngx_http_agw_sqlite_commit_failed(&writer->commit, rc, log);

    /* a file that seems to be another one each time is not opened in a row */

    if (rc == SQLITE_BUSY) {
        usleep(NGX_HTTP_AGW_SQLITE_RETRY * 1000);
    }
}


static void
ngx_http_agw_writer_collect(void *data)
{
    ngx_http_agw_write_t          *write;
    ngx_http_agw_sqlite_writer_t  *writer = data;

    for (write = writer->commit.batch; write->next; write = write->next) {
        /* void */
    }

    ngx_http_agw_writer_lock(writer);
    write->next = ngx_http_agw_writer_waiting(writer);
    ngx_http_agw_writer_unlock(writer);
}


/* starts the next batch before the handlers of this one are called */

static void
ngx_http_agw_writer_done(ngx_event_t *ev)
{
    ngx_http_agw_write_t          *done;
    ngx_http_agw_sqlite_writer_t  *writer = ev->data;

    done = ngx_http_agw_writer_take(writer);

    ngx_http_agw_writer_start(writer);
    ngx_http_agw_writer_answer(done);
}

#endif


/* writes in the event loop; tries again if another process has the lock */

static void
ngx_http_agw_writer_here(ngx_http_agw_sqlite_writer_t *writer)
{
    int                    rc;
    int64_t                waited;
    ngx_http_agw_write_t  *done;

    rc = ngx_http_agw_sqlite_commit(&writer->commit, writer->log);
    waited = ngx_http_agw_sqlite_commit_clock()
             - writer->commit.batch->queued_at;

    if (rc == SQLITE_BUSY && waited < NGX_HTTP_AGW_COMMIT_PATIENCE) {
        ngx_add_timer(&writer->retry, NGX_HTTP_AGW_SQLITE_RETRY);
        return;
    }

    ngx_http_agw_sqlite_commit_failed(&writer->commit, rc, writer->log);

    done = ngx_http_agw_writer_take(writer);

    ngx_http_agw_writer_start(writer);
    ngx_http_agw_writer_answer(done);
}


static void
ngx_http_agw_writer_retry(ngx_event_t *ev)
{
    ngx_http_agw_sqlite_writer_t  *writer = ev->data;

    ngx_http_agw_writer_here(writer);
}


/*
 * An exiting worker exits once it has no timers: without this one, it would
 * not wait for the thread.
 */

static void
ngx_http_agw_writer_working(ngx_event_t *ev)
{
    ngx_add_timer(ev, NGX_HTTP_AGW_WRITER_WORKING);
}


/* returns the finished writes; those that may wait longer are queued again */

static ngx_http_agw_write_t *
ngx_http_agw_writer_take(ngx_http_agw_sqlite_writer_t *writer)
{
    int64_t                now;
    ngx_http_agw_write_t  *batch, *write, *later, *done, **last;

    now = ngx_http_agw_sqlite_commit_clock();
    batch = writer->commit.batch;
    last = &done;

    ngx_http_agw_writer_lock(writer);

    later = ngx_http_agw_writer_waiting(writer);

    while (batch != NULL) {
        write = batch;
        batch = write->next;

        if (write->rc == NGX_BUSY && !write->abandoned
            && now - write->queued_at < NGX_HTTP_AGW_COMMIT_PATIENCE)
        {
            ngx_http_agw_writer_queue(writer, write);
            continue;
        }

        *last = write;
        last = &write->next;
    }

    *last = NULL;

    while (later != NULL) {
        write = later;
        later = write->next;

        ngx_http_agw_writer_queue(writer, write);
    }

    ngx_http_agw_writer_unlock(writer);

    writer->commit.batch = NULL;
    writer->busy = 0;

    ngx_del_timer(&writer->working);

    return done;
}


/* returns all writes that wait, and empties the queue; locked */

static ngx_http_agw_write_t *
ngx_http_agw_writer_waiting(ngx_http_agw_sqlite_writer_t *writer)
{
    ngx_http_agw_write_t  *waiting;

    waiting = writer->waiting;

    writer->waiting = NULL;
    writer->last = &writer->waiting;

    return waiting;
}


/* without threads there is nothing to lock */

static void
ngx_http_agw_writer_lock(ngx_http_agw_sqlite_writer_t *writer)
{
#if (NGX_THREADS)
    if (writer->pool != NULL) {
        (void) ngx_thread_mutex_lock(&writer->mutex, writer->log);
    }
#endif
}


static void
ngx_http_agw_writer_unlock(ngx_http_agw_sqlite_writer_t *writer)
{
#if (NGX_THREADS)
    if (writer->pool != NULL) {
        (void) ngx_thread_mutex_unlock(&writer->mutex, writer->log);
    }
#endif
}


static void
ngx_http_agw_writer_queue(ngx_http_agw_sqlite_writer_t *writer,
    ngx_http_agw_write_t *write)
{
    write->next = NULL;

    *writer->last = write;
    writer->last = &write->next;
}


static void
ngx_http_agw_writer_answer(ngx_http_agw_write_t *batch)
{
    ngx_http_agw_write_t  *write;

    while (batch != NULL) {
        write = batch;
        batch = write->next;

        write->handler(write, write->rc == NGX_OK ? NGX_OK : NGX_ERROR);
    }
}
