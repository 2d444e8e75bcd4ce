
/*
 * auth_gateway_admin_log: a line of JSON before each write of an administrator,
 * and one with its result.
 */


#ifndef NGX_HTTP_AGW_ADMIN_LOG_H_INCLUDED_
#define NGX_HTTP_AGW_ADMIN_LOG_H_INCLUDED_


#include "ngx_http_agw_admin_peer.h"


/* all strings need no escaping in JSON */

typedef struct {
    ngx_http_agw_admin_peer_t  peer;
    ngx_str_t                  request_id;
    const char                *operation;    /* "create", ... */
    ngx_str_t                  object;       /* "partners/<id>", ... */
    const char                *result;       /* "begun", "done", ... */
} ngx_http_agw_admin_event_t;


/* writes a line; returns NGX_OK, or NGX_ERROR, logged */

ngx_int_t ngx_http_agw_admin_log(const ngx_http_agw_main_conf_t *mcf,
    const ngx_http_agw_admin_event_t *event);


#endif /* NGX_HTTP_AGW_ADMIN_LOG_H_INCLUDED_ */
