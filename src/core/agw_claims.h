
/*
 * The claims of both kinds of token (RFC 7519, section 4): read from a
 * payload whose signature holds, checked against a server's rules, written
 * for signing.
 */


#ifndef AGW_CLAIMS_H_INCLUDED_
#define AGW_CLAIMS_H_INCLUDED_


#include <jansson.h>

#include "agw.h"
#include "agw_reason.h"
#include "agw_scope.h"


/* the member of cnf that is a certificate (RFC 8705, section 3.1) */

#define AGW_CNF_X5T  "x5t#S256"


typedef enum {
    AGW_KIND_PARTNER = 0,            /* no business_id */
    AGW_KIND_BUSINESS
} agw_kind_t;


/*
 * Instead of a stamp: the claim is absent, or is not a stamp.  Neither makes a
 * token invalid, since another issuer may use the name "seq" for anything.
 */

#define AGW_SEQ_NONE        (-1)
#define AGW_SEQ_MALFORMED   (-2)


/* an absent string is { 0, NULL }; times are Unix seconds */

typedef struct {
    agw_kind_t    kind;
    agw_str_t     partner_id;
    agw_str_t     business_id;
    agw_str_t     scope;
    agw_str_t     jti;
    agw_str_t     iss;
    agw_str_t     aud;               /* if it is one string */
    agw_str_t     sub;
    agw_str_t     client_id;
    agw_str_t     x5t;               /* cnf: of a certificate (RFC 8705) */
    int64_t       iat;
    int64_t       exp;
    int64_t       nbf;               /* 0 if absent */
    int64_t       seq;               /* 0 to AGW_STAMP_MAX, or AGW_SEQ_* */
    json_t       *json;              /* NULL, or owns the strings */
    const char   *fault;             /* if they are malformed */
} agw_claims_t;


/* what a server accepts; an empty issuer or audience is not compared */

typedef struct {
    agw_str_t     issuer;
    agw_str_t     audience;
    int64_t       leeway;            /* seconds, 0 to 60 */
    int64_t       max_lifetime;      /* seconds */
} agw_claims_rules_t;


/*
 * Reads a payload, and checks that required claims are present, that types and
 * grammars are right, and that claims agree with each other.  Returns AGW_OK,
 * and the caller has to call agw_claims_done(); or AGW_MALFORMED_CLAIMS, and
 * claims has only the fault, a static text such as "exp: not an integer", of
 * printable ASCII without '(' and ')'; or AGW_INTERNAL_ERROR if memory ran out.
 * The strings are borrowed from the payload, or owned by claims->json.
 */

agw_reason_t agw_claims_read(agw_claims_t *claims, agw_str_t payload);


/* the same, slower, with all claims in claims->json */

agw_reason_t agw_claims_read_json(agw_claims_t *claims, agw_str_t payload);


/* frees what these have allocated; a second call does nothing */

void agw_claims_done(agw_claims_t *claims);


/*
 * Checks the lifetime against the rules, then agw_claims_check_time(), then
 * issuer and audience.  Returns AGW_OK, AGW_LIFETIME_EXCEEDED, AGW_EXPIRED,
 * AGW_NOT_YET_VALID, AGW_WRONG_ISSUER, AGW_WRONG_AUDIENCE, or
 * AGW_MALFORMED_CLAIMS (an aud that is neither a string nor an array of
 * strings) and sets the fault.
 */

agw_reason_t agw_claims_check(agw_claims_t *claims,
    const agw_claims_rules_t *rules, int64_t now);


/*
 * Refuses a token if now >= exp + leeway, if now < nbf - leeway, and if iat is
 * ahead of now by more than the larger of AGW_IAT_AHEAD and leeway.
 */

agw_reason_t agw_claims_check_time(const agw_claims_t *claims,
    int64_t leeway, int64_t now);


/*
 * Writes what the payloads of all tokens of one server begin with: the brace,
 * iss and aud, escaped, unless empty, and a comma.  buf has size bytes;
 * AGW_CLAIMS_HEAD_SIZE(issuer.len + audience.len) are enough.  Returns 0
 * and sets *len, or -1 if memory ran out.
 */

#define AGW_CLAIMS_HEAD_SIZE(len)   (6 * (len) + 32)

int agw_claims_head(agw_str_t issuer, agw_str_t audience, unsigned char *buf,
    size_t size, size_t *len);


/*
 * Writes the payload of a token of ours, which begins with that head.  sub,
 * partner_id and client_id are the same; business_id, scope and cnf are left
 * out if empty, seq if it is AGW_SEQ_NONE.  buf has size bytes;
 * AGW_CLAIMS_SIZE more than the head are always enough.  Returns 0 and sets
 * *len; or -1 if it did not fit, if a string would need an escape, which no id
 * and no scope does, or if a number is negative.
 */

#define AGW_CLAIMS_SIZE   (5 * AGW_ID_MAX + AGW_SCOPE_MAX + 512)

int agw_claims_write(const agw_claims_t *claims, agw_str_t head,
    unsigned char *buf, size_t size, size_t *len);


/*
 * Returns a claim as text that is safe in a header: a string of at most 256
 * bytes of printable ASCII, borrowed from json; or an integer or a boolean,
 * written into buf, of AGW_CLAIM_BUF_SIZE bytes.  An absent claim, and any
 * other, is empty.  json is the payload, as an object.
 */

#define AGW_CLAIM_TEXT_MAX   256
#define AGW_CLAIM_BUF_SIZE   24

agw_str_t agw_claim_text(const json_t *json, agw_str_t name,
    unsigned char *buf);


#endif /* AGW_CLAIMS_H_INCLUDED_ */
