
/*
 * Issued tokens are not stored: the signature makes a token valid.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "agw_base64.h"
#include "agw_json_writer.h"
#include "agw_jws.h"
#include "ngx_http_agw_client_certificate.h"
#include "ngx_http_agw_counters.h"
#include "ngx_http_agw_exchange.h"
#include "ngx_http_agw_issue.h"
#include "ngx_http_agw_log.h"
#include "ngx_http_agw_response.h"
#include "ngx_http_agw_secret.h"
#include "ngx_http_agw_str.h"


#define NGX_HTTP_AGW_JTI_BYTES     16
#define NGX_HTTP_AGW_RANDOM_BLOCK  1024      /* bytes */

/* of the response, without the token, scope and ids */

#define NGX_HTTP_AGW_RESPONSE      256


/*
 * Random bytes in stock: OpenSSL's generator takes as long for a few bytes as
 * for a block.  A block belongs to one process, since a child would draw the
 * same bytes.
 */

static struct {
    u_char     bytes[NGX_HTTP_AGW_RANDOM_BLOCK];
    size_t     left;                 /* unused bytes, at the end */
    ngx_pid_t  pid;                  /* that filled the block */
} ngx_http_agw_random_block;


static ngx_int_t ngx_http_agw_issue_payload(ngx_http_request_t *r,
    ngx_http_agw_grant_t *grant, agw_str_t *payload);
static ngx_int_t ngx_http_agw_issue_response(ngx_http_request_t *r,
    const ngx_http_agw_grant_t *grant, agw_str_t payload, ngx_str_t *body);
static ngx_int_t ngx_http_agw_random(u_char *p, size_t n);


agw_reason_t
ngx_http_agw_bind_grant(ngx_http_request_t *r, ngx_http_agw_grant_t *grant)
{
    u_char                         *p;
    ngx_int_t                       rc;
    agw_str_t                       thumbprint;
    ngx_http_agw_ctx_t             *ctx;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    if (lcf->bind_tokens == NGX_HTTP_AGW_BIND_OFF) {
        grant->x5t.len = 0;
        return AGW_OK;
    }

    if (grant->x5t.len || lcf->bind_tokens == NGX_HTTP_AGW_BIND_AS_BEFORE) {
        return AGW_OK;
    }

    rc = ngx_http_agw_client_certificate(r, &thumbprint);

    if (rc == NGX_DECLINED) {
        return AGW_OK;
    }

    if (rc == NGX_ABORT) {
        return AGW_INTERNAL_ERROR;
    }

    if (rc != NGX_OK) {
        ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);
        ctx->fault = "an unreadable or expired certificate";

        return AGW_CERTIFICATE_MISMATCH;
    }

    p = ngx_pnalloc(r->pool, thumbprint.len);
    if (p == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    ngx_memcpy(p, thumbprint.data, thumbprint.len);

    grant->x5t.data = p;
    grant->x5t.len = thumbprint.len;

    return AGW_OK;
}


ngx_int_t
ngx_http_agw_issue(ngx_http_request_t *r, ngx_http_agw_grant_t *grant)
{
    agw_str_t   payload;
    ngx_log_t  *log;
    ngx_str_t   body;

    if (ngx_http_agw_issue_payload(r, grant, &payload) != NGX_OK
        || ngx_http_agw_issue_response(r, grant, payload, &body) != NGX_OK)
    {
        log = ngx_http_agw_log(r);

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "auth_gateway: a token could not be signed");
        return NGX_DECLINED;
    }

    ngx_http_agw_count(NGX_HTTP_AGW_COUNT_ISSUED + grant->kind);

    return ngx_http_agw_send(r, &body);
}


