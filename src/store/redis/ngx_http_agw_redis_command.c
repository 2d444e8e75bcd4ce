
/*
 * Whoever waits may go away first, so a queue is not of commands but of slots.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <openssl/crypto.h>

#include "ngx_http_agw_redis_command.h"


static void ngx_http_agw_redis_slot_free(ngx_http_agw_redis_slot_t *slot);


void
ngx_http_agw_redis_cancel(ngx_http_agw_redis_command_t *command)
{
    ngx_http_agw_redis_slot_t  *slot;

    slot = command->slot;

    if (slot == NULL) {
        return;
    }

    command->slot = NULL;
    slot->command = NULL;

    if (slot->held) {
        (*slot->held)--;
        slot->held = NULL;
    }
}


ngx_http_agw_redis_slot_t *
ngx_http_agw_redis_slot_create(ngx_http_agw_redis_command_t *command,
    ngx_uint_t argc, const char **argv, const size_t *argvlen, ngx_log_t *log)
{
    long long                   len;
    ngx_http_agw_redis_slot_t  *slot;

    slot = ngx_calloc(sizeof(ngx_http_agw_redis_slot_t), log);
    if (slot == NULL) {
        return NULL;
    }

    /* an int in hiredis 0.14, a long long in 1.x */

    len = redisFormatCommandArgv(&slot->text, (int) argc, argv, argvlen);

    if (len < 0) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: a command for Redis has no memory");
        ngx_free(slot);
        return NULL;
    }

    slot->len = (size_t) len;
    slot->command = command;
    slot->deadline = ngx_current_msec
                     + (command->timeout ? command->timeout
                                         : NGX_HTTP_AGW_REDIS_TIMEOUT);
    command->slot = slot;

    return slot;
}


void
ngx_http_agw_redis_slot_push(ngx_http_agw_redis_slot_t *slot,
    ngx_queue_t *queue, ngx_uint_t *held)
{
    ngx_queue_insert_tail(queue, &slot->queue);

    if (slot->command && !slot->command->idle) {
        slot->held = held;
        (*held)++;
    }
}


void
ngx_http_agw_redis_slot_remove(ngx_http_agw_redis_slot_t *slot)
{
    ngx_queue_remove(&slot->queue);

    if (slot->held) {
        (*slot->held)--;
        slot->held = NULL;
    }
}


void
ngx_http_agw_redis_slot_sent(ngx_http_agw_redis_slot_t *slot)
{
    if (slot->text == NULL) {
        return;
    }

    OPENSSL_cleanse(slot->text, slot->len);
    redisFreeCommand(slot->text);
    slot->text = NULL;
}


void
ngx_http_agw_redis_slot_finish(ngx_http_agw_redis_slot_t *slot,
    const redisReply *reply)
{
    ngx_http_agw_redis_command_t  *command;

    command = slot->command;

    ngx_http_agw_redis_slot_free(slot);

    if (command) {
        command->slot = NULL;
        command->handler(command, reply);
    }
}


static void
ngx_http_agw_redis_slot_free(ngx_http_agw_redis_slot_t *slot)
{
    ngx_http_agw_redis_slot_sent(slot);
    ngx_free(slot);
}


void
ngx_http_agw_redis_slots_end(ngx_queue_t *queue, ngx_uint_t forget)
{
    ngx_queue_t                *q, all;
    ngx_http_agw_redis_slot_t  *slot;

    if (ngx_queue_empty(queue)) {
        return;
    }

    ngx_queue_init(&all);
    ngx_queue_add(&all, queue);
    ngx_queue_init(queue);

    /* a handler may cancel others of them, which stay in the queue */

    while (!ngx_queue_empty(&all)) {
        q = ngx_queue_head(&all);
        slot = ngx_queue_data(q, ngx_http_agw_redis_slot_t, queue);

        ngx_http_agw_redis_slot_remove(slot);

        if (forget && slot->command) {
            ngx_http_agw_redis_cancel(slot->command);
        }

        ngx_http_agw_redis_slot_finish(slot, NULL);
    }
}
