
/*
 * `auth_gateway_admin` and `auth_gateway_admin_log`.
 */


#ifndef NGX_HTTP_AGW_ADMIN_CONF_H_INCLUDED_
#define NGX_HTTP_AGW_ADMIN_CONF_H_INCLUDED_


#include "ngx_http_agw.h"


/* setters of the command table */

char *ngx_http_agw_set_admin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_agw_set_admin_log(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/*
 * Called after all of `http` was read: whether each location can be reached by
 * somebody who may administer, and what it writes is logged.  Returns NGX_OK,
 * or NGX_ERROR, logged.
 */

ngx_int_t ngx_http_agw_check_admin(ngx_conf_t *cf);


#endif /* NGX_HTTP_AGW_ADMIN_CONF_H_INCLUDED_ */
