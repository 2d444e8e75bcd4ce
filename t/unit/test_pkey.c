
/*
 * Which asymmetric keys are good enough, and their thumbprints.
 */


#include <openssl/param_build.h>

#include "keys.h"

#include "agw_pkey.h"
#include "agw_pkey_jwk.h"


static agw_str_t
thumbprint(EVP_PKEY *pkey)
{
    const char       *error;
    const agw_alg_t  *alg;
    unsigned char    *out;

    alg = agw_pkey_default_alg(pkey, &error);
    assert_non_null(alg);
    assert_null(error);

    out = unit_alloc(AGW_THUMBPRINT_SIZE);
    assert_int_equal(agw_pkey_thumbprint(pkey, alg, out), 0);
    mint_assert_no_errors("agw_pkey_thumbprint");

    return (agw_str_t) { AGW_THUMBPRINT_SIZE, out };
}


/* the key's name and the name of its public half, in each spelling */

static void
is_named(agw_str_t file, agw_str_t kid)
{
    agw_keyring_t  *ring;

    ring = keys_ring(file, "", 1);
    unit_assert_str(agw_key_kid(agw_keyring_key(ring, 0)), kid);
    agw_keyring_free(ring);
}


/* the JWK of section 3.1, whose alg and kid do not count */

static void
rfc7638_3_1(void **state)
{
    static const char  jwk[] =
        "{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAF"
        "bWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n"
        "3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR"
        "0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91Cb"
        "OpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniI"
        "qbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\","
        "\"alg\":\"RS256\"}";

    (void) state;

    is_named(S(jwk), S("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
}


static void
rfc8037_a_3(void **state)
{
    (void) state;

    is_named(S("{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
        "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"),
        S("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));

    /* and A.1, the private key of it */

    is_named(S("{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
        "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\","
        "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"),
        S("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
}


static agw_str_t
sha256(agw_str_t s)
{
    unsigned char  md[32];

    assert_int_equal(EVP_Digest(s.data, s.len, md, NULL, EVP_sha256(), NULL),
        1);

    return mint_base64url((agw_str_t) { sizeof(md), md });
}


static const char *
member(const json_t *jwk, const char *name)
{
    return json_string_value(json_object_get(jwk, name));
}


/* every type, made here by hand from its JWK, in all of its spellings */

static void
rfc7638_names_of_every_type(void **state)
{
    size_t              i;
    json_t             *jwk;
    EVP_PKEY           *pkey;
    agw_str_t           text, kid;
    static const char  *types[] = { "RSA", "P-256", "P-384", "Ed25519" };

    (void) state;

    for (i = 0; i < UNIT_COUNT(types); i++) {
        pkey = keys_get(types[i]);
        jwk = keys_jwk(types[i], 0);

        if (i == 0) {
            text = unit_format("{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}",
                member(jwk, "e"), member(jwk, "n"));

        } else if (i == 3) {
            text = unit_format("{\"crv\":\"Ed25519\",\"kty\":\"OKP\","
                "\"x\":\"%s\"}", member(jwk, "x"));

        } else {
            text = unit_format("{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\","
                "\"y\":\"%s\"}", types[i], member(jwk, "x"),
                member(jwk, "y"));
        }

        kid = sha256(text);
        unit_assert_str(thumbprint(pkey), kid);

        is_named(keys_text(jwk), kid);
        is_named(keys_text(keys_jwk(types[i], 1)), kid);
        is_named(keys_public_pem(pkey), kid);
        is_named(keys_private_pem(pkey, NULL), kid);
    }
}


static void
d4_alg_of_each_type(void **state)
{
    size_t              i, j;
    agw_keyring_t      *ring;
    const char         *error;
    const agw_alg_t    *alg;
    static const struct {
        const char  *type;
        const char  *algs[7];        /* its default first */
    } rows[] = {
        { "RSA", { "RS256", "RS384", "RS512", "PS256", "PS384", "PS512" } },
        { "P-256", { "ES256" } },
        { "P-384", { "ES384" } },
        { "Ed25519", { "EdDSA", "Ed25519" } },
    };
    static const char  *all[] = {
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256",
        "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        alg = agw_pkey_default_alg(keys_get(rows[i].type), &error);
        unit_assert_str(alg->name, unit_format("%s", rows[i].algs[0]));

        for (j = 0; j < UNIT_COUNT(all); j++) {
            size_t  k, fits;

            for (fits = 0, k = 0; rows[i].algs[k] != NULL; k++) {
                fits |= strcmp(rows[i].algs[k], all[j]) == 0;
            }

            if (!fits) {
                keys_refuses(keys_private_pem(keys_get(rows[i].type), NULL),
                    all[j], "does not fit");
                keys_refuses(keys_text(keys_jwk(rows[i].type, 0)), all[j],
                    "does not fit");
                continue;
            }

            ring = keys_ring(keys_private_pem(keys_get(rows[i].type), NULL),
                all[j], 0);
            unit_assert_str(agw_key_alg(agw_keyring_key(ring, 0))->name,
                unit_format("%s", all[j]));
            agw_keyring_free(ring);
        }

        keys_refuses(keys_public_pem(keys_get(rows[i].type)), "none",
            "unknown algorithm");
        keys_refuses(keys_public_pem(keys_get(rows[i].type)), "ES512",
            "unknown algorithm");
    }
}


static void
other_types_and_curves(void **state)
{
    size_t              i;
    const char         *error;
    static const char  *types[] = {
        "P-521", "secp256k1", "Ed448", "X25519", "P-224",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(types); i++) {
        assert_null(agw_pkey_default_alg(keys_get(types[i]), &error));
        assert_true(strlen(error) > 10);
        mint_assert_no_errors("agw_pkey_default_alg");

        keys_refuses(keys_public_pem(keys_get(types[i])), "", "must be");
        keys_refuses(keys_private_pem(keys_get(types[i]), NULL), "",
            "must be");
        keys_refuses(keys_public_pem(keys_get(types[i])), "ES256",
            "does not fit");
        keys_refuses(keys_public_pem(keys_get(types[i])), "EdDSA",
            "does not fit");
        keys_refuses(keys_text(keys_jwk(types[i], 0)), "", "another type");
    }
}


/* rsassaPss is a type of its own, with parameters that we do not read */

static void
rsa_pss_keys(void **state)
{
    EVP_PKEY      *pkey;
    EVP_PKEY_CTX  *ctx;

    (void) state;

    pkey = NULL;
    ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_generate(ctx, &pkey), 1);
    EVP_PKEY_CTX_free(ctx);

    keys_refuses(keys_public_pem(pkey), "", "rsaEncryption");
    keys_refuses(keys_private_pem(pkey, NULL), "PS256", "rsaEncryption");

    EVP_PKEY_free(pkey);
}


static agw_str_t
rsa_jwk(const BIGNUM *n, const BIGNUM *e)
{
    json_t  *jwk;

    jwk = json_object();
    json_object_set_new(jwk, "kty", json_string("RSA"));
    json_object_set_new(jwk, "n", keys_number(n, 0));
    json_object_set_new(jwk, "e", BN_is_zero(e) ? json_string("AA")
                                                : keys_number(e, 0));

    return keys_text(jwk);
}


static void
p8_14_rsa_size(void **state)
{
    size_t          i;
    BIGNUM         *n, *e;
    static const struct {
        const char  *name;
        const char  *word;
    } rows[] = {
        { "RSA1024", "2048 to 8192 bits" },
        { "RSA2047", "2048 to 8192 bits" },
        { "RSA", NULL },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        if (rows[i].word != NULL) {
            keys_refuses(keys_public_pem(keys_get(rows[i].name)), "",
                rows[i].word);
            keys_refuses(keys_private_pem(keys_get(rows[i].name), NULL),
                "PS256", rows[i].word);
            keys_refuses(keys_text(keys_jwk(rows[i].name, 1)), "",
                rows[i].word);

        } else {
            agw_keyring_free(keys_ring(keys_public_pem(
                keys_get(rows[i].name)), "", 1));
        }
    }

    /* no key is made of 8200 bits and more: the number alone is enough */

    n = BN_new();
    e = BN_new();
    BN_set_word(e, 65537);
    BN_set_bit(n, 8191);
    BN_set_bit(n, 8192);
    BN_add_word(n, 1);
    keys_refuses(rsa_jwk(n, e), "", NULL);
    BN_free(n);
    BN_free(e);
}


static void
p8_14_rsa_exponent(void **state)
{
    size_t                i;
    BIGNUM               *n, *e;
    static const BN_ULONG  bad[] = { 0, 1, 2, 4, 65536 };

    (void) state;

    n = NULL;
    e = BN_new();
    assert_int_equal(EVP_PKEY_get_bn_param(keys_get("RSA"),
        OSSL_PKEY_PARAM_RSA_N, &n), 1);

    for (i = 0; i < UNIT_COUNT(bad); i++) {
        BN_set_word(e, bad[i]);
        keys_refuses(rsa_jwk(n, e), "", "exponent");
        keys_refuses(rsa_jwk(n, e), "PS384", "exponent");
    }

    BN_set_word(e, 1);
    BN_set_bit(e, 64);
    keys_refuses(rsa_jwk(n, e), "", "exponent");

    BN_set_word(e, 3);
    agw_keyring_free(keys_ring(rsa_jwk(n, e), "", 1));
    BN_set_word(e, 65537);
    agw_keyring_free(keys_ring(rsa_jwk(n, e), "", 1));
    BN_free(n);
    BN_free(e);
}


/* a modulus that is even, a prime, or a multiple of a small one */

static void
p8_14_rsa_modulus(void **state)
{
    BIGNUM  *n, *e;

    (void) state;

    n = NULL;
    e = BN_new();
    BN_set_word(e, 65537);
    assert_int_equal(EVP_PKEY_get_bn_param(keys_get("RSA"),
        OSSL_PKEY_PARAM_RSA_N, &n), 1);

    BN_sub_word(n, 1);
    keys_refuses(rsa_jwk(n, e), "", "not a valid one");

    do {
        BN_add_word(n, BN_is_odd(n) ? 2 : 1);
    } while (BN_mod_word(n, 3) != 0);

    keys_refuses(rsa_jwk(n, e), "", "not a valid one");

    BN_free(n);
    BN_free(e);
}


/*
 * CVE-2020-0601: the right curve, spelled out, with a base point that makes
 * a known number somebody's private key.
 */

static void
p8_14_curves_that_are_spelled_out(void **state)
{
    size_t          i;
    EVP_PKEY       *pkey;
    agw_str_t       der, pem;
    agw_keyring_t  *ring;
    unsigned char  *p;
    static const unsigned char  base[] = {
        0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47,
    };

    (void) state;

    pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    assert_int_equal(EVP_PKEY_set_utf8_string_param(pkey,
        OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), 1);
    der = keys_der(pkey, i2d_PUBKEY);
    EVP_PKEY_free(pkey);

    /* what is P-256 in every number is P-256, if it is read at all */

    ring = agw_keyring_create();
    pem = keys_pem("PUBLIC KEY", der);

    if (keys_load(ring, pem, "", "", 1) == 0) {
        unit_assert_str(agw_key_alg(agw_keyring_key(ring, 0))->name,
            S("ES256"));
    }

    agw_keyring_free(ring);

    /* the public point, which ends the DER, in the place of the base */

    p = (unsigned char *) der.data;

    for (i = 0; memcmp(&p[i], base, sizeof(base)) != 0; i++) {
        assert_true(i + 130 < der.len);
    }

    memcpy(&p[i], &p[der.len - 65], 65);
    pem = keys_pem("PUBLIC KEY", der);

    keys_refuses(pem, "", NULL);
    keys_refuses(pem, "ES256", NULL);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(rfc7638_3_1),
        unit_case(rfc8037_a_3),
        unit_case(rfc7638_names_of_every_type),
        unit_case(d4_alg_of_each_type),
        unit_case(other_types_and_curves),
        unit_case(rsa_pss_keys),
        unit_case(p8_14_rsa_size),
        unit_case(p8_14_rsa_exponent),
        unit_case(p8_14_rsa_modulus),
        unit_case(p8_14_curves_that_are_spelled_out),
    };

    return cmocka_run_group_tests_name("pkey", tests, NULL, keys_free_all);
}
