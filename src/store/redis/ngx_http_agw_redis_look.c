
#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_entry.h"
#include "ngx_http_agw_redis_known.h"
#include "ngx_http_agw_redis_look.h"
#include "ngx_http_agw_redis_reply.h"


static ngx_int_t ngx_http_agw_redis_look_keys(const redisReply *reply,
    const ngx_http_agw_redis_worker_t *worker, uint64_t *epoch,
    int64_t numbers[3], ngx_log_t *log);
static ngx_int_t ngx_http_agw_redis_look_malformed(
    const ngx_http_agw_redis_worker_t *worker, ngx_log_t *log);
static void ngx_http_agw_redis_clock(const redisReply *time,
    ngx_http_agw_reading_t *reading);
static ngx_uint_t ngx_http_agw_redis_is_there(
    const ngx_http_agw_position_t *position, const redisReply *entry);
static ngx_int_t ngx_http_agw_redis_begins(ngx_http_agw_redis_seen_t *seen,
    const redisReply *entry, uint64_t epoch, int64_t floor);


ngx_int_t
ngx_http_agw_redis_look(const redisReply *reply,
    ngx_http_agw_reading_t *reading, const ngx_http_agw_redis_worker_t *worker,
    ngx_http_agw_redis_seen_t *seen)
{
    int64_t                   numbers[3];
    uint64_t                  epoch;
    ngx_int_t                 rc;
    const redisReply         *last;
    ngx_http_agw_position_t  *position, *end;

    position = &reading->position;
    end = &seen->end;

    if (ngx_http_agw_redis_look_keys(reply, worker, &epoch, numbers,
                                     reading->log)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memzero(end, sizeof(ngx_http_agw_position_t));

    last = ngx_http_agw_redis_element(reply, 5);

    if (!ngx_http_agw_redis_is_nil(last)
        && (ngx_http_agw_redis_entry_id(last, &end->stamp, &end->mark)
            != NGX_OK
            || end->stamp > numbers[0]))
    {
        return ngx_http_agw_redis_look_malformed(worker, reading->log);
    }

    ngx_http_agw_redis_clock(ngx_http_agw_redis_element(reply, 6), reading);

    reading->last_stamp = numbers[0];
    reading->floor = numbers[1];
    reading->horizon = numbers[2];

    rc = ngx_http_agw_redis_begins(seen, ngx_http_agw_redis_element(reply, 8),
                                   epoch, reading->floor);

    if (rc == NGX_ERROR) {
        return ngx_http_agw_redis_look_malformed(worker, reading->log);
    }

    if (rc == NGX_OK && position->store_id == epoch
        && ngx_http_agw_redis_is_there(position,
                                       ngx_http_agw_redis_element(reply, 4))
        && ngx_http_agw_redis_is_there(&seen->previous,
                                       ngx_http_agw_redis_element(reply, 7)))
    {
        return NGX_OK;
    }

    position->store_id = epoch;

    return NGX_DECLINED;
}


/* the epoch, and stamp, floor and horizon; NGX_OK, or NGX_ERROR, logged */

static ngx_int_t
ngx_http_agw_redis_look_keys(const redisReply *reply,
    const ngx_http_agw_redis_worker_t *worker, uint64_t *epoch,
    int64_t numbers[3], ngx_log_t *log)
{
    ngx_uint_t         i;
    const redisReply  *value;
    static const char *keys[] = { NULL, "floor", "horizon" };

    value = ngx_http_agw_redis_element(reply, 0);
    *epoch = ngx_http_agw_redis_epoch(value);

    if (ngx_http_agw_redis_string(value).data == NULL) {
        return ngx_http_agw_redis_look_malformed(worker, log);
    }

    if (*epoch == 0) {
        return ngx_http_agw_redis_malformed_key(worker, "epoch", log);
    }

    for (i = 0; i < 3; i++) {
        value = ngx_http_agw_redis_element(reply, i + 1);
        numbers[i] = 0;

        /* there may be no floor and no horizon yet */

        if (i != 0 && ngx_http_agw_redis_is_nil(value)) {
            continue;
        }

        if (ngx_http_agw_redis_whole(value, &numbers[i]) == NGX_OK) {
            continue;
        }

        /* the script has looked at the stamp */

        if (i == 0 || ngx_http_agw_redis_string(value).data == NULL) {
            return ngx_http_agw_redis_look_malformed(worker, log);
        }

        return ngx_http_agw_redis_malformed_key(worker, keys[i], log);
    }

    if (ngx_http_agw_redis_is_ahead(worker, 0, numbers[0])) {
        return ngx_http_agw_redis_years_ahead(worker, numbers[0], log);
    }

    return numbers[1] <= numbers[0]
           ? NGX_OK : ngx_http_agw_redis_malformed_key(worker, "floor", log);
}


static ngx_int_t
ngx_http_agw_redis_look_malformed(const ngx_http_agw_redis_worker_t *worker,
    ngx_log_t *log)
{
    return ngx_http_agw_redis_malformed(worker, "a look at the revocations",
                                        log);
}


/* for operators: no decision depends on the time of Redis */

static void
ngx_http_agw_redis_clock(const redisReply *time,
    ngx_http_agw_reading_t *reading)
{
    int64_t           theirs;
    const ngx_time_t *ours;

    reading->ahead_known = 0;

    if (ngx_http_agw_redis_whole(time, &theirs) == NGX_OK) {
        ours = ngx_timeofday();

        reading->ahead = theirs - ((int64_t) ours->sec * 1000 + ours->msec);
        reading->ahead_known = 1;
    }
}


/* the beginning of a stream is in every stream */

static ngx_uint_t
ngx_http_agw_redis_is_there(const ngx_http_agw_position_t *position,
    const redisReply *entry)
{
    int64_t  stamp, mark;

    if (position->stamp == 0 && position->mark == 0) {
        return 1;
    }

    return ngx_http_agw_redis_entry_id(entry, &stamp, &mark) == NGX_OK
           && stamp == position->stamp && mark == position->mark
           && ngx_http_agw_redis_entry_tag(entry) == position->mark_tag;
}


/*
 * Whether the stream begins where it did, or has been trimmed since, which
 * raises the floor; NGX_DECLINED or NGX_ERROR otherwise.
 */

static ngx_int_t
ngx_http_agw_redis_begins(ngx_http_agw_redis_seen_t *seen,
    const redisReply *entry, uint64_t epoch, int64_t floor)
{
    int64_t                  stamp;
    ngx_uint_t               lost;
    ngx_http_agw_position_t  first;

    ngx_memzero(&first, sizeof(ngx_http_agw_position_t));

    first.store_id = epoch;
    stamp = 0;

    if (!ngx_http_agw_redis_is_nil(entry)
        && (ngx_http_agw_redis_entry_id(entry, &first.stamp, &first.mark)
            != NGX_OK
            || ngx_http_agw_redis_whole(ngx_http_agw_redis_element(entry, 1),
                                        &stamp)
               != NGX_OK))
    {
        return NGX_ERROR;
    }

    lost = seen->first.store_id == epoch && seen->first_stamp > floor
           && (first.stamp == 0 || first.stamp > seen->first.stamp
               || (first.stamp == seen->first.stamp
                   && first.mark > seen->first.mark));

    /* one whose stamp is above its id is skipped, and raises no floor */

    seen->first = first;
    seen->first_stamp = stamp <= first.stamp ? stamp : 0;

    return lost ? NGX_DECLINED : NGX_OK;
}
