
/*
 * What the replica has: read back at a start, and the position that the feed
 * goes on from.
 */


#ifndef NGX_HTTP_AGW_REDIS_SAVED_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_SAVED_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_redis_copy.h"
#include "ngx_http_agw_redis_replica.h"
#include "ngx_http_agw_store_revocations.h"


typedef enum {
    NGX_HTTP_AGW_REDIS_SAVED_UNREAD = 0,
    NGX_HTTP_AGW_REDIS_SAVED_READING,
    NGX_HTTP_AGW_REDIS_SAVED_READ
} ngx_http_agw_redis_saved_stage_t;


typedef struct {
    ngx_http_agw_redis_worker_t       *worker;
    ngx_http_agw_redis_replica_t      *replica;      /* that writes the file */
    ngx_http_agw_redis_copy_t          copy;
    ngx_http_agw_redis_saved_stage_t   stage;
    ngx_uint_t                         rows;
    ngx_msec_t                         busy_since;   /* 0: it is not locked */
    unsigned                           whole:1;      /* so is the replica */
    unsigned                           loaded:1;     /* the node has all */
    unsigned                           shown:1;      /* in the log */
    unsigned                           told:1;       /* how old that is */
    unsigned                           owed:1;       /* a restart, when it was
                                                        opened */
} ngx_http_agw_redis_saved_t;


void ngx_http_agw_redis_saved_init(ngx_http_agw_redis_saved_t *saved,
    ngx_http_agw_redis_worker_t *worker,
    ngx_http_agw_redis_replica_t *replica);


/*
 * Before a reading of the stream: NGX_OK if the handler of the reading was
 * given some of what the replica has, and there is more to read; or
 * NGX_DECLINED: then the stream is to be read from reading->position on,
 * which may have been set to that of the replica; or NGX_BUSY, if it is locked
 * for the moment; or NGX_ERROR, logged: as NGX_DECLINED, but nothing may be
 * written to the replica.
 */

ngx_int_t ngx_http_agw_redis_saved_read(ngx_http_agw_redis_saved_t *saved,
    ngx_http_agw_reading_t *reading);


/* the feed ends, or has to go back: its next reading begins here again */

void ngx_http_agw_redis_saved_again(ngx_http_agw_redis_saved_t *saved);


/* the store was read: what the replica has is not all any more */

void ngx_http_agw_redis_saved_passed(ngx_http_agw_redis_saved_t *saved,
    ngx_http_agw_reading_t *reading);


/* the store cannot be read: sets reading->saved, and says so once */

void ngx_http_agw_redis_saved_instead(ngx_http_agw_redis_saved_t *saved,
    ngx_http_agw_reading_t *reading);


#endif /* NGX_HTTP_AGW_REDIS_SAVED_H_INCLUDED_ */
