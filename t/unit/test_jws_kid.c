
/*
 * Tokens that name no key of ours (design, section 4; RFC 7515, section
 * 4.1.4: kid is optional).  The story: an operator moved from an issuer that
 * sets no kid, and its tokens were refused as soon as there were two keys.
 */


#include "kinds.h"


#define NO_KID      ",\"typ\":\"JWT\""
#define OTHER_KID   ",\"typ\":\"JWT\",\"kid\":\"theirs-2024\""


/* another key of each kind's type */

static const char *const  others[KINDS] = {
    "oct", "RSA'", "RSA'", "P-256'", "P-384'", "Ed25519'", "Ed25519'"
};


/* adds a file; alg, kid and issuer are empty where they are not given */

static void
add(agw_keyring_t *ring, agw_str_t file, const char *alg, const char *kid,
    const char *issuer)
{
    agw_key_source_t  source;

    memset(&source, 0, sizeof(source));
    source.bytes = file;
    source.alg = unit_format("%s", alg);
    source.kid = unit_format("%s", kid);
    source.issuer = unit_format("%s", issuer);
    source.verify = 1;

    assert_int_equal(agw_key_file_load(ring, &source, NULL, NULL), 0);
}


static agw_str_t
file_of(const kind_t *kind, int other)
{
    if (sign_is_mac(kind->alg)) {
        return mint_secret(other ? 'o' : 's');
    }

    return keys_public_pem(other ? keys_get(others[kind - kinds])
                                 : sign_key(kind->alg));
}


/* with these members beside its material, each as "name":"value" */

static agw_str_t
jwk_of(const kind_t *kind, int other, const char *members)
{
    agw_str_t    text;
    const char  *type;

    type = other ? others[kind - kinds] : sign_algs[kind->alg].type;

    text = keys_text(sign_is_mac(kind->alg)
        ? keys_jwk_oct(mint_secret(other ? 'o' : 's')) : keys_jwk(type, 0));

    text.data++;
    text.len--;

    return unit_format("{\"alg\":\"%s\",%s%.*s", kind->name, members,
        UNIT_ARG(text));
}


/* the place of its key in the ring; -1 where that is none of them */

static int
verifies(const agw_keyring_t *ring, agw_str_t token, agw_reason_t wanted)
{
    size_t        i;
    agw_reason_t  reason;

    reason = jws_verify(ring, token, UNIT_NONE);
    unit_assert(reason == wanted, "%s, not %s", agw_reason_info(reason)->name,
        agw_reason_info(wanted)->name);

    for (i = 0; i < agw_keyring_count(ring); i++) {
        if (agw_keyring_key(ring, i) == jws_key) {
            return (int) i;
        }
    }

    return -1;
}


/* with another character in its signature */

static agw_str_t
forged_from(agw_str_t token)
{
    unsigned char  *p;

    token = unit_copy(token);
    p = (unsigned char *) token.data + token.len - 8;
    *p = *p == 'A' ? 'B' : 'A';

    return token;
}


static void
d4_no_kid_and_two_keys(void **state)
{
    kind_t         *kind;
    agw_str_t       forged;
    agw_keyring_t  *ring;

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        ring = agw_keyring_create();
        add(ring, file_of(kind, 1), kind->name, "ours", "");
        add(ring, file_of(kind, 0), kind->name, "", "https://old.example");

        assert_int_equal(verifies(ring, kind_token(kind, NO_KID), AGW_OK),
            1);
        assert_int_equal(verifies(ring, kind_token(kind, ""), AGW_OK), 1);

        /* of no key, and it is not known whose it claims to be */

        forged = forged_from(kind_token(kind, NO_KID));
        assert_int_equal(verifies(ring, forged, AGW_BAD_SIGNATURE), -1);

        /* a kid is no alg: that of the other key is not tried with both */

        assert_int_equal(verifies(ring, kind_token(kind,
            ",\"kid\":\"ours\""), AGW_BAD_SIGNATURE), 0);

        agw_keyring_free(ring);
        unit_free_all(NULL);
    }
}


static void
d4_no_key_of_that_alg(void **state)
{
    size_t          i;
    kind_t         *kind;
    agw_keyring_t  *ring;
    static const char  *algs[] = {
        "none", "None", "HS384", "HS512", "RS384", "ES512", "EdDSA ", "",
    };

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        ring = agw_keyring_create();
        add(ring, file_of(kind, 0), kind->name, "ours", "");

        for (i = 0; i < UNIT_COUNT(algs); i++) {
            assert_int_equal(verifies(ring, kind_token_of(kind,
                unit_format("{\"alg\":\"%s\"}", algs[i])),
                AGW_UNKNOWN_KEY), -1);
        }

        agw_keyring_free(ring);
    }
}


/* P8.2, where the token does not even say whose it is */

static void
p8_2_no_kid_and_a_public_key_as_a_secret(void **state)
{
    size_t          i;
    kind_t         *kind;
    agw_str_t       token;
    agw_keyring_t  *ring;

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        if (sign_is_mac(kind->alg)) {
            continue;
        }

        token = mint_token_with("SHA256", S("{\"alg\":\"HS256\"}"),
            S(JWS_PAYLOAD), file_of(kind, 0));

        ring = agw_keyring_create();
        add(ring, jwk_of(kind, 0, ""), "", "", "");
        assert_int_equal(verifies(ring, token, AGW_UNKNOWN_KEY), -1);

        for (i = 0; i < 2; i++) {
            add(ring, mint_secret((int) ('x' + i)), "HS256", "", "");
            verifies(ring, token, AGW_BAD_SIGNATURE);
        }

        agw_keyring_free(ring);
    }
}


/* in the order of the configuration; a fifth is not tried */

