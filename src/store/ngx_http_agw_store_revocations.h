
/*
 * The revocations in the store: written, and read in the order of their stamps.
 */


#ifndef NGX_HTTP_AGW_STORE_REVOCATIONS_H_INCLUDED_
#define NGX_HTTP_AGW_STORE_REVOCATIONS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "agw_revoked_set.h"
#include "ngx_http_agw_store.h"


/*
 * One asynchronous write.  The caller owns it, zeroes it, sets its parameters,
 * and keeps it, with all that it points to, until the handler is called.  That
 * happens exactly once: with NGX_OK if the write is durable, or with
 * NGX_ERROR, logged, if it may not be.
 */

typedef struct ngx_http_agw_write_s  ngx_http_agw_write_t;

typedef void (*ngx_http_agw_write_pt)(ngx_http_agw_write_t *write,
    ngx_int_t rc);

struct ngx_http_agw_write_s {
    ngx_http_agw_write_pt    handler;
    void                    *data;           /* the handler's */

    int64_t                  known_stamp;    /* new stamps must be above it */
    volatile ngx_uint_t      abandoned;      /* no client waits any more */

    /*
     * revoke: in the entry of a token, time is its iat if that is compared,
     * else 0; results are stamp and time
     */
    agw_revocation_t         revocation;

    /*
     * maintain: the store's clock as the last write left it, or -1, and the
     * seconds since then
     */
    int64_t                  elapsed;        /* a result too */
    int64_t                  seconds;
    int64_t                  held;           /* entries before this stamp were
                                                known here for a horizon */
    int64_t                  horizon;        /* that one, in seconds */

    /* results of maintain */
    int64_t                  floor;
    unsigned                 advanced:1;     /* seconds were added */
    unsigned                 more:1;         /* to remove: call it again */

    /* the engine's own */

    void                    *admin;          /* an operation, or NULL */
    ngx_http_agw_write_t    *next;
    int64_t                  queued_at;      /* monotonic, in ms */
    ngx_int_t                rc;
};


/*
 * Called with each revocation that is read.  What it points to is valid only
 * during the call.
 */

typedef void (*ngx_http_agw_revocation_pt)(void *data,
    const agw_revocation_t *revocation);


typedef struct ngx_http_agw_reading_s  ngx_http_agw_reading_t;

typedef void (*ngx_http_agw_reading_pt)(ngx_http_agw_reading_t *reading,
    ngx_int_t rc);

/* the caller owns it, zeroes it, and sets the first fields */

struct ngx_http_agw_reading_s {
    ngx_http_agw_position_t      position;
    ngx_http_agw_revocation_pt   handler;
    ngx_http_agw_reading_pt      done;           /* after NGX_AGAIN */
    void                        *data;           /* the handlers' */
    ngx_log_t                   *log;
    unsigned                     anew:1;         /* all that is known: some of
                                                    it was not kept */
    unsigned                     filled:1;       /* all that this node had
                                                    saved was read, by some
                                                    worker, and nothing of the
                                                    store since; a result, too
                                                    */

    /* results */

    int64_t                      floor;
    int64_t                      last_stamp;     /* that the store gave */
    int64_t                      horizon;        /* of all nodes: seconds */
    int64_t                      ahead;          /* the store's clock is, of
                                                    ours: ms */
    unsigned                     ahead_known:1;
    unsigned                     more:1;         /* there is more to read */
    unsigned                     other_store:1;  /* than that of position; set
                                                    after a failure */
    unsigned                     restarted:1;    /* with the first one */
    unsigned                     saved:1;        /* cannot be read, but all
                                                    that this node had saved
                                                    was given to the handler */
};


/*
 * Stores write->revocation with a new stamp.  Writes that wait at the same time
 * are committed together.
 */

void ngx_http_agw_store_revoke(ngx_http_agw_store_t *store,
    ngx_http_agw_write_t *write);


/*
 * Advances the store's clock, and removes some of the entries that are older
 * than any valid token.  The floor is then the highest of their stamps.
 */

void ngx_http_agw_store_maintain(ngx_http_agw_store_t *store,
    ngx_http_agw_write_t *write);


/*
 * Calls the handler with the revocations after reading->position, with some
 * hundreds or thousands at a time, and moves the position.  Returns NGX_OK, and
 * reading->more if there are more; NGX_BUSY if the store is locked; NGX_ERROR,
 * logged; or NGX_AGAIN, and reading->done will be called once with one of
 * those.  Never blocks.  A revocation may be read twice.
 */

ngx_int_t ngx_http_agw_store_read_revocations(ngx_http_agw_store_t *store,
    ngx_http_agw_reading_t *reading);


/* after NGX_AGAIN: neither of the reading's handlers is called any more */

void ngx_http_agw_store_stop_reading(ngx_http_agw_store_t *store,
    ngx_http_agw_reading_t *reading);


/*
 * Whether a reading that has come to the end waits for news: then it returns
 * NGX_AGAIN, is to be repeated at once, and one worker reads for all.
 */

ngx_uint_t ngx_http_agw_store_is_followed(const ngx_http_agw_store_t *store);


/*
 * Tells the engine the highest stamp that this node knows, in each worker, and
 * now and then: no stamp that the store gives may be lower.
 */

void ngx_http_agw_store_know(ngx_http_agw_store_t *store, int64_t stamp);


#endif /* NGX_HTTP_AGW_STORE_REVOCATIONS_H_INCLUDED_ */
