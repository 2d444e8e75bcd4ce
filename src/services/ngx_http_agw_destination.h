
/*
 * What a method of WebDAV writes beside the resource that the request names:
 * the Destination of a COPY or a MOVE (RFC 4918, section 10.3), and the members
 * of a collection.
 */


#ifndef NGX_HTTP_AGW_DESTINATION_H_INCLUDED_
#define NGX_HTTP_AGW_DESTINATION_H_INCLUDED_


#include "ngx_http_agw.h"


/* any other method has none */

static ngx_inline ngx_uint_t
ngx_http_agw_may_have_destination(const ngx_http_request_t *r)
{
    return (r->method & (NGX_HTTP_COPY|NGX_HTTP_MOVE)) != 0;
}


/*
 * Checks the Destination of a request for that business, or for none if
 * business_id is empty.  Returns AGW_AMBIGUOUS_PATH if there are several, or if
 * not everybody reads its path in one way; AGW_INTERNAL_ERROR; or AGW_OK, then
 * *outside says whether its path is another business's, or none's, or whether
 * it or that of the request has other businesses below it: AGW_WRONG_BUSINESS,
 * once the credentials are verified.
 * Whether the header must be there is left to the handler.
 */

agw_reason_t ngx_http_agw_check_destination(ngx_http_request_t *r,
    agw_str_t business_id, ngx_uint_t *outside);


/*
 * Whether the request, for that business or for none, is a DELETE by nginx's
 * own dav_methods of a collection in which others lie: it would remove them all
 * (section 9.6.1).
 */

ngx_uint_t ngx_http_agw_removes_businesses(ngx_http_request_t *r,
    agw_str_t business_id);


#endif /* NGX_HTTP_AGW_DESTINATION_H_INCLUDED_ */
