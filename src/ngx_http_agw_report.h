
/*
 * `auth_gateway_report`: nginx -t lists what each location requires.
 */


#ifndef NGX_HTTP_AGW_REPORT_H_INCLUDED_
#define NGX_HTTP_AGW_REPORT_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Keeps the text of a block's opening line, since nginx does not keep the
 * modifiers of a location's name.  Returns NGX_OK or NGX_ERROR.
 */

ngx_int_t ngx_http_agw_keep_written(ngx_conf_t *cf,
    ngx_http_agw_loc_conf_t *conf);


/* logs a NOTICE for each location, if the directive is on */

void ngx_http_agw_report(ngx_conf_t *cf);


#endif /* NGX_HTTP_AGW_REPORT_H_INCLUDED_ */
