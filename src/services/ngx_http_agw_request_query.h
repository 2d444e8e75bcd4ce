
/*
 * One query of a request to the store, whose result comes at once or later.
 */


#ifndef NGX_HTTP_AGW_REQUEST_QUERY_H_INCLUDED_
#define NGX_HTTP_AGW_REQUEST_QUERY_H_INCLUDED_


#include "ngx_http_agw.h"
#include "ngx_http_agw_store_directory.h"


typedef struct ngx_http_agw_request_query_s  ngx_http_agw_request_query_t;


/* called with NGX_OK and the results in rq->query, or with NGX_ERROR */

typedef void (*ngx_http_agw_request_query_pt)(ngx_http_agw_request_query_t *rq,
    ngx_int_t rc);


/* one of the queries of ngx_http_agw_store_directory.h */

typedef ngx_int_t (*ngx_http_agw_store_find_pt)(ngx_http_agw_store_t *store,
    ngx_http_agw_directory_query_t *query);


struct ngx_http_agw_request_query_s {
    ngx_http_agw_directory_query_t  query;
    ngx_http_request_t             *request;
    ngx_http_agw_request_query_pt   handler;
    ngx_http_agw_store_find_pt      find;
    uint64_t                        from;    /* ngx_http_agw_count_from() */
    ngx_event_t                     later;   /* the query is run again */
};


/*
 * Runs a query.  rq is of the request's pool, and zeroed but for the parameters
 * in rq->query.  handler is called once, before this returns or later.  In the
 * latter case the requests that it posts are run.  If the request ends before,
 * it is not called.  Where the request may not wait, a query that would have to
 * fails.
 */

void ngx_http_agw_request_query(ngx_http_request_t *r,
    ngx_http_agw_request_query_t *rq, ngx_http_agw_store_find_pt find,
    ngx_http_agw_request_query_pt handler);


/*
 * Whether the request may wait for the store; 0, logged, if it is the error
 * page of a header filter (error_page 412): nginx closes the connection when
 * the handler of the page returns.
 */

ngx_uint_t ngx_http_agw_store_may_wait(ngx_http_request_t *r);


#endif /* NGX_HTTP_AGW_REQUEST_QUERY_H_INCLUDED_ */
