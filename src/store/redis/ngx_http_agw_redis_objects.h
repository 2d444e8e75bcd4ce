
/*
 * What hiredis's reader makes of a reply: the same objects as those of its own
 * functions, in blocks of memory that are freed together.  A page of the
 * revocations has 26,000 of them.
 */


#ifndef NGX_HTTP_AGW_REDIS_OBJECTS_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_OBJECTS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <hiredis/hiredis.h>


typedef struct ngx_http_agw_redis_objects_block_s
    ngx_http_agw_redis_objects_block_t;


/* zeroed, and log set, before the first reply; it stays where it is */

typedef struct {
    ngx_http_agw_redis_objects_block_t  *first;
    ngx_http_agw_redis_objects_block_t  *current;    /* NULL: no reply yet */
    ngx_log_t                           *log;
} ngx_http_agw_redis_objects_t;


/*
 * A reader whose replies are in objects, or NULL.  Each is valid until
 * _clear(), and is not freed by freeReplyObject().
 */

redisReader *ngx_http_agw_redis_objects_reader(
    ngx_http_agw_redis_objects_t *objects);


/* whether the last replies were long */

ngx_uint_t ngx_http_agw_redis_objects_are_many(
    const ngx_http_agw_redis_objects_t *objects);


/* forgets the reply; frees all */

void ngx_http_agw_redis_objects_clear(ngx_http_agw_redis_objects_t *objects);
void ngx_http_agw_redis_objects_free(ngx_http_agw_redis_objects_t *objects);


#endif /* NGX_HTTP_AGW_REDIS_OBJECTS_H_INCLUDED_ */
