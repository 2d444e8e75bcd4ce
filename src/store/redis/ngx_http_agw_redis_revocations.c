
/*
 * A write is one script.  Without `wait=`, it is sent on the connection of
 * the queries, and its reply is the answer.
 *
 * WAIT is about the writes of its connection, and keeps that connection from
 * everything else.  So with `wait=` writes have a connection of their own:
 * those that come while one WAIT is on its way are sent together, with one
 * WAIT for all of them behind.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_directory.h"
#include "ngx_http_agw_redis_entry.h"
#include "ngx_http_agw_redis_feed.h"
#include "ngx_http_agw_redis_known.h"
#include "ngx_http_agw_redis_link.h"
#include "ngx_http_agw_redis_reply.h"
#include "ngx_http_agw_redis_revocations.h"
#include "ngx_http_agw_redis_script.h"


#define NGX_HTTP_AGW_REDIS_TRIMMED   1000    /* entries of one script */


/* a write that is on its way, or waits for one that is */

typedef struct {
    ngx_http_agw_redis_command_t   command;
    ngx_queue_t                    queue;
    ngx_http_agw_write_t          *write;
    ngx_http_agw_redis_worker_t   *worker;
    ngx_http_agw_redis_link_t     *link;
    ngx_int_t                      rc;       /* of the script */
} ngx_http_agw_redis_write_t;


struct ngx_http_agw_redis_revocations_s {
    ngx_http_agw_redis_feed_t     *feed;

    /* with `wait=` */

    ngx_http_agw_redis_link_t     *link;     /* NULL without it */
    ngx_queue_t                    later;    /* writes for the next WAIT */
    ngx_queue_t                    sent;     /* those that the WAIT is for */
    ngx_http_agw_redis_command_t   wait;
    unsigned                       waiting:1;
};


static void ngx_http_agw_redis_revoke(void *state,
    ngx_http_agw_write_t *write);
static void ngx_http_agw_redis_tend(void *state, ngx_http_agw_write_t *write);
static ngx_int_t ngx_http_agw_redis_read(void *state,
    ngx_http_agw_reading_t *reading);
static void ngx_http_agw_redis_stop(void *state,
    ngx_http_agw_reading_t *reading);
static void ngx_http_agw_redis_know(void *state, int64_t stamp);

static ngx_http_agw_redis_write_t *ngx_http_agw_redis_write(
    ngx_http_agw_redis_t *redis, ngx_http_agw_write_t *write);
static ngx_int_t ngx_http_agw_redis_write_send(ngx_http_agw_redis_write_t *w);
static void ngx_http_agw_redis_write_end(ngx_http_agw_redis_write_t *w,
    ngx_int_t rc);
static void ngx_http_agw_redis_written(ngx_http_agw_redis_command_t *command,
    const redisReply *reply);
static ngx_int_t ngx_http_agw_redis_write_read(ngx_http_agw_redis_write_t *w,
    const redisReply *reply);
static void ngx_http_agw_redis_trimmed(ngx_http_agw_redis_command_t *command,
    const redisReply *reply);

static void ngx_http_agw_redis_wait_start(ngx_http_agw_redis_worker_t *worker);
static void ngx_http_agw_redis_wait_send(ngx_http_agw_redis_worker_t *worker);
static void ngx_http_agw_redis_waited(ngx_http_agw_redis_command_t *command,
    const redisReply *reply);
static void ngx_http_agw_redis_wait_end(ngx_http_agw_redis_worker_t *worker,
    int64_t replicas);


const ngx_http_agw_revocations_engine_t  ngx_http_agw_redis_revocations = {
    ngx_http_agw_redis_revoke,
    ngx_http_agw_redis_tend,
    ngx_http_agw_redis_read,
    ngx_http_agw_redis_stop,
    ngx_http_agw_redis_know
};


void
ngx_http_agw_redis_revocations_open(ngx_http_agw_redis_worker_t *worker)
{
    ngx_http_agw_redis_revocations_t  *revs;

    revs = ngx_pcalloc(worker->pool, sizeof(ngx_http_agw_redis_revocations_t));
    if (revs == NULL) {
        return;
    }

    ngx_queue_init(&revs->later);
    ngx_queue_init(&revs->sent);

    revs->wait.handler = ngx_http_agw_redis_waited;
    revs->wait.data = worker;
    revs->wait.timeout = NGX_HTTP_AGW_REDIS_WAITED;

    revs->feed = ngx_http_agw_redis_feed_create(worker);

    if (revs->feed == NULL) {
        return;
    }

    if (worker->conf->wait) {
        revs->link = ngx_http_agw_redis_link_create(worker, "writes", NULL,
                                                    NULL, worker->log);
        if (revs->link == NULL) {
            return;
        }

        ngx_http_agw_redis_link_share(revs->link);
    }

    worker->revocations = revs;
}


