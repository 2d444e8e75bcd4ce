
/*
 * The store's interface ngx_http_agw_store_admin.h over Redis.
 */


#ifndef NGX_HTTP_AGW_REDIS_ADMIN_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_ADMIN_H_INCLUDED_


#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_store_engine.h"


extern const ngx_http_agw_admin_engine_t  ngx_http_agw_redis_admin;


/* when the worker exits */

void ngx_http_agw_redis_admin_close(ngx_http_agw_redis_worker_t *worker);


#endif /* NGX_HTTP_AGW_REDIS_ADMIN_H_INCLUDED_ */
