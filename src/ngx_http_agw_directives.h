
/*
 * The setters of directives, except those of endpoints and of keys.
 */


#ifndef NGX_HTTP_AGW_DIRECTIVES_H_INCLUDED_
#define NGX_HTTP_AGW_DIRECTIVES_H_INCLUDED_


#include "ngx_http_agw.h"


char *ngx_http_agw_set_store(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_agw_set_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_agw_set_token_type(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_agw_set_text(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_agw_set_realm(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_agw_set_token_cache(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_agw_set_thread_pool(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_agw_set_leeway(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_agw_set_stale(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_agw_set_lifetime(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_agw_set_require(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_agw_set_business_path(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_agw_set_enforce(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

char *ngx_http_agw_set_require_https(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_agw_set_error_format(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_HTTP_AGW_DIRECTIVES_H_INCLUDED_ */
