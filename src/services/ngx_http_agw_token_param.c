
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_log.h"
#include "ngx_http_agw_partner_auth.h"
#include "ngx_http_agw_str.h"
#include "ngx_http_agw_token_param.h"
#include "ngx_http_agw_verify.h"


static void ngx_http_agw_token_param_done(void *data);


agw_reason_t
ngx_http_agw_token_param(ngx_http_request_t *r, agw_claims_t **claims,
    const agw_key_t **key)
{
    agw_str_t            token;
    ngx_log_t           *log;
    agw_claims_t        *other;
    agw_reason_t         reason;
    ngx_pool_cleanup_t  *cln;
    ngx_http_agw_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_auth_gateway_module);

    if (agw_params_text(ctx->params, "token", &token) != 0
        || token.len == 0)
    {
        return AGW_INVALID_REQUEST;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(agw_claims_t));
    if (cln == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    other = cln->data;

    reason = ngx_http_agw_verify_other(r, token, other, key);

    /*
     * unlike other reasons, this one does not mean that the token is invalid
     */

    if (reason == AGW_INTERNAL_ERROR) {
        return reason;
    }

    if (reason != AGW_OK) {
        return AGW_UNKNOWN_KEY;
    }

    cln->handler = ngx_http_agw_token_param_done;

    if (!agw_str_eq(other->partner_id,
                    ngx_http_agw_to_core(ctx->partner_auth->partner_id)))
    {
        log = ngx_http_agw_log(r);

        ngx_log_error(NGX_LOG_INFO, log, 0,
                      "auth_gateway: partner %V asked about a token of "
                      "another partner", &ctx->partner_auth->partner_id);
        return AGW_UNKNOWN_KEY;
    }

    *claims = other;

    return AGW_OK;
}


static void
ngx_http_agw_token_param_done(void *data)
{
    agw_claims_done(data);
}
