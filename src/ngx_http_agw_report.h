
/*
 * `auth_gateway_report`: what each location requires, at nginx -t alone.
 */


#ifndef NGX_HTTP_AGW_REPORT_H_INCLUDED_
#define NGX_HTTP_AGW_REPORT_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Keeps how the block that is being opened was written, since nginx keeps a
 * name without all of its modifiers.  NGX_OK or NGX_ERROR.
 */

ngx_int_t ngx_http_agw_keep_written(ngx_conf_t *cf,
    ngx_http_agw_loc_conf_t *conf);


/* a NOTICE for each location, where the directive is on */

void ngx_http_agw_report(ngx_conf_t *cf);


#endif /* NGX_HTTP_AGW_REPORT_H_INCLUDED_ */
