
/*
 * The scripts of the administration; see ngx_http_agw_redis_lua.h.
 */


#ifndef NGX_HTTP_AGW_REDIS_ADMIN_LUA_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_ADMIN_LUA_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* what one script looks at: keys, entries */

#define NGX_HTTP_AGW_REDIS_ADMIN_PAGE  1000

/* the error of a script whose hashes do not fit into a reply */

#define NGX_HTTP_AGW_REDIS_LARGE       "AGWLARGE"


extern const ngx_str_t  ngx_http_agw_redis_admin_read_lua;
extern const ngx_str_t  ngx_http_agw_redis_admin_change_lua;
extern const ngx_str_t  ngx_http_agw_redis_admin_index_lua;
extern const ngx_str_t  ngx_http_agw_redis_admin_page_lua;
extern const ngx_str_t  ngx_http_agw_redis_admin_credentials_lua;
extern const ngx_str_t  ngx_http_agw_redis_admin_entries_lua;
extern const ngx_str_t  ngx_http_agw_redis_admin_used_lua;


#endif /* NGX_HTTP_AGW_REDIS_ADMIN_LUA_H_INCLUDED_ */
