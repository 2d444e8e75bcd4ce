
/*
 * A sentinel is asked for the primary, over a connection of its own, which ends
 * with its answer.  What it names is only believed once ROLE says the same.
 */


#ifndef NGX_HTTP_AGW_REDIS_SENTINEL_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_SENTINEL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "agw.h"
#include "ngx_http_agw_redis.h"
#include "ngx_http_agw_redis_conn.h"


typedef struct ngx_http_agw_redis_sentinel_s  ngx_http_agw_redis_sentinel_t;

struct ngx_http_agw_redis_sentinel_s {

    /*
     * Set by the owner.  One of the two is called once after ask(), unless
     * stop() was: with what the sentinel names, which may be no name or port
     * at all, or with what is wrong.
     */

    void    (*answered)(ngx_http_agw_redis_sentinel_t *sentinel,
                        agw_str_t host, agw_str_t port);
    void    (*failed)(ngx_http_agw_redis_sentinel_t *sentinel,
                      const char *why);
    void                             *data;
    const ngx_http_agw_redis_conf_t  *conf;
    ngx_log_t                        *log;
    unsigned                          quiet:1;   /* nginx logs alerts alone */

    /* private; conn.why is set if ask() has failed */

    ngx_http_agw_redis_conn_t         conn;
    ngx_http_agw_redis_command_t      command;
    unsigned                          authenticated:1;
};


/* what is wrong with an answer that names nothing that there can be */

extern const char  ngx_http_agw_redis_sentinel_malformed[];


/* asks the sentinel at addr, one of host's; NGX_OK or NGX_ERROR */

ngx_int_t ngx_http_agw_redis_sentinel_ask(
    ngx_http_agw_redis_sentinel_t *sentinel,
    const ngx_http_agw_redis_host_t *host, const ngx_addr_t *addr);


/* ends the connection, if there is one */

void ngx_http_agw_redis_sentinel_stop(ngx_http_agw_redis_sentinel_t *sentinel);


#endif /* NGX_HTTP_AGW_REDIS_SENTINEL_H_INCLUDED_ */
