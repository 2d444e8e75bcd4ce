
#ifndef NGX_HTTP_AGW_VARIABLES_H_INCLUDED_
#define NGX_HTTP_AGW_VARIABLES_H_INCLUDED_


#include "ngx_http_agw.h"


/* adds the module's variables; NGX_OK or NGX_ERROR */

ngx_int_t ngx_http_agw_add_variables(ngx_conf_t *cf);


#endif /* NGX_HTTP_AGW_VARIABLES_H_INCLUDED_ */
