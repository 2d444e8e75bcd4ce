
/*
 * P8a.5: assertions by themselves (RFC 7523), and the attacks of P8 on them:
 * what one says, when it holds, and which stored keys can verify one.  A store
 * may have been written by hand, so a key in it is not believed to be a good
 * one, or a public one.
 */


#include "sign.h"

#include "agw_assertion.h"


#define ISSUER   "https://issuer.example"
#define TOKEN    ISSUER "/token"
#define NOW      1700000000

#define HEADER   "{\"alg\":\"ES256\",\"kid\":\"k-1\"}"
#define REST     "\"aud\":\"" ISSUER "\",\"jti\":\"j\",\"exp\":1700000060"


static agw_assertion_t  assertion;


static const char *
reads(agw_str_t header, agw_str_t payload)
{
    agw_assertion_done(&assertion);

    return agw_assertion_read(&assertion, unit_copy(mint_segments(
        mint_base64url(header), mint_base64url(payload), S("s"))));
}


/* claims with these members, beside the partner */

static const char *
reads_claims(agw_str_t members)
{
    return reads(S(HEADER), unit_format(
        "{\"iss\":\"p\",\"sub\":\"p\",%.*s}", UNIT_ARG(members)));
}


static void
says(const char *fault, const char *wanted, const char *what)
{
    unit_assert(fault && wanted ? strcmp(fault, wanted) == 0
        : fault == wanted, "%s: %s, not %s", what,
        fault ? fault : "(none)", wanted ? wanted : "(none)");
}


static void
p8a_5_what_it_says(void **state)
{
    (void) state;

    says(reads_claims(S(REST ",\"nbf\":1,\"iat\":2")), NULL, "a good one");
    unit_assert_str(assertion.partner_id, S("p"));
    unit_assert_str(assertion.kid, S("k-1"));
    unit_assert_str(assertion.aud, S(ISSUER));
    unit_assert_str(assertion.jti, S("j"));
    assert_int_equal(assertion.exp, NOW + 60);
    assert_int_equal(assertion.nbf, 1);
    assert_int_equal(assertion.iat, 2);

    says(reads_claims(S(REST)), NULL, "neither nbf nor iat");
    assert_int_equal(assertion.nbf, 0);
    assert_int_equal(assertion.iat, 0);

    agw_assertion_done(&assertion);
    agw_assertion_done(&assertion);
}


/* each time, in each shape that is no time */

static void
p8_9_times(void **state)
{
    size_t       i, j;
    const char  *wanted;
    static const char  *times[] = { "exp", "nbf", "iat" };
    static const char  *values[] = {
        "\"1700000060\"", "\"\"", "true", "false", "null", "1700000060.0",
        "1.7e9", "0.5", "-1", "-1700000060", "9007199254740992",
        "9223372036854775807", "[1700000060]", "{}",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(times); i++) {
        wanted = i == 0 ? "exp: missing, or not an integer"
                        : "nbf, iat: not integers";

        for (j = 0; j < UNIT_COUNT(values); j++) {
            says(reads_claims(unit_format("%s,\"%s\":%s",
                i == 0 ? "\"aud\":\"" ISSUER "\",\"jti\":\"j\"" : REST,
                times[i], values[j])), wanted, values[j]);
        }
    }

    /* beyond what a JSON integer can be: no object at all */

    says(reads_claims(S("\"aud\":\"" ISSUER "\",\"jti\":\"j\","
        "\"exp\":9223372036854775808")), "claims: not a JSON object", "2^63");
    says(reads_claims(S("\"aud\":\"" ISSUER "\",\"jti\":\"j\","
        "\"exp\":9007199254740991")), NULL, "2^53 - 1");
    says(reads_claims(S("\"aud\":\"" ISSUER "\",\"jti\":\"j\"")),
        "exp: missing, or not an integer", "no exp");
}


