
/*
 * nginx's `auth_basic` reads the header that tokens are sent in.
 */


#ifndef NGX_HTTP_AGW_AUTH_BASIC_H_INCLUDED_
#define NGX_HTTP_AGW_AUTH_BASIC_H_INCLUDED_


#include "ngx_http_agw.h"


/* warns about each location that has both auth_basic and a requirement */

void ngx_http_agw_warn_of_auth_basic(ngx_conf_t *cf);


#endif /* NGX_HTTP_AGW_AUTH_BASIC_H_INCLUDED_ */
