
/*
 * The replica is asked for what is lacking, and that is written in a row: first
 * what other nodes may not know.  It comes back by the feed, which makes it
 * known to the replica, and then the next ones are looked for.  The script
 * refuses where another node has healed since we looked, so that one node at a
 * time does.  The first turns are short, and there is a rest after each: so
 * each node soon has a turn with what it alone knows.
 *
 * What a worker has written is in the file a moment after it was answered, so
 * one look is not enough.  Where the disk fails, it is there much later: so
 * there is a look now and then, whether something may be lost or not.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_directory.h"
#include "ngx_http_agw_redis_entry.h"
#include "ngx_http_agw_redis_heal.h"
#include "ngx_http_agw_redis_reply.h"
#include "ngx_http_agw_redis_script.h"


#define NGX_HTTP_AGW_HEAL_WHILE   10000      /* ms of looking again */
#define NGX_HTTP_AGW_HEAL_EVERY   500        /* ms between two looks */
#define NGX_HTTP_AGW_HEAL_REST    100        /* ms after a turn */
#define NGX_HTTP_AGW_HEAL_OTHER   50         /* ms where another node heals */

/* entries of a turn: of the first, and at most; each has four times the last */

#define NGX_HTTP_AGW_HEAL_FIRST   NGX_HTTP_AGW_REDIS_HEALED
#define NGX_HTTP_AGW_HEAL_MOST    16384


struct ngx_http_agw_redis_heal_s {
    ngx_http_agw_redis_worker_t   *worker;
    ngx_http_agw_redis_command_t   command;
    ngx_http_agw_redis_args_t      args;

    ngx_http_agw_redis_records_t   turn;     /* what is left of it */
    ngx_http_agw_position_t        since;    /* nobody else has healed */
    ngx_uint_t                     written;  /* in this turn */
    ngx_uint_t                     size;     /* of the next one */

    ngx_msec_t                     next;
    ngx_msec_t                     until;
    unsigned                       wanted:1;
    unsigned                       asked:1;  /* for this, and not before */
    unsigned                       busy:1;   /* a command was sent */
};


static void ngx_http_agw_redis_heal_lacking(void *data,
    ngx_http_agw_redis_records_t *found,
    const ngx_http_agw_position_t *position);
static ngx_int_t ngx_http_agw_redis_heal_send(
    ngx_http_agw_redis_heal_t *heal);
static void ngx_http_agw_redis_heal_done(ngx_http_agw_redis_command_t *command,
    const redisReply *reply);
static void ngx_http_agw_redis_heal_end(ngx_http_agw_redis_heal_t *heal,
    ngx_msec_t rest);


ngx_http_agw_redis_heal_t *
ngx_http_agw_redis_heal_create(ngx_http_agw_redis_worker_t *worker,
    ngx_http_agw_redis_replica_t *replica)
{
    ngx_http_agw_redis_heal_t  *heal;

    heal = ngx_pcalloc(worker->pool, sizeof(ngx_http_agw_redis_heal_t));
    if (heal == NULL) {
        return NULL;
    }

    heal->worker = worker;
    heal->command.handler = ngx_http_agw_redis_heal_done;
    heal->command.data = heal;
    heal->command.idle = 1;

    ngx_http_agw_redis_replica_set_lacking(replica,
                                           ngx_http_agw_redis_heal_lacking,
                                           heal);

    return heal;
}


void
ngx_http_agw_redis_heal_begin(ngx_http_agw_redis_heal_t *heal)
{
    /* the rest of a turn waits: something else may be lacking now */

    ngx_http_agw_redis_records_free(&heal->turn);

    heal->wanted = 1;
    heal->asked = 0;
    heal->size = NGX_HTTP_AGW_HEAL_FIRST;
    heal->next = ngx_current_msec;
    heal->until = ngx_current_msec + NGX_HTTP_AGW_HEAL_WHILE;
}


void
ngx_http_agw_redis_heal_close(ngx_http_agw_redis_heal_t *heal)
{
    ngx_http_agw_redis_records_free(&heal->turn);
}


ngx_uint_t
ngx_http_agw_redis_heal_is_wanted(const ngx_http_agw_redis_heal_t *heal)
{
    return heal->wanted;
}


