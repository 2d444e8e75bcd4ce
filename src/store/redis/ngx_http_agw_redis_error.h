
/*
 * What a server's error says, and what to do about it.
 */


#ifndef NGX_HTTP_AGW_REDIS_ERROR_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_ERROR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <hiredis/hiredis.h>


#define NGX_HTTP_AGW_REDIS_ERROR_TEXT  320   /* bytes that do for a text */


/*
 * Whether the error is about the server or the connection, so that no command
 * is of use there: what it means and what to do, for the log; or NULL.
 */

const char *ngx_http_agw_redis_error_of_server(const redisReply *reply);


/*
 * The address in "MOVED <slot> <address>", in a buffer that is terminated; or
 * NGX_DECLINED if the error is another.
 */

ngx_int_t ngx_http_agw_redis_error_moved(const redisReply *reply, u_char *buf,
    size_t size);


/*
 * Writes an error's text as far as it is printable and fits, and what to do
 * about it where the text does not say so, and terminates it.  Not for errors
 * of AUTH, which may repeat the password.
 */

void ngx_http_agw_redis_error_text(const redisReply *reply, u_char *buf,
    size_t size);


/* likewise any text of the server */

void ngx_http_agw_redis_printable(const u_char *text, size_t len, u_char *buf,
    size_t size);


#endif /* NGX_HTTP_AGW_REDIS_ERROR_H_INCLUDED_ */
