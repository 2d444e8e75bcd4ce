
/*
 * The answer to a look at the stream.
 */


#ifndef NGX_HTTP_AGW_REDIS_LOOK_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_LOOK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_link.h"
#include "ngx_http_agw_store_revocations.h"


/*
 * Sets last_stamp, floor, horizon and ahead of the reading.  known is the
 * highest stamp that this node knows, or 0: one that is years ahead of it is
 * malformed, since no later one would be lower.  Returns NGX_OK if the
 * stream has the entry of reading->position, or that is the beginning;
 * NGX_DECLINED if the stream is another one, whose id reading->position then
 * has; or NGX_ERROR if the answer is malformed.  Sets end to the position of
 * the last entry of the stream.
 */

ngx_int_t ngx_http_agw_redis_look(const redisReply *reply,
    ngx_http_agw_reading_t *reading, int64_t known,
    ngx_http_agw_position_t *end);


#endif /* NGX_HTTP_AGW_REDIS_LOOK_H_INCLUDED_ */
