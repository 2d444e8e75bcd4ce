
/*
 * The store's interface ngx_http_agw_store_directory.h over Redis.
 */


#ifndef NGX_HTTP_AGW_REDIS_DIRECTORY_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_DIRECTORY_H_INCLUDED_


#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_redis_link.h"
#include "ngx_http_agw_redis_script.h"
#include "ngx_http_agw_store_engine.h"


/* the bytes of an API key's JSON that stand in for one that is missing */

#define NGX_HTTP_AGW_REDIS_STAND_IN  512


enum {
    NGX_HTTP_AGW_REDIS_API_KEYS = 0,
    NGX_HTTP_AGW_REDIS_BUSINESS,
    NGX_HTTP_AGW_REDIS_ONCE,
    NGX_HTTP_AGW_REDIS_QUERIES
};


/* the script of a query */

typedef struct {
    u_char                      digest[NGX_HTTP_AGW_REDIS_DIGEST];
    unsigned                    has_digest:1;
    unsigned                    known:1;     /* to the server, it seems */
} ngx_http_agw_redis_query_script_t;


struct ngx_http_agw_redis_directory_s {
    ngx_http_agw_redis_link_t  *link;        /* NULL: no memory for it */
    ngx_http_agw_redis_query_script_t  scripts[NGX_HTTP_AGW_REDIS_QUERIES];
    size_t                      stand_in_len;
    u_char                      stand_in[NGX_HTTP_AGW_REDIS_STAND_IN];
};


extern const ngx_http_agw_directory_engine_t  ngx_http_agw_redis_directory;


/* in a worker, after the fork, and when it exits */

void ngx_http_agw_redis_directory_open(ngx_http_agw_redis_worker_t *worker);
void ngx_http_agw_redis_directory_close(ngx_http_agw_redis_worker_t *worker);


#endif /* NGX_HTTP_AGW_REDIS_DIRECTORY_H_INCLUDED_ */
