
/*
 * `replica=`: what this node knows is written to a file behind the feed, in a
 * thread, and read back at a start.
 */


#ifndef NGX_HTTP_AGW_REDIS_REPLICA_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_REPLICA_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_redis_copy.h"
#include "ngx_http_agw_redis_records.h"
#include "ngx_http_agw_store_revocations.h"


typedef struct ngx_http_agw_redis_replica_s  ngx_http_agw_redis_replica_t;

/*
 * Called in the event loop with entries that the stream lacks, which the
 * handler may take: it leaves *found zeroed then, and frees them.  position is
 * that of the save() which asked for them.
 */

typedef void (*ngx_http_agw_redis_lacking_pt)(void *data,
    ngx_http_agw_redis_records_t *found,
    const ngx_http_agw_position_t *position);


/* in a worker; NULL without `replica=`, or if memory runs out */

ngx_http_agw_redis_replica_t *ngx_http_agw_redis_replica_create(
    ngx_http_agw_redis_worker_t *worker);
void ngx_http_agw_redis_replica_close(ngx_http_agw_redis_replica_t *replica);

void ngx_http_agw_redis_replica_set_lacking(
    ngx_http_agw_redis_replica_t *replica,
    ngx_http_agw_redis_lacking_pt handler, void *data);


/* how an entry became known */

typedef enum {
    NGX_HTTP_AGW_REDIS_WRITTEN = 0,  /* by this node; the feed has yet to meet
                                        it */
    NGX_HTTP_AGW_REDIS_NEWS,         /* so it has here, since it reads all
                                        again */
    NGX_HTTP_AGW_REDIS_MET           /* by the feed */
} ngx_http_agw_redis_how_t;


/*
 * Queues an entry, which is copied.  It is written with the next save() or
 * flush().
 */

void ngx_http_agw_redis_replica_put(ngx_http_agw_redis_replica_t *replica,
    const agw_revocation_t *revocation, ngx_http_agw_redis_how_t how);


/* the stream is read from the first on: what it lacks will be known then */

void ngx_http_agw_redis_replica_restart(ngx_http_agw_redis_replica_t *replica);


/*
 * Whether that is in no file yet.  Who reads the file then, does not go on from
 * its position, but from the first on again.
 */

ngx_uint_t ngx_http_agw_redis_replica_is_owed(
    const ngx_http_agw_redis_replica_t *replica);


/*
 * What was put is all that follows from, up to state->position.  If lacking is
 * not 0, the handler will be called with up to so many entries, unless writing
 * fails.
 */

void ngx_http_agw_redis_replica_save(ngx_http_agw_redis_replica_t *replica,
    const ngx_http_agw_position_t *from,
    const ngx_http_agw_redis_state_t *state, ngx_uint_t lacking);
void ngx_http_agw_redis_replica_flush(ngx_http_agw_redis_replica_t *replica);


/*
 * Writing has failed, or cannot go on.  Until _resume() nothing is written as
 * met by the feed.
 */

void ngx_http_agw_redis_replica_lose(ngx_http_agw_redis_replica_t *replica);


/* the file was read, and says this of itself */

void ngx_http_agw_redis_replica_goes_on(ngx_http_agw_redis_replica_t *replica,
    const ngx_http_agw_redis_state_t *state);


/*
 * Whether something was not written.  Then the feed has to go back to the
 * position that the file has; it is asked for now and then.
 */

ngx_uint_t ngx_http_agw_redis_replica_has_gap(
    ngx_http_agw_redis_replica_t *replica);
void ngx_http_agw_redis_replica_resume(ngx_http_agw_redis_replica_t *replica);


#endif /* NGX_HTTP_AGW_REDIS_REPLICA_H_INCLUDED_ */
