
/*
 * Rows are read in the event loop, some thousands at a time: a node that
 * starts has nothing better to do.  A worker that takes over the feed of
 * another one needs the position alone.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_page.h"
#include "ngx_http_agw_redis_saved.h"


#define NGX_HTTP_AGW_REDIS_SAVED_PAGE  2000
#define NGX_HTTP_AGW_REDIS_SAVED_BUSY  2000      /* ms, at most */


static ngx_int_t ngx_http_agw_redis_saved_busy(
    ngx_http_agw_redis_saved_t *saved);
static ngx_int_t ngx_http_agw_redis_saved_open(
    ngx_http_agw_redis_saved_t *saved, ngx_http_agw_reading_t *reading);
static void ngx_http_agw_redis_saved_position(
    const ngx_http_agw_redis_saved_t *saved, ngx_http_agw_reading_t *reading);
static void ngx_http_agw_redis_saved_other(ngx_http_agw_redis_saved_t *saved,
    ngx_http_agw_reading_t *reading);
static ngx_int_t ngx_http_agw_redis_saved_page(
    ngx_http_agw_redis_saved_t *saved, ngx_http_agw_reading_t *reading);


void
ngx_http_agw_redis_saved_init(ngx_http_agw_redis_saved_t *saved,
    ngx_http_agw_redis_worker_t *worker,
    ngx_http_agw_redis_replica_t *replica)
{
    saved->worker = worker;
    saved->replica = replica;
    saved->copy.path = (const char *) worker->conf->replica.data;
    saved->copy.store = worker->conf->store;
}


ngx_int_t
ngx_http_agw_redis_saved_read(ngx_http_agw_redis_saved_t *saved,
    ngx_http_agw_reading_t *reading)
{
    ngx_int_t  rc;

    if (reading->anew) {
        reading->anew = 0;
        ngx_http_agw_redis_saved_again(saved);
    }

    switch (saved->stage) {

    case NGX_HTTP_AGW_REDIS_SAVED_UNREAD:

        rc = ngx_http_agw_redis_saved_open(saved, reading);

        if (rc == NGX_BUSY) {
            return NGX_BUSY;
        }

        saved->busy_since = 0;

        if (rc != NGX_OK) {
            saved->stage = NGX_HTTP_AGW_REDIS_SAVED_READ;
            ngx_http_agw_redis_copy_close(&saved->copy);

            return rc;
        }

        saved->stage = NGX_HTTP_AGW_REDIS_SAVED_READING;

        /* fall through */

    case NGX_HTTP_AGW_REDIS_SAVED_READING:
        return ngx_http_agw_redis_saved_page(saved, reading);

    default:
        return NGX_DECLINED;
    }
}


/*
 * NGX_DECLINED where there is nothing to be read but the position; NGX_BUSY;
 * NGX_ERROR
 */

