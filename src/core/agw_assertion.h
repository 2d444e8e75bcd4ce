
/*
 * Assertions with which a partner authenticates (RFC 7523, section 3): read,
 * checked, and verified with the public key that the partner has.
 */


#ifndef AGW_ASSERTION_H_INCLUDED_
#define AGW_ASSERTION_H_INCLUDED_


#include <jansson.h>

#include "agw.h"


/* how long an assertion may live, in seconds */

#define AGW_ASSERTION_LIFE   3600

#define AGW_ASSERTION_TYPE                                                    \
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


/* strings are those of the two objects */

typedef struct {
    agw_str_t     partner_id;        /* iss and sub */
    agw_str_t     kid;
    agw_str_t     alg;               /* empty if absent or no string */
    agw_str_t     aud;
    agw_str_t     jti;
    int64_t       exp;
    int64_t       nbf;               /* 0 if absent */
    int64_t       iat;               /* likewise */
    json_t       *header;
    json_t       *claims;
} agw_assertion_t;


/* what is compared; an empty token_url is not */

typedef struct {
    agw_str_t     issuer;
    agw_str_t     token_url;
    int64_t       leeway;            /* seconds */
} agw_assertion_rules_t;


/*
 * Reads what an assertion says, which is to be believed only after
 * agw_assertion_verify().  Returns NULL; or a static text: the fault, or
 * agw_json_no_memory.  In either case the caller has to call
 * agw_assertion_done().
 */

const char *agw_assertion_read(agw_assertion_t *assertion, agw_str_t text);

void agw_assertion_done(agw_assertion_t *assertion);


/*
 * Checks audience and times.  Returns NULL; or a static text: the fault.
 */

const char *agw_assertion_check(const agw_assertion_t *assertion,
    const agw_assertion_rules_t *rules, int64_t now);


/*
 * Verifies the signature of text, which assertion was read from, with a JWK as
 * a store has it: a public key.  An Ed25519 key without an algorithm takes
 * either name of it (RFC 9864, section 2.2).  Returns NULL; or a static text:
 * the fault, or agw_json_no_memory.
 */

const char *agw_assertion_verify(const agw_assertion_t *assertion,
    agw_str_t text, agw_str_t jwk);


/* that fault if the JWK is none that the store should have */

extern const char  agw_assertion_no_key[];


#endif /* AGW_ASSERTION_H_INCLUDED_ */
