
/*
 * Responses of the module's own: each discards or has read the request body,
 * or closes, since a body that is left unread would be the next request.
 */


#ifndef NGX_HTTP_AGW_RESPONSE_H_INCLUDED_
#define NGX_HTTP_AGW_RESPONSE_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Sends a JSON body that nobody may store (RFC 6749, section 5.1), with
 * status 200.  Returns what ngx_http_finalize_request() takes.
 */

ngx_int_t ngx_http_agw_send(ngx_http_request_t *r, ngx_str_t *body);


/*
 * The same with the status of a refusal, after ngx_http_agw_forget_caching();
 * challenges stay.
 */

ngx_int_t ngx_http_agw_send_refusal(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);


/*
 * Sends json as ngx_http_agw_send() does, and drops the reference, also on
 * failure; a NULL is an allocation that failed.
 */

ngx_int_t ngx_http_agw_send_json(ngx_http_request_t *r, json_t *json);


/*
 * Sends a document that anybody may store, and ask about again by its entity
 * tag (RFC 9110, section 8.8.3).  Returns what ngx_http_finalize_request()
 * takes.
 */

ngx_int_t ngx_http_agw_send_document(ngx_http_request_t *r,
    const ngx_http_agw_document_t *document);


/* NULL where memory ran out; name is static and the value outlives r */

ngx_table_elt_t *ngx_http_agw_push_header(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);


/* the same with a static value; NGX_OK or NGX_ERROR */

ngx_int_t ngx_http_agw_add_header(ngx_http_request_t *r, const char *name,
    const char *value);


/* what a pass that led to this one said of caching, and its cookies */

void ngx_http_agw_forget_caching(ngx_http_request_t *r);


/* the challenges of such a pass: this one has its own, or none */

void ngx_http_agw_forget_challenges(ngx_http_request_t *r);


#endif /* NGX_HTTP_AGW_RESPONSE_H_INCLUDED_ */
