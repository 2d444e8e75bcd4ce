
/*
 * Random bytes, drawn ahead.
 */


#ifndef NGX_HTTP_AGW_RANDOM_H_INCLUDED_
#define NGX_HTTP_AGW_RANDOM_H_INCLUDED_


#include "ngx_http_agw.h"


/* as many as one call gives at most */

#define NGX_HTTP_AGW_RANDOM_MAX  64


/*
 * Sets n bytes, which no call has given before in this process or another,
 * from OpenSSL's generator.  NGX_OK, or NGX_ERROR where that failed.
 */

ngx_int_t ngx_http_agw_random(u_char *p, size_t n);


#endif /* NGX_HTTP_AGW_RANDOM_H_INCLUDED_ */
