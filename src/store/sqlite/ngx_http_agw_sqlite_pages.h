
/*
 * The operations of the administration that read.
 */


#ifndef NGX_HTTP_AGW_SQLITE_PAGES_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_PAGES_H_INCLUDED_


#include "ngx_http_agw_sqlite_records.h"


/*
 * Runs GET, LIST or EXPORT in a thread, in a transaction of its own.  Returns
 * SQLITE_OK, and op->result is set; or another code, and the connection is to
 * be closed.
 */

int ngx_http_agw_sqlite_read_records(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op);


#endif /* NGX_HTTP_AGW_SQLITE_PAGES_H_INCLUDED_ */
