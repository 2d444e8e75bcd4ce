
/*
 * What a reply holds: its shape is the server's, and each type is checked.
 */


#ifndef NGX_HTTP_AGW_REDIS_REPLY_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_REPLY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "agw.h"
#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_redis_link.h"


/* the n-th element of an array, or NULL if there is none */

const redisReply *ngx_http_agw_redis_element(const redisReply *reply,
    ngx_uint_t n);


/* a string, borrowed; empty, without data, if it is none; whether it is nil */

agw_str_t ngx_http_agw_redis_string(const redisReply *reply);
ngx_uint_t ngx_http_agw_redis_is_nil(const redisReply *reply);

/* whether it is a field of a hash: a string, or nil */

ngx_uint_t ngx_http_agw_redis_is_field(const redisReply *reply);


/* whether it is an error that begins with this word; NULL is none */

ngx_uint_t ngx_http_agw_redis_is_error(const redisReply *reply,
    const char *word);


/*
 * A copy of a partner's list of scopes; empty if it is malformed: then it
 * allows nothing.  Returns NGX_OK, or NGX_ERROR if memory ran out.
 */

ngx_int_t ngx_http_agw_redis_scopes(ngx_pool_t *pool, const redisReply *reply,
    agw_str_t *scopes);


/*
 * A decimal integer from 0 to AGW_STAMP_MAX, as a string or an integer.
 * Returns NGX_OK or NGX_ERROR.
 */

ngx_int_t ngx_http_agw_redis_whole(const redisReply *reply, int64_t *n);
ngx_int_t ngx_http_agw_redis_digits(agw_str_t text, int64_t *n);


/* an epoch, which is not 0; or 0 if it is malformed */

uint64_t ngx_http_agw_redis_epoch(const redisReply *reply);


/*
 * Whether a script has failed: no reply, which the link logs; or an error,
 * which is logged here, with what was to be done, and where it is about the
 * server, the link was reset.
 */

ngx_uint_t ngx_http_agw_redis_failed(ngx_http_agw_redis_worker_t *worker,
    ngx_http_agw_redis_link_t *link, const redisReply *reply,
    const char *what, ngx_log_t *log);


/*
 * Logs what is wrong: a reply to something; a key, which a node makes anew; the
 * last stamp.  Returns NGX_ERROR.
 */

ngx_int_t ngx_http_agw_redis_malformed(
    const ngx_http_agw_redis_worker_t *worker, const char *what,
    ngx_log_t *log);
ngx_int_t ngx_http_agw_redis_malformed_key(
    const ngx_http_agw_redis_worker_t *worker, const char *key,
    ngx_log_t *log);
ngx_int_t ngx_http_agw_redis_years_ahead(
    const ngx_http_agw_redis_worker_t *worker, int64_t stamp,
    ngx_log_t *log);


#endif /* NGX_HTTP_AGW_REDIS_REPLY_H_INCLUDED_ */
