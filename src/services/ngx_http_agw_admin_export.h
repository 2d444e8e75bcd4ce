
/*
 * A page of an export, which an import reads.
 */


#ifndef NGX_HTTP_AGW_ADMIN_EXPORT_H_INCLUDED_
#define NGX_HTTP_AGW_ADMIN_EXPORT_H_INCLUDED_


#include "ngx_http_agw_admin_request.h"


/* the kind of that name in an import and an export, or AGW_RECORD_NONE */

agw_record_kind_t ngx_http_agw_admin_kind(agw_str_t type);


/*
 * Sends a line for each record that was read, with all that is stored, and a
 * link to the next page.  Returns what ngx_http_finalize_request() takes.
 */

ngx_int_t ngx_http_agw_admin_export(ngx_http_request_t *r,
    const ngx_http_agw_admin_request_t *req);


#endif /* NGX_HTTP_AGW_ADMIN_EXPORT_H_INCLUDED_ */
