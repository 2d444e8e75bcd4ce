
/*
 * Whether the workers of a configuration will be able to use a SQLite store.
 */


#ifndef NGX_HTTP_AGW_SQLITE_CHECK_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_CHECK_H_INCLUDED_


#include "ngx_http_agw_sqlite_db.h"


/*
 * Looks at the file and its directory as a worker will, and makes and changes
 * nothing.  Returns NGX_OK, also for a file that is locked by another process,
 * with a warning; or NGX_ERROR, with the reason logged.
 */

ngx_int_t ngx_http_agw_sqlite_check_store(ngx_conf_t *cf,
    ngx_http_agw_sqlite_t *sqlite);


#endif /* NGX_HTTP_AGW_SQLITE_CHECK_H_INCLUDED_ */
