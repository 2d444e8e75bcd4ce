
/*
 * The request's headers, by name.
 */


#ifndef NGX_HTTP_AGW_HEADERS_H_INCLUDED_
#define NGX_HTTP_AGW_HEADERS_H_INCLUDED_


#include "ngx_http_agw.h"


/* how far the headers were read */

typedef struct {
    const ngx_list_part_t  *part;
    ngx_uint_t              next;    /* in this part */
} ngx_http_agw_headers_t;


/* begins at the first header */

static ngx_inline ngx_http_agw_headers_t
ngx_http_agw_headers(const ngx_http_request_t *r)
{
    ngx_http_agw_headers_t  headers;

    headers.part = &r->headers_in.headers.part;
    headers.next = 0;

    return headers;
}


/*
 * Returns the next header of that name, or NULL.  Case does not matter, and a
 * '_' in the name stands for '-' too, as in the name of a variable.  Headers
 * with an empty value are returned, and those that another module removed
 * (hash is 0).
 */

const ngx_table_elt_t *ngx_http_agw_next_header(
    ngx_http_agw_headers_t *headers, agw_str_t name);


#endif /* NGX_HTTP_AGW_HEADERS_H_INCLUDED_ */
