
#ifndef NGX_HTTP_AGW_KEY_LIST_H_INCLUDED_
#define NGX_HTTP_AGW_KEY_LIST_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Lists the keys of all servers, for the status and the metrics, once all of
 * `http` was read.  Returns NGX_OK or NGX_ERROR.
 */

ngx_int_t ngx_http_agw_list_keys(ngx_conf_t *cf);


#endif /* NGX_HTTP_AGW_KEY_LIST_H_INCLUDED_ */
