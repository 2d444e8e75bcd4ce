
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_compared.h"
#include "ngx_http_agw_compared_token.h"
#include "ngx_http_agw_destination.h"
#include "ngx_http_agw_str.h"


typedef u_char *(*ngx_http_agw_compared_pt)(
    const ngx_http_agw_facts_t *facts, u_char *p, u_char *last);


static u_char *ngx_http_agw_compared_transport(
    const ngx_http_agw_facts_t *facts, u_char *p, u_char *last);
static u_char *ngx_http_agw_compared_path(
    const ngx_http_agw_facts_t *facts, u_char *p, u_char *last);
static u_char *ngx_http_agw_compared_credentials(
    const ngx_http_agw_facts_t *facts, u_char *p, u_char *last);
static u_char *ngx_http_agw_compared_revocation(
    const ngx_http_agw_facts_t *facts, u_char *p, u_char *last);
static u_char *ngx_http_agw_compared_kind(
    const ngx_http_agw_facts_t *facts, u_char *p, u_char *last);
static u_char *ngx_http_agw_compared_scope(
    const ngx_http_agw_facts_t *facts, u_char *p, u_char *last);
static u_char *ngx_http_agw_compared_business(
    const ngx_http_agw_facts_t *facts, u_char *p, u_char *last);
static u_char *ngx_http_agw_compared_beside(
    const ngx_http_agw_facts_t *facts, u_char *p, u_char *last);


static const struct {
    const char                *name;
    ngx_http_agw_compared_pt   write;
}  ngx_http_agw_checks[] = {
    [NGX_HTTP_AGW_CHECK_TRANSPORT] =
        { "transport", ngx_http_agw_compared_transport },
    [NGX_HTTP_AGW_CHECK_PATH] =
        { "path", ngx_http_agw_compared_path },
    [NGX_HTTP_AGW_CHECK_CREDENTIALS] =
        { "credentials", ngx_http_agw_compared_credentials },
    [NGX_HTTP_AGW_CHECK_SIZE] =
        { "size", ngx_http_agw_compared_size },
    [NGX_HTTP_AGW_CHECK_STRUCTURE] =
        { "structure", ngx_http_agw_compared_structure },
    [NGX_HTTP_AGW_CHECK_KEY] =
        { "key", ngx_http_agw_compared_key },
    [NGX_HTTP_AGW_CHECK_ALGORITHM] =
        { "algorithm", ngx_http_agw_compared_algorithm },
    [NGX_HTTP_AGW_CHECK_SIGNATURE] =
        { "signature", ngx_http_agw_compared_signature },
    [NGX_HTTP_AGW_CHECK_CLAIMS] =
        { "claims", ngx_http_agw_compared_claims },
    [NGX_HTTP_AGW_CHECK_TIME] =
        { "time", ngx_http_agw_compared_time },
    [NGX_HTTP_AGW_CHECK_ISSUER] =
        { "issuer", ngx_http_agw_compared_issuer },
    [NGX_HTTP_AGW_CHECK_AUDIENCE] =
        { "audience", ngx_http_agw_compared_audience },
    [NGX_HTTP_AGW_CHECK_CERTIFICATE] =
        { "certificate", ngx_http_agw_compared_certificate },
    [NGX_HTTP_AGW_CHECK_REVOCATION] =
        { "revocation", ngx_http_agw_compared_revocation },
    [NGX_HTTP_AGW_CHECK_KIND] =
        { "kind", ngx_http_agw_compared_kind },
    [NGX_HTTP_AGW_CHECK_SCOPE] =
        { "scope", ngx_http_agw_compared_scope },
    [NGX_HTTP_AGW_CHECK_BUSINESS] =
        { "business", ngx_http_agw_compared_business }
};


const char *
ngx_http_agw_check_name(ngx_http_agw_check_t check)
{
    return ngx_http_agw_checks[check].name;
}