static void
d4_four_keys_are_tried(void **state)
{
    int             i;
    agw_str_t       token;
    agw_keyring_t  *ring;

    (void) state;

    ring = agw_keyring_create();

    for (i = 0; i < 6; i++) {
        add(ring, mint_secret('a' + i), "HS256", "", i % 2 ? "urn:a" : "");
        add(ring, mint_secret('A' + i), "HS384", "", "");

        token = mint_token(S("{\"alg\":\"HS256\"}"), S(JWS_PAYLOAD),
            mint_secret('a' + i));

        assert_int_equal(verifies(ring, token, i < 4 ? AGW_OK
            : AGW_BAD_SIGNATURE), i < 4 ? 2 * i : -1);
    }

    /* which a kid finds all the same */

    token = mint_token(unit_format("{\"alg\":\"HS256\",\"kid\":\"%.*s\"}",
        UNIT_ARG(agw_key_kid(agw_keyring_key(ring, 10)))), S(JWS_PAYLOAD),
        mint_secret('f'));
    assert_int_equal(verifies(ring, token, AGW_OK), 10);

    agw_keyring_free(ring);
}


/* the same key under two issuers: the first is whose the token is */

static void
d4_the_first_that_verifies_decides(void **state)
{
    kind_t         *kind;
    agw_keyring_t  *ring;

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        ring = agw_keyring_create();
        add(ring, file_of(kind, 1), kind->name, "a", "");
        add(ring, file_of(kind, 0), kind->name, "b", "urn:b");
        add(ring, file_of(kind, 0), kind->name, "c", "");

        assert_int_equal(verifies(ring, kind_token(kind, NO_KID), AGW_OK),
            1);
        unit_assert_str(agw_key_issuer(jws_key), S("urn:b"));

        agw_keyring_free(ring);
        unit_free_all(NULL);
    }
}


static void
d4_a_kid_that_no_key_has(void **state)
{
    kind_t         *kind;
    agw_str_t       token, forged;
    agw_keyring_t  *ring;

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        token = kind_token(kind, OTHER_KID);
        forged = forged_from(token);

        /* a JWK, alone or in a set, without a kid; beside a key of ours */

        ring = agw_keyring_create();
        add(ring, file_of(kind, 1), kind->name, "ours", "");
        add(ring, jwk_of(kind, 0, ""), "", "", "urn:b");
        assert_int_equal(verifies(ring, token, AGW_OK), 1);
        assert_int_equal(verifies(ring, kind_token(kind,
            ",\"kid\":\"\""), AGW_OK), 1);
        assert_int_equal(verifies(ring, forged, AGW_BAD_SIGNATURE), 1);

        /* that issuer's second key of the alg: which of them is meant? */

        add(ring, unit_format("{\"keys\":[%.*s]}", UNIT_ARG(jwk_of(kind, 1,
            "\"kid\":\"second\","))), "", "", "urn:b");
        assert_int_equal(verifies(ring, token, AGW_UNKNOWN_KEY), -1);
        agw_keyring_free(ring);

        /* in a set */

        ring = agw_keyring_create();
        add(ring, unit_format("{\"keys\":[%.*s]}", UNIT_ARG(jwk_of(kind, 0,
            "\"use\":\"sig\","))), "", "", "urn:b");
        assert_int_equal(verifies(ring, token, AGW_OK), 0);
        agw_keyring_free(ring);

        /* a JWK with a kid of its own or of the configuration's */

        ring = agw_keyring_create();
        add(ring, jwk_of(kind, 0, "\"kid\":\"first\","), "", "", "urn:b");
        add(ring, jwk_of(kind, 0, ""), "", "second", "urn:c");
        assert_int_equal(verifies(ring, token, AGW_UNKNOWN_KEY), -1);

        /* and what is no JWK */

        add(ring, file_of(kind, 0), kind->name, "", "urn:d");
        assert_int_equal(verifies(ring, token, AGW_UNKNOWN_KEY), -1);
        agw_keyring_free(ring);
        unit_free_all(NULL);
    }
}


/* one of each issuer: the first that verifies decides */

static void
d4_a_kid_that_no_key_has_of_several_issuers(void **state)
{
    kind_t         *kind;
    agw_keyring_t  *ring;

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        ring = agw_keyring_create();
        add(ring, jwk_of(kind, 1, ""), "", "", "urn:a");
        add(ring, jwk_of(kind, 0, ""), "", "", "urn:b");

        assert_int_equal(verifies(ring, kind_token(kind, OTHER_KID), AGW_OK),
            1);
        unit_assert_str(agw_key_issuer(jws_key), S("urn:b"));

        /* of another algorithm there is none */

        assert_int_equal(verifies(ring, kind_token_of(kind,
            S("{\"alg\":\"RS512\",\"kid\":\"x\"}")), AGW_UNKNOWN_KEY), -1);

        /* its own name for the key is the thumbprint, which finds it */

        assert_int_equal(verifies(ring, kind_token(kind,
            (const char *) unit_cat(unit_format(",\"kid\":\"%.*s\"",
            UNIT_ARG(agw_key_kid(agw_keyring_key(ring, 1)))), S("\0")).data),
            AGW_OK), 1);

        agw_keyring_free(ring);
        unit_free_all(NULL);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d4_no_kid_and_two_keys),
        unit_case(d4_no_key_of_that_alg),
        unit_case(p8_2_no_kid_and_a_public_key_as_a_secret),
        unit_case(d4_four_keys_are_tried),
        unit_case(d4_the_first_that_verifies_decides),
        unit_case(d4_a_kid_that_no_key_has),
        unit_case(d4_a_kid_that_no_key_has_of_several_issuers),
    };

    return cmocka_run_group_tests_name("jws kid", tests, kinds_setup,
        kinds_teardown);
}
