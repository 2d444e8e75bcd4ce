
/*
 * Whether the workers of a configuration will be able to use a SQLite store.
 */


#ifndef NGX_HTTP_AGW_SQLITE_CHECK_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_CHECK_H_INCLUDED_


#include "ngx_http_agw_sqlite_db.h"


/*
 * Checks the file and its directory with a worker's rights; creates and
 * changes nothing.  Returns NGX_OK, after a warning if another process has
 * locked the file; or NGX_ERROR, with the reason logged.
 */

ngx_int_t ngx_http_agw_sqlite_check_store(ngx_conf_t *cf,
    ngx_http_agw_sqlite_t *sqlite);


#endif /* NGX_HTTP_AGW_SQLITE_CHECK_H_INCLUDED_ */
