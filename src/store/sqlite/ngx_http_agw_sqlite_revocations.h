
/*
 * The revocations in a SQLite store.
 */


#ifndef NGX_HTTP_AGW_SQLITE_REVOCATIONS_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_REVOCATIONS_H_INCLUDED_


#include "ngx_http_agw_store_engine.h"


extern const ngx_http_agw_revocations_engine_t
    ngx_http_agw_sqlite_revocations;


#endif /* NGX_HTTP_AGW_SQLITE_REVOCATIONS_H_INCLUDED_ */
