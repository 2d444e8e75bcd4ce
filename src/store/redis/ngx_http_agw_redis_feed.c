
/*
 * Each reading is two commands that are sent together: a look at epoch, stamp
 * and the entry of our position, and an XREAD, which waits for news.  A flush
 * cuts no connection: without the look, one would wait for what comes after a
 * position that no longer exists.  What is new after a flush may come while
 * XREAD waits; so the next look is for the position before that, too.
 *
 * What was read is never un-learned: where the store is another one, all that
 * it has is read, and added.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_added.h"
#include "ngx_http_agw_redis_entry.h"
#include "ngx_http_agw_redis_feed.h"
#include "ngx_http_agw_redis_heal.h"
#include "ngx_http_agw_redis_link.h"
#include "ngx_http_agw_redis_look.h"
#include "ngx_http_agw_redis_page.h"
#include "ngx_http_agw_redis_replica.h"
#include "ngx_http_agw_redis_reply.h"
#include "ngx_http_agw_redis_saved.h"
#include "ngx_http_agw_redis_script.h"
#include "ngx_http_agw_redis_tail.h"


#define NGX_HTTP_AGW_REDIS_BLOCK     500     /* ms that XREAD waits for news */
#define NGX_HTTP_AGW_REDIS_HEALING   50      /* the same, while this heals */
#define NGX_HTTP_AGW_REDIS_PATIENCE  2000    /* ms that we wait for it */
#define NGX_HTTP_AGW_REDIS_PAGE      2000    /* entries of one reading */
#define NGX_HTTP_AGW_REDIS_SAVE      2000    /* ms between two without news */


struct ngx_http_agw_redis_feed_s {
    ngx_http_agw_redis_worker_t   *worker;
    ngx_http_agw_redis_link_t     *link;     /* NULL before the first reading */

    ngx_http_agw_reading_t        *reading;  /* NULL: none */
    ngx_http_agw_position_t        position; /* that the commands are from */
    ngx_http_agw_redis_command_t   look;
    ngx_http_agw_redis_command_t   xread;
    ngx_http_agw_redis_tail_t      tail;
    ngx_msec_t                     asked;
    ngx_msec_t                     block;    /* that XREAD waits, or 0 */
    int64_t                        known;    /* the node's last stamp, then */
    ngx_uint_t                     page;     /* entries of the next XREAD */
    ngx_uint_t                     count;    /* those of the one that is sent */
    ngx_http_agw_redis_seen_t      seen;     /* as of the last reading */
    ngx_http_agw_redis_seen_t      looked;   /* of the one that is on its way */
    ngx_http_agw_redis_added_t     added;
    unsigned                       failed:1; /* the look has */
    unsigned                       restart:1;    /* another store: from 0 on */
    unsigned                       ahead:1;  /* of the reading to come */

    /* with `replica=`, else NULL */

    ngx_http_agw_redis_replica_t  *replica;
    ngx_http_agw_redis_heal_t     *heal;
    ngx_http_agw_redis_saved_t     saved;
    ngx_msec_t                     saved_at;
};


static void ngx_http_agw_redis_feed_connected(void *data);
static ngx_int_t ngx_http_agw_redis_feed_saved(ngx_http_agw_redis_feed_t *feed,
    ngx_http_agw_reading_t *reading);
static void ngx_http_agw_redis_feed_cancel(ngx_http_agw_redis_feed_t *feed);
static ngx_int_t ngx_http_agw_redis_feed_send(ngx_http_agw_redis_feed_t *feed,
    const ngx_http_agw_position_t *position);
static void ngx_http_agw_redis_feed_looked(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);
static ngx_int_t ngx_http_agw_redis_feed_look(ngx_http_agw_redis_feed_t *feed,
    const redisReply *reply);
static void ngx_http_agw_redis_feed_arrived(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);
static ngx_int_t ngx_http_agw_redis_feed_take(ngx_http_agw_redis_feed_t *feed,
    const redisReply *reply);
static void ngx_http_agw_redis_feed_save(ngx_http_agw_redis_feed_t *feed,
    const ngx_http_agw_position_t *from, ngx_uint_t news);
static void ngx_http_agw_redis_feed_done(ngx_http_agw_redis_feed_t *feed,
    ngx_int_t rc);


