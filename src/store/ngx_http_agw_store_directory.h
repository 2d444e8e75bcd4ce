
/*
 * The store as a directory: questions about partners, API keys and businesses,
 * answered now or later.
 */


#ifndef NGX_HTTP_AGW_STORE_DIRECTORY_H_INCLUDED_
#define NGX_HTTP_AGW_STORE_DIRECTORY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "agw_policy.h"
#include "ngx_http_agw_store.h"


#define NGX_HTTP_AGW_SHA256_HEX   64
#define NGX_HTTP_AGW_QUERY_KEYS     2

/* an id that no partner can have, as long as a UUID */

#define NGX_HTTP_AGW_NOBODY       "                                    "


typedef struct ngx_http_agw_query_s  ngx_http_agw_query_t;

typedef void (*ngx_http_agw_query_pt)(ngx_http_agw_query_t *query,
    ngx_int_t rc);


/* an API key as a client presents it; the digest is lower-case hex */

typedef struct {
    agw_str_t                partner_id;
    u_char                   key_sha256[NGX_HTTP_AGW_SHA256_HEX];
} ngx_http_agw_api_key_t;


/*
 * One question.  The caller allocates it from pool, zeroes it, sets the first
 * fields, and keeps it, with all that it points to, until the answer.  If pool
 * is destroyed before, the question is forgotten, and the handler not called.
 */

struct ngx_http_agw_query_s {

    /* set by the caller */

    ngx_pool_t              *pool;
    ngx_log_t               *log;
    ngx_http_agw_query_pt    handler;
    void                    *data;           /* the handler's */

    /* asked: find_api_keys */
    ngx_http_agw_api_key_t   keys[NGX_HTTP_AGW_QUERY_KEYS];
    ngx_uint_t               nkeys;
    time_t                   now;

    /* asked: find_business */
    agw_str_t                partner_id;
    agw_str_t                business_id;

    /* and the partner token that a business token is requested with */
    agw_str_t                jti;            /* empty: none */
    int64_t                  seq;            /* AGW_SEQ_NONE: none */
    int64_t                  iat;            /* less how far it may be ahead */

    /*
     * The node knows all revocations of the store up to here.  The engine
     * answers whether a later one has ended that token; of the others, it may
     * leave it to the caller.
     */
    ngx_http_agw_position_t  known;

    /*
     * answered: a row for each key, or the business; each with the store's
     * stamp, read in the same statement
     */
    agw_api_key_row_t        api_keys[NGX_HTTP_AGW_QUERY_KEYS];
    agw_business_row_t       business;

    /* the engine's own */

    ngx_event_t              retry;
    ngx_msec_t               deadline;
    int                    (*step)(void *state, ngx_http_agw_query_t *query);
    void                    *state;
};


/*
 * The questions.  NGX_OK: the answer is in the query, and the handler will
 * not be called.  NGX_AGAIN: the handler will be called once, with NGX_OK or
 * NGX_ERROR.  NGX_ERROR: the store could not be asked, which is logged.
 * That a row does not exist is an answer.  All API keys that are invalid at
 * query->now take the same work, whatever the reason.
 */

ngx_int_t ngx_http_agw_store_find_api_keys(ngx_http_agw_store_t *store,
    ngx_http_agw_query_t *query);
ngx_int_t ngx_http_agw_store_find_business(ngx_http_agw_store_t *store,
    ngx_http_agw_query_t *query);


#endif /* NGX_HTTP_AGW_STORE_DIRECTORY_H_INCLUDED_ */