static void
p8a_5_jti_and_partner(void **state)
{
    size_t  i;
    static const char  *jtis[] = {
        "\"x\":1", "\"jti\":\"\"", "\"jti\":1", "\"jti\":null",
        "\"jti\":[\"j\"]", "\"jti\":true",
    };
    static const char  *partners[] = {
        "{\"iss\":\"p\"," REST "}", "{\"sub\":\"p\"," REST "}",
        "{\"iss\":\"p\",\"sub\":\"q\"," REST "}",
        "{\"iss\":\"p\",\"sub\":\"P\"," REST "}",
        "{\"iss\":\"\",\"sub\":\"\"," REST "}",
        "{\"iss\":\"a b\",\"sub\":\"a b\"," REST "}",
        "{\"iss\":\"a/b\",\"sub\":\"a/b\"," REST "}",
        "{\"iss\":1,\"sub\":1," REST "}",
        "{\"iss\":[\"p\"],\"sub\":[\"p\"]," REST "}",
        "{\"iss\":\"p\",\"sub\":null," REST "}",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(jtis); i++) {
        says(reads_claims(unit_format("\"aud\":\"" ISSUER
            "\",\"exp\":1700000060,%s", jtis[i])),
            "jti: missing, or not a string", jtis[i]);
    }

    for (i = 0; i < UNIT_COUNT(partners); i++) {
        says(reads(S(HEADER), unit_format("%s", partners[i])),
            "iss, sub: not both the partner", partners[i]);
    }
}


static void
p8_11_audience(void **state)
{
    size_t                       i;
    const agw_assertion_rules_t  rules = {
        S(ISSUER), S(TOKEN), 0
    };
    const agw_assertion_rules_t  alone = {
        S(ISSUER), { 0, NULL }, 0
    };
    static const char  *shapes[] = {
        "\"x\":1", "\"aud\":\"\"", "\"aud\":1", "\"aud\":null",
        "\"aud\":[]", "\"aud\":{}", "\"aud\":[[\"" ISSUER "\"]]",
        "\"aud\":[\"" ISSUER "\",\"" ISSUER "\"]",
        "\"aud\":[\"" ISSUER "\",\"x\"]", "\"aud\":[\"\"]",
    };
    static const char  *others[] = {
        ISSUER "/", "https://issuer.example:443", "HTTPS://issuer.example",
        "https://issuer.exampl", TOKEN "/", TOKEN "?", "x",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(shapes); i++) {
        says(reads_claims(unit_format(
            "\"jti\":\"j\",\"exp\":1700000060,%s", shapes[i])),
            "aud: not one string, or an array of one", shapes[i]);
    }

    for (i = 0; i < UNIT_COUNT(others); i++) {
        says(reads_claims(unit_format("\"jti\":\"j\","
            "\"exp\":1700000060,\"aud\":\"%s\"", others[i])), NULL,
            others[i]);
        says(agw_assertion_check(&assertion, &rules, NOW),
            "aud: not the issuer", others[i]);
    }

    says(reads_claims(S("\"jti\":\"j\",\"exp\":1700000060,\"aud\":[\"" TOKEN
        "\"]")), NULL, "the token endpoint");
    says(agw_assertion_check(&assertion, &rules, NOW), NULL, "its URL");
    says(agw_assertion_check(&assertion, &alone, NOW), "aud: not the issuer",
        "no URL is known");
}


/* the second before, and the second from which on */

