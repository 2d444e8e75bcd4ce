
#ifndef NGX_HTTP_AGW_ADMIN_IMPORT_H_INCLUDED_
#define NGX_HTTP_AGW_ADMIN_IMPORT_H_INCLUDED_


#include "ngx_http_agw_admin_request.h"


/* reads the lines of an import; ngx_http_agw_admin_begin_pt */

agw_reason_t ngx_http_agw_admin_begin_import(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req);


#endif /* NGX_HTTP_AGW_ADMIN_IMPORT_H_INCLUDED_ */
