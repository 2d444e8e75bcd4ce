
/*
 * The directives that list scopes.
 */


#ifndef NGX_HTTP_AGW_SCOPES_H_INCLUDED_
#define NGX_HTTP_AGW_SCOPES_H_INCLUDED_


#include "ngx_http_agw.h"


/* setters of the command table; the first for scope and partner_scope */

char *ngx_http_agw_set_scope(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_agw_set_business_scope(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* returns NGX_OK, or NGX_ERROR if memory ran out */

ngx_int_t ngx_http_agw_merge_scopes(ngx_conf_t *cf,
    const ngx_http_agw_loc_conf_t *prev, ngx_http_agw_loc_conf_t *conf);


#endif /* NGX_HTTP_AGW_SCOPES_H_INCLUDED_ */
