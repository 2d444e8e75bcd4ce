
/*
 * Request bodies.  They may contain a secret, so they are read into memory,
 * and this module never writes them to a file.
 */


#ifndef NGX_HTTP_AGW_BODY_H_INCLUDED_
#define NGX_HTTP_AGW_BODY_H_INCLUDED_


#include "ngx_http_agw.h"

#include "agw_params.h"


/*
 * Called once, with AGW_OK and the parameters of the body; or with NULL and
 * AGW_BODY_TOO_LARGE (over AGW_BODY_MAX), AGW_INVALID_REQUEST (of another
 * type, or malformed), AGW_BODY_NOT_JSON or AGW_INTERNAL_ERROR.  The
 * parameters live as long as the request, and are wiped with it.  The handler
 * has to finalize the request.
 */

typedef void (*ngx_http_agw_body_pt)(ngx_http_request_t *r,
    agw_reason_t reason, agw_params_t *params);


/* media types that a body may have: bits */

#define NGX_HTTP_AGW_BODY_FORM        1      /* x-www-form-urlencoded */
#define NGX_HTTP_AGW_BODY_JSON        2      /* application/json */
#define NGX_HTTP_AGW_BODY_MULTIPART   4      /* multipart/form-data */
#define NGX_HTTP_AGW_BODY_ANY         7


/*
 * Reads the body and its parameters.  The body must have one of the types,
 * unless it is empty.  Returns what a content handler returns; NGX_DONE if the
 * handler was or will be called.
 */

ngx_int_t ngx_http_agw_read_params(ngx_http_request_t *r, ngx_uint_t types,
    ngx_http_agw_body_pt handler);


/*
 * The same without a look at its type and content, for a body of at most max
 * bytes.  text is empty if the reason is not AGW_OK.
 */

typedef void (*ngx_http_agw_text_pt)(ngx_http_request_t *r,
    agw_reason_t reason, ngx_str_t *text);

ngx_int_t ngx_http_agw_read_text(ngx_http_request_t *r, size_t max,
    ngx_http_agw_text_pt handler);


#endif /* NGX_HTTP_AGW_BODY_H_INCLUDED_ */
