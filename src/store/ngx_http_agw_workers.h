
/*
 * What the workers of a configuration will be able to do.
 */


#ifndef NGX_HTTP_AGW_WORKERS_H_INCLUDED_
#define NGX_HTTP_AGW_WORKERS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Whether the workers can create files beside the one at path, which ends
 * with a NUL.  Returns NGX_OK, or NGX_ERROR with the reason logged.
 */

ngx_int_t ngx_http_agw_workers_write(ngx_conf_t *cf, ngx_str_t *path);


#endif /* NGX_HTTP_AGW_WORKERS_H_INCLUDED_ */
