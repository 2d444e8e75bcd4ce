
/*
 * The text of the scripts; their keys and arguments are said in the source.
 */


#ifndef NGX_HTTP_AGW_REDIS_LUA_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_LUA_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


extern const ngx_str_t  ngx_http_agw_redis_handshake_lua;
extern const ngx_str_t  ngx_http_agw_redis_api_keys_lua;
extern const ngx_str_t  ngx_http_agw_redis_business_lua;
extern const ngx_str_t  ngx_http_agw_redis_once_lua;
extern const ngx_str_t  ngx_http_agw_redis_revoke_lua;
extern const ngx_str_t  ngx_http_agw_redis_trim_lua;
extern const ngx_str_t  ngx_http_agw_redis_look_lua;
extern const ngx_str_t  ngx_http_agw_redis_heal_lua;


#endif /* NGX_HTTP_AGW_REDIS_LUA_H_INCLUDED_ */
