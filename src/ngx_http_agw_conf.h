
/*
 * Configurations are created and merged.
 */


#ifndef NGX_HTTP_AGW_CONF_H_INCLUDED_
#define NGX_HTTP_AGW_CONF_H_INCLUDED_


#include "ngx_http_agw.h"


void *ngx_http_agw_create_main_conf(ngx_conf_t *cf);
char *ngx_http_agw_init_main_conf(ngx_conf_t *cf, void *conf);
void *ngx_http_agw_create_srv_conf(ngx_conf_t *cf);
char *ngx_http_agw_merge_srv_conf(ngx_conf_t *cf, void *parent, void *child);
void *ngx_http_agw_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_agw_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child);


#endif /* NGX_HTTP_AGW_CONF_H_INCLUDED_ */
