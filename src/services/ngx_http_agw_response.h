
/*
 * Responses of this module.  Each leaves no unread request body behind, which
 * would be taken for the next request: it is read, or discarded, or the
 * connection is closed.
 */


#ifndef NGX_HTTP_AGW_RESPONSE_H_INCLUDED_
#define NGX_HTTP_AGW_RESPONSE_H_INCLUDED_


#include "ngx_http_agw.h"


#define NGX_HTTP_AGW_RETRY_AFTER   "1"       /* of 503, in seconds */


/*
 * Sends a JSON body with status 200, not to be stored (RFC 6749, section
 * 5.1).  Returns what ngx_http_finalize_request() takes.
 */

ngx_int_t ngx_http_agw_send(ngx_http_request_t *r, ngx_str_t *body);


/* the same with any status and media type; type is NULL for that of JSON */

ngx_int_t ngx_http_agw_send_state(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body);


/*
 * The same with the status of a refusal, and with its challenges.  Called
 * after ngx_http_agw_forget_caching().
 */

ngx_int_t ngx_http_agw_send_refusal(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);


/* the same with any status, and the headers that the caller has set */

ngx_int_t ngx_http_agw_send_status(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);


/* lines of JSON, with status 200, not to be stored */

ngx_int_t ngx_http_agw_send_ndjson(ngx_http_request_t *r, ngx_str_t *body);


/*
 * Sends json as ngx_http_agw_send() does, and drops the reference, also after
 * a failure.  If json is NULL, an allocation failed.
 */

ngx_int_t ngx_http_agw_send_json(ngx_http_request_t *r, json_t *json);


/* the same with any status, and the headers that the caller has set */

ngx_int_t ngx_http_agw_send_json_status(ngx_http_request_t *r,
    ngx_uint_t status, json_t *json);


/*
 * Sends a document that caches may store, with its entity tag (RFC 9110,
 * section 8.8.3).  Returns what ngx_http_finalize_request() takes.
 */

ngx_int_t ngx_http_agw_send_document(ngx_http_request_t *r,
    const ngx_http_agw_document_t *document);


/* NULL if memory ran out; name is static, and value must outlive r */

ngx_table_elt_t *ngx_http_agw_push_header(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);


/* the same with a static value; returns NGX_OK or NGX_ERROR */

ngx_int_t ngx_http_agw_add_header(ngx_http_request_t *r, const char *name,
    const char *value);


/* removes headers about caching, and cookies, that an earlier pass has set */

void ngx_http_agw_forget_caching(ngx_http_request_t *r);


/* removes the challenges that an earlier pass has set */

void ngx_http_agw_forget_challenges(ngx_http_request_t *r);


#endif /* NGX_HTTP_AGW_RESPONSE_H_INCLUDED_ */
