
/*
 * Which check refuses a token and a path, and what was compared: the checks of
 * requests are called, with a request that nobody sent.
 */


#ifndef NGX_HTTP_AGW_EXPLAIN_H_INCLUDED_
#define NGX_HTTP_AGW_EXPLAIN_H_INCLUDED_


#include "ngx_http_agw.h"
#include "ngx_http_agw_probe.h"


/*
 * Called with the result, which is the handler's to drop; NULL if memory ran
 * out.  The handler has to finalize the request.
 *
 *     {"allowed":false, "reason":"expired", "server":"api.example.com",
 *      "location":"/v1/businesses/", "enforce":"on", "notes":["..."],
 *      "checks":[{"check":"transport", "result":"ok",
 *                 "compared":"https; auth_gateway_require_https on"}, ...]}
 *
 * A result is "ok", "refused" (once: it is the reason), or "skipped", with null
 * for compared: the check comes later, or the location does not make it.
 */

typedef void (*ngx_http_agw_explained_pt)(ngx_http_request_t *r,
    json_t *result);


/*
 * Explains what would happen to the request that was asked about.  Its strings
 * must live as long as r.  Returns AGW_OK if handler was or will be called;
 * AGW_INVALID_REQUEST, and *member is "method", "path", "server" or
 * "destination", for what nginx itself would refuse; or AGW_INTERNAL_ERROR.
 * The token is neither logged nor copied into the result.
 */

agw_reason_t ngx_http_agw_explain(ngx_http_request_t *r,
    const ngx_http_agw_asked_t *asked, const char **member,
    ngx_http_agw_explained_pt handler);


#endif /* NGX_HTTP_AGW_EXPLAIN_H_INCLUDED_ */
