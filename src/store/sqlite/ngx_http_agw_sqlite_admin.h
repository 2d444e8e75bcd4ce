
/*
 * The administration of a SQLite store.
 */


#ifndef NGX_HTTP_AGW_SQLITE_ADMIN_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_ADMIN_H_INCLUDED_


#include "ngx_http_agw_store_engine.h"


extern const ngx_http_agw_admin_engine_t  ngx_http_agw_sqlite_admin;


#endif /* NGX_HTTP_AGW_SQLITE_ADMIN_H_INCLUDED_ */
