
/*
 * What all files of the Redis engine share: the configuration, which is const
 * while serving, and the state of one worker, which is not in it.
 */


#ifndef NGX_HTTP_AGW_REDIS_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

#include "ngx_http_agw_store.h"


/* of the server's run_id and of {prefix}:epoch, which are hex digits */

#define NGX_HTTP_AGW_REDIS_ID_MAX  64


/* one host of the directive, or one that a sentinel or MOVED named */

typedef struct {
    ngx_str_t                  host;         /* without brackets; or a path */
    in_port_t                  port;         /* 0: a unix socket */
    ngx_str_t                  text;         /* "host:port", for logs */
    ngx_addr_t                *addrs;        /* NULL: a name to be resolved */
    ngx_uint_t                 naddrs;
    unsigned                   name:1;       /* it is a name, no address */
} ngx_http_agw_redis_host_t;


/* the directive's words, as they were parsed; const while serving */

typedef struct {
    ngx_str_t                  shown;        /* the first word, for logs */
    ngx_str_t                  store;        /* tells the store from others */
    ngx_array_t                hosts;        /* ngx_http_agw_redis_host_t */
    ngx_uint_t                 db;
    ngx_str_t                  user;         /* empty: none */
    ngx_str_t                  password;     /* empty: none; never logged */
    ngx_str_t                  sentinel;     /* the hosts are sentinels that
                                                know a master by this name */
    ngx_uint_t                 wait;         /* replicas; 0: none */
    ngx_str_t                  prefix;       /* "{agw}:", of every key */
    ngx_str_t                  replica;      /* a path, or empty */

    ngx_str_t                  ca;           /* empty: the system's */
    ngx_str_t                  certificate;
    ngx_str_t                  certificate_key;
    ngx_str_t                  name;         /* of the server's certificate,
                                                if it is not the host's */
    ngx_ssl_t                 *ssl;          /* NULL: no TLS */

    ngx_http_core_loc_conf_t  *clcf;         /* http's, with its resolver */
} ngx_http_agw_redis_conf_t;


/* what the handshake found out about the server that is connected to */

typedef struct {
    u_char                     run_id[NGX_HTTP_AGW_REDIS_ID_MAX + 1];
    u_char                     epoch[NGX_HTTP_AGW_REDIS_ID_MAX + 1];
    int64_t                    stamp;        /* the last one */
    int64_t                    floor;
    int64_t                    horizon;      /* seconds */
    unsigned                   jumped:1;     /* the stamp, a day ahead */
} ngx_http_agw_redis_server_t;


typedef struct ngx_http_agw_redis_link_s         ngx_http_agw_redis_link_t;
typedef struct ngx_http_agw_redis_directory_s    ngx_http_agw_redis_directory_t;
typedef struct ngx_http_agw_redis_revocations_s
    ngx_http_agw_redis_revocations_t;


/*
 * One worker's state, allocated in open(), freed in close().  Each part has
 * its own; NULL where its open() failed or was not called yet.
 */

typedef struct {
    const ngx_http_agw_redis_conf_t    *conf;
    const ngx_http_agw_store_limits_t  *limits;
    ngx_http_agw_store_shared_t        *shared;  /* with the other workers */
    ngx_pool_t                         *pool;    /* as long as the worker */
    ngx_log_t                          *log;

    int64_t                             known;   /* the node's last stamp,
                                                    for the handshake */
    int64_t                             first;   /* what a handshake said of
                                                    it while known is 0 */

    ngx_http_agw_redis_directory_t     *directory;
    ngx_http_agw_redis_revocations_t   *revocations;
    ngx_http_agw_redis_link_t          *admin;   /* NULL: not used yet */

    /* of the links, which log one outage together */

    ngx_uint_t                          down;    /* links whose circuit is
                                                    open */
    ngx_msec_t                          down_since;
    ngx_msec_t                          down_logged;
    u_char                              down_why[1024];  /* last one logged */
    ngx_msec_t                          down_counted;    /* since then */
    ngx_uint_t                          down_count;
    ngx_uint_t                          down_silent;     /* not logged */
    ngx_uint_t                          remarked;    /* bits, each once */

    ngx_msec_t                          silent_logged;   /* no reply; or 0 */
    ngx_msec_t                          behind_logged;   /* AGWBEHIND; or 0 */
} ngx_http_agw_redis_worker_t;


/* the engine's state: of create(), and of open() */

typedef struct {
    ngx_http_agw_redis_conf_t    *conf;      /* const while serving */
    ngx_http_agw_redis_worker_t  *worker;    /* NULL before open() */
} ngx_http_agw_redis_t;


#endif /* NGX_HTTP_AGW_REDIS_H_INCLUDED_ */