u_char *
ngx_http_agw_compared(const ngx_http_agw_facts_t *facts,
    ngx_http_agw_check_t check, u_char *p, u_char *last)
{
    return ngx_http_agw_checks[check].write(facts, p, last);
}


static u_char *
ngx_http_agw_compared_transport(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last)
{
    ngx_str_t                       value;
    const ngx_http_agw_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(facts->probe.request,
                                       ngx_http_auth_gateway_module);

    if (facts->probe.https_taken) {
        value = lcf->https_value->value;

    } else if (lcf->https == NGX_HTTP_AGW_HTTPS_OFF) {
        ngx_str_set(&value, "off");

    } else {
        ngx_str_set(&value, "on");
    }

    return ngx_slprintf(p, last, "%s; auth_gateway_require_https %V",
                        facts->asked.https ? "https" : "plain http", &value);
}


static u_char *
ngx_http_agw_compared_path(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last)
{
    ngx_str_t                       business_id;
    const ngx_http_request_t       *pr;
    const ngx_http_agw_loc_conf_t  *lcf;

    pr = facts->probe.request;
    lcf = ngx_http_get_module_loc_conf(pr, ngx_http_auth_gateway_module);
    business_id = ngx_http_agw_from_core(facts->requirement.business_id);

    p = ngx_slprintf(p, last, "\"%V\"", &pr->uri);

    if (facts->beside
        && (facts->reason == AGW_AMBIGUOUS_PATH
            || facts->reason == AGW_UNGUARDED_PATH))
    {
        return ngx_http_agw_compared_beside(facts, p, last);
    }

    if (facts->reason == AGW_AMBIGUOUS_PATH) {
        return ngx_slprintf(p, last, ", as it was written \"%V\": it can be "
                            "read in several ways", &pr->unparsed_uri);
    }

    if (facts->reason == AGW_UNGUARDED_PATH) {
        return ngx_slprintf(p, last, ": a template of the server matches it, "
                            "and the location requires nothing, without an "
                            "\"auth_gateway_require off\" of its own");
    }

    if (lcf->business_path.len && lcf->require != AGW_REQUIRE_OFF) {
        p = ngx_slprintf(p, last, ", auth_gateway_business_path %V",
                         &lcf->business_path);
    }

    return business_id.len
           ? ngx_slprintf(p, last, ": business \"%V\"", &business_id)
           : ngx_slprintf(p, last, ": no business");
}


static u_char *
ngx_http_agw_compared_credentials(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last)
{
    switch (facts->reason) {

    case AGW_NO_CREDENTIALS:
        return ngx_slprintf(p, last, "no token");

    case AGW_MALFORMED_CREDENTIALS:
        return ngx_slprintf(p, last, "\"Bearer\" and what is not a b64token "
                            "(RFC 6750, section 2.1)");

    default:
        return ngx_slprintf(p, last, "\"Bearer\" and a token");
    }
}


static u_char *
ngx_http_agw_compared_revocation(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last)
{
    p = ngx_slprintf(p, last, "seq ");
    p = ngx_http_agw_compared_member(p, last, facts->claims, "seq");

    switch (facts->reason) {

    case AGW_REVOKED:
        return facts->ctx->owner_queried
               ? ngx_slprintf(p, last, "; no revocation names it")
               : ngx_slprintf(p, last, "; a revocation of the token, its "
                              "partner or its business came after it");

    case AGW_EXPIRED:
        return ngx_slprintf(p, last, "; it is older than all revocations that "
                            "are kept");

    case AGW_STORE_UNAVAILABLE:
        return facts->ctx->owner_queried
               ? ngx_slprintf(p, last, "; no revocation names it")
               : ngx_slprintf(p, last, "; it is not known what is revoked");

    default:
        return ngx_slprintf(p, last, "; no revocation names it");
    }
}


