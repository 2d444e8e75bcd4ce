
/*
 * Who may do what: decisions over checked claims and stored rows.
 */


#ifndef AGW_POLICY_H_INCLUDED_
#define AGW_POLICY_H_INCLUDED_


#include "agw_claims.h"


/* what a location requires; bits, since "business owner" is two of them */

#define AGW_REQUIRE_OFF        0u
#define AGW_REQUIRE_PARTNER    1u
#define AGW_REQUIRE_BUSINESS   2u
#define AGW_REQUIRE_OWNER      4u


typedef struct {
    unsigned      require;           /* AGW_REQUIRE_* */
    agw_str_t     scope;             /* words that a business token needs */
    agw_str_t     scope_of_partner;  /* and a partner token */
    agw_str_t     business_id;       /* of the URL; empty if none */
    unsigned      owned:1;           /* the partner owns the business */
} agw_requirement_t;


/*
 * Checks verified claims against the requirement: kind, then scope, then
 * business.  Returns AGW_OK, AGW_WRONG_KIND, AGW_INSUFFICIENT_SCOPE,
 * AGW_NO_BUSINESS_IN_PATH, AGW_WRONG_BUSINESS or AGW_NOT_OWNER.  After the last
 * the caller has to query the store, and call it again with
 * requirement->owned if the partner owns the business.
 */

agw_reason_t agw_policy_access(const agw_claims_t *claims,
    const agw_requirement_t *requirement);


/* the state of an API key, for the log: a client is never told */

typedef enum {
    AGW_API_KEY_UNKNOWN_PARTNER = 0,
    AGW_API_KEY_DISABLED_PARTNER,
    AGW_API_KEY_WRONG,
    AGW_API_KEY_NOT_YET_VALID,
    AGW_API_KEY_EXPIRED,
    AGW_API_KEY_GOOD
} agw_api_key_state_t;


/* its text, of at most 32 bytes */

const char *agw_api_key_state_text(agw_api_key_state_t state);


/* an API key with its partner, as a store has them; Unix seconds */

typedef struct {
    unsigned      partner_found:1;
    unsigned      partner_active:1;
    unsigned      found:1;           /* that partner has that key */
    unsigned      expires:1;
    unsigned      limited:1;         /* the partner has a list of scopes */
    agw_str_t     scopes;            /* if it has one */
    int64_t       not_before;
    int64_t       expires_at;        /* if it expires */
    int64_t       stamp;             /* of the store, when it was read */

    agw_api_key_state_t  state;      /* by agw_policy_api_key() */
} agw_api_key_row_t;


/*
 * Sets the state of a row that a store has filled.  Returns AGW_OK if it is
 * AGW_API_KEY_GOOD, else AGW_INVALID_CLIENT.  A zeroed row, whose state was
 * not set, is that of an unknown partner.
 */

agw_reason_t agw_policy_api_key(agw_api_key_row_t *row, int64_t now);


/* a business, and the partner whose request queries it */

typedef struct {
    unsigned      partner_active:1;
    unsigned      found:1;
    unsigned      owned:1;           /* by that partner */
    unsigned      active:1;
    unsigned      token_ended:1;     /* that partner's token */
    unsigned      limited:1;         /* that partner has a list of scopes */
    agw_str_t     scopes;            /* if it has one */
    int64_t       stamp;             /* of the store, when it was read */
} agw_business_row_t;


/*
 * AGW_OK; AGW_REVOKED if the partner is not active or its token has ended;
 * AGW_UNKNOWN_BUSINESS; AGW_NOT_OWNER; or AGW_ARCHIVED_BUSINESS, of which only
 * the owner learns.
 */

agw_reason_t agw_policy_business(const agw_business_row_t *row);


#endif /* AGW_POLICY_H_INCLUDED_ */
