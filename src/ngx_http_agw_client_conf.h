
/*
 * The directives about how clients prove who they are.
 */


#ifndef NGX_HTTP_AGW_CLIENT_CONF_H_INCLUDED_
#define NGX_HTTP_AGW_CLIENT_CONF_H_INCLUDED_


#include "ngx_http_agw.h"


char *ngx_http_agw_set_client_auth(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_agw_set_client_certificate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_agw_set_bind_tokens(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_HTTP_AGW_CLIENT_CONF_H_INCLUDED_ */
