
/*
 * Payloads as they come, and members as they come beside the required ones:
 * what is read keeps the promises of agw_claims.h, the reader of flat
 * payloads and the general one give the same answer, and no clock or rule
 * that follows can overflow.
 */


#include <stdlib.h>

#include "agw_claims.h"
#include "agw_grammar.h"


/* whichever reader reads it: the same */

static void
same_claims(const agw_claims_t *c, agw_str_t payload)
{
    agw_claims_t  other;

    if (agw_claims_read(&other, payload) != AGW_OK
        || c->kind != other.kind
        || c->iat != other.iat || c->exp != other.exp || c->nbf != other.nbf
        || c->seq != other.seq)
    {
        abort();
    }

    if (!agw_str_eq(c->partner_id, other.partner_id)
        || !agw_str_eq(c->business_id, other.business_id)
        || !agw_str_eq(c->scope, other.scope)
        || !agw_str_eq(c->jti, other.jti)
        || !agw_str_eq(c->iss, other.iss)
        || !agw_str_eq(c->aud, other.aud)
        || !agw_str_eq(c->sub, other.sub)
        || !agw_str_eq(c->client_id, other.client_id)
        || !agw_str_eq(c->x5t, other.x5t)
        || (c->aud.data == NULL) != (other.aud.data == NULL))
    {
        abort();
    }

    agw_claims_done(&other);
}


/* refused by both, for the same reason, in words that a log line bears */

static void
same_fault(const char *fault, agw_str_t payload)
{
    size_t        i;
    agw_claims_t  other;

    if (agw_claims_read(&other, payload) != AGW_MALFORMED_CLAIMS
        || other.json != NULL || fault == NULL || other.fault == NULL
        || strcmp(fault, other.fault) != 0 || strlen(fault) > 100)
    {
        abort();
    }

    for (i = 0; fault[i] != '\0'; i++) {
        if (fault[i] < 0x20 || fault[i] > 0x7e || fault[i] == '('
            || fault[i] == ')')
        {
            abort();
        }
    }
}


static void
read_payload(agw_str_t payload)
{
    int64_t             now;
    agw_str_t           text;
    agw_claims_t        c;
    unsigned char       buf[AGW_CLAIM_BUF_SIZE];
    agw_claims_rules_t  rules;

    if (agw_claims_read_json(&c, payload) != AGW_OK) {
        if (c.json != NULL) {
            abort();
        }

        same_fault(c.fault, payload);
        return;
    }

    same_claims(&c, payload);

    if (!agw_is_id(c.partner_id) || !agw_is_id(c.jti) || c.iat < 0
        || c.exp <= c.iat || c.exp > AGW_TIME_MAX || c.nbf < 0
        || c.seq < AGW_SEQ_MALFORMED || c.seq > AGW_STAMP_MAX
        || (c.kind == AGW_KIND_BUSINESS) != (c.business_id.len != 0)
        || (c.business_id.len != 0 && !agw_is_id(c.business_id))
        || (c.scope.len != 0 && !agw_is_scope(c.scope)))
    {
        abort();
    }

    rules.issuer = c.iss;
    rules.audience = c.jti;
    rules.leeway = (int64_t) payload.len % 61;
    rules.max_lifetime = AGW_TIME_MAX;

    for (now = 0; now >= 0 && now < AGW_TIME_MAX; now = now * 2 + 1) {
        if (agw_claims_check(&c, &rules, now) == AGW_OK
            && now >= c.exp + rules.leeway)
        {
            abort();
        }
    }

    text = c.scope.len ? c.scope : c.jti;
    text = agw_claim_text(c.json, text, buf);

    if (text.len > AGW_CLAIM_TEXT_MAX || agw_has_control(text)) {
        abort();
    }

    agw_claims_done(&c);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    agw_str_t          payload;
    unsigned char     *p;
    static const char  start[] = "{\"partner_id\":\"p\",\"jti\":\"j\","
        "\"iat\":1,\"exp\":2,\"";

    payload.len = size;
    payload.data = data;
    read_payload(payload);

    p = malloc(sizeof(start) + size);
    memcpy(p, start, sizeof(start) - 1);
    memcpy(&p[sizeof(start) - 1], data, size);
    p[sizeof(start) - 1 + size] = '}';

    payload.len = sizeof(start) + size;
    payload.data = p;
    read_payload(payload);

    free(p);

    return 0;
}