static u_char *
ngx_http_agw_compared_kind(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last)
{
    unsigned  require;

    require = facts->requirement.require;

    if (facts->ctx->claims == NULL) {
        return ngx_slprintf(p, last, "a partner token, and another issuer's "
                            "key is for business tokens alone");
    }

    return ngx_slprintf(p, last, "a %s token; auth_gateway_require%s%s%s%s",
                        facts->ctx->token->claims.kind == AGW_KIND_BUSINESS
                        ? "business" : "partner",
                        require & AGW_REQUIRE_PARTNER ? " partner" : "",
                        require & AGW_REQUIRE_BUSINESS ? " business" : "",
                        require & AGW_REQUIRE_OWNER ? " owner" : "",
                        require == AGW_REQUIRE_PARTNER
                        && facts->requirement.business_id.len
                        ? ", and the path is that of a business" : "");
}


static u_char *
ngx_http_agw_compared_scope(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last)
{
    ngx_str_t                 scope;
    const agw_requirement_t  *requirement;

    requirement = &facts->requirement;

    scope = ngx_http_agw_from_core(
                      facts->ctx->token->claims.kind == AGW_KIND_BUSINESS
                      ? requirement->scope : requirement->scope_of_partner);

    p = ngx_slprintf(p, last, "scope of the token: ");
    p = ngx_http_agw_compared_member(p, last, facts->claims, "scope");

    return scope.len
           ? ngx_slprintf(p, last, "; auth_gateway_scope %V", &scope)
           : ngx_slprintf(p, last, "; none is required of a partner token");
}


static u_char *
ngx_http_agw_compared_business(const ngx_http_agw_facts_t *facts,
    u_char *p, u_char *last)
{
    ngx_str_t  business_id;

    business_id = ngx_http_agw_from_core(facts->requirement.business_id);

    if (business_id.len == 0) {
        p = ngx_slprintf(p, last, "the path names none");
        return ngx_http_agw_compared_beside(facts, p, last);
    }

    p = ngx_slprintf(p, last, "of the path: \"%V\"", &business_id);

    if (facts->beside) {
        return ngx_http_agw_compared_beside(facts, p, last);
    }

    if (facts->ctx->token->claims.kind == AGW_KIND_BUSINESS) {
        p = ngx_slprintf(p, last, ", of the token: ");
        return ngx_http_agw_compared_member(p, last, facts->claims,
                                            "business_id");
    }

    switch (facts->reason) {

    case AGW_OK:
        return ngx_slprintf(p, last, ", which the token's partner owns");

    case AGW_UNKNOWN_BUSINESS:
        return ngx_slprintf(p, last, ", which the store does not have");

    case AGW_ARCHIVED_BUSINESS:
        return ngx_slprintf(p, last, ", which is archived");

    case AGW_NOT_OWNER:
        return ngx_slprintf(p, last, ", which another partner owns");

    case AGW_REVOKED:
        return ngx_slprintf(p, last, ", but the token's partner is not "
                            "active");

    default:
        return ngx_slprintf(p, last, ", of which the store said nothing");
    }
}


/* what the request is about beside its path: Destination, or all below it */

static u_char *
ngx_http_agw_compared_beside(const ngx_http_agw_facts_t *facts, u_char *p,
    u_char *last)
{
    ngx_str_t  destination;

    if (!ngx_http_agw_may_have_destination(facts->probe.request)) {
        return facts->beside
               ? ngx_slprintf(p, last, "; DELETE of a collection in which "
                              "other businesses lie")
               : p;
    }

    if (facts->asked.destination.len == 0) {
        return p;
    }

    destination = ngx_http_agw_from_core(facts->asked.destination);

    p = ngx_slprintf(p, last, "; Destination \"%V\"", &destination);

    if (!facts->beside) {
        return p;
    }

    if (facts->reason == AGW_AMBIGUOUS_PATH) {
        return ngx_slprintf(p, last, ": it can be read in several ways");
    }

    return facts->requirement.business_id.len
           ? ngx_slprintf(p, last, ": it is not of that business, or others "
                          "lie below it or below the path")
           : ngx_slprintf(p, last, ": it is of a business, or businesses lie "
                          "below it or below the path");
}
