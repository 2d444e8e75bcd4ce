
/*
 * Endpoints, which are locations that answer by themselves.
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


/*
 * Of an endpoint, as its location is merged: which one it is, and then, with
 * everything else merged, whether it has what it needs, and its document.
 */

char *ngx_http_agw_merge_endpoint(ngx_conf_t *cf,
    const ngx_http_agw_loc_conf_t *prev, ngx_http_agw_loc_conf_t *conf,
    ngx_uint_t explicit_require);
char *ngx_http_agw_prepare_endpoint(ngx_conf_t *cf,
    ngx_http_agw_loc_conf_t *conf);


/*
 * After the last location was merged: NGX_OK, or NGX_ERROR and an EMERG line
 * where another module answers in the place of an endpoint.
 */

ngx_int_t ngx_http_agw_check_endpoints(ngx_conf_t *cf);


#endif /* NGX_HTTP_AGW_ENDPOINTS_H_INCLUDED_ */
