
/*
 * A request that nobody sent: it has a method, a path, a server, a token and a
 * Destination, so that the checks of requests can be called with it, and no
 * connection of its own.
 */


#ifndef NGX_HTTP_AGW_PROBE_H_INCLUDED_
#define NGX_HTTP_AGW_PROBE_H_INCLUDED_


#include "ngx_http_agw.h"


typedef struct {
    agw_str_t     token;             /* empty: none */
    agw_str_t     method;            /* GET */
    agw_str_t     path;              /* as a client writes it */
    agw_str_t     server;            /* a name; empty: any guarded server */
    agw_str_t     destination;       /* the header of COPY and MOVE */
    agw_str_t     certificate;       /* a thumbprint; empty: none */
    unsigned      https:1;
} ngx_http_agw_asked_t;


typedef struct {
    ngx_http_request_t  *request;
    ngx_uint_t    named;             /* the server has that name */
    ngx_uint_t    found;             /* a location; else it is the server */
    ngx_uint_t    redirected;        /* nginx would add a '/' to the path */
    ngx_uint_t    https_taken;       /* a variable says it, and was not asked */
} ngx_http_agw_probe_t;


/*
 * Makes it of r's pool, with the server, and the location that nginx chooses
 * for the path, nested locations and limit_except included.  No rewrite, no
 * `if` and no variable has been evaluated.  Returns NGX_OK; NGX_DECLINED, and
 * *member is "method", "path", "server" or "destination", which nginx itself
 * would refuse; or NGX_ERROR.
 */

ngx_int_t ngx_http_agw_probe(ngx_http_request_t *r,
    const ngx_http_agw_asked_t *asked, ngx_http_agw_probe_t *probe,
    const char **member);


#endif /* NGX_HTTP_AGW_PROBE_H_INCLUDED_ */
