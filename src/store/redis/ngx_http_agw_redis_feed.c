
/*
 * Each reading is two commands that are sent together: a look at epoch, stamp
 * and the entry of our position, and an XREAD, which waits for news.  A flush
 * cuts no connection: without the look, one would wait for what comes after a
 * position that no longer exists.
 *
 * What was read is never un-learned: where the store is another one, all that
 * it has is read, and added.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_entry.h"
#include "ngx_http_agw_redis_feed.h"
#include "ngx_http_agw_redis_link.h"
#include "ngx_http_agw_redis_reply.h"
#include "ngx_http_agw_redis_script.h"


#define NGX_HTTP_AGW_REDIS_BLOCK     500     /* ms that XREAD waits for news */
#define NGX_HTTP_AGW_REDIS_PATIENCE  2000    /* ms that we wait for it */
#define NGX_HTTP_AGW_REDIS_PAGE      4000    /* entries of one reading */
#define NGX_HTTP_AGW_REDIS_SAY       60000   /* ms between lines of a kind */


struct ngx_http_agw_redis_feed_s {
    ngx_http_agw_redis_worker_t   *worker;
    ngx_http_agw_redis_link_t     *link;     /* NULL before the first reading */

    ngx_http_agw_reading_t        *reading;  /* NULL: none */
    ngx_http_agw_position_t        position; /* that the commands are from */
    ngx_http_agw_redis_command_t   look;
    ngx_http_agw_redis_command_t   xread;
    ngx_msec_t                     asked;
    ngx_uint_t                     page;
    unsigned                       failed:1; /* the look has */
    unsigned                       restart:1;    /* another store: from 0 on */
    unsigned                       ahead:1;  /* they were sent for a reading
                                                that is to come */

    /* entries that were skipped, and when that was logged */

    ngx_uint_t                     skipped;
    ngx_msec_t                     said[NGX_HTTP_AGW_REDIS_ENTRIES];
};


static ngx_int_t ngx_http_agw_redis_feed_send(ngx_http_agw_redis_feed_t *feed,
    const ngx_http_agw_position_t *position);
static void ngx_http_agw_redis_feed_looked(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);
static ngx_int_t ngx_http_agw_redis_feed_look(ngx_http_agw_redis_feed_t *feed,
    const redisReply *reply);
static ngx_uint_t ngx_http_agw_redis_feed_is_there(
    const ngx_http_agw_position_t *position, const redisReply *entry);
static void ngx_http_agw_redis_feed_arrived(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);
static ngx_int_t ngx_http_agw_redis_feed_take(ngx_http_agw_redis_feed_t *feed,
    const redisReply *reply);
static const redisReply *ngx_http_agw_redis_feed_entries(
    const redisReply *reply);
static void ngx_http_agw_redis_feed_send_ahead(
    ngx_http_agw_redis_feed_t *feed, const redisReply *entries);
static ngx_int_t ngx_http_agw_redis_feed_entry(
    ngx_http_agw_redis_feed_t *feed, const redisReply *entry);
static void ngx_http_agw_redis_feed_skip(ngx_http_agw_redis_feed_t *feed,
    const redisReply *entry, ngx_http_agw_redis_entry_t fault);
static void ngx_http_agw_redis_feed_done(ngx_http_agw_redis_feed_t *feed,
    ngx_int_t rc);


