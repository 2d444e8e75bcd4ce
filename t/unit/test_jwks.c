
/*
 * P7.1 The JWK Set that others verify our tokens with: public keys, and of
 * those our own.
 */


#include "keys.h"


static json_t *
named(json_t *jwk, const char *kid)
{
    json_object_set_new(jwk, "kid", json_string(kid));

    return jwk;
}


static json_t *
with(json_t *jwk, const char *name, const char *value)
{
    json_object_set_new(jwk, name, json_string(value));

    return jwk;
}


/* the public JWK that is expected of keys_get(type) */

static void
assert_published(const json_t *jwks, size_t i, const char *type,
    const char *kid, const char *alg)
{
    json_t  *wanted;

    wanted = with(with(named(keys_jwk(type, 0), kid), "use", "sig"), "alg",
        alg);
    unit_assert(json_equal(json_array_get(json_object_get(jwks, "keys"), i),
        wanted), "key %zu", i);
    json_decref(wanted);
}


static void
p7_1_public_keys(void **state)
{
    json_t             *jwks;
    agw_keyring_t      *ring;
    agw_key_source_t    source;

    (void) state;

    ring = keys_ring(mint_secret('s'), "HS256", 0);
    jwks = agw_keyring_public_jwks(ring);
    assert_int_equal(json_object_size(jwks), 1);
    assert_true(json_is_array(json_object_get(jwks, "keys")));
    assert_int_equal(json_array_size(json_object_get(jwks, "keys")), 0);
    json_decref(jwks);

    assert_int_equal(keys_load(ring, keys_private_pem(keys_get("RSA"), NULL),
        "PS512", "r", 0), 0);
    assert_int_equal(keys_load(ring, keys_public_pem(keys_get("P-384")), "",
        "e", 1), 0);
    assert_int_equal(keys_load(ring, keys_text(keys_jwk("Ed25519", 1)), "",
        "o", 1), 0);
    assert_int_equal(keys_load(ring, keys_text(keys_jwk_oct(
        mint_secret('t'))), "", "", 1), 0);

    /* another issuer's */

    memset(&source, 0, sizeof(source));
    source.bytes = keys_public_pem(keys_get("P-256'"));
    source.issuer = S("https://other.example");
    source.verify = 1;
    assert_int_equal(agw_key_file_load(ring, &source, NULL, NULL), 0);

    assert_int_equal(keys_load(ring, keys_text(keys_jwk("P-256", 1)), "",
        "p", 0), 0);

    jwks = agw_keyring_public_jwks(ring);
    mint_assert_no_errors("agw_keyring_public_jwks");
    assert_int_equal(json_object_size(jwks), 1);
    assert_int_equal(json_array_size(json_object_get(jwks, "keys")), 4);
    assert_published(jwks, 0, "RSA", "r", "PS512");
    assert_published(jwks, 1, "P-384", "e", "ES384");
    assert_published(jwks, 2, "Ed25519", "o", "EdDSA");
    assert_published(jwks, 3, "P-256", "p", "ES256");
    json_decref(jwks);

    assert_true(agw_keyring_has_issuer(ring, S("https://other.example")));
    assert_false(agw_keyring_has_issuer(ring, S("https://other.example/")));
    assert_false(agw_keyring_has_issuer(ring, UNIT_NONE));

    agw_keyring_free(ring);
}


/* read again it has the same keys, and none that signs */

static void
p7_1_it_is_a_set_that_verifies(void **state)
{
    size_t             i, len;
    agw_str_t          sig;
    agw_keyring_t     *ring, *public;
    const agw_key_t   *key;
    unsigned char      out[AGW_SIG_MAX];
    static const char  *types[] = { "RSA", "P-256", "P-384", "Ed25519" };

    (void) state;

    ring = agw_keyring_create();

    for (i = 0; i < UNIT_COUNT(types); i++) {
        assert_int_equal(keys_load(ring, keys_private_pem(
            keys_get(types[i]), NULL), "", "", 0), 0);
    }

    public = keys_ring(keys_text(agw_keyring_public_jwks(ring)), "", 1);
    assert_null(keys_warning);
    assert_int_equal(agw_keyring_count(public), UNIT_COUNT(types));

    for (i = 0; i < UNIT_COUNT(types); i++) {
        key = agw_keyring_key(public, i);
        unit_assert_str(agw_key_kid(key),
            agw_key_kid(agw_keyring_key(ring, i)));
        assert_ptr_equal(agw_key_alg(key),
            agw_key_alg(agw_keyring_key(ring, i)));
        assert_false(agw_key_is_secret(key));
        assert_false(agw_key_signs(key));

        assert_int_equal(agw_key_sign(agw_keyring_key(ring, i),
            S("e30.e30"), out, &len), 0);
        sig.len = len;
        sig.data = out;
        assert_int_equal(agw_key_verify(key, S("e30.e30"), sig), 0);
    }

    agw_keyring_free(ring);
    agw_keyring_free(public);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(p7_1_public_keys),
        unit_case(p7_1_it_is_a_set_that_verifies),
    };

    return cmocka_run_group_tests_name("jwks", tests, NULL, keys_free_all);
}
