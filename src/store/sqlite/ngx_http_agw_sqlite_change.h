
/*
 * The operations of the administration that write.
 */


#ifndef NGX_HTTP_AGW_SQLITE_CHANGE_H_INCLUDED_
#define NGX_HTTP_AGW_SQLITE_CHANGE_H_INCLUDED_


#include "ngx_http_agw_sqlite_records.h"


/*
 * Runs an operation in a thread, within the transaction that the caller has
 * begun; of which it undoes its own part if nothing is to be written.  Returns
 * SQLITE_OK, and op->result is set; or another code.
 */

int ngx_http_agw_sqlite_change(ngx_http_agw_sqlite_records_t *rs,
    ngx_http_agw_admin_t *op);


#endif /* NGX_HTTP_AGW_SQLITE_CHANGE_H_INCLUDED_ */