static void
p8_10_times_are_compared(void **state)
{
    size_t  i;
    static const struct {
        int64_t      exp, nbf, iat, leeway;
        const char  *fault;
    } rows[] = {
        { NOW + 1, 0, 0, 0, NULL },
        { NOW, 0, 0, 0, "exp: in the past" },
        { NOW - 1, 0, 0, 0, "exp: in the past" },
        { 0, 0, 0, 60, "exp: in the past" },
        { NOW - 59, 0, 0, 60, NULL },
        { NOW - 60, 0, 0, 60, "exp: in the past" },
        { NOW + AGW_ASSERTION_LIFE, 0, 0, 0, NULL },
        { NOW + AGW_ASSERTION_LIFE + AGW_IAT_AHEAD, 0, 0, 0, NULL },
        { NOW + AGW_ASSERTION_LIFE + AGW_IAT_AHEAD + 1, 0, 0, 0,
          "exp: more than an hour ahead" },
        { AGW_TIME_MAX, 0, 0, 60, "exp: more than an hour ahead" },
        { NOW + 60, NOW, NOW, 0, NULL },
        { NOW + 60, NOW + 1, 0, 0, "nbf, iat: in the future" },
        { NOW + 60, NOW + 60, 0, 60, NULL },
        { NOW + 90, NOW + 61, 0, 60, "nbf, iat: in the future" },
        { NOW + 60, 0, NOW + AGW_IAT_AHEAD, 0, NULL },
        { NOW + 60, 0, NOW + AGW_IAT_AHEAD + 1, 0, "nbf, iat: in the future" },
        { NOW + 60, AGW_TIME_MAX, 0, 60, "nbf, iat: in the future" },
        { NOW + 60, 0, AGW_TIME_MAX, 60, "nbf, iat: in the future" },
    };
    const char             *fault;
    agw_assertion_t         a;
    agw_assertion_rules_t   rules;

    (void) state;

    memset(&a, 0, sizeof(a));
    a.aud = S(ISSUER);
    rules.issuer = S(ISSUER);
    rules.token_url = UNIT_NONE;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        a.exp = rows[i].exp;
        a.nbf = rows[i].nbf;
        a.iat = rows[i].iat;
        rules.leeway = rows[i].leeway;

        fault = agw_assertion_check(&a, &rules, NOW);

        unit_assert(fault && rows[i].fault
            ? strcmp(fault, rows[i].fault) == 0 : fault == rows[i].fault,
            "row %zu: %s", i, fault ? fault : "(none)");
    }
}


static void
p8_7_what_is_no_jws(void **state)
{
    size_t  i;
    static const struct {
        agw_str_t    text;
        const char  *fault;
    } rows[] = {
        { agw_string(""), "not a JWS" },
        { agw_string("."), "kid: missing, or not that of a key" },
        { agw_string(".."), "kid: missing, or not that of a key" },
        { agw_string("x"), "not a JWS" },
        { agw_string("e30=.e30.AA"), "not a JWS" },
        { agw_string("e30 .e30.AA"), "not a JWS" },
        { agw_string("e30.e30.AA"), "kid: missing, or not that of a key" },
        { agw_string("W10.e30.AA"), "kid: missing, or not that of a key" },
    };
    static const char  *headers[] = {
        "{\"alg\":\"ES256\",\"kid\":\"\"}", "{\"alg\":\"ES256\",\"kid\":1}",
        "{\"alg\":\"ES256\",\"kid\":\"a b\"}",
        "{\"alg\":\"ES256\",\"kid\":\"../k\"}",
        "{\"alg\":\"ES256\",\"kid\":\"a\\u0000\"}",
        "{\"alg\":\"ES256\",\"kid\":\"k-1\",\"kid\":\"k-1\"}",
        "{\"alg\":\"ES256\",\"kid\":[\"k-1\"]}", "[]", "1", "",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        agw_assertion_done(&assertion);
        says(agw_assertion_read(&assertion, unit_copy(rows[i].text)),
            rows[i].fault, (const char *) rows[i].text.data);
    }

    agw_assertion_done(&assertion);
    says(agw_assertion_read(&assertion, unit_fill('a', AGW_TOKEN_MAX + 1)),
        "not a JWS", "9 KB");

    for (i = 0; i < UNIT_COUNT(headers); i++) {
        says(reads(unit_format("%s", headers[i]),
            S("{\"iss\":\"p\",\"sub\":\"p\"," REST "}")),
            "kid: missing, or not that of a key", headers[i]);
    }
}


/* signed by row i of sign_algs, with a key of that name */

static agw_str_t
signed_by(size_t i, const char *name)
{
    return unit_copy(sign_segments(i, name ? keys_get(name) : NULL,
        mint_base64url(unit_format("{\"alg\":\"%s\",\"kid\":\"k-1\"}",
            sign_algs[i].alg)),
        mint_base64url(S("{\"iss\":\"p\",\"sub\":\"p\"," REST "}"))));
}


/* another key of that type */

static const char *
other(const char *type)
{
    return strcmp(type, "RSA") == 0 ? "RSA'"
           : strcmp(type, "P-256") == 0 ? "P-256'"
           : strcmp(type, "P-384") == 0 ? "P-384'" : "Ed25519'";
}


/* the text of a JWK with a kid and an alg, which it takes */

