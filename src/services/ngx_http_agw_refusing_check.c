
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_agw_refusing_check.h"


/*
 * Some reasons belong to two checks.  A malformed token may be too long.  One
 * is expired, too, if it is older than all revocations that are kept.  Under
 * `owner` the store is asked about the business, after the revocations.  And a
 * token of the wrong kind may be wrong for a Destination, or for a DELETE.
 */

ngx_http_agw_check_t
ngx_http_agw_refusing_check(const ngx_http_agw_facts_t *facts)
{
    const ngx_http_agw_main_conf_t  *mcf;

    switch (facts->reason) {

    case AGW_INSECURE_TRANSPORT:
        return NGX_HTTP_AGW_CHECK_TRANSPORT;

    case AGW_AMBIGUOUS_PATH:
    case AGW_UNGUARDED_PATH:
        return NGX_HTTP_AGW_CHECK_PATH;

    case AGW_NO_CREDENTIALS:
    case AGW_MALFORMED_CREDENTIALS:
        return NGX_HTTP_AGW_CHECK_CREDENTIALS;

    case AGW_MALFORMED_TOKEN:
        return facts->asked.token.len > AGW_TOKEN_MAX
               ? NGX_HTTP_AGW_CHECK_SIZE : NGX_HTTP_AGW_CHECK_STRUCTURE;

    case AGW_UNKNOWN_KEY:
        return NGX_HTTP_AGW_CHECK_KEY;

    case AGW_ALGORITHM_MISMATCH:
        return NGX_HTTP_AGW_CHECK_ALGORITHM;

    case AGW_BAD_SIGNATURE:
        return NGX_HTTP_AGW_CHECK_SIGNATURE;

    case AGW_MALFORMED_CLAIMS:
        return NGX_HTTP_AGW_CHECK_CLAIMS;

    case AGW_EXPIRED:
        mcf = ngx_http_get_module_main_conf(facts->probe.request,
                                            ngx_http_auth_gateway_module);

        if (facts->ctx->token != NULL
            && agw_claims_check_time(&facts->ctx->token->claims, mcf->leeway,
                                     ngx_time())
               == AGW_OK)
        {
            return NGX_HTTP_AGW_CHECK_REVOCATION;
        }

        return NGX_HTTP_AGW_CHECK_TIME;

    case AGW_LIFETIME_EXCEEDED:
    case AGW_NOT_YET_VALID:
        return NGX_HTTP_AGW_CHECK_TIME;

    case AGW_WRONG_ISSUER:
        return NGX_HTTP_AGW_CHECK_ISSUER;

    case AGW_WRONG_AUDIENCE:
        return NGX_HTTP_AGW_CHECK_AUDIENCE;

    case AGW_CERTIFICATE_MISMATCH:
        return NGX_HTTP_AGW_CHECK_CERTIFICATE;

    case AGW_REVOKED:
    case AGW_STORE_UNAVAILABLE:
        return facts->ctx->owner_queried ? NGX_HTTP_AGW_CHECK_BUSINESS
                                         : NGX_HTTP_AGW_CHECK_REVOCATION;

    case AGW_WRONG_KIND:
        return facts->beside ? NGX_HTTP_AGW_CHECK_BUSINESS
                             : NGX_HTTP_AGW_CHECK_KIND;

    case AGW_INSUFFICIENT_SCOPE:
        return NGX_HTTP_AGW_CHECK_SCOPE;

    case AGW_NO_BUSINESS_IN_PATH:
    case AGW_WRONG_BUSINESS:
    case AGW_UNKNOWN_BUSINESS:
    case AGW_ARCHIVED_BUSINESS:
    case AGW_NOT_OWNER:
        return NGX_HTTP_AGW_CHECK_BUSINESS;

    default:
        return NGX_HTTP_AGW_CHECKS;
    }
}
