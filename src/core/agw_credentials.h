
/*
 * The Authorization header (RFC 9110, section 11.6.2) with the schemes Bearer
 * and Basic.
 */


#ifndef AGW_CREDENTIALS_H_INCLUDED_
#define AGW_CREDENTIALS_H_INCLUDED_


#include "agw.h"
#include "agw_reason.h"


/*
 * Bearer (RFC 6750, section 2.1): sets *token, which is within value.
 * Returns AGW_OK; AGW_NO_CREDENTIALS for an empty value or another scheme;
 * AGW_MALFORMED_CREDENTIALS if no single b64token follows the scheme.
 */

agw_reason_t agw_bearer_parse(agw_str_t value, agw_str_t *token);


/*
 * The same, but *token may be any bytes.  That is enough if the token is then
 * compared with a verified one, or verified itself: only a b64token passes
 * either.
 */

agw_reason_t agw_bearer_split(agw_str_t value, agw_str_t *token);


/*
 * A client's id and secret.  Clients differ on whether each is form-encoded
 * within Basic (RFC 6749, section 2.3.1, says so; most send them raw), so
 * there can be two readings: decoded first, then raw.
 */

typedef struct {
    agw_str_t     id;
    agw_str_t     secret;
} agw_credentials_t;

typedef struct {
    agw_credentials_t  readings[2];
    size_t             nreadings;    /* 1 or 2 */
} agw_basic_t;


/*
 * Basic (RFC 7617, section 2).  buf has 2 * AGW_BASE64_DECODED(value.len)
 * bytes, which the readings point into and the caller wipes.  Returns
 * AGW_OK; AGW_NO_CREDENTIALS for an empty value or another scheme;
 * AGW_MALFORMED_CREDENTIALS for bad base64, no colon, control characters.
 */

agw_reason_t agw_basic_parse(agw_str_t value, agw_basic_t *basic,
    unsigned char *buf);


#endif /* AGW_CREDENTIALS_H_INCLUDED_ */
