
/*
 * Records of JWKs: what an administrator may add, what is stored of it, and
 * what is shown of what somebody stored otherwise.
 */


#include "keys.h"

#include "agw_record_json.h"


/* reads an object of a JWK, which it takes; the record's strings are in buf */

static int
read_jwk(agw_record_t *r, unsigned char *buf, json_t *object)
{
    int                  rc;
    unsigned             named;
    agw_record_fault_t   fault;

    memset(r, 0, sizeof(*r));
    r->kind = AGW_RECORD_JWK;
    r->has = AGW_MEMBER_PARTNER_ID;
    r->partner_id = S("p");

    rc = agw_record_from_json(r, object, AGW_MEMBER_KID|AGW_MEMBER_JWK, &named,
                              buf, &fault);

    if (rc != 0) {
        assert_int_equal(rc, -1);
        assert_string_equal(fault.member, "jwk");
    }

    json_decref(object);

    return rc;
}


static json_t *
ec_jwk(const char *name, const char *value)
{
    json_t  *jwk;

    jwk = keys_jwk("P-256", 0);
    json_object_set_new(jwk, "kid", json_string("k"));

    if (name != NULL) {
        json_object_set_new(jwk, name, json_string(value));
    }

    return jwk;
}


/* what is stored is made from the key: members beside it are not kept */

static void
p11_2_a_jwk_is_made_from_its_key(void **state)
{
    agw_record_t    r;
    json_t         *jwk, *made;
    unsigned char  *buf;

    (void) state;

    buf = unit_alloc(AGW_RECORD_BUF_SIZE);

    jwk = ec_jwk("x5u", "https://evil.example");
    json_object_set_new(jwk, "more", json_integer(1));

    assert_int_equal(read_jwk(&r, buf, json_pack("{s:o}", "jwk", jwk)), 0);
    unit_assert_str(r.kid, S("k"));

    made = json_loadb((const char *) r.jwk.data, r.jwk.len, 0, NULL);
    assert_non_null(made);
    assert_int_equal(json_object_size(made), 7);
    assert_string_equal(json_string_value(json_object_get(made, "alg")),
                        "ES256");
    assert_string_equal(json_string_value(json_object_get(made, "use")),
                        "sig");
    assert_null(json_object_get(made, "d"));
    json_decref(made);

    assert_int_equal(agw_record_check(&r,
        AGW_MEMBER_PARTNER_ID|AGW_MEMBER_KID|AGW_MEMBER_JWK), 0);

    /* without a kid it is the thumbprint of RFC 7638 */

    assert_int_equal(read_jwk(&r, buf, json_pack("{s:o}", "jwk",
        keys_jwk("P-256", 0))), 0);
    assert_int_equal(r.kid.len, 43);
    mint_assert_no_errors("JWKs");
}


/* RFC 9864: of an algorithm with two names, that which was given, or none */

static void
p11_2_an_algorithm_of_two_names(void **state)
{
    size_t          i;
    json_t         *jwk, *made;
    const char     *alg;
    agw_record_t    r;
    unsigned char  *buf;
    static const char  *names[] = { "EdDSA", "Ed25519", NULL };

    (void) state;

    buf = unit_alloc(AGW_RECORD_BUF_SIZE);

    for (i = 0; i < UNIT_COUNT(names); i++) {
        jwk = keys_jwk("Ed25519", 0);

        if (names[i] != NULL) {
            json_object_set_new(jwk, "alg", json_string(names[i]));
        }

        assert_int_equal(read_jwk(&r, buf, json_pack("{s:o}", "jwk", jwk)),
            0);

        made = json_loadb((const char *) r.jwk.data, r.jwk.len, 0, NULL);
        alg = json_string_value(json_object_get(made, "alg"));

        if (names[i] != NULL) {
            assert_non_null(alg);
            assert_string_equal(alg, names[i]);

        } else {
            assert_null(alg);
        }

        assert_int_equal(json_object_size(made), names[i] ? 6 : 5);
        json_decref(made);
    }
}


/* one that was written into the store by hand is not shown with its secret */

