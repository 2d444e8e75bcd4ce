
/*
 * Endpoints: locations that this module answers.
 */


#ifndef NGX_HTTP_AGW_ENDPOINTS_H_INCLUDED_
#define NGX_HTTP_AGW_ENDPOINTS_H_INCLUDED_


#include "ngx_http_agw.h"


/* setters of the command table */

char *ngx_http_agw_set_token(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_agw_set_revoke(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_agw_set_introspect(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_agw_set_jwks(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_agw_set_metadata(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_agw_set_resource_metadata(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_agw_set_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_agw_set_metrics(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/*
 * For a setter: makes the location that endpoint.  Returns NGX_CONF_OK, or the
 * text of an error.
 */

char *ngx_http_agw_set_endpoint(ngx_conf_t *cf, ngx_http_agw_loc_conf_t *lcf,
    const ngx_http_agw_endpoint_t *endpoint);


/*
 * Called while the location of an endpoint is merged.  The first merges which
 * endpoint it is.  The second is called after all else was merged: it checks
 * that the endpoint has what it needs, and renders its document.
 */

char *ngx_http_agw_merge_endpoint(ngx_conf_t *cf,
    const ngx_http_agw_loc_conf_t *prev, ngx_http_agw_loc_conf_t *conf,
    ngx_uint_t explicit_require);
char *ngx_http_agw_prepare_endpoint(ngx_conf_t *cf,
    ngx_http_agw_loc_conf_t *conf);


/*
 * Called after all locations were merged.  Returns NGX_OK, or NGX_ERROR,
 * logged, if another module has replaced the handler of an endpoint.
 */

ngx_int_t ngx_http_agw_check_endpoints(ngx_conf_t *cf);


#endif /* NGX_HTTP_AGW_ENDPOINTS_H_INCLUDED_ */
