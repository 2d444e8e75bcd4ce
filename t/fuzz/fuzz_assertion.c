
/*
 * Assertions and the keys of a store: the first bytes up to a NUL are a JWK,
 * the rest is what a client sends.  What is read keeps its promises, and none
 * of it is believed: there is no private key that signs.
 */


#include <stdlib.h>

#include "agw_assertion.h"
#include "agw_grammar.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char             *fault;
    agw_str_t               jwk, text;
    const uint8_t          *nul;
    agw_assertion_t         a;
    agw_assertion_rules_t   rules;

    nul = size ? memchr(data, 0, size) : NULL;

    jwk.data = data;
    jwk.len = nul ? (size_t) (nul - data) : 0;
    text.data = nul ? nul + 1 : data;
    text.len = size - (size_t) (text.data - data);

    fault = agw_assertion_read(&a, text);

    if (fault == NULL) {

        if (!agw_is_id(a.partner_id) || !agw_is_id(a.kid) || a.jti.len == 0
            || a.aud.len == 0 || a.exp < 0 || a.nbf < 0 || a.iat < 0)
        {
            abort();
        }

        rules.issuer = a.aud;
        rules.token_url = a.jti;
        rules.leeway = (int64_t) size % 61;

        if (agw_assertion_check(&a, &rules, a.exp + rules.leeway) == NULL) {
            abort();
        }

        (void) agw_assertion_check(&a, &rules, 0);
    }

    /* nobody can sign who has no private key: no text of a store lets one */

    if (agw_assertion_verify(&a, text, jwk) == NULL) {
        abort();
    }

    agw_assertion_done(&a);

    return 0;
}
