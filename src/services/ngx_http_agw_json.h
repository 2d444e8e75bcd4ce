
/*
 * jansson goes on without a byte of a string where no memory is to be had
 * for it.  What was read then is not to be believed.
 */


#ifndef NGX_HTTP_AGW_JSON_H_INCLUDED_
#define NGX_HTTP_AGW_JSON_H_INCLUDED_


#include "ngx_http_agw.h"


/* from now on, in this process, what jansson was refused is counted */

void ngx_http_agw_json_watch(void);


/* how often that was: more of it after a call than before, and it failed */

ngx_uint_t ngx_http_agw_json_refused(void);


#endif /* NGX_HTTP_AGW_JSON_H_INCLUDED_ */