ngx_uint_t
ngx_http_agw_redis_heal_due(ngx_http_agw_redis_heal_t *heal)
{
    if (heal->busy || (ngx_msec_int_t) (ngx_current_msec - heal->next) < 0) {
        return 0;
    }

    heal->asked = 1;

    /* the next look is due where this one is not answered */

    heal->next = ngx_current_msec + (heal->wanted ? NGX_HTTP_AGW_HEAL_EVERY
                                                  : NGX_HTTP_AGW_HEAL_WHILE);

    return heal->wanted ? heal->size : NGX_HTTP_AGW_HEAL_FIRST;
}


static void
ngx_http_agw_redis_heal_lacking(void *data,
    ngx_http_agw_redis_records_t *found,
    const ngx_http_agw_position_t *position)
{
    ngx_http_agw_redis_heal_t  *heal = data;

    if (heal->busy || !heal->asked) {
        return;
    }

    heal->asked = 0;

    if (found->n == 0) {
        if ((ngx_msec_int_t) (ngx_current_msec - heal->until) >= 0) {
            heal->wanted = 0;
        }

        return;
    }

    if (!heal->wanted) {
        ngx_http_agw_redis_heal_begin(heal);
    }

    heal->turn = *found;
    heal->since = *position;
    heal->written = 0;

    ngx_memzero(found, sizeof(ngx_http_agw_redis_records_t));

    if (ngx_http_agw_redis_heal_send(heal) != NGX_OK) {
        ngx_http_agw_redis_heal_end(heal, NGX_HTTP_AGW_HEAL_EVERY);
    }
}


/* the next ones of the turn; NGX_DONE if there are none */

static ngx_int_t
ngx_http_agw_redis_heal_send(ngx_http_agw_redis_heal_t *heal)
{
    ngx_uint_t        n;
    agw_revocation_t  revocation;

    if (heal->worker->directory == NULL
        || heal->worker->directory->link == NULL)
    {
        return NGX_ERROR;
    }

    ngx_http_agw_redis_script_heal(&heal->args, heal->worker->conf->prefix,
                                   &heal->since, heal->worker->known);

    n = 0;

    while (ngx_http_agw_redis_script_heal_has_room(&heal->args)
           && ngx_http_agw_redis_records_entry(&heal->turn, &revocation)
              == NGX_OK)
    {
        ngx_http_agw_redis_script_heal_add(&heal->args, &revocation);
        n++;
    }

    if (n == 0) {
        return NGX_DONE;
    }

    if (ngx_http_agw_redis_send(heal->worker->directory->link, &heal->command,
                                heal->args.argc, heal->args.argv,
                                heal->args.argvlen)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    heal->busy = 1;

    return NGX_OK;
}


static void
ngx_http_agw_redis_heal_done(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    int64_t                     written;
    ngx_http_agw_redis_heal_t  *heal = command->data;

    heal->busy = 0;

    if (ngx_http_agw_redis_failed(heal->worker, heal->worker->directory->link,
                                  reply, "healing", heal->worker->log))
    {
        ngx_http_agw_redis_heal_end(heal, NGX_HTTP_AGW_HEAL_EVERY);
        return;
    }

    if (reply->type == REDIS_REPLY_INTEGER) {
        ngx_http_agw_redis_heal_end(heal, NGX_HTTP_AGW_HEAL_OTHER);
        return;
    }

    if (ngx_http_agw_redis_entry_id(reply, &heal->since.stamp,
                                    &heal->since.mark)
        != NGX_OK
        || ngx_http_agw_redis_whole(ngx_http_agw_redis_element(reply, 1),
                                    &written)
           != NGX_OK)
    {
        (void) ngx_http_agw_redis_malformed(heal->worker, "healing",
                                            heal->worker->log);
        ngx_http_agw_redis_heal_end(heal, NGX_HTTP_AGW_HEAL_EVERY);
        return;
    }

    heal->written += (ngx_uint_t) written;

    if (ngx_http_agw_redis_heal_send(heal) != NGX_OK) {
        ngx_http_agw_redis_heal_end(heal, NGX_HTTP_AGW_HEAL_REST);
    }
}


static void
ngx_http_agw_redis_heal_end(ngx_http_agw_redis_heal_t *heal, ngx_msec_t rest)
{
    ngx_http_agw_redis_records_free(&heal->turn);

    heal->next = ngx_current_msec + rest;

    if (heal->written == 0) {
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, heal->worker->log, 0,
                  "auth_gateway: store \"%V\" had lost revocations: %ui of "
                  "them were written back from replica \"%V\"",
                  &heal->worker->conf->shown, heal->written,
                  &heal->worker->conf->replica);

    heal->written = 0;
    heal->size = ngx_min(4 * heal->size, NGX_HTTP_AGW_HEAL_MOST);
}
