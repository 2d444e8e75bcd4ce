
/*
 * Operations on records by their ids: one is read, or some are changed.
 */


#ifndef NGX_HTTP_AGW_REDIS_ADMIN_CHANGE_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_ADMIN_CHANGE_H_INCLUDED_


#include "ngx_http_agw_redis_work.h"


/* each ends the operation, now or later */

void ngx_http_agw_redis_admin_get(ngx_http_agw_redis_work_t *work);
void ngx_http_agw_redis_admin_change(ngx_http_agw_redis_work_t *work);
void ngx_http_agw_redis_admin_used(ngx_http_agw_redis_work_t *work);


#endif /* NGX_HTTP_AGW_REDIS_ADMIN_CHANGE_H_INCLUDED_ */
