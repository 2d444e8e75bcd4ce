
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_api_key_auth.h"
#include "ngx_http_agw_event.h"
#include "ngx_http_agw_str.h"


agw_str_t
ngx_http_agw_event(const ngx_http_agw_ctx_t *ctx)
{
    static const agw_str_t  refused = agw_string("refused");
    static const agw_str_t  would_refuse = agw_string("would_refuse");
    static const agw_str_t  done[] = {
        [NGX_HTTP_AGW_EVENT_NONE] = agw_string(""),
        [NGX_HTTP_AGW_EVENT_ISSUED] = agw_string("issued"),
        [NGX_HTTP_AGW_EVENT_REVOKED] = agw_string("revoked"),
        [NGX_HTTP_AGW_EVENT_INTROSPECTED] = agw_string("introspected"),
        [NGX_HTTP_AGW_EVENT_ADMIN] = agw_string("admin")
    };

    if (ctx->would_refuse) {
        return would_refuse;
    }

    if (ctx->result == AGW_OK) {
        return done[ctx->event];
    }

    return ctx->overruled ? agw_empty : refused;
}


/* ctx->partner_id may be one whose API key was wrong */

agw_str_t
ngx_http_agw_event_partner_id(const ngx_http_agw_ctx_t *ctx)
{
    if (ctx->api_key_auth != NULL) {
        return ngx_http_agw_to_core(ctx->api_key_auth->partner_id);
    }

    return ctx->token != NULL ? ctx->token->claims.partner_id : agw_empty;
}


agw_str_t
ngx_http_agw_event_business_id(const ngx_http_agw_ctx_t *ctx)
{
    if (ctx->result != AGW_OK && ctx->token != NULL) {
        return ctx->token->claims.business_id;
    }

    return ngx_http_agw_to_core(ctx->event_business_id);
}