void
ngx_http_agw_redis_revocations_close(ngx_http_agw_redis_worker_t *worker)
{
    ngx_http_agw_redis_revocations_t  *revs;

    revs = worker->revocations;

    if (revs == NULL) {
        return;
    }

    ngx_http_agw_redis_feed_close(revs->feed);

    if (revs->link != NULL) {
        ngx_http_agw_redis_link_close(revs->link);
    }
}


void
ngx_http_agw_redis_revocations_written(ngx_http_agw_redis_worker_t *worker,
    const agw_revocation_t *revocation)
{
    if (worker->revocations != NULL) {
        ngx_http_agw_redis_feed_written(worker->revocations->feed, revocation);
    }
}


static void
ngx_http_agw_redis_revoke(void *state, ngx_http_agw_write_t *write)
{
    ngx_http_agw_redis_t              *redis = state;
    ngx_http_agw_redis_write_t        *w;
    ngx_http_agw_redis_revocations_t  *revs;

    w = ngx_http_agw_redis_write(redis, write);
    if (w == NULL) {
        write->handler(write, NGX_ERROR);
        return;
    }

    revs = redis->worker->revocations;

    if (revs->link != NULL) {
        w->link = revs->link;

        ngx_queue_insert_tail(&revs->later, &w->queue);
        ngx_http_agw_redis_wait_start(redis->worker);
        return;
    }

    if (ngx_http_agw_redis_write_send(w) != NGX_OK) {
        ngx_http_agw_redis_write_end(w, NGX_ERROR);
    }
}


static void
ngx_http_agw_redis_tend(void *state, ngx_http_agw_write_t *write)
{
    ngx_http_agw_redis_t        *redis = state;
    ngx_http_agw_redis_args_t    args;
    ngx_http_agw_redis_write_t  *w;

    w = ngx_http_agw_redis_write(redis, write);
    if (w == NULL) {
        write->handler(write, NGX_ERROR);
        return;
    }

    w->command.handler = ngx_http_agw_redis_trimmed;
    w->command.idle = 1;

    ngx_http_agw_redis_script_trim(&args, redis->conf->prefix, write->held,
                                   write->horizon);

    if (ngx_http_agw_redis_send(w->link, &w->command, args.argc, args.argv,
                                args.argvlen)
        != NGX_OK)
    {
        ngx_http_agw_redis_write_end(w, NGX_ERROR);
    }
}


static ngx_int_t
ngx_http_agw_redis_read(void *state, ngx_http_agw_reading_t *reading)
{
    ngx_http_agw_redis_t  *redis = state;

    if (redis->worker == NULL || redis->worker->revocations == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_agw_redis_feed_read(redis->worker->revocations->feed,
                                        reading);
}


static void
ngx_http_agw_redis_stop(void *state, ngx_http_agw_reading_t *reading)
{
    ngx_http_agw_redis_t  *redis = state;

    if (redis->worker != NULL && redis->worker->revocations != NULL) {
        ngx_http_agw_redis_feed_stop(redis->worker->revocations->feed);
    }
}


static void
ngx_http_agw_redis_know(void *state, int64_t stamp)
{
    ngx_http_agw_redis_t  *redis = state;

    if (redis->worker != NULL) {
        redis->worker->known = ngx_max(redis->worker->known, stamp);
    }
}


/* NULL, logged, if it cannot be sent at all; it outlives the request */

static ngx_http_agw_redis_write_t *
ngx_http_agw_redis_write(ngx_http_agw_redis_t *redis,
    ngx_http_agw_write_t *write)
{
    ngx_http_agw_redis_write_t  *w;

    if (redis->worker == NULL || redis->worker->revocations == NULL
        || redis->worker->directory == NULL
        || redis->worker->directory->link == NULL)
    {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "auth_gateway: no memory for the store");
        return NULL;
    }

    w = ngx_calloc(sizeof(ngx_http_agw_redis_write_t), redis->worker->log);
    if (w == NULL) {
        return NULL;
    }

    w->command.handler = ngx_http_agw_redis_written;
    w->command.data = w;
    w->write = write;
    w->worker = redis->worker;
    w->link = redis->worker->directory->link;
    w->rc = NGX_ERROR;

    ngx_http_agw_redis_know(redis, write->known_stamp);

    return w;
}


