
/*
 * The hashes that an operation reads and changes.
 */


#ifndef NGX_HTTP_AGW_REDIS_HASHES_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_HASHES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "agw_record.h"
#include "ngx_http_agw_redis_work.h"


typedef enum {
    NGX_HTTP_AGW_REDIS_HASH_PARTNER = 0,
    NGX_HTTP_AGW_REDIS_HASH_API_KEYS,        /* of a partner */
    NGX_HTTP_AGW_REDIS_HASH_JWKS,            /* likewise */
    NGX_HTTP_AGW_REDIS_HASH_CERTIFICATES,    /* likewise */
    NGX_HTTP_AGW_REDIS_HASH_USED,            /* of a partner: last_used_at */
    NGX_HTTP_AGW_REDIS_HASH_BUSINESS
} ngx_http_agw_redis_hash_kind_t;


typedef struct ngx_http_agw_redis_hash_s  ngx_http_agw_redis_hash_t;

struct ngx_http_agw_redis_hash_s {
    ngx_http_agw_redis_hash_kind_t   kind;
    agw_str_t                        id;
    ngx_uint_t                       number; /* among the hashes, from 0 */
    agw_str_t                        state;  /* tells whether it changed */
    ngx_array_t                      records;    /* agw_record_t */
    ngx_http_agw_redis_hash_t       *next;   /* private */
};


#define NGX_HTTP_AGW_REDIS_HASH_BUCKETS  256


typedef struct {
    ngx_http_agw_redis_work_t       *work;
    ngx_array_t                      list;   /* ngx_http_agw_redis_hash_t * */
    ngx_http_agw_redis_hash_t       *buckets[NGX_HTTP_AGW_REDIS_HASH_BUCKETS];
} ngx_http_agw_redis_hashes_t;


/* NULL if memory runs out */

ngx_http_agw_redis_hashes_t *ngx_http_agw_redis_hashes_create(
    ngx_http_agw_redis_work_t *work);


/* finds a hash, or adds it to what is to be read; NULL if memory runs out */

ngx_http_agw_redis_hash_t *ngx_http_agw_redis_hash(
    ngx_http_agw_redis_hashes_t *hashes, ngx_http_agw_redis_hash_kind_t kind,
    agw_str_t id);


/* the same: the one that a record is in */

ngx_http_agw_redis_hash_t *ngx_http_agw_redis_hash_of(
    ngx_http_agw_redis_hashes_t *hashes, const agw_record_t *record);


/* reads all of them, with their states if they may be changed: then next */

void ngx_http_agw_redis_hashes_send(ngx_http_agw_redis_hashes_t *hashes,
    ngx_uint_t change, ngx_http_agw_redis_work_pt next);


/*
 * Sets state and records, which point into the reply.  Returns NGX_OK;
 * NGX_DECLINED if the reply is malformed; NGX_ERROR if memory runs out.
 */

ngx_int_t ngx_http_agw_redis_hashes_read(ngx_http_agw_redis_hashes_t *hashes,
    const redisReply *reply);


/* adds all hashes as keys of a script, in their order */

void ngx_http_agw_redis_hashes_keys(ngx_http_agw_redis_hashes_t *hashes);


/* the record of a hash, or NULL: of credentials, the one with this member */

agw_record_t *ngx_http_agw_redis_hash_find(
    const ngx_http_agw_redis_hash_t *hash, unsigned member, agw_str_t value);


#endif /* NGX_HTTP_AGW_REDIS_HASHES_H_INCLUDED_ */
