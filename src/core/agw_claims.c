
/*
 * Reads claims strictly, checks them against a server's rules, and writes what
 * reading accepts.
 */


#include <stdio.h>

#include "agw_certificate.h"
#include "agw_claims_flat.h"
#include "agw_grammar.h"
#include "agw_json.h"
#include "agw_json_writer.h"


/* a claim of the payload, and the fault if it cannot be read */

typedef struct {
    const char   *name;
    size_t        offset;            /* in agw_claims_t */
    unsigned      number:1;          /* else a string */
    unsigned      required:1;
    const char   *missing;
    const char   *type;
    const char   *range;
} agw_claim_t;


static const char *agw_claims_from_json(agw_claims_t *claims,
    agw_str_t payload);
static const char *agw_claims_take(agw_claims_t *claims,
    const agw_claim_t *claim);
static int agw_claims_take_cnf(agw_claims_t *claims);
static agw_reason_t agw_claims_judge(agw_claims_t *claims);
static const char *agw_claims_fault(const agw_claims_t *claims);
static int agw_claims_agree(agw_str_t value, agw_str_t partner_id);
static agw_reason_t agw_claims_malformed(agw_claims_t *claims,
    const char *fault);
static agw_reason_t agw_claims_check_audience(agw_claims_t *claims,
    agw_str_t audience);
static int agw_claims_set(json_t *json, const char *name, agw_str_t value);


#define AGW_NO_CNF  "cnf: not of x5t#S256 alone, with the SHA-256 of a "      \
                    "certificate"
#define AGW_NO_ID  ": not 1 to 128 of A-Za-z0-9._~-"

