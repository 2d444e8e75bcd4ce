
/*
 * Public documents, rendered once, while the configuration is read.
 */


#ifndef NGX_HTTP_AGW_DOCUMENT_H_INCLUDED_
#define NGX_HTTP_AGW_DOCUMENT_H_INCLUDED_


#include "ngx_http_agw.h"


#define NGX_HTTP_AGW_DOCUMENT_METHODS  "GET, HEAD"


/*
 * Renders json into document, and drops the reference.  If json is NULL, an
 * allocation failed.  type is its media type, a static string.  Returns
 * NGX_CONF_OK, or NGX_CONF_ERROR, logged.
 */

char *ngx_http_agw_document_render(ngx_conf_t *cf,
    ngx_http_agw_document_t *document, json_t *json, const char *type);


/*
 * Whether a request for a document may have it: if not, *rc is what the content
 * handler returns, and a response was sent.
 */

ngx_uint_t ngx_http_agw_document_is_allowed(ngx_http_request_t *r,
    ngx_int_t *rc);


/* the content handler of a location with a document */

ngx_int_t ngx_http_agw_document_handler(ngx_http_request_t *r);


#endif /* NGX_HTTP_AGW_DOCUMENT_H_INCLUDED_ */
