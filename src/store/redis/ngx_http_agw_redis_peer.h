
/*
 * Where to connect to next: each address of each host in turn, or the primary
 * that a sentinel names.  Names are resolved anew in each round.
 */


#ifndef NGX_HTTP_AGW_REDIS_PEER_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_PEER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_redis_sentinel.h"


typedef struct ngx_http_agw_redis_peer_s  ngx_http_agw_redis_peer_t;

struct ngx_http_agw_redis_peer_s {

    /* set by the owner, who zeroes the rest once */

    const ngx_http_agw_redis_conf_t  *conf;
    ngx_log_t                        *log;
    void                            (*found)(ngx_http_agw_redis_peer_t *peer,
                                             ngx_int_t rc);
    void                            (*skipped)(ngx_http_agw_redis_peer_t *peer,
                                               const ngx_str_t *host,
                                               const u_char *why);
    void                             *data;
    unsigned                          quiet:1;   /* nginx logs alerts alone */

    /* the result: until the next call */

    const ngx_http_agw_redis_host_t  *host;
    const ngx_addr_t                 *addr;

    /* private */

    ngx_pool_t                       *pool;      /* of one host */
    ngx_uint_t                        index;     /* of the host */
    ngx_uint_t                        tried;     /* hosts, in this round */
    const ngx_addr_t                 *addrs;     /* of the host, or of named */
    ngx_uint_t                        naddrs;
    ngx_uint_t                        next;
    ngx_http_agw_redis_host_t         named;     /* by a sentinel, or MOVED */
    u_char                            before[300];   /* named by another
                                                    sentinel, in this round */
    ngx_resolver_ctx_t               *ctx;       /* while it resolves */
    ngx_http_agw_redis_sentinel_t     sentinel;
    unsigned                          asked:1;   /* addrs are of named */
    unsigned                          pending:1; /* named is to be resolved */
    unsigned                          within:1;  /* of ngx_resolve_name() */
};


/*
 * Begins a round: at the host of the last result, or, with another set, at the
 * one after it.
 */

void ngx_http_agw_redis_peer_begin(ngx_http_agw_redis_peer_t *peer,
    ngx_uint_t another);


/*
 * Finds the next address.  NGX_OK: host and addr are set; NGX_AGAIN: found()
 * will be called with NGX_OK or NGX_DECLINED; NGX_DECLINED: the round is over.
 * For each host that has none, skipped() is called, also within this call.
 */

ngx_int_t ngx_http_agw_redis_peer_next(ngx_http_agw_redis_peer_t *peer);


/*
 * The next address will be that one, "host:port", of which the server said
 * that the keys have moved there.  NGX_OK, or NGX_DECLINED if it is none.
 */

ngx_int_t ngx_http_agw_redis_peer_moved(ngx_http_agw_redis_peer_t *peer,
    const char *text, size_t len);


/* forgets what was begun, and frees what there is */

void ngx_http_agw_redis_peer_stop(ngx_http_agw_redis_peer_t *peer);


#endif /* NGX_HTTP_AGW_REDIS_PEER_H_INCLUDED_ */