static ngx_int_t
ngx_http_agw_redis_saved_open(ngx_http_agw_redis_saved_t *saved,
    ngx_http_agw_reading_t *reading)
{
    ngx_int_t                          rc;
    ngx_uint_t                         known;
    const ngx_http_agw_redis_state_t  *state;

    /* where something had no room, all is read, and not only what follows */

    known = (reading->position.store_id != 0 && reading->position.stamp != 0);
    saved->loaded = 0;

    rc = ngx_http_agw_redis_copy_open(&saved->copy, saved->worker->log);

    if (rc == NGX_BUSY) {
        return ngx_http_agw_redis_saved_busy(saved);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    state = &saved->copy.state;

    saved->owed = ngx_http_agw_redis_replica_is_owed(saved->replica);

    ngx_http_agw_redis_replica_goes_on(saved->replica, state);

    if (state->other) {
        ngx_http_agw_redis_saved_other(saved, reading);
        return NGX_DECLINED;
    }

    saved->worker->known = ngx_max(saved->worker->known, state->last);
    saved->whole = state->whole;

    /*
     * Where it is empty, or has what this node has yet to read, all is read
     * from the stream.
     */

    if (known) {
        if (ngx_http_agw_redis_page_reaches(&reading->position,
                                            &state->position))
        {
            saved->loaded = saved->whole && reading->filled
                            && reading->position.store_id
                               == state->position.store_id;

            ngx_http_agw_redis_saved_position(saved, reading);

        } else {
            ngx_memzero(&reading->position, sizeof(ngx_http_agw_position_t));
        }
    }

    if (known || state->position.store_id == 0) {
        return NGX_DECLINED;
    }

    saved->rows = 0;
    reading->filled = 0;

    return NGX_OK;
}


static void
ngx_http_agw_redis_saved_position(const ngx_http_agw_redis_saved_t *saved,
    ngx_http_agw_reading_t *reading)
{
    const ngx_http_agw_position_t  *position;

    position = &saved->copy.state.position;

    /* nothing was met after a restart: the stream may be another one by now */

    if (saved->owed || ngx_http_agw_redis_replica_is_owed(saved->replica)
        || (position->stamp == 0 && position->mark == 0))
    {
        ngx_memzero(&reading->position, sizeof(ngx_http_agw_position_t));

    } else {
        reading->position = *position;
    }
}


/*
 * By its name it is of another store.  If that has only moved, the replica is
 * of use, but has to meet all that the stream has.
 */

static void
ngx_http_agw_redis_saved_other(ngx_http_agw_redis_saved_t *saved,
    ngx_http_agw_reading_t *reading)
{
    ngx_memzero(&reading->position, sizeof(ngx_http_agw_position_t));

    if (saved->shown) {
        return;
    }

    saved->shown = 1;

    ngx_log_error(NGX_LOG_WARN, saved->worker->log, 0,
                  "auth_gateway: replica \"%V\" is of store \"%s\": no token "
                  "is accepted until store \"%V\" is read",
                  &saved->worker->conf->replica, saved->copy.of,
                  &saved->worker->conf->store);
}


static ngx_int_t
ngx_http_agw_redis_saved_page(ngx_http_agw_redis_saved_t *saved,
    ngx_http_agw_reading_t *reading)
{
    ngx_int_t                          rc;
    const ngx_http_agw_redis_state_t  *state;

    state = &saved->copy.state;

    rc = ngx_http_agw_redis_copy_rows(&saved->copy,
                                      NGX_HTTP_AGW_REDIS_SAVED_PAGE,
                                      &saved->rows, reading->handler,
                                      reading->data, saved->worker->log);

    reading->floor = state->floor;
    reading->last_stamp = state->last;
    reading->horizon = state->horizon;
    reading->more = 1;

    if (rc == NGX_AGAIN) {
        return NGX_OK;
    }

    ngx_http_agw_redis_copy_close(&saved->copy);
    saved->stage = NGX_HTTP_AGW_REDIS_SAVED_READ;

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    ngx_http_agw_redis_saved_position(saved, reading);
    saved->loaded = saved->whole;
    reading->filled = saved->whole;

    if (saved->shown) {
        return NGX_OK;
    }

    saved->shown = 1;

    ngx_log_error(NGX_LOG_NOTICE, saved->worker->log, 0,
                  "auth_gateway: replica \"%V\" has %ui revocations, as of "
                  "%T seconds ago", &saved->worker->conf->replica,
                  saved->rows, ngx_max(ngx_time() - state->written, 0));

    if (!saved->whole) {
        ngx_log_error(NGX_LOG_WARN, saved->worker->log, 0,
                      "auth_gateway: replica \"%V\" has only some revocations "
                      "of store \"%V\": no token is accepted until that is "
                      "read",
                      &saved->worker->conf->replica,
                      &saved->worker->conf->store);
    }

    return NGX_OK;
}


/* another worker closes it, say: it takes a moment, and not longer */

static ngx_int_t
ngx_http_agw_redis_saved_busy(ngx_http_agw_redis_saved_t *saved)
{
    if (saved->busy_since == 0) {
        saved->busy_since = ngx_max(ngx_current_msec, 1);
    }

    if (ngx_current_msec - saved->busy_since < NGX_HTTP_AGW_REDIS_SAVED_BUSY) {
        return NGX_BUSY;
    }

    ngx_http_agw_redis_copy_log(&saved->copy, saved->worker->log,
                                "cannot be opened", SQLITE_BUSY);

    return NGX_ERROR;
}


void
ngx_http_agw_redis_saved_again(ngx_http_agw_redis_saved_t *saved)
{
    ngx_http_agw_redis_copy_close(&saved->copy);

    saved->stage = NGX_HTTP_AGW_REDIS_SAVED_UNREAD;
}


void
ngx_http_agw_redis_saved_passed(ngx_http_agw_redis_saved_t *saved,
    ngx_http_agw_reading_t *reading)
{
    saved->loaded = 0;
    reading->filled = 0;
}


void
ngx_http_agw_redis_saved_instead(ngx_http_agw_redis_saved_t *saved,
    ngx_http_agw_reading_t *reading)
{
    if (!saved->loaded) {
        return;
    }

    reading->saved = 1;

    if (saved->told) {
        return;
    }

    saved->told = 1;

    ngx_log_error(NGX_LOG_WARN, saved->worker->log, 0,
                  "auth_gateway: store \"%V\" cannot be read: its revocations "
                  "of %T seconds ago are used, from replica \"%V\"",
                  &saved->worker->conf->shown,
                  ngx_max(ngx_time() - saved->copy.state.written, 0),
                  &saved->worker->conf->replica);
}
