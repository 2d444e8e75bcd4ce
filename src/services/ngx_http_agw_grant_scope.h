
/*
 * The scope of a grant: what the request asks for, what the location and the
 * partner's list in the store allow.
 */


#ifndef NGX_HTTP_AGW_GRANT_SCOPE_H_INCLUDED_
#define NGX_HTTP_AGW_GRANT_SCOPE_H_INCLUDED_


#include "ngx_http_agw.h"

#include "agw_params.h"
#include "ngx_http_agw_issue.h"


/*
 * Called once the grant's kind is known.  Sets grant->asked from the body.
 * Returns AGW_OK, AGW_INVALID_REQUEST, or AGW_INVALID_SCOPE if the location
 * does not allow it.
 */

agw_reason_t ngx_http_agw_ask_scope(ngx_http_request_t *r,
    ngx_http_agw_grant_t *grant, const agw_params_t *params);


/*
 * Sets grant->scope, once the store was asked: limited, and the partner's list,
 * are of its row.  Returns AGW_OK; AGW_INVALID_SCOPE if the partner may not
 * have what it asked for; or AGW_INTERNAL_ERROR.
 */

agw_reason_t ngx_http_agw_grant_scope(ngx_http_request_t *r,
    ngx_http_agw_grant_t *grant, ngx_uint_t limited, agw_str_t list);


#endif /* NGX_HTTP_AGW_GRANT_SCOPE_H_INCLUDED_ */
