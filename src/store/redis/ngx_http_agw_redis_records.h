
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


/* id and partner_id follow; kind is 0: a mark, the stamp is its number */

typedef struct {
    int64_t                      stamp;
    int64_t                      time;
    uint16_t                     id_len;
    uint8_t                      partner_len;
    uint8_t                      kind;
} ngx_http_agw_redis_record_t;


/* zeroed where it is empty; n blocks */

typedef struct {
    ngx_http_agw_redis_block_t  *first;
    ngx_http_agw_redis_block_t  *last;
    ngx_uint_t                   n;
} ngx_http_agw_redis_records_t;


typedef struct {
    ngx_http_agw_redis_block_t  *block;
    size_t                       read;
} ngx_http_agw_redis_place_t;


/* NGX_OK, or NGX_ERROR if memory runs out */

ngx_int_t ngx_http_agw_redis_records_add(
    ngx_http_agw_redis_records_t *records, const agw_revocation_t *revocation,
    ngx_log_t *log);


/* a mark, with some data in the place of its id; it is copied */

ngx_int_t ngx_http_agw_redis_records_mark(
    ngx_http_agw_redis_records_t *records, int64_t number, const void *data,
    size_t len, ngx_log_t *log);


/* takes the next one, which is valid until the next call; NULL: none is left */

ngx_http_agw_redis_record_t *ngx_http_agw_redis_records_next(
    ngx_http_agw_redis_records_t *records);


/* the same, of records without a mark; NGX_OK, or NGX_DONE: none is left */

ngx_int_t ngx_http_agw_redis_records_entry(
    ngx_http_agw_redis_records_t *records, agw_revocation_t *revocation);


/*
 * The next one without taking it, or NULL.  *place is zeroed before the first
 * call, and the queue is not changed until the last one.
 */

ngx_http_agw_redis_record_t *ngx_http_agw_redis_records_look(
    const ngx_http_agw_redis_records_t *records,
    ngx_http_agw_redis_place_t *place);


/* the first n blocks of from, or all, are put behind those of records */

void ngx_http_agw_redis_records_move(ngx_http_agw_redis_records_t *records,
    ngx_http_agw_redis_records_t *from, ngx_uint_t n);

void ngx_http_agw_redis_records_free(ngx_http_agw_redis_records_t *records);


#endif /* NGX_HTTP_AGW_REDIS_RECORDS_H_INCLUDED_ */
