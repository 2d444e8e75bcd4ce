
/*
 * The file of `password_file=`, read by the master alone.
 */


#ifndef NGX_HTTP_AGW_REDIS_PASSWORD_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_PASSWORD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Reads the password, without a final newline; it is wiped with cf->pool.
 * NGX_OK, or NGX_ERROR, logged without a byte of it.
 */

ngx_int_t ngx_http_agw_redis_password(ngx_conf_t *cf, ngx_str_t *file,
    ngx_str_t *password);


#endif /* NGX_HTTP_AGW_REDIS_PASSWORD_H_INCLUDED_ */
