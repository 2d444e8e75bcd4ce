
/*
 * Operations that list records.
 */


#ifndef NGX_HTTP_AGW_REDIS_ADMIN_PAGES_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_ADMIN_PAGES_H_INCLUDED_


#include "ngx_http_agw_redis_work.h"


/* LIST and EXPORT; ends the operation, now or later */

void ngx_http_agw_redis_admin_list(ngx_http_agw_redis_work_t *work);


#endif /* NGX_HTTP_AGW_REDIS_ADMIN_PAGES_H_INCLUDED_ */
