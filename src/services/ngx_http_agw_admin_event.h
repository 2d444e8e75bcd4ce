
/*
 * What the log of administration says of a write.
 */


#ifndef NGX_HTTP_AGW_ADMIN_EVENT_H_INCLUDED_
#define NGX_HTTP_AGW_ADMIN_EVENT_H_INCLUDED_


#include "ngx_http_agw_admin_request.h"


/* bytes that any object takes, a revocation's kind and id too */

#define NGX_HTTP_AGW_ADMIN_OBJECT  (sizeof("partners//certificates/")         \
                                    + 4 * AGW_ID_MAX)


/*
 * Writes the path of a record below the location, "partners/<id>/keys/<id>",
 * and returns its end.  A record is a partner, business or credential.
 */

u_char *ngx_http_agw_admin_record_path(u_char *p,
    const agw_record_t *record);


/*
 * Sets what the log says of a write to this record; and makes the ids of the
 * operation its own, since it may outlive the request.
 */

agw_reason_t ngx_http_agw_admin_event(ngx_http_request_t *r,
    ngx_http_agw_admin_request_t *req, const agw_record_t *record);


#endif /* NGX_HTTP_AGW_ADMIN_EVENT_H_INCLUDED_ */
