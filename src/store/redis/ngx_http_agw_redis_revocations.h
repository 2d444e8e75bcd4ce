
/*
 * The store's interface ngx_http_agw_store_revocations.h over Redis.
 */


#ifndef NGX_HTTP_AGW_REDIS_REVOCATIONS_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_REVOCATIONS_H_INCLUDED_


#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_store_engine.h"


extern const ngx_http_agw_revocations_engine_t  ngx_http_agw_redis_revocations;


/* in a worker, after the fork, and when it exits */

void ngx_http_agw_redis_revocations_open(ngx_http_agw_redis_worker_t *worker);
void ngx_http_agw_redis_revocations_close(ngx_http_agw_redis_worker_t *worker);


#endif /* NGX_HTTP_AGW_REDIS_REVOCATIONS_H_INCLUDED_ */
