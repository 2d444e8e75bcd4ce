
/*
 * Issuing: a grant becomes a signed token and its response.
 */


#ifndef NGX_HTTP_AGW_ISSUE_H_INCLUDED_
#define NGX_HTTP_AGW_ISSUE_H_INCLUDED_


#include "ngx_http_agw.h"


/* what the token will say; strings live as long as the request */

struct ngx_http_agw_grant_s {
    agw_kind_t                kind;
    agw_str_t                 partner_id;
    agw_str_t                 business_id;   /* of a business token */
    agw_str_t                 asked;         /* scope of the request */
    agw_str_t                 scope;         /* granted; empty: none */
    time_t                    issued_at;     /* when the store was queried */
    int64_t                   seq;           /* the store's last stamp then */
    time_t                    lifetime;      /* seconds */
    agw_str_t                 x5t;           /* that it is bound to; or empty */
    agw_str_t                 jti;           /* once it is issued */
    unsigned                  exchanged:1;   /* by RFC 8693 */
    unsigned                  bare:1;        /* without scope and ids */
};


/*
 * Sets the certificate that the token will be bound to, by the location's
 * auth_gateway_bind_tokens.  Returns AGW_OK; AGW_CERTIFICATE_MISMATCH if the
 * client has one that cannot be read or has expired; or AGW_INTERNAL_ERROR.
 */

agw_reason_t ngx_http_agw_bind_grant(ngx_http_request_t *r,
    ngx_http_agw_grant_t *grant);


/*
 * Signs the grant with the server's first key and sends the response of RFC
 * 6749, section 5.1.  Returns what ngx_http_finalize_request() takes; or
 * NGX_DECLINED if nothing was sent, since OpenSSL failed or memory ran out.
 */

ngx_int_t ngx_http_agw_issue(ngx_http_request_t *r,
    ngx_http_agw_grant_t *grant);


#endif /* NGX_HTTP_AGW_ISSUE_H_INCLUDED_ */
