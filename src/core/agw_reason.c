
/*
 * The table of reasons.
 */


#include <stddef.h>

#include "agw_reason.h"


#define AGW_NO_BUSINESS_TEXT  "no such business for this partner"

#define AGW_BAD_REQUEST       "BadRequest", "SpecifiedBadRequest"
#define AGW_BAD_PARAMETERS    "InvalidParameters", "InvalidPayload"
#define AGW_AUTH_FAILURE      "AuthFailure", "SpecifiedBadRequest"
#define AGW_NOT_FOUND         "ResourceNotFound", "SpecifiedIdNotFound"


static const agw_reason_info_t  agw_reasons[AGW_REASONS] = {

    [AGW_OK] =
    { "ok", 200, NULL, NULL, NULL, NULL, NULL },

    [AGW_INSECURE_TRANSPORT] =
    { "insecure_transport", 403, "invalid_request", "permission_denied",
      AGW_BAD_REQUEST,
      "HTTPS is required" },

    [AGW_AMBIGUOUS_PATH] =
    { "ambiguous_path", 400, "invalid_request", "validation_error",
      AGW_BAD_PARAMETERS,
      "the path can be read in more than one way" },

    [AGW_MALFORMED_CREDENTIALS] =
    { "malformed_credentials", 400, "invalid_request", "validation_error",
      AGW_BAD_PARAMETERS,
      "the Authorization header is malformed" },

    [AGW_INVALID_REQUEST] =
    { "invalid_request", 400, "invalid_request", "validation_error",
      AGW_BAD_PARAMETERS,
      "a parameter is missing, repeated or malformed, or the body is of "
      "another type" },

    [AGW_BODY_NOT_JSON] =
    { "body_not_json", 400, "invalid_request", "validation_error",
      "JsonSerialization", "InvalidPayload",
      "the body is not a JSON object, or repeats a member" },

    [AGW_BODY_TOO_LARGE] =
    { "body_too_large", 413, "invalid_request", "validation_error",
      AGW_BAD_REQUEST,
      "the body is larger than 8192 bytes" },

    [AGW_METHOD_NOT_ALLOWED] =
    { "method_not_allowed", 405, "invalid_request", "validation_error",
      AGW_BAD_REQUEST,
      "the method is not allowed here, see the Allow header" },

    [AGW_UNSUPPORTED_GRANT_TYPE] =
    { "unsupported_grant_type", 400, "unsupported_grant_type",
      "validation_error", AGW_BAD_PARAMETERS,
      "the grant type is not supported here" },

    [AGW_INVALID_SCOPE] =
    { "invalid_scope", 400, "invalid_scope", "validation_error",
      AGW_BAD_PARAMETERS,
      "the scope is malformed, or may not be asked for" },

    [AGW_INVALID_TARGET] =
    { "invalid_target", 400, "invalid_target", "validation_error",
      AGW_BAD_PARAMETERS,
      "the resource or audience is no business of this partner" },

    [AGW_DPOP_UNSUPPORTED] =
    { "dpop_unsupported", 400, "invalid_request", "validation_error",
      AGW_BAD_PARAMETERS,
      "DPoP is not supported, and no other token is issued in its place" },

    [AGW_INVALID_CLIENT] =
    { "invalid_client", 401, "invalid_client", "authentication_required",
      AGW_AUTH_FAILURE,
      "the partner or its credentials are not valid" },

    [AGW_NO_CREDENTIALS] =
    { "no_credentials", 401, "invalid_token", "authentication_required",
      AGW_AUTH_FAILURE,
      "credentials are required" },

    [AGW_MALFORMED_TOKEN] =
    { "malformed_token", 401, "invalid_token", "invalid_token",
      AGW_AUTH_FAILURE,
      "the token is malformed" },

    [AGW_UNKNOWN_KEY] =
    { "unknown_key", 401, "invalid_token", "invalid_token",
      AGW_AUTH_FAILURE,
      "the token names no key of this server" },

    [AGW_ALGORITHM_MISMATCH] =
    { "algorithm_mismatch", 401, "invalid_token", "invalid_token",
      AGW_AUTH_FAILURE,
      "the token's algorithm is not that of its key" },

    [AGW_BAD_SIGNATURE] =
    { "bad_signature", 401, "invalid_token", "invalid_token",
      AGW_AUTH_FAILURE,
      "the token's signature does not verify" },

    [AGW_MALFORMED_CLAIMS] =
    { "malformed_claims", 401, "invalid_token", "invalid_token",
      AGW_AUTH_FAILURE,
      "the token's claims are malformed" },

    [AGW_WRONG_ISSUER] =
    { "wrong_issuer", 401, "invalid_token", "invalid_token",
      AGW_AUTH_FAILURE,
      "the token is from another issuer" },

    [AGW_WRONG_AUDIENCE] =
    { "wrong_audience", 401, "invalid_token", "invalid_token",
      AGW_AUTH_FAILURE,
      "the token is for another audience" },

    [AGW_EXPIRED] =
    { "expired", 401, "invalid_token", "invalid_token",
      AGW_AUTH_FAILURE,
      "the token has expired" },

    [AGW_NOT_YET_VALID] =
    { "not_yet_valid", 401, "invalid_token", "invalid_token",
      AGW_AUTH_FAILURE,
      "the token is not valid yet" },

    [AGW_REVOKED] =
    { "revoked", 401, "invalid_token", "invalid_token",
      AGW_AUTH_FAILURE,
      "the token has been revoked" },

    [AGW_LIFETIME_EXCEEDED] =
    { "lifetime_exceeded", 401, "invalid_token", "invalid_token",
      AGW_AUTH_FAILURE,
      "the token lives longer than is accepted here" },

    [AGW_CERTIFICATE_MISMATCH] =
    { "certificate_mismatch", 401, "invalid_token", "invalid_token",
      AGW_AUTH_FAILURE,
      "the token is bound to another client certificate" },

    [AGW_UNGUARDED_PATH] =
    { "unguarded_path", 403, "invalid_request", "permission_denied",
      AGW_BAD_REQUEST,
      "the path of a business is not open here" },

    [AGW_WRONG_KIND] =
    { "wrong_kind", 403, "insufficient_scope", "permission_denied",
      AGW_AUTH_FAILURE,
      "this kind of token is not accepted here" },

    [AGW_INSUFFICIENT_SCOPE] =
    { "insufficient_scope", 403, "insufficient_scope", "permission_denied",
      AGW_AUTH_FAILURE,
      "the token lacks the scope that is required here" },

    [AGW_WRONG_BUSINESS] =
    { "wrong_business", 403, "insufficient_scope", "permission_denied",
      AGW_AUTH_FAILURE,
      "the token is for another business" },

    [AGW_NO_BUSINESS_IN_PATH] =
    { "no_business_in_path", 404, "invalid_target", "business_not_found",
      AGW_NOT_FOUND,
      "the path names no business" },

    [AGW_UNKNOWN_BUSINESS] =
    { "unknown_business", 404, "invalid_target", "business_not_found",
      AGW_NOT_FOUND,
      AGW_NO_BUSINESS_TEXT },

    [AGW_NOT_OWNER] =
    { "not_owner", 404, "invalid_target", "business_not_found",
      AGW_NOT_FOUND,
      AGW_NO_BUSINESS_TEXT },

    [AGW_ARCHIVED_BUSINESS] =
    { "archived_business", 404, "invalid_target", "business_not_found",
      "ResourceArchived", "ResourceArchived",
      AGW_NO_BUSINESS_TEXT },

    [AGW_NOT_ADMINISTRATOR] =
    { "not_administrator", 403, "access_denied", "permission_denied",
      AGW_AUTH_FAILURE,
      "administration takes the unix socket and a user that may use it, or a "
      "client certificate that is listed" },

    [AGW_READ_ONLY] =
    { "read_only", 403, "access_denied", "permission_denied",
      AGW_AUTH_FAILURE,
      "this location only reads" },

    [AGW_UNKNOWN_OBJECT] =
    { "unknown_object", 404, "not_found", "not_found",
      AGW_NOT_FOUND,
      "there is no such object" },

    [AGW_PRECONDITION_FAILED] =
    { "precondition_failed", 412, "precondition_failed", "validation_error",
      AGW_BAD_REQUEST,
      "the object is not as If-Match or If-None-Match say, get it again" },

    [AGW_UNSUPPORTED_MEDIA_TYPE] =
    { "unsupported_media_type", 415, "invalid_request", "validation_error",
      AGW_BAD_PARAMETERS,
      "the Content-Type must be application/json" },

    [AGW_STORE_UNAVAILABLE] =
    { "store_unavailable", 503, "temporarily_unavailable",
      "service_unavailable", "Unknown", NULL,
      "the service is temporarily unavailable, try again" },

    [AGW_INTERNAL_ERROR] =
    { "internal_error", 500, "server_error", "internal_error",
      "Unknown", NULL,
      "the server failed to process the request" },
};


const agw_reason_info_t *
agw_reason_info(agw_reason_t reason)
{
    if ((unsigned) reason >= AGW_REASONS) {
        reason = AGW_INTERNAL_ERROR;
    }

    return &agw_reasons[reason];
}