ngx_http_agw_redis_feed_t *
ngx_http_agw_redis_feed_create(ngx_http_agw_redis_worker_t *worker)
{
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

    feed->replica = ngx_http_agw_redis_replica_create(worker);
    feed->added.worker = worker;
    feed->added.replica = feed->replica;
    feed->tail.added = &feed->added;

    if (feed->replica != NULL) {
        ngx_http_agw_redis_saved_init(&feed->saved, worker, feed->replica);

        feed->heal = ngx_http_agw_redis_heal_create(worker, feed->replica);

        if (feed->heal == NULL) {
            return NULL;
        }
    }

    return feed;
}


void
ngx_http_agw_redis_feed_close(ngx_http_agw_redis_feed_t *feed)
{
    feed->reading = NULL;

    if (feed->replica != NULL) {
        ngx_http_agw_redis_saved_again(&feed->saved);
        ngx_http_agw_redis_replica_close(feed->replica);
        ngx_http_agw_redis_heal_close(feed->heal);
    }

    if (feed->link != NULL) {
        ngx_http_agw_redis_link_close(feed->link);
    }
}


ngx_int_t
ngx_http_agw_redis_feed_read(ngx_http_agw_redis_feed_t *feed,
    ngx_http_agw_reading_t *reading)
{
    ngx_int_t                rc;
    ngx_http_agw_position_t  known;

    if (feed->link == NULL) {
        feed->link = ngx_http_agw_redis_link_create(feed->worker,
                         "revocations", ngx_http_agw_redis_feed_connected,
                         feed, feed->worker->log);
        if (feed->link == NULL) {
            return NGX_ERROR;
        }
    }

    reading->more = 0;
    reading->restarted = 0;
    reading->other_store = 0;
    reading->saved = 0;

    if (feed->replica != NULL) {
        known = reading->position;

        rc = ngx_http_agw_redis_feed_saved(feed, reading);

        if (rc != NGX_DECLINED) {
            return rc;
        }

        /* what is known is read again, what is new beside it */

        if (reading->position.stamp < known.stamp) {
            ngx_http_agw_redis_tail_begin(&feed->tail, &known);
        }
    }

    /* the beginning, whatever it was before */

    if (reading->position.stamp == 0) {
        reading->position.mark = 0;
        reading->position.mark_tag = 0;
    }

    if (feed->ahead
        && ngx_memcmp(&feed->position, &reading->position,
                      sizeof(ngx_http_agw_position_t))
           != 0)
    {
        ngx_http_agw_redis_feed_cancel(feed);
    }

    if (!feed->ahead
        && ngx_http_agw_redis_feed_send(feed, &reading->position) != NGX_OK)
    {
        ngx_http_agw_redis_saved_instead(&feed->saved, reading);
        return NGX_ERROR;
    }

    feed->ahead = 0;
    feed->reading = reading;
    feed->tail.reading = reading;

    return NGX_AGAIN;
}


/*
 * It may be another server.  One that has the entry of our position may lack
 * what this node has written since.
 */

