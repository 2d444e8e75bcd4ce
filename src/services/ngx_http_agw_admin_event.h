
/*
 * What the log of administration says of a write.
 */


#ifndef NGX_HTTP_AGW_ADMIN_EVENT_H_INCLUDED_
#define NGX_HTTP_AGW_ADMIN_EVENT_H_INCLUDED_


#include "ngx_http_agw_admin_request.h"


/*
 * Sets what the log says of a write to this record; and makes the ids of the
 * operation its own, since it may outlive the request.
 */

agw_reason_t ngx_http_agw_admin_event(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, const agw_record_t *record);


#endif /* NGX_HTTP_AGW_ADMIN_EVENT_H_INCLUDED_ */
