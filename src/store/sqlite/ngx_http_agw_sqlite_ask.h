
/*
 * Asking SQLite without waiting for it.
 */


#ifndef NGX_HTTP_AGW_SQLITE_ASK_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_ASK_H_INCLUDED_


#include "ngx_http_agw_store.h"


/*
 * Takes query->step, now and, while the file is busy, again.  Returns
 * NGX_OK; NGX_AGAIN, and the query's handler will be called; or NGX_ERROR,
 * logged.
 */

ngx_int_t ngx_http_agw_sqlite_ask(void *state, ngx_http_agw_query_t *query);


#endif /* NGX_HTTP_AGW_SQLITE_ASK_H_INCLUDED_ */
