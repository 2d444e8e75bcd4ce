
/*
 * Memory that holds secrets.
 */


#ifndef NGX_HTTP_AGW_SECRET_H_INCLUDED_
#define NGX_HTTP_AGW_SECRET_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Returns a buffer of size bytes from pool that is wiped when pool is
 * destroyed, or NULL if memory ran out.
 */

u_char *ngx_http_agw_secret_buf(ngx_pool_t *pool, size_t size);


#endif /* NGX_HTTP_AGW_SECRET_H_INCLUDED_ */
