
/*
 * The store's interface ngx_http_agw_store_revocations.h over Redis.
 */


#ifndef NGX_HTTP_AGW_REDIS_REVOCATIONS_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_REVOCATIONS_H_INCLUDED_


#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_store_engine.h"


#define NGX_HTTP_AGW_REDIS_WAIT      800     /* ms for the replicas */
#define NGX_HTTP_AGW_REDIS_WAITED    1500    /* ms for that reply */


extern const ngx_http_agw_revocations_engine_t  ngx_http_agw_redis_revocations;


/* in a worker, after the fork, and when it exits */

void ngx_http_agw_redis_revocations_open(ngx_http_agw_redis_worker_t *worker);
void ngx_http_agw_redis_revocations_close(ngx_http_agw_redis_worker_t *worker);


/* an entry that this worker has written: the stream may yet lose it */

void ngx_http_agw_redis_revocations_written(
    ngx_http_agw_redis_worker_t *worker, const agw_revocation_t *revocation);


#endif /* NGX_HTTP_AGW_REDIS_REVOCATIONS_H_INCLUDED_ */
