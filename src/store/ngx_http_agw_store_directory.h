
/*
 * The directory in the store: queries about partners, API keys and businesses.
 */


#ifndef NGX_HTTP_AGW_STORE_DIRECTORY_H_INCLUDED_
#define NGX_HTTP_AGW_STORE_DIRECTORY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "agw_policy.h"
#include "ngx_http_agw_store.h"


#define NGX_HTTP_AGW_SHA256_HEX   64
#define NGX_HTTP_AGW_QUERY_KEYS   2          /* API keys in one query */

/* as long as a UUID, but not the id of any partner */

#define NGX_HTTP_AGW_NOBODY       "                                    "


typedef struct ngx_http_agw_directory_query_s  ngx_http_agw_directory_query_t;

typedef void (*ngx_http_agw_directory_query_pt)(
    ngx_http_agw_directory_query_t *query, ngx_int_t rc);


/* an API key that a client presented; the digest is lower-case hex */

typedef struct {
    agw_str_t                partner_id;
    u_char                   key_sha256[NGX_HTTP_AGW_SHA256_HEX];
} ngx_http_agw_api_key_t;


/*
 * One query.  The caller allocates it from pool, zeroes it, sets its
 * parameters, and keeps it, with all that it points to, until it is finished.
 * If pool is destroyed before, the query is cancelled: the handler is not
 * called.
 */

struct ngx_http_agw_directory_query_s {

    /* parameters of every query */
    ngx_pool_t                      *pool;
    ngx_log_t                       *log;
    ngx_http_agw_directory_query_pt  handler;
    void                            *data;   /* the handler's */

    /* parameters of find_api_keys */
    ngx_http_agw_api_key_t   keys[NGX_HTTP_AGW_QUERY_KEYS];
    ngx_uint_t               nkeys;
    time_t                   now;

    /*
     * If it is not empty, a client presented a certificate with this
     * thumbprint, and no API key: keys[0] has its partner alone, and
     * api_keys[0] will be the certificate.
     */
    agw_str_t                thumbprint;

    /* likewise, an assertion, and api_keys[0] will be the JWK of this kid */
    agw_str_t                kid;

    /* parameters of use_once: hex digits, and for how many seconds */
    agw_str_t                once;
    time_t                   once_for;

    /* parameters of find_business */
    agw_str_t                partner_id;
    agw_str_t                business_id;

    /* likewise, of the partner token that the request presented */
    agw_str_t                jti;            /* empty: none */
    int64_t                  seq;            /* AGW_SEQ_NONE: none */
    int64_t                  iat;            /* less limits->ahead */

    /*
     * The node knows all revocations of the store up to here.  The engine
     * answers whether a later one has ended that token; of the others, it may
     * leave it to the caller.
     */
    ngx_http_agw_position_t  known;

    /* results: one for each key, or the business */
    agw_api_key_row_t        api_keys[NGX_HTTP_AGW_QUERY_KEYS];
    agw_business_row_t       business;
    agw_str_t                jwk;            /* of pool, if kid was found */
    unsigned                 first:1;        /* of use_once */

    /* the engine's own */

    ngx_event_t              retry;
    ngx_msec_t               deadline;       /* of waiting; it may be read */
    int                    (*step)(void *state,
                                   ngx_http_agw_directory_query_t *query);
    void                    *state;
};


/*
 * Run a query.  NGX_OK: the results are in the query, and the handler will not
 * be called.  NGX_AGAIN: the handler will be called once, with NGX_OK,
 * NGX_ERROR or NGX_BUSY.  NGX_ERROR: the query failed, which is logged.
 * NGX_BUSY: this node has not read enough of the store's revocations, and the
 * query is to be run again when it has read more, or at its deadline, when it
 * fails instead.  A row that does not exist is a result, not an error.
 *
 * An engine decides on each API key, by agw_policy_api_key() at query->now, and
 * all that are refused take the same work: the time does not tell which
 * partners exist.
 */

ngx_int_t ngx_http_agw_store_find_api_keys(ngx_http_agw_store_t *store,
    ngx_http_agw_directory_query_t *query);
ngx_int_t ngx_http_agw_store_find_business(ngx_http_agw_store_t *store,
    ngx_http_agw_directory_query_t *query);


/*
 * Whether query->once is used for the first time on all nodes that share the
 * store; that one node uses it once is the caller's business.  Returns as the
 * others do.
 */

ngx_int_t ngx_http_agw_store_use_once(ngx_http_agw_store_t *store,
    ngx_http_agw_directory_query_t *query);


#endif /* NGX_HTTP_AGW_STORE_DIRECTORY_H_INCLUDED_ */
