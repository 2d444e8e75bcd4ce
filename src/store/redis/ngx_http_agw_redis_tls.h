
/*
 * TLS: the certificates, a connection's handshake, and whether the server is
 * who it should be.
 */


#ifndef NGX_HTTP_AGW_REDIS_TLS_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_TLS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_agw_redis.h"


/*
 * Reads the certificates into conf->ssl, while the configuration is read.
 * NGX_OK, or NGX_ERROR, logged.
 */

ngx_int_t ngx_http_agw_redis_tls_conf(ngx_conf_t *cf,
    ngx_http_agw_redis_conf_t *conf);


/* fault: NULL, or what is wrong, valid during the call */

typedef void (*ngx_http_agw_redis_tls_pt)(void *data, const char *fault);


/*
 * Shakes hands, and calls handler(data) once, possibly at once; or not at all,
 * if the connection is closed before.  It is refused unless chain, time and
 * name of the certificate are right.
 */

void ngx_http_agw_redis_tls(ngx_connection_t *c,
    const ngx_http_agw_redis_conf_t *conf,
    const ngx_http_agw_redis_host_t *host, ngx_http_agw_redis_tls_pt handler,
    void *data);


/* to be called before the connection is closed, with TLS or without */

void ngx_http_agw_redis_tls_close(ngx_connection_t *c);


#endif /* NGX_HTTP_AGW_REDIS_TLS_H_INCLUDED_ */
