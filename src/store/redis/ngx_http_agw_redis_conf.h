
/*
 * The words of `auth_gateway_store redis:...` become a configuration.
 */


#ifndef NGX_HTTP_AGW_REDIS_CONF_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_redis.h"


/*
 * Parses the words, reads the password and the certificates, and sets *name to
 * what tells the store from others.  No server is asked.  Returns NULL if
 * something is refused, which is logged without a password.
 */

ngx_http_agw_redis_conf_t *ngx_http_agw_redis_conf(ngx_conf_t *cf,
    ngx_str_t *words, ngx_uint_t n, ngx_str_t *name);


/*
 * Resolves the names of hosts where http has no resolver, with a warning; to
 * be called when all of http has been read.  NGX_OK, or NGX_ERROR, logged.
 */

ngx_int_t ngx_http_agw_redis_conf_resolve(ngx_conf_t *cf,
    ngx_http_agw_redis_conf_t *conf);


#endif /* NGX_HTTP_AGW_REDIS_CONF_H_INCLUDED_ */