static ngx_int_t
ngx_http_agw_issue_payload(ngx_http_request_t *r,
    ngx_http_agw_grant_t *grant, agw_str_t *payload)
{
    u_char                          random[NGX_HTTP_AGW_JTI_BYTES];
    u_char                         *buf, *jti;
    size_t                          size;
    agw_str_t                       s;
    agw_claims_t                    claims;
    const ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);

    size = sscf->claims_head.len + AGW_CLAIMS_SIZE;
    buf = ngx_pnalloc(r->pool, size);
    jti = ngx_pnalloc(r->pool, AGW_BASE64URL_SIZE(NGX_HTTP_AGW_JTI_BYTES));

    if (buf == NULL || jti == NULL
        || ngx_http_agw_random(random, NGX_HTTP_AGW_JTI_BYTES) != NGX_OK)
    {
        return NGX_ERROR;
    }

    s.data = random;
    s.len = NGX_HTTP_AGW_JTI_BYTES;

    grant->jti.data = jti;
    grant->jti.len = agw_base64url_encode(s, jti);

    ngx_memzero(&claims, sizeof(agw_claims_t));

    claims.jti = grant->jti;
    claims.kind = grant->kind;
    claims.partner_id = grant->partner_id;
    claims.business_id = grant->business_id;
    claims.scope = grant->scope;
    claims.x5t = grant->x5t;
    claims.iat = grant->issued_at;
    claims.exp = grant->issued_at + grant->lifetime;
    claims.seq = grant->seq;

    payload->data = buf;

    return agw_claims_write(&claims,
                            ngx_http_agw_to_core(sscf->claims_head), buf,
                            size, &payload->len) == 0
           ? NGX_OK : NGX_ERROR;
}


/* the token is signed in place, in the response */

static ngx_int_t
ngx_http_agw_issue_response(ngx_http_request_t *r,
    const ngx_http_agw_grant_t *grant, agw_str_t payload, ngx_str_t *body)
{
    size_t                          size, len;
    agw_json_writer_t               t;
    const agw_key_t                *key;
    const ngx_http_agw_srv_conf_t  *sscf;
    static const agw_str_t          begin = agw_string("{\"access_token\":\"");
    static const agw_str_t          end = agw_string("\",");
    static const agw_str_t          bearer = agw_string("Bearer");
    static const agw_str_t          access_token =
                                    agw_string(NGX_HTTP_AGW_ACCESS_TOKEN);

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);
    key = agw_keyring_signer(sscf->keyring);

    size = NGX_HTTP_AGW_RESPONSE + agw_jws_size(key, payload.len)
           + grant->scope.len + grant->business_id.len;

    body->data = ngx_http_agw_secret_buf(r->pool, size);
    if (body->data == NULL) {
        return NGX_ERROR;
    }

    agw_json_writer_begin(&t, body->data, size);
    agw_json_writer_copy(&t, begin);

    if (agw_jws_sign(key, payload, t.p, &len) != 0) {
        return NGX_ERROR;
    }

    t.p += len;

    agw_json_writer_copy(&t, end);

    if (grant->exchanged) {
        agw_json_writer_string(&t, "issued_token_type", access_token);
    }

    agw_json_writer_string(&t, "token_type", bearer);
    agw_json_writer_integer(&t, "expires_in", grant->lifetime);

    if (!grant->bare) {
        agw_json_writer_string(&t, "scope", grant->scope);
        agw_json_writer_string(&t, "business_id", grant->business_id);
    }

    if (agw_json_writer_end(&t) != 0) {
        return NGX_ERROR;
    }

    body->len = t.p - body->data;

    return NGX_OK;
}


/* n bytes, at most a block; NGX_ERROR if the generator failed */

static ngx_int_t
ngx_http_agw_random(u_char *p, size_t n)
{
    u_char  *from;

    if (ngx_http_agw_random_block.pid != ngx_pid
        || ngx_http_agw_random_block.left < n)
    {
        ngx_http_agw_random_block.left = 0;

        if (RAND_bytes(ngx_http_agw_random_block.bytes,
                       NGX_HTTP_AGW_RANDOM_BLOCK)
            != 1)
        {
            ERR_clear_error();
            return NGX_ERROR;
        }

        ngx_http_agw_random_block.pid = ngx_pid;
        ngx_http_agw_random_block.left = NGX_HTTP_AGW_RANDOM_BLOCK;
    }

    from = ngx_http_agw_random_block.bytes + NGX_HTTP_AGW_RANDOM_BLOCK
           - ngx_http_agw_random_block.left;

    ngx_memcpy(p, from, n);
    OPENSSL_cleanse(from, n);

    ngx_http_agw_random_block.left -= n;

    return NGX_OK;
}
