
/*
 * What an operation makes of the records that were read.
 */


#ifndef NGX_HTTP_AGW_REDIS_ADMIN_DECIDE_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_ADMIN_DECIDE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_hashes.h"
#include "ngx_http_agw_redis_todo.h"


/* adds the hashes that a record is in, and that of its partner */

void ngx_http_agw_redis_admin_hashes(ngx_http_agw_redis_hashes_t *hashes,
    const agw_record_t *record);


/* the stored record that has the ids of this one, or NULL */

agw_record_t *ngx_http_agw_redis_admin_find(
    ngx_http_agw_redis_hashes_t *hashes, const agw_record_t *record);


/* whether there is no such partner; its hash was read */

ngx_uint_t ngx_http_agw_redis_admin_no_partner(
    ngx_http_agw_redis_hashes_t *hashes, agw_str_t partner_id);


/*
 * Sets the result of the operation.  Returns NGX_OK, and todo has what is to
 * be written; NGX_DECLINED if nothing is; NGX_ERROR if memory runs out.
 * work->data is the hashes.
 */

ngx_int_t ngx_http_agw_redis_admin_decide(ngx_http_agw_redis_work_t *work,
    ngx_http_agw_redis_todo_t *todo);


#endif /* NGX_HTTP_AGW_REDIS_ADMIN_DECIDE_H_INCLUDED_ */