static ngx_int_t
ngx_http_agw_redis_write_send(ngx_http_agw_redis_write_t *w)
{
    ngx_http_agw_redis_args_t  args;

    ngx_http_agw_redis_script_revoke(&args, w->worker->conf->prefix, w->write);

    return ngx_http_agw_redis_send(w->link, &w->command, args.argc, args.argv,
                                   args.argvlen);
}


static void
ngx_http_agw_redis_write_end(ngx_http_agw_redis_write_t *w, ngx_int_t rc)
{
    ngx_http_agw_write_t  *write;

    write = w->write;

    if (rc == NGX_OK && write->revocation.kind != 0) {
        ngx_http_agw_redis_revocations_written(w->worker, &write->revocation);
    }

    ngx_free(w);

    write->handler(write, rc == NGX_OK ? NGX_OK : NGX_ERROR);
}


static void
ngx_http_agw_redis_written(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    ngx_uint_t                   waits;
    ngx_http_agw_redis_write_t  *w = command->data;

    waits = (w->worker->revocations->link != NULL);

    /* with a WAIT that ends by this, the write may be gone afterwards */

    if (ngx_http_agw_redis_failed(w->worker, w->link, reply, "a revocation",
                                  w->worker->log))
    {
        if (!waits) {
            ngx_http_agw_redis_write_end(w, NGX_ERROR);
        }

        return;
    }

    w->rc = ngx_http_agw_redis_write_read(w, reply);

    if (!waits) {
        ngx_http_agw_redis_write_end(w, w->rc);
    }
}


static ngx_int_t
ngx_http_agw_redis_write_read(ngx_http_agw_redis_write_t *w,
    const redisReply *reply)
{
    agw_revocation_t  *revocation;

    revocation = &w->write->revocation;

    if (ngx_http_agw_redis_whole(ngx_http_agw_redis_element(reply, 0),
                                 &revocation->stamp)
        != NGX_OK
        || ngx_http_agw_redis_whole(ngx_http_agw_redis_element(reply, 1),
                                    &revocation->time)
           != NGX_OK
        || revocation->stamp <= w->write->known_stamp)
    {
        return ngx_http_agw_redis_malformed(w->worker, "a revocation",
                                            w->worker->log);
    }

    /* it would be that of the whole fleet */

    if (ngx_http_agw_redis_is_ahead(w->worker, w->write->known_stamp,
                                    revocation->stamp))
    {
        return ngx_http_agw_redis_years_ahead(w->worker, revocation->stamp,
                                              w->worker->log);
    }

    ngx_http_agw_redis_entry_limit_time(revocation);

    return NGX_OK;
}


static void
ngx_http_agw_redis_trimmed(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    int64_t                      removed;
    ngx_int_t                    rc;
    ngx_http_agw_write_t        *write;
    ngx_http_agw_redis_write_t  *w = command->data;

    write = w->write;
    rc = NGX_ERROR;

    if (ngx_http_agw_redis_failed(w->worker, w->link, reply, "its upkeep",
                                  w->worker->log))
    {
        /* void */

    } else if (ngx_http_agw_redis_whole(ngx_http_agw_redis_element(reply, 0),
                                        &write->floor)
               != NGX_OK
               || ngx_http_agw_redis_whole(ngx_http_agw_redis_element(reply,
                                                                      2),
                                           &removed)
                  != NGX_OK)
    {
        rc = ngx_http_agw_redis_malformed(w->worker, "its upkeep",
                                          w->worker->log);

    } else {
        write->more = (removed >= NGX_HTTP_AGW_REDIS_TRIMMED);
        rc = NGX_OK;

        /* the feed tells the floor as well, once this node knows a stamp */

        if (write->floor > w->worker->known) {
            write->floor = 0;
        }
    }

    ngx_http_agw_redis_write_end(w, rc);
}


static void
ngx_http_agw_redis_wait_start(ngx_http_agw_redis_worker_t *worker)
{
    ngx_http_agw_redis_revocations_t  *revs;

    revs = worker->revocations;

    while (!revs->waiting && !ngx_queue_empty(&revs->later)) {
        ngx_http_agw_redis_wait_send(worker);
    }
}


