
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "agw_grammar.h"
#include "ngx_http_agw_grant_scope.h"
#include "ngx_http_agw_str.h"


static void ngx_http_agw_scope_limits(ngx_http_request_t *r,
    const ngx_http_agw_grant_t *grant, agw_scope_limits_t *limits);


agw_reason_t
ngx_http_agw_ask_scope(ngx_http_request_t *r, ngx_http_agw_grant_t *grant,
    const agw_params_t *params)
{
    agw_scope_limits_t  limits;

    if (agw_params_text(params, "scope", &grant->asked) != 0) {
        return AGW_INVALID_REQUEST;
    }

    ngx_http_agw_scope_limits(r, grant, &limits);

    return grant->asked.len == 0
           || (agw_is_scope(grant->asked)
               && agw_scope_may_ask(grant->asked, &limits))
           ? AGW_OK : AGW_INVALID_SCOPE;
}


/* a partner token has what was asked for, a business token at most that */

agw_reason_t
ngx_http_agw_grant_scope(ngx_http_request_t *r, ngx_http_agw_grant_t *grant,
    ngx_uint_t limited, agw_str_t list)
{
    u_char                 *p;
    agw_scope_limits_t      limits;
    static const agw_str_t  business_access =
                                agw_string(AGW_BUSINESS_ACCESS);

    ngx_http_agw_scope_limits(r, grant, &limits);

    limits.limited = limited;
    limits.listed = list;

    if (!agw_scope_may_ask(grant->asked, &limits)) {
        return AGW_INVALID_SCOPE;
    }

    if (grant->kind == AGW_KIND_PARTNER) {
        grant->scope = grant->asked;
        return AGW_OK;
    }

    if (limits.configured.len == 0) {
        grant->scope = business_access;
        return AGW_OK;
    }

    p = ngx_pnalloc(r->pool, AGW_SCOPE_GRANT_SIZE(limits.configured.len));
    if (p == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    grant->scope.data = p;
    grant->scope.len = agw_scope_grant(grant->asked, &limits, p);

    return AGW_OK;
}


static void
ngx_http_agw_scope_limits(ngx_http_request_t *r,
    const ngx_http_agw_grant_t *grant, agw_scope_limits_t *limits)
{
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_auth_gateway_module);

    ngx_memzero(limits, sizeof(agw_scope_limits_t));

    limits->business = (grant->kind == AGW_KIND_BUSINESS);
    limits->configured = ngx_http_agw_to_core(limits->business
                                              ? lcf->business_scope
                                              : lcf->partner_scope);
}
