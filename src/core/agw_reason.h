
/*
 * Why a request is refused: one list for responses, the log,
 * $auth_gateway_result and the tests, with what each error format says.
 */


#ifndef AGW_REASON_H_INCLUDED_
#define AGW_REASON_H_INCLUDED_


typedef enum {
    AGW_OK = 0,

    AGW_INSECURE_TRANSPORT,
    AGW_AMBIGUOUS_PATH,
    AGW_MALFORMED_CREDENTIALS,
    AGW_INVALID_REQUEST,
    AGW_BODY_NOT_JSON,
    AGW_BODY_TOO_LARGE,
    AGW_METHOD_NOT_ALLOWED,
    AGW_UNSUPPORTED_GRANT_TYPE,
    AGW_INVALID_SCOPE,
    AGW_INVALID_TARGET,
    AGW_DPOP_UNSUPPORTED,
    AGW_INVALID_CLIENT,
    AGW_NO_CREDENTIALS,

    AGW_MALFORMED_TOKEN,
    AGW_UNKNOWN_KEY,
    AGW_ALGORITHM_MISMATCH,
    AGW_BAD_SIGNATURE,
    AGW_MALFORMED_CLAIMS,
    AGW_WRONG_ISSUER,
    AGW_WRONG_AUDIENCE,
    AGW_EXPIRED,
    AGW_NOT_YET_VALID,
    AGW_REVOKED,
    AGW_LIFETIME_EXCEEDED,
    AGW_CERTIFICATE_MISMATCH,

    AGW_UNGUARDED_PATH,
    AGW_WRONG_KIND,
    AGW_INSUFFICIENT_SCOPE,
    AGW_WRONG_BUSINESS,

    AGW_NO_BUSINESS_IN_PATH,
    AGW_UNKNOWN_BUSINESS,
    AGW_NOT_OWNER,
    AGW_ARCHIVED_BUSINESS,

    AGW_NOT_ADMINISTRATOR,
    AGW_READ_ONLY,
    AGW_UNKNOWN_OBJECT,
    AGW_PRECONDITION_FAILED,
    AGW_UNSUPPORTED_MEDIA_TYPE,

    AGW_STORE_UNAVAILABLE,
    AGW_INTERNAL_ERROR,

    AGW_REASONS                      /* how many there are; not a reason */
} agw_reason_t;


/*
 * All strings are static and terminated, without '"' and '\', so that they
 * need no escaping in JSON and in a challenge (RFC 6749, section 5.2).
 */

typedef struct {
    const char    *name;             /* in logs, variables and tests */
    unsigned       status;           /* HTTP status */
    const char    *error;            /* RFC 6749, 5.2; RFC 6750, 3.1 */
    const char    *thred_code;
    const char    *layer_type;
    const char    *layer_enum;       /* NULL on 5xx */
    const char    *description;      /* for people */
} agw_reason_info_t;


/*
 * Returns the row of a reason, or that of AGW_INTERNAL_ERROR for a number that
 * is not a reason.  The row of AGW_OK has status 200 and no error (NULL).
 */

const agw_reason_info_t *agw_reason_info(agw_reason_t reason);


#endif /* AGW_REASON_H_INCLUDED_ */