static void
ngx_http_agw_redis_feed_connected(void *data)
{
    ngx_http_agw_redis_feed_t  *feed = data;

    if (feed->replica != NULL) {
        ngx_http_agw_redis_heal_begin(feed->heal);
    }
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
    feed->known = feed->worker->known;
    feed->count = feed->page;
    feed->position = *position;

    ngx_http_agw_redis_script_look(&args, prefix, position,
                                   &feed->seen.previous);

    if (ngx_http_agw_redis_send(feed->link, &feed->look, args.argc, args.argv,
                                args.argvlen)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_agw_redis_xread(&args, prefix, position, feed->page, feed->block);

    if (ngx_http_agw_redis_tail_send(&feed->tail, feed->link) != NGX_OK
        || ngx_http_agw_redis_send(feed->link, &feed->xread, args.argc,
                                   args.argv, args.argvlen)
           != NGX_OK)
    {
        ngx_http_agw_redis_tail_cancel(&feed->tail);
        ngx_http_agw_redis_cancel(&feed->look);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* what the replica has comes first; NGX_DECLINED after that; NGX_BUSY */

static ngx_int_t
ngx_http_agw_redis_feed_saved(ngx_http_agw_redis_feed_t *feed,
    ngx_http_agw_reading_t *reading)
{
    ngx_int_t  rc;

    if (ngx_http_agw_redis_replica_has_gap(feed->replica)) {
        ngx_http_agw_redis_replica_resume(feed->replica);
        ngx_http_agw_redis_saved_again(&feed->saved);
    }

    if (feed->saved.stage == NGX_HTTP_AGW_REDIS_SAVED_UNREAD) {
        ngx_http_agw_redis_heal_begin(feed->heal);
    }

    rc = ngx_http_agw_redis_saved_read(&feed->saved, reading);

    if (rc == NGX_ERROR) {
        ngx_http_agw_redis_replica_lose(feed->replica);
    }

    return rc == NGX_ERROR ? NGX_DECLINED : rc;
}


void
ngx_http_agw_redis_feed_stop(ngx_http_agw_redis_feed_t *feed)
{
    ngx_http_agw_redis_feed_cancel(feed);
    ngx_http_agw_redis_tail_end(&feed->tail);

    ngx_memzero(&feed->seen, sizeof(ngx_http_agw_redis_seen_t));

    if (feed->replica != NULL) {
        ngx_http_agw_redis_saved_again(&feed->saved);
    }
}


void
ngx_http_agw_redis_feed_written(ngx_http_agw_redis_feed_t *feed,
    const agw_revocation_t *revocation)
{
    if (feed->replica == NULL) {
        return;
    }

    /* a worker that does not follow has no position to go back to */

    if (feed->saved.stage == NGX_HTTP_AGW_REDIS_SAVED_UNREAD
        && ngx_http_agw_redis_replica_has_gap(feed->replica))
    {
        ngx_http_agw_redis_replica_resume(feed->replica);
    }

    ngx_http_agw_redis_replica_put(feed->replica, revocation,
                                   NGX_HTTP_AGW_REDIS_WRITTEN);
    ngx_http_agw_redis_replica_flush(feed->replica);
}


static void
ngx_http_agw_redis_feed_cancel(ngx_http_agw_redis_feed_t *feed)
{
    feed->reading = NULL;
    feed->ahead = 0;

    ngx_http_agw_redis_tail_cancel(&feed->tail);
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
    ngx_int_t                 rc;
    ngx_http_agw_reading_t   *reading;
    ngx_http_agw_position_t  *position;

    reading = feed->reading;
    position = &reading->position;

    feed->looked = feed->seen;

    rc = ngx_http_agw_redis_look(reply, reading, feed->worker, &feed->looked);

    if (rc != NGX_ERROR && reading->last_stamp < feed->known) {
        ngx_http_agw_redis_link_reset(feed->link, "its last stamp is below "
                                      "what this node knows, and is raised");
        return NGX_ERROR;
    }

    if (rc != NGX_DECLINED) {
        return rc;
    }

    /* from the beginning: it is what XREAD was asked for, or is asked next */

    feed->restart = (position->stamp != 0 || position->mark != 0);
    reading->restarted = 1;

    if (feed->replica != NULL) {
        ngx_http_agw_redis_heal_begin(feed->heal);
    }

    return NGX_OK;
}


static void
ngx_http_agw_redis_feed_arrived(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    ngx_http_agw_redis_feed_t  *feed = command->data;

    /* a reply that is too large ends the connection: fewer at a time then */

    if (reply == NULL && feed->page == 1) {
        ngx_http_agw_redis_page_unread(&feed->position, &feed->added.skips,
                                       &feed->worker->conf->shown,
                                       feed->worker->log);

    } else if (reply == NULL) {
        feed->page = ngx_max(feed->page / 8, 1);
    }

    if (feed->reading == NULL) {
        feed->ahead = 0;
        return;
    }

    if (feed->failed
        || ngx_http_agw_redis_failed(feed->worker, feed->link, reply, "XREAD",
                                     feed->reading->log))
    {
        ngx_http_agw_redis_feed_done(feed, NGX_ERROR);
        return;
    }

    ngx_http_agw_redis_feed_done(feed,
                                 ngx_http_agw_redis_feed_take(feed, reply));
}


static ngx_int_t
ngx_http_agw_redis_feed_take(ngx_http_agw_redis_feed_t *feed,
    const redisReply *reply)
{
    ngx_http_agw_reading_t     *reading;
    ngx_http_agw_position_t    *position, from;
    ngx_http_agw_redis_page_t   page;

    reading = feed->reading;
    position = &reading->position;
    from = *position;

    if (ngx_http_agw_redis_page(reply, position, &feed->looked.end,
                                reading->last_stamp, feed->count, &page)
        != NGX_OK)
    {
        return ngx_http_agw_redis_malformed(feed->worker, "XREAD",
                                            reading->log);
    }

    /* what is read late was not known in time */

    reading->more = feed->restart || !page.whole
                    || ngx_current_msec - feed->asked
                       > NGX_HTTP_AGW_REDIS_PATIENCE;
    feed->block = reading->more ? 0 : NGX_HTTP_AGW_REDIS_BLOCK;

    feed->seen = feed->looked;
    feed->seen.previous = *position;

    if (feed->replica != NULL && reading->restarted) {
        ngx_http_agw_redis_replica_restart(feed->replica);
    }

    /* what is new is read beside the rest; from the end, if it is overtaken */

    if (feed->restart) {
        ngx_http_agw_redis_tail_begin(&feed->tail, &page.next);

    } else if (!reading->more) {
        ngx_http_agw_redis_tail_end(&feed->tail);

    } else if (feed->tail.position.stamp <= position->stamp) {
        ngx_http_agw_redis_tail_begin(&feed->tail, &feed->looked.end);
    }

    /* Redis is at the next page while we add this one */

    if (reading->more && !feed->restart && page.entries != NULL) {
        feed->ahead = (ngx_http_agw_redis_feed_send(feed, &page.next)
                       == NGX_OK);
    }

    if (feed->restart) {
        (void) ngx_http_agw_redis_add(&feed->added, reading, page.entries);

        position->stamp = 0;
        position->mark = 0;
        position->mark_tag = 0;
        feed->seen.previous = *position;

    } else if (ngx_http_agw_redis_add(&feed->added, reading, page.entries)) {
        *position = page.next;

    } else {
        reading->more = 1;
    }

    feed->page = page.entries ? NGX_HTTP_AGW_REDIS_PAGE : feed->page;
    ngx_http_agw_redis_saved_passed(&feed->saved, reading);

    if (feed->replica != NULL) {
        ngx_http_agw_redis_feed_save(feed, &from, page.entries != NULL);
    }

    return NGX_OK;
}


/* to the replica, and at the end of the stream, what that lacks */

static void
ngx_http_agw_redis_feed_save(ngx_http_agw_redis_feed_t *feed,
    const ngx_http_agw_position_t *from, ngx_uint_t news)
{
    ngx_uint_t                   lacking, whole;
    ngx_http_agw_reading_t      *reading;
    ngx_http_agw_redis_state_t   state;

    reading = feed->reading;

    /* what is lacking is asked for after a reading */

    lacking = reading->more ? 0 : ngx_http_agw_redis_heal_due(feed->heal);

    if (ngx_http_agw_redis_heal_is_wanted(feed->heal)) {
        feed->block = ngx_min(feed->block, NGX_HTTP_AGW_REDIS_HEALING);
    }

    whole = !reading->more && !feed->saved.whole;

    if (!news && !lacking && !whole && !reading->restarted
        && ngx_current_msec - feed->saved_at < NGX_HTTP_AGW_REDIS_SAVE)
    {
        return;
    }

    feed->saved_at = ngx_current_msec;

    ngx_memzero(&state, sizeof(ngx_http_agw_redis_state_t));

    state.position = reading->position;
    state.floor = reading->floor;
    state.last = ngx_max(reading->last_stamp, feed->added.last);
    state.horizon = reading->horizon;
    state.written = ngx_time();
    state.whole = !reading->more;

    feed->saved.whole |= state.whole;

    ngx_http_agw_redis_replica_save(feed->replica, from, &state, lacking);
}


static void
ngx_http_agw_redis_feed_done(ngx_http_agw_redis_feed_t *feed, ngx_int_t rc)
{
    ngx_http_agw_reading_t  *reading;

    reading = feed->reading;
    feed->reading = NULL;
    feed->tail.reading = NULL;

    if (rc != NGX_OK) {
        feed->block = 0;
        ngx_http_agw_redis_saved_instead(&feed->saved, reading);
    }

    reading->done(reading, rc);
}