ngx_http_agw_redis_feed_t *
ngx_http_agw_redis_feed_create(ngx_http_agw_redis_worker_t *worker)
{
    ngx_uint_t                  i;
    ngx_http_agw_redis_feed_t  *feed;

    feed = ngx_pcalloc(worker->pool, sizeof(ngx_http_agw_redis_feed_t));
    if (feed == NULL) {
        return NULL;
    }

    feed->worker = worker;
    feed->page = NGX_HTTP_AGW_REDIS_PAGE;

    feed->look.handler = ngx_http_agw_redis_feed_looked;
    feed->look.data = feed;
    feed->look.timeout = NGX_HTTP_AGW_REDIS_PATIENCE;
    feed->look.idle = 1;

    feed->xread.handler = ngx_http_agw_redis_feed_arrived;
    feed->xread.data = feed;
    feed->xread.timeout = NGX_HTTP_AGW_REDIS_PATIENCE;
    feed->xread.idle = 1;

    for (i = 0; i < NGX_HTTP_AGW_REDIS_ENTRIES; i++) {
        feed->said[i] = ngx_current_msec - NGX_HTTP_AGW_REDIS_SAY;
    }

    return feed;
}


void
ngx_http_agw_redis_feed_close(ngx_http_agw_redis_feed_t *feed)
{
    feed->reading = NULL;

    if (feed->link != NULL) {
        ngx_http_agw_redis_link_close(feed->link);
    }
}


