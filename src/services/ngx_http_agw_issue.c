
/*
 * No token is stored: what makes it valid is its signature.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "agw_base64.h"
#include "agw_jws.h"
#include "ngx_http_agw_ctx.h"
#include "ngx_http_agw_issue.h"
#include "ngx_http_agw_send.h"


#define NGX_HTTP_AGW_JTI_BYTES  16


static ngx_int_t ngx_http_agw_issue_token(ngx_http_request_t *r,
    const ngx_http_agw_grant_t *grant, ngx_str_t *token);
static json_t *ngx_http_agw_issue_response(const ngx_http_agw_grant_t *grant,
    const ngx_str_t *token);


ngx_int_t
ngx_http_agw_issue(ngx_http_request_t *r, const ngx_http_agw_grant_t *grant)
{
    json_t     *json;
    ngx_str_t   token;

    if (ngx_http_agw_issue_token(r, grant, &token) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_http_agw_log(r), 0,
                      "auth_gateway: a token could not be signed");
        return NGX_DECLINED;
    }

    json = ngx_http_agw_issue_response(grant, &token);
    if (json == NULL) {
        return NGX_DECLINED;
    }

    return ngx_http_agw_send_json(r, json);
}


static ngx_int_t
ngx_http_agw_issue_token(ngx_http_request_t *r,
    const ngx_http_agw_grant_t *grant, ngx_str_t *token)
{
    u_char                          random[NGX_HTTP_AGW_JTI_BYTES];
    u_char                          jti[AGW_BASE64URL_SIZE(
                                            NGX_HTTP_AGW_JTI_BYTES)];
    u_char                         *payload;
    size_t                          size;
    agw_str_t                       s;
    agw_claims_t                    claims;
    const agw_key_t                *key;
    const ngx_http_agw_srv_conf_t  *sscf;

    sscf = ngx_http_get_module_srv_conf(r, ngx_http_auth_gateway_module);
    key = agw_keyring_signer(sscf->keyring);

    if (RAND_bytes(random, sizeof(random)) != 1) {
        ERR_clear_error();
        return NGX_ERROR;
    }

    s.data = random;
    s.len = sizeof(random);

    ngx_memzero(&claims, sizeof(agw_claims_t));

    claims.jti.data = jti;
    claims.jti.len = agw_base64url_encode(s, jti);
    claims.kind = grant->kind;
    claims.partner_id = grant->partner_id;
    claims.business_id = grant->business_id;
    claims.scope = grant->scope;
    claims.iat = grant->issued_at;
    claims.exp = grant->issued_at + grant->lifetime;

    /* a byte of issuer or audience can take six in JSON */

    size = AGW_CLAIMS_SIZE + 6 * (sscf->issuer.len + sscf->audience.len);

    payload = ngx_pnalloc(r->pool, size);
    if (payload == NULL) {
        return NGX_ERROR;
    }

    s.data = payload;

    if (agw_claims_write(&claims, sscf->rules.issuer, sscf->rules.audience,
                         payload, size, &s.len)
        != 0)
    {
        return NGX_ERROR;
    }

    token->data = ngx_http_agw_secret_buf(r->pool, agw_jws_size(key, s.len));

    if (token->data == NULL
        || agw_jws_sign(key, s, token->data, &token->len) != 0)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static json_t *
ngx_http_agw_issue_response(const ngx_http_agw_grant_t *grant,
    const ngx_str_t *token)
{
    int      rc;
    json_t  *json;

    json = json_pack("{s:s%, s:s, s:I}",
                     "access_token", token->data, token->len,
                     "token_type", "Bearer",
                     "expires_in", (json_int_t) grant->lifetime);
    rc = 0;

    if (json == NULL || grant->bare) {
        return json;
    }

    if (grant->scope.len) {
        rc |= json_object_set_new(json, "scope",
                              json_stringn((const char *) grant->scope.data,
                                           grant->scope.len));
    }

    if (grant->kind == AGW_KIND_BUSINESS) {
        rc |= json_object_set_new(json, "business_id",
                        json_stringn((const char *) grant->business_id.data,
                                     grant->business_id.len));
    }

    if (rc != 0) {
        json_decref(json);
        return NULL;
    }

    return json;
}
