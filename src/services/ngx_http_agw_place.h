
/*
 * The server and the location that nginx chooses for a request.
 */


#ifndef NGX_HTTP_AGW_PLACE_H_INCLUDED_
#define NGX_HTTP_AGW_PLACE_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * The server of that name, on the first address with TLS, or without it, as
 * https says, else on any.  nginx keeps the names of a server that is alone on
 * its address only in part: so if none has the name, it is the default server
 * of the first such address, and *named is 0.  NULL: nothing listens, or memory
 * ran out.
 */

ngx_http_core_srv_conf_t *ngx_http_agw_find_server(ngx_http_request_t *r,
    agw_str_t name, ngx_uint_t https, ngx_uint_t *named);


/* the first in which a location requires a token, or NULL */

ngx_http_core_srv_conf_t *ngx_http_agw_find_guarded_server(
    ngx_http_request_t *r);


/*
 * Sets r->loc_conf, which is that of r's server, to the location of r->uri: the
 * longest name that it begins with; unless that is the whole of it (`=`), or
 * has `^~`, the first regular expression that matches; and so again among the
 * locations in that one.  *found is set to 1 if there is one.  Returns NGX_OK;
 * NGX_DONE if nginx redirects to its name, with a '/' more; NGX_AGAIN or
 * NGX_DECLINED if no other was looked for; or NGX_ERROR.
 */

ngx_int_t ngx_http_agw_find_location(ngx_http_request_t *r,
    ngx_uint_t *found);


#endif /* NGX_HTTP_AGW_PLACE_H_INCLUDED_ */
