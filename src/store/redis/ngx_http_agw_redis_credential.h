
/*
 * What the hashes of a partner say of its credentials: an API key, a JWK, a
 * certificate.
 */


#ifndef NGX_HTTP_AGW_REDIS_CREDENTIAL_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_CREDENTIAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_store_directory.h"


/*
 * The field of an API key, a JSON object, and that of a certificate: its
 * notAfter, or nothing.  NGX_OK and the times of the row; NGX_ERROR if it is
 * malformed, or NGX_ABORT if there was no memory to read it.
 */

ngx_int_t ngx_http_agw_redis_read_key(agw_str_t text, agw_api_key_row_t *row);
ngx_int_t ngx_http_agw_redis_read_certificate(agw_str_t text,
    agw_api_key_row_t *row);


/*
 * query->jwk is a copy of it: what it is worth is found out when it is used.
 * NGX_OK, or NGX_ABORT if memory ran out.
 */

ngx_int_t ngx_http_agw_redis_keep_jwk(ngx_http_agw_directory_query_t *query,
    agw_str_t text);


#endif /* NGX_HTTP_AGW_REDIS_CREDENTIAL_H_INCLUDED_ */
