
/*
 * nginx's `auth_basic` reads the header that tokens come in.
 */


#ifndef NGX_HTTP_AGW_AUTH_BASIC_H_INCLUDED_
#define NGX_HTTP_AGW_AUTH_BASIC_H_INCLUDED_


#include "ngx_http_agw.h"


/* A WARN for each location that has it beside a demand of ours. */

void ngx_http_agw_warn_of_auth_basic(ngx_conf_t *cf);


#endif /* NGX_HTTP_AGW_AUTH_BASIC_H_INCLUDED_ */