#define agw_claim(name, number, required, type)                               \
    { #name, offsetof(agw_claims_t, name), number, required,                  \
      #name ": missing", #name ": not " type, #name ": out of range" }

#define agw_claim_string(name, required)                                      \
    agw_claim(name, 0, required, "a string")
#define agw_claim_time(name, required)                                        \
    agw_claim(name, 1, required, "an integer")

static const agw_claim_t  agw_claims[] = {
    agw_claim_string(partner_id, 1),
    agw_claim_string(jti, 1),
    agw_claim_string(iss, 0),
    agw_claim_string(sub, 0),
    agw_claim_string(client_id, 0),
    agw_claim_string(business_id, 0),
    agw_claim_string(scope, 0),
    agw_claim_time(iat, 1),
    agw_claim_time(exp, 1),
    agw_claim_time(nbf, 0)
};

#define AGW_CLAIMS  (sizeof(agw_claims) / sizeof(agw_claims[0]))


static const agw_str_t  agw_business_access =
                            agw_string(AGW_BUSINESS_ACCESS);


agw_reason_t
agw_claims_read(agw_claims_t *claims, agw_str_t payload)
{
    if (agw_claims_read_flat(claims, payload) == 0) {
        return agw_claims_judge(claims);
    }

    return agw_claims_read_json(claims, payload);
}


agw_reason_t
agw_claims_read_json(agw_claims_t *claims, agw_str_t payload)
{
    const char  *fault;

    memset(claims, 0, sizeof(agw_claims_t));
    claims->seq = AGW_SEQ_NONE;

    fault = agw_claims_from_json(claims, payload);

    return fault ? agw_claims_malformed(claims, fault)
                 : agw_claims_judge(claims);
}


void
agw_claims_done(agw_claims_t *claims)
{
    json_decref(claims->json);

    memset(claims, 0, sizeof(agw_claims_t));
}


agw_reason_t
agw_claims_check(agw_claims_t *claims, const agw_claims_rules_t *rules,
    int64_t now)
{
    agw_reason_t  reason;

    if (claims->exp - claims->iat > rules->max_lifetime) {
        return AGW_LIFETIME_EXCEEDED;
    }

    reason = agw_claims_check_time(claims, rules->leeway, now);
    if (reason != AGW_OK) {
        return reason;
    }

    if (rules->issuer.len && !agw_str_eq(claims->iss, rules->issuer)) {
        return AGW_WRONG_ISSUER;
    }

    return agw_claims_check_audience(claims, rules->audience);
}


agw_reason_t
agw_claims_check_time(const agw_claims_t *claims, int64_t leeway, int64_t now)
{
    int64_t  ahead;

    if (now >= claims->exp + leeway) {
        return AGW_EXPIRED;
    }

    ahead = leeway > AGW_IAT_AHEAD ? leeway : AGW_IAT_AHEAD;

    if (now < claims->nbf - leeway || claims->iat > now + ahead) {
        return AGW_NOT_YET_VALID;
    }

    return AGW_OK;
}


int
agw_claims_head(agw_str_t issuer, agw_str_t audience, unsigned char *buf,
    size_t size, size_t *len)
{
    int      rc;
    size_t   n;
    json_t  *json;

    json = json_object();

    rc = agw_claims_set(json, "iss", issuer);
    rc |= agw_claims_set(json, "aud", audience);

    n = rc == 0 ? json_dumpb(json, (char *) buf, size, JSON_COMPACT) : 0;

    json_decref(json);

    if (n == 0 || n > size) {
        return -1;
    }

    /* a comma takes the place of the closing brace after the last member */

    if (n > 2) {
        buf[n - 1] = ',';

    } else {
        n--;
    }

    *len = n;

    return 0;
}


int
agw_claims_write(const agw_claims_t *claims, agw_str_t head,
    unsigned char *buf, size_t size, size_t *len)
{
    agw_json_writer_t  t;

    agw_json_writer_begin(&t, buf, size);

    agw_json_writer_copy(&t, head);
    agw_json_writer_string(&t, "sub", claims->partner_id);
    agw_json_writer_string(&t, "partner_id", claims->partner_id);
    agw_json_writer_string(&t, "client_id", claims->partner_id);
    agw_json_writer_string(&t, "business_id", claims->business_id);
    agw_json_writer_string(&t, "scope", claims->scope);
    agw_json_writer_integer(&t, "iat", claims->iat);
    agw_json_writer_integer(&t, "exp", claims->exp);

    if (claims->seq != AGW_SEQ_NONE) {
        agw_json_writer_integer(&t, "seq", claims->seq);
    }

    agw_json_writer_string(&t, "jti", claims->jti);
    agw_json_writer_object(&t, "cnf", AGW_CNF_X5T, claims->x5t);

    if (agw_json_writer_end(&t) != 0) {
        return -1;
    }

    *len = (size_t) (t.p - buf);

    return 0;
}


agw_str_t
agw_claim_text(const json_t *json, agw_str_t name, unsigned char *buf)
{
    size_t     i;
    json_t    *value;
    agw_str_t  text;

    text.len = 0;
    text.data = buf;

    value = json_object_getn(json, (const char *) name.data, name.len);

    switch (value ? json_typeof(value) : JSON_NULL) {

    case JSON_STRING:
        text.data = (const unsigned char *) json_string_value(value);
        text.len = json_string_length(value);

        if (text.len > AGW_CLAIM_TEXT_MAX) {
            text.len = 0;
        }

        for (i = 0; i < text.len; i++) {
            if (text.data[i] < 0x20 || text.data[i] > 0x7e) {
                text.len = 0;
            }
        }

        break;

    case JSON_INTEGER:
        text.len = (size_t) snprintf((char *) buf, AGW_CLAIM_BUF_SIZE,
                                     "%" JSON_INTEGER_FORMAT,
                                     json_integer_value(value));
        break;

    case JSON_TRUE:
        text.len = 4;
        memcpy(buf, "true", 4);
        break;

    case JSON_FALSE:
        text.len = 5;
        memcpy(buf, "false", 5);
        break;

    default:
        break;
    }

    return text;
}


/* NULL, or the fault */

static const char *
agw_claims_from_json(agw_claims_t *claims, agw_str_t payload)
{
    size_t       i;
    const char  *fault;

    fault = NULL;
    claims->json = agw_json_object(payload, &fault);

    for (i = 0; fault == NULL && i < AGW_CLAIMS; i++) {
        fault = agw_claims_take(claims, &agw_claims[i]);
    }

    if (fault != NULL) {
        return fault;
    }

    (void) agw_json_string(claims->json, "aud", &claims->aud);

    if (agw_claims_take_cnf(claims) != 0) {
        return AGW_NO_CNF;
    }

    if (agw_json_time(claims->json, "seq", &claims->seq) < 0
        || claims->seq > AGW_STAMP_MAX)
    {
        claims->seq = AGW_SEQ_MALFORMED;
    }

    return NULL;
}


static const char *
agw_claims_take(agw_claims_t *claims, const agw_claim_t *claim)
{
    int    rc;
    void  *field;

    field = (char *) claims + claim->offset;

    rc = claim->number ? agw_json_time(claims->json, claim->name, field)
                       : agw_json_string(claims->json, claim->name, field);

    switch (rc) {

    case 1:
        return NULL;

    case 0:
        return claim->required ? claim->missing : NULL;

    case AGW_JSON_RANGE:
        return claim->range;

    default:
        return claim->type;
    }
}


/*
 * RFC 7800, section 3.1.  A confirmation that is not understood is no reason
 * to do without one, so no other member may stand beside the thumbprint.
 */

static int
agw_claims_take_cnf(agw_claims_t *claims)
{
    json_t  *cnf;

    cnf = json_object_get(claims->json, "cnf");

    if (cnf == NULL) {
        return 0;
    }

    return json_object_size(cnf) == 1
           && agw_json_string(cnf, AGW_CNF_X5T, &claims->x5t) == 1 ? 0 : -1;
}


/* checks what a reader has read; frees it if it is refused */

static agw_reason_t
agw_claims_judge(agw_claims_t *claims)
{
    const char  *fault;

    claims->kind = claims->business_id.data ? AGW_KIND_BUSINESS
                                            : AGW_KIND_PARTNER;

    fault = agw_claims_fault(claims);

    return fault ? agw_claims_malformed(claims, fault) : AGW_OK;
}


static const char *
agw_claims_fault(const agw_claims_t *claims)
{
    if (!agw_is_id(claims->partner_id)) {
        return "partner_id" AGW_NO_ID;
    }

    if (!agw_is_id(claims->jti)) {
        return "jti" AGW_NO_ID;
    }

    if (claims->kind == AGW_KIND_BUSINESS && !agw_is_id(claims->business_id)) {
        return "business_id" AGW_NO_ID;
    }

    if (!agw_claims_agree(claims->sub, claims->partner_id)) {
        return "sub: differs from partner_id";
    }

    if (!agw_claims_agree(claims->client_id, claims->partner_id)) {
        return "client_id: differs from partner_id";
    }

    if (claims->exp <= claims->iat) {
        return "exp: not after iat";
    }

    if (claims->x5t.data != NULL && !agw_is_thumbprint(claims->x5t)) {
        return AGW_NO_CNF;
    }

    if (claims->scope.data == NULL) {
        return NULL;
    }

    if (!agw_is_scope(claims->scope)) {
        return "scope: not as RFC 6749 has it, or over 1024 bytes";
    }

    if (claims->kind == AGW_KIND_PARTNER
        && agw_scope_has(claims->scope, agw_business_access))
    {
        return "scope: " AGW_BUSINESS_ACCESS " without business_id";
    }

    return NULL;
}


/* whether a claim is absent, or the same as partner_id */

static int
agw_claims_agree(agw_str_t value, agw_str_t partner_id)
{
    return value.data == NULL || agw_str_eq(value, partner_id);
}


static agw_reason_t
agw_claims_malformed(agw_claims_t *claims, const char *fault)
{
    agw_claims_done(claims);

    if (fault == agw_json_no_memory) {
        return AGW_INTERNAL_ERROR;
    }

    claims->fault = fault;

    return AGW_MALFORMED_CLAIMS;
}


/* RFC 7519, section 4.1.3: a string, or an array of strings */

static agw_reason_t
agw_claims_check_audience(agw_claims_t *claims, agw_str_t audience)
{
    int         found;
    size_t      i, n;
    json_t     *aud, *item;
    agw_str_t   text;

    aud = json_object_get(claims->json, "aud");
    found = (claims->aud.data != NULL && agw_str_eq(claims->aud, audience));

    if (claims->aud.data == NULL && aud != NULL && !json_is_array(aud)) {
        claims->fault = "aud: not a string or an array of strings";
        return AGW_MALFORMED_CLAIMS;
    }

    n = json_array_size(aud);        /* 0 if not an array */

    for (i = 0; i < n; i++) {
        item = json_array_get(aud, i);

        if (!json_is_string(item)) {
            claims->fault = "aud: an array, but not of strings";
            return AGW_MALFORMED_CLAIMS;
        }

        text.data = (const unsigned char *) json_string_value(item);
        text.len = json_string_length(item);

        found |= agw_str_eq(text, audience);
    }

    return (found || audience.len == 0) ? AGW_OK : AGW_WRONG_AUDIENCE;
}


/* an empty value is not written */

static int
agw_claims_set(json_t *json, const char *name, agw_str_t value)
{
    if (value.len == 0) {
        return 0;
    }

    return json_object_set_new(json, name,
                               json_stringn((const char *) value.data,
                                            value.len));
}
