
/*
 * Revocations in the store: written, and read back in the order in which they
 * were written.
 */


#ifndef NGX_HTTP_AGW_STORE_REVOCATIONS_H_INCLUDED_
#define NGX_HTTP_AGW_STORE_REVOCATIONS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "agw_revoked_set.h"
#include "ngx_http_agw_store.h"


/*
 * One write, which nobody waits for.  The caller owns it and keeps it, with
 * all that it points to, until the handler is called, which is exactly once:
 * with NGX_OK, and it is durable; or NGX_ERROR, logged, and it may be durable
 * all the same.  It is zeroed before the fields are set.
 */

typedef struct ngx_http_agw_write_s  ngx_http_agw_write_t;

typedef void (*ngx_http_agw_write_pt)(ngx_http_agw_write_t *write,
    ngx_int_t rc);

struct ngx_http_agw_write_s {
    ngx_http_agw_write_pt    handler;
    void                    *data;           /* the handler's */

    int64_t                  known;          /* the highest stamp we know */
    volatile ngx_uint_t      unwanted;       /* nobody waits for it */

    /*
     * revoke: of a token, time is its iat where that is compared, else 0.
     * Afterwards stamp and time are those of the entry.
     */
    agw_revocation_t         revocation;

    /* tend: elapsed as it was left, -1 at first, and seconds since then */
    int64_t                  elapsed;
    int64_t                  passed;
    int64_t                  floor;          /* afterwards */
    unsigned                 advanced:1;     /* afterwards: these counted */
    unsigned                 more:1;         /* and there is more to tend */

    /* the engine's own */

    ngx_http_agw_write_t    *next;
    int64_t                  since;          /* monotonic, in ms */
    ngx_int_t                rc;
};


/*
 * Is handed one revocation that the store has; what it points to is gone
 * afterwards.
 */

typedef void (*ngx_http_agw_revocation_pt)(void *data,
    const agw_revocation_t *revocation);


/*
 * Reading revocations in the order of their stamps: those after a position,
 * which is that of an earlier reading, or zeros.  The mark tells whether the
 * store is still the one of that reading, and not, say, an older copy.
 */

typedef struct {
    uint64_t                 store;          /* of which; 0: of none */
    int64_t                  stamp;          /* read up to here */
    int64_t                  mark;
    int64_t                  mark_tag;
} ngx_http_agw_position_t;


typedef struct {
    ngx_http_agw_position_t      position;
    ngx_http_agw_revocation_pt   handler;
    void                        *data;           /* the handler's */
    ngx_log_t                   *log;

    /* afterwards */

    int64_t                      floor;
    int64_t                      last;           /* stamp of the store */
    int64_t                      horizon;        /* of its nodes: seconds */
    unsigned                     other:1;        /* it is not to be read, and
                                                    another than position's */
    unsigned                     anew:1;         /* from the first one on */
} ngx_http_agw_reading_t;


/*
 * Gives write->revocation its stamp and keeps it.  All that wait at the same
 * time are committed together.
 */

void ngx_http_agw_store_revoke(ngx_http_agw_store_t *store,
    ngx_http_agw_write_t *write);


/*
 * Advances the store's own clock, and removes some of the entries that are
 * older than any token: what goes raises the floor.
 */

void ngx_http_agw_store_tend(ngx_http_agw_store_t *store,
    ngx_http_agw_write_t *write);


/*
 * Hands over what is after reading->position, some hundreds at a time.
 * Returns NGX_OK, and all has been handed over; NGX_AGAIN where there is
 * more; NGX_BUSY where the store is busy; or NGX_ERROR, logged.  Never
 * waits.  What was handed over before may come again.
 */

ngx_int_t ngx_http_agw_store_read_revocations(ngx_http_agw_store_t *store,
    ngx_http_agw_reading_t *reading);


#endif /* NGX_HTTP_AGW_STORE_REVOCATIONS_H_INCLUDED_ */
