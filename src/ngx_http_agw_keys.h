
/*
 * Key files become the keyring of a server.
 */


#ifndef NGX_HTTP_AGW_KEYS_H_INCLUDED_
#define NGX_HTTP_AGW_KEYS_H_INCLUDED_


#include "ngx_http_agw.h"


/* the setter of `auth_gateway_key` */

char *ngx_http_agw_set_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* NGX_HTTP_AGW_KEYS_H_INCLUDED_ */
