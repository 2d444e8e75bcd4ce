
/*
 * Healing: what the replica of this node has, and the stream has lost, is
 * written back.
 */


#ifndef NGX_HTTP_AGW_REDIS_HEAL_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_HEAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_redis_replica.h"


typedef struct ngx_http_agw_redis_heal_s  ngx_http_agw_redis_heal_t;


/* of a replica; NULL if memory runs out */

ngx_http_agw_redis_heal_t *ngx_http_agw_redis_heal_create(
    ngx_http_agw_redis_worker_t *worker,
    ngx_http_agw_redis_replica_t *replica);
void ngx_http_agw_redis_heal_close(ngx_http_agw_redis_heal_t *heal);


/* the stream may have lost something: it is looked at for a while */

void ngx_http_agw_redis_heal_begin(ngx_http_agw_redis_heal_t *heal);


/* whether it still is: then a look may be due soon */

ngx_uint_t ngx_http_agw_redis_heal_is_wanted(
    const ngx_http_agw_redis_heal_t *heal);


/*
 * How many entries to ask for that are lacking, with a save() after all was
 * read; 0: it is not due.  The answer goes to this file.
 */

ngx_uint_t ngx_http_agw_redis_heal_due(ngx_http_agw_redis_heal_t *heal);


#endif /* NGX_HTTP_AGW_REDIS_HEAL_H_INCLUDED_ */
