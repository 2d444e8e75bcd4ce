
/*
 * Who administers: a local user, or the owner of a certificate.
 */


#ifndef NGX_HTTP_AGW_ADMIN_PEER_H_INCLUDED_
#define NGX_HTTP_AGW_ADMIN_PEER_H_INCLUDED_


#include "ngx_http_agw.h"


#define NGX_HTTP_AGW_THUMBPRINT   43         /* SHA-256 in base64url */


typedef struct {
    unsigned                  local:1;       /* over a unix socket */
    uid_t                     uid;           /* if it is local, else */
    u_char                    certificate[NGX_HTTP_AGW_THUMBPRINT];
} ngx_http_agw_admin_peer_t;


/*
 * Finds out who has sent the request: the user at the other end of a unix
 * socket, if that is root or listed, and not merely the user of the workers; or
 * a client certificate that was verified and is listed.  Returns NGX_OK; or
 * NGX_DECLINED if it is nobody who may administer.
 */

ngx_int_t ngx_http_agw_admin_peer(ngx_http_request_t *r,
    const ngx_http_agw_admin_conf_t *conf, ngx_http_agw_admin_peer_t *peer);


#endif /* NGX_HTTP_AGW_ADMIN_PEER_H_INCLUDED_ */
