
/*
 * What handlers know of a store: questions, answered now or later, and
 * revocations, written and read back, in the same words whatever engine is
 * behind.
 */


#ifndef NGX_HTTP_AGW_STORE_H_INCLUDED_
#define NGX_HTTP_AGW_STORE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "agw_index.h"
#include "agw_policy.h"


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

    /* to be kept: revoke */
    agw_revocation_t         revocation;

    /* answered: a row for each key, or the business */
    agw_api_key_row_t        api_keys[NGX_HTTP_AGW_READINGS];
    agw_business_row_t       business;

    /* the engine's own */

    ngx_event_t              retry;
    ngx_msec_t               deadline;
    int                    (*step)(void *state, ngx_http_agw_query_t *query);
    void                    *state;
};


/*
 * Is handed one revocation that the store has; what it points to is gone
 * afterwards.
 */

typedef void (*ngx_http_agw_revocation_pt)(void *data,
    const agw_revocation_t *revocation);


/*
 * Reading revocations: those after a position in a store, which are 0 before
 * the first and otherwise what an earlier reading left.  Zeroed by the
 * caller, who keeps it while there is more.
 */

#define NGX_HTTP_AGW_KIND_MAX   8
#define NGX_HTTP_AGW_ROW_ID_MAX (2 * AGW_ID_MAX + 1)

typedef struct {
    uint64_t                     position;
    uint64_t                     store;          /* of which, 0: of none */
    ngx_http_agw_revocation_pt   handler;
    void                        *data;           /* the handler's */
    ngx_log_t                   *log;

    /* the engine's own */

    unsigned                     whole:1;        /* from the first on */
    uint64_t                     target;
    size_t                       kind_len;
    size_t                       id_len;
    u_char                       kind[NGX_HTTP_AGW_KIND_MAX];
    u_char                       id[NGX_HTTP_AGW_ROW_ID_MAX];
} ngx_http_agw_reading_t;


/*
 * Parses `auth_gateway_store` (one or more words after the name) into
 * *store.  Returns NGX_CONF_OK, or NGX_CONF_ERROR with the reason logged.
 */

char *ngx_http_agw_store_create(ngx_conf_t *cf, ngx_str_t *words,
    ngx_uint_t n, ngx_http_agw_store_t **store);


/*
 * Opens it in a worker, after the fork, and closes it when the worker exits.
 * Opening may fail: that is logged, and tried again when something is asked.
 */

void ngx_http_agw_store_open(ngx_http_agw_store_t *store, ngx_log_t *log);
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
 * Keeps query->revocation.  Returns as the questions do; NGX_OK means that
 * it is durable.
 */

ngx_int_t ngx_http_agw_store_revoke(ngx_http_agw_store_t *store,
    ngx_http_agw_query_t *query);


/*
 * Hands over what is after reading->position, some hundreds at a time.
 * Returns NGX_OK, and all has been handed over; NGX_AGAIN where there is
 * more; NGX_BUSY where the store is busy; or NGX_ERROR, logged.  Never
 * waits.  What was handed over before may come again.
 */

ngx_int_t ngx_http_agw_store_read_revocations(ngx_http_agw_store_t *store,
    ngx_http_agw_reading_t *reading);


/*
 * Removes some of those that have expired, if nobody else writes now; 1
 * where there may be more.
 */

ngx_uint_t ngx_http_agw_store_forget_revocations(ngx_http_agw_store_t *store,
    time_t now);


#endif /* NGX_HTTP_AGW_STORE_H_INCLUDED_ */
