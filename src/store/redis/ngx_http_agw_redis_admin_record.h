
/*
 * Records, as hashes of Redis have them.  The strings of a record point into
 * the reply, save those of an API key, which are from pool.
 */


#ifndef NGX_HTTP_AGW_REDIS_ADMIN_RECORD_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_ADMIN_RECORD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <hiredis/hiredis.h>

#include "agw_record.h"


/*
 * A partner or a business: NGX_OK, or NGX_DECLINED if the hash is none.  What
 * no operation writes counts as that which allows less: a status that is not
 * "active" is the other one, scopes that are malformed are none.
 */

ngx_int_t ngx_http_agw_redis_admin_record(agw_record_kind_t kind, agw_str_t id,
    const redisReply *flat, agw_record_t *record);


/*
 * Adds the credentials of one kind of a partner to records, in the order of
 * their ids; used is for API keys, and may be NULL.  One that is malformed is
 * counted in *malformed instead.  Returns NGX_OK or NGX_ERROR.
 */

ngx_int_t ngx_http_agw_redis_admin_record_credentials(ngx_pool_t *pool,
    agw_record_kind_t kind, agw_str_t partner_id, const redisReply *flat,
    const redisReply *used, ngx_array_t *records, ngx_uint_t *malformed);


/* the JSON of an API key, to be given to free(); NULL if memory runs out */

char *ngx_http_agw_redis_admin_record_json(const agw_record_t *record);


#endif /* NGX_HTTP_AGW_REDIS_ADMIN_RECORD_H_INCLUDED_ */
