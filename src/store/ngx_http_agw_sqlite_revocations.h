
/*
 * Revocations in SQLite: the engine's revoke(), read_revocations() and
 * forget_revocations().
 */


#ifndef NGX_HTTP_AGW_SQLITE_REVOCATIONS_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_REVOCATIONS_H_INCLUDED_


#include "ngx_http_agw_store.h"


ngx_int_t ngx_http_agw_sqlite_revoke(void *state,
    ngx_http_agw_query_t *query);
ngx_int_t ngx_http_agw_sqlite_read_revocations(void *state,
    ngx_http_agw_reading_t *reading);
ngx_uint_t ngx_http_agw_sqlite_forget_revocations(void *state, time_t now);


#endif /* NGX_HTTP_AGW_SQLITE_REVOCATIONS_H_INCLUDED_ */