/* sends all that wait; those that cannot be sent are answered */

static void
ngx_http_agw_redis_wait_send(ngx_http_agw_redis_worker_t *worker)
{
    size_t                             lens[3];
    u_char                             replicas[NGX_INT_T_LEN];
    u_char                             time[NGX_INT_T_LEN];
    const char                        *argv[3];
    ngx_queue_t                       *q, failed;
    ngx_http_agw_redis_write_t        *w;
    ngx_http_agw_redis_revocations_t  *revs;

    revs = worker->revocations;

    ngx_queue_init(&failed);

    while (!ngx_queue_empty(&revs->later)) {
        q = ngx_queue_head(&revs->later);
        ngx_queue_remove(q);

        w = ngx_queue_data(q, ngx_http_agw_redis_write_t, queue);

        ngx_queue_insert_tail(ngx_http_agw_redis_write_send(w) == NGX_OK
                              ? &revs->sent : &failed, q);
    }

    if (!ngx_queue_empty(&revs->sent)) {
        argv[0] = "WAIT";
        lens[0] = sizeof("WAIT") - 1;
        argv[1] = (const char *) replicas;
        lens[1] = ngx_sprintf(replicas, "%ui", worker->conf->wait) - replicas;
        argv[2] = (const char *) time;
        lens[2] = ngx_sprintf(time, "%d", NGX_HTTP_AGW_REDIS_WAIT) - time;

        if (ngx_http_agw_redis_send(revs->link, &revs->wait, 3, argv, lens)
            == NGX_OK)
        {
            revs->waiting = 1;

        } else {
            while (!ngx_queue_empty(&revs->sent)) {
                q = ngx_queue_head(&revs->sent);
                ngx_queue_remove(q);

                w = ngx_queue_data(q, ngx_http_agw_redis_write_t, queue);

                ngx_http_agw_redis_cancel(&w->command);
                ngx_queue_insert_tail(&failed, q);
            }
        }
    }

    while (!ngx_queue_empty(&failed)) {
        q = ngx_queue_head(&failed);
        ngx_queue_remove(q);

        ngx_http_agw_redis_write_end(
                    ngx_queue_data(q, ngx_http_agw_redis_write_t, queue),
                    NGX_ERROR);
    }
}


static void
ngx_http_agw_redis_waited(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    int64_t                       replicas;
    ngx_http_agw_redis_worker_t  *worker = command->data;

    if (ngx_http_agw_redis_failed(worker, worker->revocations->link, reply,
                                  "WAIT", worker->log))
    {
        replicas = -1;

    } else if (ngx_http_agw_redis_whole(reply, &replicas) != NGX_OK) {
        (void) ngx_http_agw_redis_malformed(worker, "WAIT", worker->log);
        replicas = -1;

    } else if (replicas < (int64_t) worker->conf->wait) {
        ngx_log_error(NGX_LOG_ERR, worker->log, 0,
                      "auth_gateway: store \"%V\": only %L replicas confirmed "
                      "a revocation within %d ms, not %ui (wait=): it is "
                      "answered with 503", &worker->conf->shown, replicas,
                      NGX_HTTP_AGW_REDIS_WAIT, worker->conf->wait);
    }

    ngx_http_agw_redis_wait_end(worker, replicas);
}


static void
ngx_http_agw_redis_wait_end(ngx_http_agw_redis_worker_t *worker,
    int64_t replicas)
{
    ngx_queue_t                        done, *q;
    ngx_http_agw_redis_write_t        *w;
    ngx_http_agw_redis_revocations_t  *revs;

    revs = worker->revocations;

    ngx_queue_init(&done);

    while (!ngx_queue_empty(&revs->sent)) {
        q = ngx_queue_head(&revs->sent);
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&done, q);
    }

    revs->waiting = 0;

    ngx_http_agw_redis_wait_start(worker);

    while (!ngx_queue_empty(&done)) {
        q = ngx_queue_head(&done);
        ngx_queue_remove(q);

        w = ngx_queue_data(q, ngx_http_agw_redis_write_t, queue);

        ngx_http_agw_redis_write_end(w, replicas >= (int64_t)
                                                    worker->conf->wait
                                        ? w->rc : NGX_ERROR);
    }
}
