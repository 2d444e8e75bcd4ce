
/*
 * The certificate of the client of a request (RFC 8705): that of its
 * connection, or the one that auth_gateway_client_certificate names.
 */


#ifndef NGX_HTTP_AGW_CLIENT_CERTIFICATE_H_INCLUDED_
#define NGX_HTTP_AGW_CLIENT_CERTIFICATE_H_INCLUDED_


#include "ngx_http_agw.h"


/*
 * Returns NGX_OK and *thumbprint, which lives as long as the connection and
 * until the next call; NGX_DECLINED if the client has no certificate;
 * NGX_ERROR if it has one that cannot be read or has expired; or NGX_ABORT,
 * logged, if memory ran out.  The client holds its private key: TLS proves
 * that, or the proxy that names it.  A certificate is read once a connection.
 */

ngx_int_t ngx_http_agw_client_certificate(ngx_http_request_t *r,
    agw_str_t *thumbprint);


/*
 * Whether the client may use a token with these claims: they are bound to no
 * certificate, or to the client's.  Returns AGW_OK; AGW_CERTIFICATE_MISMATCH,
 * and ctx->fault says why; or AGW_INTERNAL_ERROR if memory ran out.
 */

agw_reason_t ngx_http_agw_check_binding(ngx_http_request_t *r,
    ngx_http_agw_ctx_t *ctx, const agw_claims_t *claims);


#endif /* NGX_HTTP_AGW_CLIENT_CERTIFICATE_H_INCLUDED_ */
