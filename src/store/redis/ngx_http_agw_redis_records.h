
/*
 * A queue of entries in memory, each copied into blocks: a million takes a
 * hundred megabytes.
 */


#ifndef NGX_HTTP_AGW_REDIS_RECORDS_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_RECORDS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "agw_revoked_set.h"


typedef struct ngx_http_agw_redis_block_s  ngx_http_agw_redis_block_t;


/* kind may be 0: a mark; the id and a partner_id follow */

typedef struct {
    int64_t                      stamp;
    int64_t                      time;
    uint16_t                     id_len;
    uint8_t                      partner_len;
    uint8_t                      kind;
    uint8_t                      seen;
} ngx_http_agw_redis_record_t;


/* zeroed where it is empty; n blocks */

typedef struct {
    ngx_http_agw_redis_block_t  *first;
    ngx_http_agw_redis_block_t  *last;
    ngx_uint_t                   n;
} ngx_http_agw_redis_records_t;


/* NGX_OK, or NGX_ERROR if memory runs out */

ngx_int_t ngx_http_agw_redis_records_add(
    ngx_http_agw_redis_records_t *records, const agw_revocation_t *revocation,
    ngx_uint_t seen, ngx_log_t *log);


/* takes the next one, which is valid until the next call; NULL: none is left */

ngx_http_agw_redis_record_t *ngx_http_agw_redis_records_next(
    ngx_http_agw_redis_records_t *records);


/* the same, of records without a mark; NGX_OK, or NGX_DONE: none is left */

ngx_int_t ngx_http_agw_redis_records_entry(
    ngx_http_agw_redis_records_t *records, agw_revocation_t *revocation);

void ngx_http_agw_redis_records_free(ngx_http_agw_redis_records_t *records);


#endif /* NGX_HTTP_AGW_REDIS_RECORDS_H_INCLUDED_ */
