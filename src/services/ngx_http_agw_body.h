
/*
 * Small request bodies, read whole and never written to a file by us: they
 * may hold a secret.
 */


#ifndef NGX_HTTP_AGW_BODY_H_INCLUDED_
#define NGX_HTTP_AGW_BODY_H_INCLUDED_


#include "ngx_http_agw.h"

#include "agw_params.h"


/*
 * Called once, with AGW_OK and the parameters of the body, or with
 * AGW_BODY_TOO_LARGE (over AGW_BODY_MAX), AGW_INVALID_REQUEST (of another
 * type, or malformed), AGW_BODY_NOT_JSON or AGW_INTERNAL_ERROR, and NULL.
 * The parameters live as long as the request, and our copy of them is wiped
 * with it.  The request is then the handler's to finalize.
 */

typedef void (*ngx_http_agw_body_pt)(ngx_http_request_t *r,
    agw_reason_t reason, agw_params_t *params);


/* what a body may be: bits */

#define NGX_HTTP_AGW_BODY_FORM        1      /* x-www-form-urlencoded */
#define NGX_HTTP_AGW_BODY_JSON        2      /* application/json */
#define NGX_HTTP_AGW_BODY_MULTIPART   4      /* multipart/form-data */
#define NGX_HTTP_AGW_BODY_ANY         7


/*
 * Reads the body and its parameters: of one of the types, or nothing,
 * whatever its Content-Type.  Returns what a content handler returns;
 * NGX_DONE where the handler was, or will be, called.
 */

ngx_int_t ngx_http_agw_read_params(ngx_http_request_t *r, ngx_uint_t types,
    ngx_http_agw_body_pt handler);


#endif /* NGX_HTTP_AGW_BODY_H_INCLUDED_ */
