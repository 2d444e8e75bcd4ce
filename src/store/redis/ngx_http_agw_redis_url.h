
/*
 * The first word: redis://host[:port][,host[:port]...][/db], rediss://...,
 * redis:unix:<path>.
 */


#ifndef NGX_HTTP_AGW_REDIS_URL_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_URL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis.h"


/* whether the URL has a user or a password, which is logged without them */

ngx_uint_t ngx_http_agw_redis_url_has_password(ngx_conf_t *cf,
    ngx_str_t *url);


/*
 * Sets shown, hosts and db of conf, and *tls.  Addresses are complete, names
 * are not resolved.  A port that is not given is that of a sentinel or of a
 * server.  NGX_OK, or NGX_ERROR, logged.
 */

ngx_int_t ngx_http_agw_redis_url(ngx_conf_t *cf,
    ngx_http_agw_redis_conf_t *conf, ngx_str_t *url, ngx_uint_t sentinel,
    ngx_uint_t *tls);


/* sets the addresses of a name; NGX_OK, or NGX_ERROR, logged */

ngx_int_t ngx_http_agw_redis_url_resolve(ngx_conf_t *cf,
    ngx_http_agw_redis_host_t *host);


#endif /* NGX_HTTP_AGW_REDIS_URL_H_INCLUDED_ */
