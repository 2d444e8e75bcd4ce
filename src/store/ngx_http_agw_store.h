
/*
 * What handlers know of a store: questions, answered now or later;
 * revocations, written and read back; in the same words whatever engine is
 * behind.
 */


#ifndef NGX_HTTP_AGW_STORE_H_INCLUDED_
#define NGX_HTTP_AGW_STORE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "agw_policy.h"
#include "agw_revoked_set.h"


#define NGX_HTTP_AGW_SHA256_HEX   64
#define NGX_HTTP_AGW_READINGS     2

/* an id that no partner can have, as long as a UUID */

#define NGX_HTTP_AGW_NOBODY       "                                    "


typedef struct ngx_http_agw_store_s   ngx_http_agw_store_t;
typedef struct ngx_http_agw_query_s   ngx_http_agw_query_t;

typedef void (*ngx_http_agw_query_pt)(ngx_http_agw_query_t *query,
    ngx_int_t rc);


/* an API key as a client showed it: the digest is lower-case hex */

typedef struct {
    agw_str_t                partner_id;
    u_char                   key_sha256[NGX_HTTP_AGW_SHA256_HEX];
} ngx_http_agw_api_key_t;


/*
 * One question.  The caller owns it and keeps it, with all that it points
 * to, until the answer; it is zeroed before the fields are set, and lives in
 * pool.  The caller may go away first: a cleanup of pool forgets the
 * question.
 */

struct ngx_http_agw_query_s {

    /* set by the caller */

    ngx_pool_t              *pool;
    ngx_log_t               *log;
    ngx_http_agw_query_pt    handler;
    void                    *data;           /* the handler's */

    /* asked: find_api_keys */
    ngx_http_agw_api_key_t   keys[NGX_HTTP_AGW_READINGS];
    ngx_uint_t               nkeys;
    time_t                   now;

    /* asked: find_business */
    agw_str_t                partner_id;
    agw_str_t                business_id;

    /* and, where a token asks for another: that partner token */
    agw_str_t                jti;            /* empty: none */
    int64_t                  seq;            /* AGW_SEQ_NONE: none */
    int64_t                  iat;            /* less what it may be ahead */

    /*
     * answered: a row for each key, or the business; each with the stamp of
     * the store at that very moment
     */
    agw_api_key_row_t        api_keys[NGX_HTTP_AGW_READINGS];
    agw_business_row_t       business;

    /* the engine's own */

    ngx_event_t              retry;
    ngx_msec_t               deadline;
    int                    (*step)(void *state, ngx_http_agw_query_t *query);
    void                    *state;
};


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


/* what a store is to know of its nodes: seconds */

typedef struct {
    time_t                   horizon;        /* no token lives longer */
    time_t                   ahead;          /* of an iat, at most */
    ngx_str_t                thread_pool;    /* where writes wait */
} ngx_http_agw_store_limits_t;


/*
 * Parses `auth_gateway_store` (one or more words after the name) into
 * *store.  Returns NGX_CONF_OK, or NGX_CONF_ERROR with the reason logged.
 */

char *ngx_http_agw_store_create(ngx_conf_t *cf, ngx_str_t *words,
    ngx_uint_t n, ngx_http_agw_store_t **store);


/* what tells it from other stores, without a password */

ngx_str_t ngx_http_agw_store_name(const ngx_http_agw_store_t *store);


/*
 * Makes it, or migrates it, in the master before the workers are there, so
 * that it can be filled before the first request.  It may fail, which is
 * logged: then opening it does that.
 */

void ngx_http_agw_store_make(ngx_http_agw_store_t *store,
    const ngx_http_agw_store_limits_t *limits, ngx_cycle_t *cycle);


/*
 * Opens it in a worker, after the fork, and closes it when the worker exits.
 * Opening may fail: that is logged, and tried again when something is asked.
 * limits live as long as the worker.
 */

void ngx_http_agw_store_open(ngx_http_agw_store_t *store,
    const ngx_http_agw_store_limits_t *limits, ngx_cycle_t *cycle);
void ngx_http_agw_store_close(ngx_http_agw_store_t *store);


/*
 * The questions.  NGX_OK: the answer is in the query, and the handler will
 * not be called.  NGX_AGAIN: the handler will be called once, with NGX_OK or
 * NGX_ERROR.  NGX_ERROR: the store could not be asked, which is logged.
 * A row that is not there is an answer.  Whatever makes an API key invalid
 * at query->now, finding it out is the same work.
 */

ngx_int_t ngx_http_agw_store_find_api_keys(ngx_http_agw_store_t *store,
    ngx_http_agw_query_t *query);
ngx_int_t ngx_http_agw_store_find_business(ngx_http_agw_store_t *store,
    ngx_http_agw_query_t *query);


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


#endif /* NGX_HTTP_AGW_STORE_H_INCLUDED_ */
