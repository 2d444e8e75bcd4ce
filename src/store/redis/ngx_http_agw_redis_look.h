
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
 * What a look compares the stream with: the position before the last one, since
 * the stream may have been emptied, and gone on, while XREAD waited; and its
 * first entry, which goes only where the floor is raised above its stamp.
 * Zeroed before the first look, and where positions do not follow each other.
 */

typedef struct {
    ngx_http_agw_position_t    previous;     /* stamp 0: none */
    ngx_http_agw_position_t    first;        /* likewise; without its tag */
    int64_t                    first_stamp;  /* of the entry; 0: unknown */
    ngx_http_agw_position_t    end;          /* of the last entry */
} ngx_http_agw_redis_seen_t;


/*
 * Sets last_stamp, floor, horizon and ahead of the reading, first and end of
 * seen.  A stamp that is years ahead of what is known is malformed, since no
 * later one would be lower.  Returns NGX_OK if the stream has the entries of
 * reading->position and seen->previous, where they are not the beginning, and
 * still begins where it did; NGX_DECLINED if it is another one, or has lost
 * entries: reading->position then has its id; or NGX_ERROR, logged, if the
 * answer is malformed.
 */

ngx_int_t ngx_http_agw_redis_look(const redisReply *reply,
    ngx_http_agw_reading_t *reading, const ngx_http_agw_redis_worker_t *worker,
    ngx_http_agw_redis_seen_t *seen);


#endif /* NGX_HTTP_AGW_REDIS_LOOK_H_INCLUDED_ */
