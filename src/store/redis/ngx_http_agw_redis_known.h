
/*
 * The last stamp that a worker knows.  It is told to each server, so that none
 * gives a lower one: a stamp that is years ahead must not become known.
 */


#ifndef NGX_HTTP_AGW_REDIS_KNOWN_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_KNOWN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis.h"


/*
 * Whether a stamp is years ahead of what the node knows: of known, which may be
 * 0, and of what the worker knows itself.
 */

ngx_uint_t ngx_http_agw_redis_is_ahead(
    const ngx_http_agw_redis_worker_t *worker, int64_t known, int64_t stamp);


/*
 * A server has said that this is its last stamp.  It may be lost before the
 * feed tells that, and it is the stamp of tokens already: the next server has
 * to go on from it.  What a worker hears first has nothing to be compared with:
 * it becomes known once another handshake has confirmed it.
 */

void ngx_http_agw_redis_hear(ngx_http_agw_redis_worker_t *worker,
    int64_t stamp);


#endif /* NGX_HTTP_AGW_REDIS_KNOWN_H_INCLUDED_ */
