
/*
 * What is written to a replica at once.  Nothing here belongs to the event
 * loop: it is used in a thread.
 */


#ifndef NGX_HTTP_AGW_REDIS_BATCH_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_BATCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_copy.h"
#include "ngx_http_agw_redis_records.h"


typedef struct {
    ngx_http_agw_redis_records_t  ahead;     /* not met by the feed so far */
    ngx_http_agw_redis_records_t  blocks;    /* met, and marks: states, as data
                                                of marks, and restarts, with
                                                their numbers */
    uint64_t                      store_id;  /* of the blocks; 0: there are
                                                none */
    ngx_http_agw_redis_state_t    file;      /* as this worker has read or
                                                written it at last; then as it
                                                has written it now */
    ngx_uint_t                    lacking;   /* entries to look for */

    /* the result */

    ngx_http_agw_redis_state_t    state;     /* the last one, if has_state */
    ngx_http_agw_redis_records_t  found;     /* what is lacking */
    int64_t                       restart;   /* that of the last mark which was
                                                written, or 0 */
    unsigned                      has_state:1;   /* which is written */
    unsigned                      failed:1;  /* logged */
    unsigned                      foreign:1; /* the file is of another store:
                                                nothing is written */
    unsigned                      changed:1; /* it lacks what it had: entries
                                                are written, not the state */
} ngx_http_agw_redis_batch_t;


/*
 * Writes the batch to the copy, which is opened where it is not open, or where
 * its file was removed or replaced; in one transaction.
 */

void ngx_http_agw_redis_batch_write(ngx_http_agw_redis_batch_t *batch,
    ngx_http_agw_redis_copy_t *copy, ngx_log_t *log);


#endif /* NGX_HTTP_AGW_REDIS_BATCH_H_INCLUDED_ */