static agw_str_t
stored(json_t *jwk, const char *alg)
{
    json_object_set_new(jwk, "kid", json_string("k-1"));

    if (alg != NULL) {
        json_object_set_new(jwk, "alg", json_string(alg));
    }

    return keys_text(jwk);
}


/* what a client sends is read before a stored key is looked for */

static const char *
verifies(agw_str_t text, agw_str_t jwk)
{
    const char  *fault;

    agw_assertion_done(&assertion);
    fault = agw_assertion_read(&assertion, text);

    return fault ? fault : agw_assertion_verify(&assertion, text, jwk);
}


static void
p8a_5_public_keys_verify(void **state)
{
    size_t       i;
    agw_str_t    text;
    const char  *type;

    (void) state;

    for (i = 0; i < UNIT_COUNT(sign_algs); i++) {
        type = sign_algs[i].type;

        if (sign_is_mac(i)) {
            continue;
        }

        text = signed_by(i, type);

        says(verifies(text, stored(keys_jwk(type, 0),
            sign_algs[i].alg)), NULL, sign_algs[i].alg);
        says(verifies(text, stored(keys_jwk(
            other(type), 0), sign_algs[i].alg)), "wrong signature",
            sign_algs[i].alg);
        says(verifies(signed_by(i, other(type)),
            stored(keys_jwk(type, 0), sign_algs[i].alg)), "wrong signature",
            sign_algs[i].alg);
        mint_assert_no_errors(sign_algs[i].alg);
    }
}


/* RFC 9864: a key that names none of two names takes either, and no third */

static void
p8a_5_two_names_of_one_algorithm(void **state)
{
    size_t     i, j;
    agw_str_t  text;
    static const char  *names[] = { "EdDSA", "Ed25519" };
    static const char  *others[] = {
        "", "none", "eddsa", "ed25519", "Ed25519 ", "Ed448", "ES256",
        "HS256",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(names); i++) {
        text = signed_by(11 + i, "Ed25519");

        says(verifies(text, stored(keys_jwk("Ed25519", 0), NULL)), NULL,
            names[i]);
        says(verifies(text, stored(keys_jwk("Ed25519'", 0), NULL)),
            "wrong signature", names[i]);

        for (j = 0; j < UNIT_COUNT(names); j++) {
            says(verifies(text, stored(keys_jwk("Ed25519", 0), names[j])),
                i == j ? NULL : "alg, kid: not those of the key", names[j]);
        }
    }

    for (i = 0; i < UNIT_COUNT(others); i++) {
        text = unit_copy(sign_segments(11, keys_get("Ed25519"),
            mint_base64url(unit_format("{\"alg\":\"%s\",\"kid\":\"k-1\"}",
                others[i])),
            mint_base64url(S("{\"iss\":\"p\",\"sub\":\"p\"," REST "}"))));

        says(verifies(text, stored(keys_jwk("Ed25519", 0), NULL)),
            "alg, kid: not those of the key", others[i]);
    }

    /* a name for another type of key chooses nothing */

    says(verifies(signed_by(3, "RSA"), stored(keys_jwk("RSA", 0), NULL)),
        NULL, "RS256 is the default");
    says(verifies(signed_by(6, "RSA"), stored(keys_jwk("RSA", 0), NULL)),
        "alg, kid: not those of the key", "PS256 is not");
    says(verifies(signed_by(12, "Ed25519"),
        stored(keys_jwk("P-256", 0), NULL)),
        "alg, kid: not those of the key", "Ed25519, of a key on P-256");
    mint_assert_no_errors("two names");
}


/* P8.2: no text of a store makes a MAC of an assertion */

static void
p8_2_never_a_secret(void **state)
{
    size_t     i;
    json_t    *jwk;
    agw_str_t  text;

    (void) state;

    for (i = 0; i < UNIT_COUNT(sign_algs); i++) {
        if (!sign_is_mac(i)) {
            continue;
        }

        text = signed_by(i, NULL);

        jwk = keys_jwk_oct(mint_secret('s'));
        says(verifies(text, stored(jwk, sign_algs[i].alg)),
            "the stored key cannot be used", sign_algs[i].alg);
        jwk = keys_jwk_oct(mint_secret('s'));
        says(verifies(text, stored(jwk, NULL)),
            "the stored key cannot be used", "oct without alg");
        says(verifies(text, stored(keys_jwk("RSA", 0),
            sign_algs[i].alg)), "the stored key cannot be used",
            "a public key for a MAC");
        says(verifies(text, stored(keys_jwk("RSA", 0), NULL)),
            "alg, kid: not those of the key", "a public key");
    }
}


