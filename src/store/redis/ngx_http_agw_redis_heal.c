
/*
 * Some entries at a time: they come back by the feed, which makes them known
 * to the replica, and then the next ones are looked for.  The script refuses
 * where another node has healed since we looked, so that one node at a time
 * does.
 *
 * What a worker has written is in the file a moment after it was answered, so
 * one look is not enough.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_directory.h"
#include "ngx_http_agw_redis_heal.h"
#include "ngx_http_agw_redis_reply.h"
#include "ngx_http_agw_redis_script.h"


#define NGX_HTTP_AGW_HEAL_WHILE   10000      /* ms of looking again */
#define NGX_HTTP_AGW_HEAL_EVERY   500        /* ms between two looks */
#define NGX_HTTP_AGW_HEAL_OTHER   100        /* ms where another node heals */


struct ngx_http_agw_redis_heal_s {
    ngx_http_agw_redis_worker_t   *worker;
    ngx_http_agw_redis_command_t   command;
    ngx_http_agw_redis_args_t      args;
    ngx_msec_t                     next;
    ngx_msec_t                     until;
    unsigned                       wanted:1;
    unsigned                       busy:1;
};


static void ngx_http_agw_redis_heal_lacking(void *data,
    ngx_http_agw_redis_replica_t *replica,
    const ngx_http_agw_position_t *position);
static void ngx_http_agw_redis_heal_done(ngx_http_agw_redis_command_t *command,
    const redisReply *reply);


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
    heal->wanted = 1;
    heal->next = ngx_current_msec;
    heal->until = ngx_current_msec + NGX_HTTP_AGW_HEAL_WHILE;
}


ngx_uint_t
ngx_http_agw_redis_heal_is_due(ngx_http_agw_redis_heal_t *heal)
{
    if (!heal->wanted || heal->busy
        || (ngx_msec_int_t) (ngx_current_msec - heal->next) < 0)
    {
        return 0;
    }

    /* the next look is due where this one is not answered */

    heal->next = ngx_current_msec + NGX_HTTP_AGW_HEAL_EVERY;

    return 1;
}


static void
ngx_http_agw_redis_heal_lacking(void *data,
    ngx_http_agw_redis_replica_t *replica,
    const ngx_http_agw_position_t *position)
{
    ngx_uint_t                  n;
    agw_revocation_t            revocation;
    ngx_http_agw_redis_heal_t  *heal = data;

    if (heal->busy || heal->worker->directory == NULL
        || heal->worker->directory->link == NULL)
    {
        return;
    }

    ngx_http_agw_redis_script_heal(&heal->args, heal->worker->conf->prefix,
                                   position, heal->worker->known);

    n = 0;

    while (ngx_http_agw_redis_replica_next(replica, &revocation) == NGX_OK
           && ngx_http_agw_redis_script_heal_add(&heal->args, &revocation)
              == NGX_OK)
    {
        n++;
    }

    if (n == 0) {
        if ((ngx_msec_int_t) (ngx_current_msec - heal->until) >= 0) {
            heal->wanted = 0;
        }

        return;
    }

    if (ngx_http_agw_redis_send(heal->worker->directory->link, &heal->command,
                                heal->args.argc, heal->args.argv,
                                heal->args.argvlen)
        == NGX_OK)
    {
        heal->busy = 1;
    }
}


static void
ngx_http_agw_redis_heal_done(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    ngx_http_agw_redis_heal_t  *heal = command->data;

    heal->busy = 0;

    if (ngx_http_agw_redis_failed(heal->worker, heal->worker->directory->link,
                                  reply, "healing", heal->worker->log))
    {
        return;
    }

    if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0) {
        heal->next = ngx_current_msec + NGX_HTTP_AGW_HEAL_OTHER;
        return;
    }

    heal->next = ngx_current_msec;

    if (reply->integer != 0) {
        ngx_log_error(NGX_LOG_NOTICE, heal->worker->log, 0,
                      "auth_gateway: store \"%V\" had lost revocations: %L of "
                      "them were written back from replica \"%V\"",
                      &heal->worker->conf->shown, (int64_t) reply->integer,
                      &heal->worker->conf->replica);
    }
}
