
/*
 * What an audit log keeps of a request.  Nothing here is a client's own text:
 * ids are those of a verified token, of an authenticated partner, or of what
 * was written.
 */


#ifndef NGX_HTTP_AGW_EVENT_H_INCLUDED_
#define NGX_HTTP_AGW_EVENT_H_INCLUDED_


#include "ngx_http_agw.h"


/* the word for what happened; empty if the request was just allowed */

agw_str_t ngx_http_agw_event(const ngx_http_agw_ctx_t *ctx);


/*
 * The partner that authenticated, by API key or by a token with a valid
 * signature, which may be expired or revoked; empty: none did.
 */

agw_str_t ngx_http_agw_event_partner_id(const ngx_http_agw_ctx_t *ctx);


/*
 * The business whose tokens were revoked, or that of the token which was
 * issued, revoked, introspected or refused; empty: of none.
 */

agw_str_t ngx_http_agw_event_business_id(const ngx_http_agw_ctx_t *ctx);


#endif /* NGX_HTTP_AGW_EVENT_H_INCLUDED_ */