ngx_int_t
ngx_http_agw_redis_feed_read(ngx_http_agw_redis_feed_t *feed,
    ngx_http_agw_reading_t *reading)
{
    if (feed->link == NULL) {
        feed->link = ngx_http_agw_redis_link_create(feed->worker, "revocations",
                                                    NULL, NULL, feed,
                                                    feed->worker->log);
        if (feed->link == NULL) {
            return NGX_ERROR;
        }
    }

    reading->more = 0;
    reading->restarted = 0;
    reading->other_store = 0;
    reading->saved = 0;

    if (feed->ahead
        && ngx_memcmp(&feed->position, &reading->position,
                      sizeof(ngx_http_agw_position_t))
           != 0)
    {
        ngx_http_agw_redis_feed_stop(feed);
    }

    if (!feed->ahead
        && ngx_http_agw_redis_feed_send(feed, &reading->position) != NGX_OK)
    {
        return NGX_ERROR;
    }

    feed->ahead = 0;
    feed->reading = reading;

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_agw_redis_feed_send(ngx_http_agw_redis_feed_t *feed,
    const ngx_http_agw_position_t *position)
{
    ngx_str_t                  prefix;
    ngx_http_agw_redis_args_t  args;

    prefix = feed->worker->conf->prefix;

    feed->failed = 0;
    feed->restart = 0;
    feed->asked = ngx_current_msec;
    feed->position = *position;

    ngx_http_agw_redis_script_look(&args, prefix, position);

    if (ngx_http_agw_redis_send(feed->link, &feed->look, args.argc, args.argv,
                                args.argvlen)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_agw_redis_xread(&args, prefix, position, feed->page,
                             NGX_HTTP_AGW_REDIS_BLOCK);

    if (ngx_http_agw_redis_send(feed->link, &feed->xread, args.argc, args.argv,
                                args.argvlen)
        != NGX_OK)
    {
        ngx_http_agw_redis_cancel(&feed->look);
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_agw_redis_feed_stop(ngx_http_agw_redis_feed_t *feed)
{
    feed->reading = NULL;
    feed->ahead = 0;

    ngx_http_agw_redis_cancel(&feed->look);
    ngx_http_agw_redis_cancel(&feed->xread);
}


static void
ngx_http_agw_redis_feed_looked(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    ngx_http_agw_redis_feed_t  *feed = command->data;

    if (feed->reading == NULL
        || ngx_http_agw_redis_failed(feed->worker, feed->link, reply,
                                     "a look at the revocations",
                                     feed->reading->log)
        || ngx_http_agw_redis_feed_look(feed, reply) != NGX_OK)
    {
        feed->failed = 1;
    }
}


static ngx_int_t
ngx_http_agw_redis_feed_look(ngx_http_agw_redis_feed_t *feed,
    const redisReply *reply)
{
    uint64_t                  epoch;
    ngx_uint_t                i;
    ngx_http_agw_reading_t   *reading;
    ngx_http_agw_position_t  *position;
    const redisReply         *value;
    int64_t                   numbers[3];

    reading = feed->reading;
    position = &reading->position;

    epoch = ngx_http_agw_redis_epoch(ngx_http_agw_redis_element(reply, 0));

    for (i = 0; i < 3; i++) {
        value = ngx_http_agw_redis_element(reply, i + 1);
        numbers[i] = 0;

        if (ngx_http_agw_redis_whole(value, &numbers[i]) != NGX_OK
            && !(i != 0 && ngx_http_agw_redis_is_nil(value)))
        {
            epoch = 0;
        }
    }

    if (epoch == 0 || numbers[1] > numbers[0]) {
        ngx_log_error(NGX_LOG_ERR, reading->log, 0,
                      "auth_gateway: store \"%V\" has a malformed epoch, "
                      "stamp, floor or horizon",
                      &feed->worker->conf->shown);
        return NGX_ERROR;
    }

    reading->last_stamp = numbers[0];
    reading->floor = numbers[1];
    reading->horizon = numbers[2];

    if (position->store_id == epoch
        && ngx_http_agw_redis_feed_is_there(position,
                                       ngx_http_agw_redis_element(reply, 4)))
    {
        return NGX_OK;
    }

    /* from the beginning: it is what XREAD was asked for, or is asked next */

    feed->restart = (position->stamp != 0 || position->mark != 0);
    reading->restarted = 1;
    position->store_id = epoch;

    return NGX_OK;
}


/* the beginning of a stream is in every stream */

static ngx_uint_t
ngx_http_agw_redis_feed_is_there(const ngx_http_agw_position_t *position,
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


static void
ngx_http_agw_redis_feed_arrived(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    ngx_int_t                   rc;
    ngx_http_agw_redis_feed_t  *feed = command->data;

    /* a reply that is too large ends the connection: fewer at a time then */

    if (reply == NULL && feed->page > 1) {
        feed->page /= 2;
    }

    if (feed->reading == NULL) {
        feed->ahead = 0;
        return;
    }

    if (feed->failed
        || ngx_http_agw_redis_failed(feed->worker, feed->link, reply,
                                     "to give its revocations",
                                     feed->reading->log))
    {
        ngx_http_agw_redis_feed_done(feed, NGX_ERROR);
        return;
    }

    rc = ngx_http_agw_redis_feed_take(feed, reply);

    if (rc == NGX_OK) {
        feed->page = NGX_HTTP_AGW_REDIS_PAGE;
    }

    ngx_http_agw_redis_feed_done(feed, rc);
}


static ngx_int_t
ngx_http_agw_redis_feed_take(ngx_http_agw_redis_feed_t *feed,
    const redisReply *reply)
{
    ngx_uint_t                i;
    ngx_http_agw_reading_t   *reading;
    ngx_http_agw_position_t  *position;
    const redisReply         *entries;

    reading = feed->reading;
    position = &reading->position;
    entries = NULL;

    if (!ngx_http_agw_redis_is_nil(reply)) {
        entries = ngx_http_agw_redis_feed_entries(reply);

        if (entries == NULL) {
            ngx_log_error(NGX_LOG_ERR, reading->log, 0,
                          "auth_gateway: store \"%V\" gives a malformed reply "
                          "to XREAD", &feed->worker->conf->shown);
            return NGX_ERROR;
        }
    }

    /* what is read late was not known in time */

    reading->more = feed->restart
                    || (entries != NULL && entries->elements >= feed->page)
                    || ngx_current_msec - feed->asked
                       > NGX_HTTP_AGW_REDIS_PATIENCE;

    if (reading->more && !feed->restart && entries != NULL) {
        ngx_http_agw_redis_feed_send_ahead(feed, entries);
    }

    for (i = 0; entries != NULL && i < entries->elements; i++) {
        if (ngx_http_agw_redis_feed_entry(feed, entries->element[i])
            != NGX_OK)
        {
            ngx_http_agw_redis_feed_stop(feed);
            feed->reading = reading;

            return NGX_ERROR;
        }
    }

    if (feed->restart) {
        position->stamp = 0;
        position->mark = 0;
        position->mark_tag = 0;

    } else if (entries != NULL && entries->elements != 0) {
        position->mark_tag = ngx_http_agw_redis_entry_tag(
                                  entries->element[entries->elements - 1]);
    }

    return NGX_OK;
}


/* Redis is at the next page while we add this one */

static void
ngx_http_agw_redis_feed_send_ahead(ngx_http_agw_redis_feed_t *feed,
    const redisReply *entries)
{
    const redisReply         *last;
    ngx_http_agw_position_t   position;

    last = ngx_http_agw_redis_element(entries, entries->elements - 1);
    position = feed->reading->position;

    if (ngx_http_agw_redis_entry_id(last, &position.stamp, &position.mark)
        != NGX_OK)
    {
        return;
    }

    position.mark_tag = ngx_http_agw_redis_entry_tag(last);

    feed->ahead = (ngx_http_agw_redis_feed_send(feed, &position) == NGX_OK);
}


/* of { { key, entries } }, or NULL */

static const redisReply *
ngx_http_agw_redis_feed_entries(const redisReply *reply)
{
    const redisReply  *entries;

    entries = ngx_http_agw_redis_element(ngx_http_agw_redis_element(reply, 0),
                                         1);

    return entries != NULL && entries->type == REDIS_REPLY_ARRAY ? entries
                                                                 : NULL;
}


static ngx_int_t
ngx_http_agw_redis_feed_entry(ngx_http_agw_redis_feed_t *feed,
    const redisReply *entry)
{
    int64_t                      stamp, mark;
    agw_revocation_t             revocation;
    ngx_http_agw_reading_t      *reading;
    ngx_http_agw_redis_entry_t   fault;

    reading = feed->reading;

    if (ngx_http_agw_redis_entry_id(entry, &stamp, &mark) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, reading->log, 0,
                      "auth_gateway: store \"%V\" has an entry in its "
                      "revocations whose id is over 2^52: remove it (XDEL) "
                      "and lower the last id (XSETID)",
                      &feed->worker->conf->shown);
        return NGX_ERROR;
    }

    fault = ngx_http_agw_redis_entry(entry, stamp, reading->last_stamp, &revocation);

    if (fault == NGX_HTTP_AGW_REDIS_ENTRY_OK) {
        reading->handler(reading->data, &revocation);

    } else {
        ngx_http_agw_redis_feed_skip(feed, entry, fault);
    }

    reading->position.stamp = stamp;
    reading->position.mark = mark;

    return NGX_OK;
}


static void
ngx_http_agw_redis_feed_skip(ngx_http_agw_redis_feed_t *feed,
    const redisReply *entry, ngx_http_agw_redis_entry_t fault)
{
    agw_str_t  id;

    feed->skipped++;

    if (ngx_current_msec - feed->said[fault] < NGX_HTTP_AGW_REDIS_SAY) {
        return;
    }

    feed->said[fault] = ngx_current_msec;

    id = ngx_http_agw_redis_string(ngx_http_agw_redis_element(entry, 0));

    ngx_log_error(NGX_LOG_ERR, feed->worker->log, 0,
                  "auth_gateway: store \"%V\": entry %*s of its revocations is "
                  "skipped: %s (%ui skipped since this worker started)",
                  &feed->worker->conf->shown, id.len, id.data,
                  ngx_http_agw_redis_entry_fault(fault), feed->skipped);
}


static void
ngx_http_agw_redis_feed_done(ngx_http_agw_redis_feed_t *feed, ngx_int_t rc)
{
    ngx_http_agw_reading_t  *reading;

    reading = feed->reading;
    feed->reading = NULL;

    reading->done(reading, rc);
}