/* P8.14: nor is one used that could not have been added */

static void
p8_14_keys_that_are_none(void **state)
{
    size_t     i;
    json_t    *jwk;
    agw_str_t  text, rsa;
    static const agw_str_t  texts[] = {
        agw_string(""), agw_string("{"), agw_string("null"),
        agw_string("[]"), agw_string("{}"), agw_string("\"EC\""),
        agw_string("{\"kty\":\"EC\"}"), agw_string("{\"kty\":\"none\"}"),
        agw_string("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\","
                   "\"y\":\"AA\",\"kid\":\"k-1\"}"),
        agw_string("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\","
                   "\"kid\":\"k-1\",\"alg\":\"RS256\"}"),
        agw_string("-----BEGIN PUBLIC KEY-----"),
    };
    static const struct {
        const char  *name;
        const char  *value;
    } members[] = {
        { "use", "enc" }, { "use", "SIG" }, { "crv", "P-384" },
        { "crv", "secp256k1" }, { "kty", "ec" }, { "kty", "RSA" },
        { "alg", "none" }, { "alg", "ES384" }, { "alg", "HS256" },
        { "alg", "RS256" }, { "y", "AA" }, { "x", "" },
    };

    (void) state;

    text = signed_by(9, "P-256");

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        says(verifies(text, unit_copy(texts[i])),
            "the stored key cannot be used", (const char *) texts[i].data);
    }

    for (i = 0; i < UNIT_COUNT(members); i++) {
        jwk = keys_jwk("P-256", 0);
        json_object_set_new(jwk, "alg", json_string("ES256"));
        json_object_set_new(jwk, "kid", json_string("k-1"));
        json_object_set_new(jwk, members[i].name,
            json_string(members[i].value));

        says(verifies(text, keys_text(jwk)),
            "the stored key cannot be used", members[i].value);
    }

    jwk = keys_jwk("P-256", 0);
    json_object_set_new(jwk, "key_ops", json_pack("[s]", "encrypt"));
    says(verifies(text, stored(jwk, "ES256")),
        "the stored key cannot be used", "key_ops");

    /* private: whoever reads the store could sign */

    says(verifies(text, stored(keys_jwk("P-256", 1), "ES256")),
        "the stored key cannot be used", "a private key");
    says(verifies(signed_by(3, "RSA"),
        stored(keys_jwk("RSA", 1), "RS256")),
        "the stored key cannot be used", "a private RSA key");

    /* weak, though the signature is right */

    says(verifies(signed_by(3, "RSA1024"),
        stored(keys_jwk("RSA1024", 0), "RS256")),
        "the stored key cannot be used", "1024 bits");

    rsa = signed_by(3, "RSA");
    jwk = keys_jwk("RSA", 0);
    json_object_set_new(jwk, "e", json_string("AQ"));
    says(verifies(rsa, stored(jwk, "RS256")),
        "the stored key cannot be used", "e = 1");

    /* another kid than that under which it is found */

    jwk = keys_jwk("P-256", 0);
    json_object_set_new(jwk, "kid", json_string("k-2"));
    json_object_set_new(jwk, "alg", json_string("ES256"));
    says(verifies(text, keys_text(jwk)),
        "alg, kid: not those of the key", "another kid");

    mint_assert_no_errors("keys that are none");
}


static int
done(void **state)
{
    agw_assertion_done(&assertion);

    return keys_free_all(state);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(p8a_5_what_it_says),
        unit_case(p8_9_times),
        unit_case(p8a_5_jti_and_partner),
        unit_case(p8_11_audience),
        unit_case(p8_10_times_are_compared),
        unit_case(p8_7_what_is_no_jws),
        unit_case(p8a_5_public_keys_verify),
        unit_case(p8a_5_two_names_of_one_algorithm),
        unit_case(p8_2_never_a_secret),
        unit_case(p8_14_keys_that_are_none),
    };

    return cmocka_run_group_tests_name("assertion", tests, NULL, done);
}