static void
p11_1_no_secret_of_a_stored_jwk(void **state)
{
    size_t        i;
    json_t       *shown, *jwk;
    agw_record_t  r;
    json_t       *kept[] = {
        keys_jwk("RSA", 1), keys_jwk("P-256", 1), keys_jwk("Ed25519", 1),
        keys_jwk_oct(mint_secret('s')),
    };
    static const char  *names[] = {
        "d", "p", "q", "dp", "dq", "qi", "oth", "k",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(kept) * UNIT_COUNT(names); i++) {
        memset(&r, 0, sizeof(r));
        r.kind = AGW_RECORD_JWK;
        r.has = AGW_MEMBER_KID|AGW_MEMBER_JWK;
        r.kid = S("k");
        r.jwk = keys_text(json_deep_copy(kept[i / UNIT_COUNT(names)]));

        shown = agw_record_to_json(&r, AGW_MEMBER_KID|AGW_MEMBER_JWK);
        jwk = json_object_get(shown, "jwk");

        assert_non_null(json_object_get(jwk, "kty"));
        assert_null(json_object_get(jwk, names[i % UNIT_COUNT(names)]));
        json_decref(shown);
    }

    for (i = 0; i < UNIT_COUNT(kept); i++) {
        json_decref(kept[i]);
    }
}


static void
p8_14_jwks_that_are_none(void **state)
{
    size_t          i;
    agw_record_t    r;
    json_t         *jwk;
    unsigned char  *buf;
    static const struct {
        const char  *name;
        const char  *value;
    } members[] = {
        { "kty", "oct" }, { "kty", "RSA" }, { "kty", "" }, { "crv", "P-384" },
        { "crv", "secp256k1" }, { "x", "AA" }, { "y", "" }, { "use", "enc" },
        { "alg", "none" }, { "alg", "HS256" }, { "alg", "ES384" },
        { "kid", "a b" }, { "kid", "../k" },
    };

    (void) state;

    buf = unit_alloc(AGW_RECORD_BUF_SIZE);

    for (i = 0; i < UNIT_COUNT(members); i++) {
        unit_assert(read_jwk(&r, buf, json_pack("{s:o}", "jwk",
            ec_jwk(members[i].name, members[i].value))) == -1, "%s %s",
            members[i].name, members[i].value);
    }

    assert_int_equal(read_jwk(&r, buf, json_pack("{s:o}", "jwk",
        keys_jwk("P-256", 1))), -1);
    assert_int_equal(read_jwk(&r, buf, json_pack("{s:o}", "jwk",
        keys_jwk("RSA", 1))), -1);
    assert_int_equal(read_jwk(&r, buf, json_pack("{s:o}", "jwk",
        keys_jwk("RSA1024", 0))), -1);
    assert_int_equal(read_jwk(&r, buf, json_pack("{s:o}", "jwk",
        keys_jwk_oct(mint_secret('s')))), -1);

    jwk = keys_jwk("RSA", 0);
    json_object_set_new(jwk, "e", json_string("AQ"));
    assert_int_equal(read_jwk(&r, buf, json_pack("{s:o}", "jwk", jwk)), -1);

    assert_int_equal(read_jwk(&r, buf, json_pack("{s:s}", "jwk", "{}")), -1);
    assert_int_equal(read_jwk(&r, buf, json_pack("{s:[]}", "jwk")), -1);
    assert_int_equal(read_jwk(&r, buf, json_pack("{s:{}}", "jwk")), -1);
    assert_int_equal(read_jwk(&r, buf, json_pack("{s:n}", "jwk")), -1);

    /* a kid beside it that is not its own */

    assert_int_equal(read_jwk(&r, buf, json_pack("{s:s, s:o}", "kid", "other",
        "jwk", ec_jwk(NULL, NULL))), -1);
    mint_assert_no_errors("JWKs that are none");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(p11_2_a_jwk_is_made_from_its_key),
        unit_case(p11_2_an_algorithm_of_two_names),
        unit_case(p11_1_no_secret_of_a_stored_jwk),
        unit_case(p8_14_jwks_that_are_none),
    };

    return cmocka_run_group_tests_name("record_jwk", tests, NULL,
        keys_free_all);
}
