
/*
 * The line has no text of the client, which may be a secret.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_reason.h"
#include "ngx_http_agw_log.h"
#include "ngx_http_agw_refusal_log.h"
#include "ngx_http_agw_str.h"


/* longer than any fault of core/, or a number and its text */

#define NGX_HTTP_AGW_FAULT_SIZE    128


static ngx_str_t ngx_http_agw_fault(const ngx_http_agw_ctx_t *ctx,
    agw_reason_t reason, u_char *buf);


void
ngx_http_agw_log_refusal(ngx_http_request_t *r,
    const ngx_http_agw_ctx_t *ctx, agw_reason_t reason)
{
    u_char                     buf[NGX_HTTP_AGW_FAULT_SIZE];
    ngx_log_t                 *log;
    ngx_str_t                  fault, kid, partner, id;
    ngx_http_core_srv_conf_t  *cscf;

    fault = ngx_http_agw_fault(ctx, reason, buf);

    ngx_str_set(&kid, "-");
    ngx_str_set(&partner, "-");

    if (ctx->key != NULL) {
        kid = ngx_http_agw_from_core(agw_key_kid(ctx->key));
    }

    if (ctx->partner_id.len) {
        partner = ctx->partner_id;
    }

    id = ngx_http_agw_request_id(r);

    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    log = ngx_http_agw_log(r);

    ngx_log_error(NGX_LOG_INFO, log, 0,
                  "auth_gateway: %s, reason: %s%V, kid: %V, "
                  "partner: %V, request_id: %V, client: %V, server: %V",
                  ctx->would_refuse ? "would refuse" : "refused",
                  agw_reason_info(reason)->name, &fault, &kid, &partner,
                  &id, &r->connection->addr_text, &cscf->server_name);
}


/* nginx keeps an indexed variable: access_log has the same id */

ngx_str_t
ngx_http_agw_request_id(ngx_http_request_t *r)
{
    ngx_str_t                        id;
    ngx_http_variable_value_t       *value;
    const ngx_http_agw_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_auth_gateway_module);

    value = ngx_http_get_indexed_variable(r, mcf->request_id);

    if (value == NULL || value->not_found) {
        ngx_str_set(&id, "-");
        return id;
    }

    id.data = value->data;
    id.len = value->len;

    return id;
}


/* the fault of what was presented, in brackets, if there is one */

static ngx_str_t
ngx_http_agw_fault(const ngx_http_agw_ctx_t *ctx, agw_reason_t reason,
    u_char *buf)
{
    u_char              *p, *last;
    ngx_str_t            fault;
    const agw_claims_t  *claims;

    p = buf;
    last = buf + NGX_HTTP_AGW_FAULT_SIZE;

    if ((reason == AGW_MALFORMED_CLAIMS || reason == AGW_INVALID_CLIENT
         || reason == AGW_CERTIFICATE_MISMATCH
         || reason == AGW_INVALID_TARGET)
        && ctx->fault != NULL)
    {
        p = ngx_slprintf(p, last, " (%s)", ctx->fault);
    }

    if (reason == AGW_INVALID_REQUEST && ctx->subject != NULL
        && ctx->fault != NULL)
    {
        p = ngx_slprintf(p, last, " (subject_token: %s)", ctx->fault);
    }

    if (reason == AGW_LIFETIME_EXCEEDED && ctx->token != NULL) {
        claims = &ctx->token->claims;
        p = ngx_slprintf(p, last, " (life of %L s is over "
                         "auth_gateway_max_lifetime)",
                         claims->exp - claims->iat);
    }

    fault.data = buf;
    fault.len = p - buf;

    return fault;
}
