
/*
 * An assertion is a JWS as strict as a token: what is refused there is refused
 * here.  The algorithm is that of the key, so it is never HMAC.
 */


#include <errno.h>

#include "agw_assertion.h"
#include "agw_base64.h"
#include "agw_grammar.h"
#include "agw_json.h"
#include "agw_jws.h"
#include "agw_key_file.h"


static int agw_assertion_is_token(const agw_assertion_t *assertion);
static const char *agw_assertion_claims(agw_assertion_t *assertion);
static int agw_assertion_audience(agw_assertion_t *assertion);
static agw_keyring_t *agw_assertion_ring(const json_t *json, agw_str_t alg);


const char  agw_assertion_no_key[] = "the stored key cannot be used";


const char *
agw_assertion_read(agw_assertion_t *assertion, agw_str_t text)
{
    size_t                n;
    agw_str_t             part;
    const char           *fault;
    const unsigned char  *dot;
    unsigned char         buf[AGW_JWS_BUF_SIZE];

    memset(assertion, 0, sizeof(agw_assertion_t));

    dot = text.len <= AGW_TOKEN_MAX ? memchr(text.data, '.', text.len) : NULL;

    if (dot == NULL) {
        return "not a JWS";
    }

    part.data = text.data;
    part.len = (size_t) (dot - text.data);

    if (agw_base64url_decode(part, buf, &n) != 0) {
        return "not a JWS";
    }

    part.data = buf;
    part.len = n;

    assertion->header = agw_json_object(part, &fault);

    if (assertion->header == NULL && fault == agw_json_no_memory) {
        return fault;
    }

    if (assertion->header == NULL
        || agw_json_string(assertion->header, "kid", &assertion->kid) != 1
        || !agw_is_id(assertion->kid))
    {
        return "kid: missing, or not that of a key";
    }

    (void) agw_json_string(assertion->header, "alg", &assertion->alg);

    if (agw_assertion_is_token(assertion)) {
        return "typ: that of an access token";
    }

    if (agw_jws_payload(text, buf, &part) != 0) {
        return "not a JWS";
    }

    assertion->claims = agw_json_object(part, &fault);

    if (assertion->claims == NULL) {
        return fault == agw_json_no_memory ? fault
                                           : "claims: not a JSON object";
    }

    return agw_assertion_claims(assertion);
}


/* what is made as one kind of JWT is not taken as another (RFC 8725, 3.11) */

static int
agw_assertion_is_token(const agw_assertion_t *assertion)
{
    agw_str_t               typ;
    static const agw_str_t  at_jwt = agw_string("at+jwt");
    static const agw_str_t  type = agw_string("application/at+jwt");

    return agw_json_string(assertion->header, "typ", &typ) == 1
           && (agw_same_nocase(typ, at_jwt) || agw_same_nocase(typ, type));
}


void
agw_assertion_done(agw_assertion_t *assertion)
{
    json_decref(assertion->header);
    json_decref(assertion->claims);

    memset(assertion, 0, sizeof(agw_assertion_t));
}


static const char *
agw_assertion_claims(agw_assertion_t *assertion)
{
    agw_str_t      sub;
    const json_t  *claims;

    claims = assertion->claims;

    if (agw_json_string(claims, "iss", &assertion->partner_id) != 1
        || agw_json_string(claims, "sub", &sub) != 1
        || !agw_str_eq(sub, assertion->partner_id)
        || !agw_is_id(sub))
    {
        return "iss, sub: not both the partner";
    }

    if (agw_json_string(claims, "jti", &assertion->jti) != 1
        || assertion->jti.len == 0)
    {
        return "jti: missing, or not a string";
    }

    if (agw_json_time(claims, "exp", &assertion->exp) != 1) {
        return "exp: missing, or not an integer";
    }

    if (agw_json_time(claims, "nbf", &assertion->nbf) < 0
        || agw_json_time(claims, "iat", &assertion->iat) < 0)
    {
        return "nbf, iat: not integers";
    }

    return agw_assertion_audience(assertion) == 0
           ? NULL : "aud: not one string, or an array of one";
}


static int
agw_assertion_audience(agw_assertion_t *assertion)
{
    json_t  *aud;

    aud = json_object_get(assertion->claims, "aud");

    if (json_is_array(aud)) {
        aud = json_array_size(aud) == 1 ? json_array_get(aud, 0) : NULL;
    }

    if (!json_is_string(aud)) {
        return -1;
    }

    assertion->aud.data = (const unsigned char *) json_string_value(aud);
    assertion->aud.len = json_string_length(aud);

    return assertion->aud.len ? 0 : -1;
}


const char *
agw_assertion_check(const agw_assertion_t *assertion,
    const agw_assertion_rules_t *rules, int64_t now)
{
    int64_t  ahead;

    ahead = rules->leeway > AGW_IAT_AHEAD ? rules->leeway : AGW_IAT_AHEAD;

    if (!agw_str_eq(assertion->aud, rules->issuer)
        && (rules->token_url.len == 0
            || !agw_str_eq(assertion->aud, rules->token_url)))
    {
        return "aud: not the issuer";
    }

    if (now >= assertion->exp + rules->leeway) {
        return "exp: in the past";
    }

    if (assertion->exp > now + AGW_ASSERTION_LIFE + ahead) {
        return "exp: more than an hour ahead";
    }

    if (now < assertion->nbf - rules->leeway
        || assertion->iat > now + ahead)
    {
        return "nbf, iat: in the future";
    }

    return NULL;
}


const char *
agw_assertion_verify(const agw_assertion_t *assertion, agw_str_t text,
    agw_str_t jwk)
{
    json_t         *json;
    agw_jws_t       jws;
    const char     *fault;
    agw_reason_t    reason;
    agw_keyring_t  *ring;
    unsigned char   buf[AGW_JWS_BUF_SIZE];

    json = agw_json_object(jwk, &fault);

    if (json == NULL && fault == agw_json_no_memory) {
        return fault;
    }

    /* OpenSSL returns the same if memory ran out, but malloc() sets errno */

    errno = 0;
    ring = json ? agw_assertion_ring(json, assertion->alg) : NULL;
    fault = ring == NULL && errno == ENOMEM ? agw_json_no_memory
                                            : agw_assertion_no_key;
    json_decref(json);

    if (ring == NULL) {
        return fault;
    }

    reason = agw_jws_verify(&jws, ring, text, buf);

    agw_keyring_free(ring);

    switch (reason) {

    case AGW_OK:
        return NULL;

    case AGW_INTERNAL_ERROR:
        return agw_json_no_memory;

    case AGW_BAD_SIGNATURE:
        return "wrong signature";

    case AGW_ALGORITHM_MISMATCH:
    case AGW_UNKNOWN_KEY:
        return "alg, kid: not those of the key";

    default:
        return "not a JWS";
    }
}


/* of one public key, whatever the store says of it */

static agw_keyring_t *
agw_assertion_ring(const json_t *json, agw_str_t alg)
{
    agw_key_t      *key;
    const char     *error;
    agw_keyring_t  *ring;

    ring = NULL;
    key = agw_key_from_public_jwk(json, alg);

    if (key != NULL) {
        ring = agw_keyring_create();

        if (ring == NULL) {
            agw_key_free(key);

        } else if (agw_keyring_add(ring, key, &error) != 0) {
            agw_keyring_free(ring);
            ring = NULL;
        }
    }

    return ring;
}
