
/*
 * Reading the revocations of a SQLite store.
 */


#ifndef NGX_HTTP_AGW_SQLITE_REVOCATIONS_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_REVOCATIONS_H_INCLUDED_


#include "ngx_http_agw_store.h"


/* the engine's read_revocations() */

ngx_int_t ngx_http_agw_sqlite_read_revocations(void *state,
    ngx_http_agw_reading_t *reading);


#endif /* NGX_HTTP_AGW_SQLITE_REVOCATIONS_H_INCLUDED_ */
