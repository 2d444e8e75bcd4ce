
/*
 * The feed meets these entries once more, where they are in the stream: nothing
 * here is a position to go on from.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_page.h"
#include "ngx_http_agw_redis_script.h"
#include "ngx_http_agw_redis_tail.h"


#define NGX_HTTP_AGW_REDIS_TAIL_PATIENCE  2000    /* ms */
#define NGX_HTTP_AGW_REDIS_TAIL_COUNT     256


static void ngx_http_agw_redis_tail_arrived(
    ngx_http_agw_redis_command_t *command, const redisReply *reply);


void
ngx_http_agw_redis_tail_begin(ngx_http_agw_redis_tail_t *tail,
    const ngx_http_agw_position_t *position)
{
    /* where it begins once more, what it has found is known already */

    if (tail->position.stamp < position->stamp) {
        tail->position = *position;
        tail->count = NGX_HTTP_AGW_REDIS_TAIL_COUNT;
    }
}


void
ngx_http_agw_redis_tail_end(ngx_http_agw_redis_tail_t *tail)
{
    ngx_http_agw_redis_tail_cancel(tail);
    ngx_memzero(&tail->position, sizeof(ngx_http_agw_position_t));
}


void
ngx_http_agw_redis_tail_cancel(ngx_http_agw_redis_tail_t *tail)
{
    ngx_http_agw_redis_cancel(&tail->command);

    tail->reading = NULL;
}


ngx_int_t
ngx_http_agw_redis_tail_send(ngx_http_agw_redis_tail_t *tail,
    ngx_http_agw_redis_link_t *link)
{
    ngx_http_agw_redis_args_t  args;

    if (tail->position.stamp == 0) {
        return NGX_OK;
    }

    tail->command.handler = ngx_http_agw_redis_tail_arrived;
    tail->command.data = tail;
    tail->command.timeout = NGX_HTTP_AGW_REDIS_TAIL_PATIENCE;
    tail->command.idle = 1;

    ngx_http_agw_redis_xread(&args, tail->added->worker->conf->prefix,
                             &tail->position, tail->count, 0);

    return ngx_http_agw_redis_send(link, &tail->command, args.argc, args.argv,
                                   args.argvlen);
}


static void
ngx_http_agw_redis_tail_arrived(ngx_http_agw_redis_command_t *command,
    const redisReply *reply)
{
    ngx_http_agw_redis_page_t   page;
    ngx_http_agw_redis_tail_t  *tail = command->data;

    /* it may be too large; the feed must come to that entry all the same */

    if (reply == NULL) {
        tail->count /= 16;

        if (tail->count == 0) {
            ngx_memzero(&tail->position, sizeof(ngx_http_agw_position_t));
        }

        return;
    }

    if (tail->reading == NULL) {
        return;
    }

    if (ngx_http_agw_redis_page(reply, &tail->position, &tail->position,
                                tail->reading->last_stamp, tail->count, &page)
        != NGX_OK)
    {
        return;
    }

    ngx_http_agw_redis_add_news(tail->added, tail->reading, page.entries);

    tail->position = page.next;
    tail->count = NGX_HTTP_AGW_REDIS_TAIL_COUNT;
}
