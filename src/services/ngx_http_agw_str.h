
/*
 * Conversion between the strings of core/ and of nginx.
 */


#ifndef NGX_HTTP_AGW_STR_H_INCLUDED_
#define NGX_HTTP_AGW_STR_H_INCLUDED_


#include "ngx_http_agw.h"


/* the result points to the same bytes */

static ngx_inline agw_str_t
ngx_http_agw_to_core(ngx_str_t s)
{
    agw_str_t  to;

    to.len = s.len;
    to.data = s.data;

    return to;
}


static ngx_inline ngx_str_t
ngx_http_agw_from_core(agw_str_t s)
{
    ngx_str_t  to;

    to.len = s.len;
    to.data = (u_char *) s.data;

    return to;
}


#endif /* NGX_HTTP_AGW_STR_H_INCLUDED_ */
