
/*
 * A JWK's members beside its numbers (RFC 7517, section 4): what a key is
 * for is obeyed, and what it is called is its kid.
 */


#include "keys.h"

#include "agw_jwk.h"


static const char *const  types[] = { "RSA", "P-256", "P-384", "Ed25519" };


/* a JWK with one member more, or another; the JSON text of its value */

static json_t *
with(json_t *jwk, const char *name, const char *value)
{
    json_t  *json;

    json = json_loads(value, JSON_DECODE_ANY, NULL);
    unit_assert(json != NULL, "no JSON: %s", value);
    json_object_set_new(jwk, name, json);

    return jwk;
}


static json_t *
jwk_of(const char *type, int is_private)
{
    return strcmp(type, "oct") == 0 ? keys_jwk_oct(mint_secret('j'))
                                    : keys_jwk(type, is_private);
}


/* what agw_jwk_read() says of it, whose reference is taken */

static agw_jwk_result_t
result_of(json_t *json, int *signs)
{
    agw_jwk_t          jwk;
    const char        *error;
    agw_jwk_result_t   result;

    memset(&jwk, 0xa5, sizeof(jwk));
    error = "not set";
    result = agw_jwk_read(&jwk, json, &error);
    mint_assert_no_errors("agw_jwk_read");

    if (result == AGW_JWK_READ) {
        assert_null(error);
        assert_true((jwk.pkey == NULL) == (jwk.secret.len != 0));
        *signs = jwk.signs;
        agw_jwk_done(&jwk);

    } else {
        assert_true(strlen(error) > 10);
        *signs = -1;
    }

    /* nothing is held, or held on to */

    assert_null(jwk.pkey);
    assert_null(jwk.secret.data);

    json_decref(json);

    return result;
}


static void
each_type(void **state)
{
    int                is_private, signs;
    size_t             i;
    EVP_PKEY          *public;
    agw_jwk_t          jwk;
    const char        *error;
    json_t            *json;
    agw_jwk_result_t   result;

    (void) state;

    for (i = 0; i < UNIT_COUNT(types); i++) {
        for (is_private = 0; is_private < 2; is_private++) {
            json = keys_jwk(types[i], is_private);
            result = agw_jwk_read(&jwk, json, &error);
            unit_assert(result == AGW_JWK_READ, "%s: %s", types[i],
                error ? error : "");
            assert_int_equal(jwk.is_private, is_private);
            assert_int_equal(jwk.signs, is_private);
            assert_null(jwk.alg);
            assert_int_equal(jwk.kid.len, 0);
            assert_int_equal(jwk.secret.len, 0);
            public = keys_get(types[i]);
            assert_int_equal(EVP_PKEY_eq(jwk.pkey, public), 1);
            ERR_clear_error();
            agw_jwk_done(&jwk);
            json_decref(json);
        }
    }

    json = jwk_of("oct", 1);
    assert_int_equal(agw_jwk_read(&jwk, json, &error), AGW_JWK_READ);
    unit_assert_str(jwk.secret, mint_secret('j'));
    assert_true(jwk.is_private && jwk.signs && jwk.pkey == NULL);
    agw_jwk_done(&jwk);
    json_decref(json);

    /* a second key needs no memory of the first */

    assert_int_equal(result_of(keys_jwk("P-256", 0), &signs), AGW_JWK_READ);
    assert_int_equal(signs, 0);
}


static void
rfc7517_4_1_kty(void **state)
{
    int                 signs;
    size_t              i;
    json_t             *json;
    static const char  *others[] = {
        "\"rsa\"", "\"Oct\"", "\"ec\"", "\"okp\"", "\"AKP\"", "\"\"",
        "\"RSA \"", "null", "1", "[\"RSA\"]", "{}", "true",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(others); i++) {
        json = with(keys_jwk("RSA", 0), "kty", others[i]);
        assert_int_not_equal(result_of(json, &signs), AGW_JWK_READ);

        keys_refuses(keys_text(with(keys_jwk("RSA", 1), "kty", others[i])),
            "", NULL);
    }

    json = keys_jwk("RSA", 0);
    json_object_del(json, "kty");
    assert_int_not_equal(result_of(json, &signs), AGW_JWK_READ);
    keys_refuses(S("{}"), "", NULL);

    /* one type's members under the name of another */

    keys_refuses(keys_text(with(keys_jwk("P-256", 0), "kty", "\"OKP\"")),
        "", NULL);
    keys_refuses(keys_text(with(keys_jwk("Ed25519", 0), "kty", "\"EC\"")),
        "", NULL);
    keys_refuses(keys_text(with(keys_jwk("P-256", 0), "kty", "\"RSA\"")),
        "", "missing");
    keys_refuses(keys_text(with(keys_jwk("RSA", 0), "kty", "\"oct\"")),
        "", "missing");
}


static void
p8_14_use(void **state)
{
    int      signs;
    size_t   i, j;
    static const struct {
        const char        *use;
        agw_jwk_result_t   wanted;
    } rows[] = {
        { "\"sig\"", AGW_JWK_READ },
        { "\"enc\"", AGW_JWK_PASSED_OVER },
        { "\"SIG\"", AGW_JWK_PASSED_OVER },
        { "\"sig \"", AGW_JWK_PASSED_OVER },
        { "\"\"", AGW_JWK_PASSED_OVER },
        { "\"x\"", AGW_JWK_PASSED_OVER },
        { "null", AGW_JWK_REFUSED },
        { "1", AGW_JWK_REFUSED },
        { "[\"sig\"]", AGW_JWK_REFUSED },
        { "{}", AGW_JWK_REFUSED },
    };
    static const char  *all[] = {
        "oct", "RSA", "P-256", "P-384", "Ed25519",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        for (j = 0; j < UNIT_COUNT(all); j++) {
            unit_assert(result_of(with(jwk_of(all[j], 1), "use",
                rows[i].use), &signs) == rows[i].wanted, "%s: use %s",
                all[j], rows[i].use);

            if (rows[i].wanted != AGW_JWK_READ) {
                keys_refuses(keys_text(with(jwk_of(all[j], 1), "use",
                    rows[i].use)), "", "use");
            }
        }

        unit_free_all(NULL);
    }
}


/* wanted: of a public key, a private one, and a secret; 2: and signs */

static void
p8_14_key_ops(void **state)
{
    int                       signs;
    size_t                    i, j;
    agw_jwk_result_t          result;
    static const char        *all[] = { "P-256", "P-256", "oct", "RSA" };
    static const struct {
        const char  *ops;
        int          wanted[3];
    } rows[] = {
        { "[\"sign\",\"verify\"]", { 1, 2, 2 } },
        { "[\"verify\",\"sign\"]", { 1, 2, 2 } },
        { "[\"verify\"]", { 1, 1, 1 } },
        { "[\"sign\"]", { 0, 2, 0 } },
        { "[\"verify\",\"encrypt\"]", { 1, 1, 1 } },
        { "[\"decrypt\",\"sign\"]", { 0, 2, 0 } },
        { "[]", { 0, 0, 0 } },
        { "[\"encrypt\"]", { 0, 0, 0 } },
        { "[\"deriveBits\"]", { 0, 0, 0 } },
        { "[\"Verify\"]", { 0, 0, 0 } },
        { "[\"\"]", { 0, 0, 0 } },
        { "[\"sign, verify\"]", { 0, 0, 0 } },

        /* broken: -1 */

        { "\"verify\"", { -1, -1, -1 } },
        { "null", { -1, -1, -1 } },
        { "{}", { -1, -1, -1 } },
        { "true", { -1, -1, -1 } },
        { "[1]", { -1, -1, -1 } },
        { "[null]", { -1, -1, -1 } },
        { "[\"verify\",1]", { -1, -1, -1 } },
        { "[[\"verify\"]]", { -1, -1, -1 } },
        { "[\"verify\",\"verify\"]", { -1, -1, -1 } },
        { "[\"sign\",\"verify\",\"sign\"]", { -1, -1, -1 } },
        { "[\"x\",\"verify\",\"x\"]", { -1, -1, -1 } },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        for (j = 0; j < 3; j++) {
            result = result_of(with(jwk_of(all[j], j > 0), "key_ops",
                rows[i].ops), &signs);

            unit_assert(result == (rows[i].wanted[j] < 0 ? AGW_JWK_REFUSED
                    : rows[i].wanted[j] == 0 ? AGW_JWK_PASSED_OVER
                    : AGW_JWK_READ), "%zu: key_ops %s", j, rows[i].ops);
            unit_assert(signs == (result != AGW_JWK_READ ? -1
                    : rows[i].wanted[j] == 2), "%zu: signs with key_ops %s",
                j, rows[i].ops);
        }
    }
}


/* the ring obeys too, whatever the configuration would like */

static void
p8_14_key_ops_in_a_ring(void **state)
{
    agw_str_t       file;
    agw_keyring_t  *ring;

    (void) state;

    file = keys_text(with(keys_jwk("P-256", 1), "key_ops", "[\"verify\"]"));
    ring = agw_keyring_create();
    assert_int_equal(keys_load(ring, file, "", "", 0), -1);
    assert_non_null(strstr(keys_error, "verify"));
    assert_int_equal(keys_load(ring, file, "", "", 1), 0);
    assert_null(agw_keyring_signer(ring));
    assert_true(agw_key_is_secret(agw_keyring_key(ring, 0)));
    agw_keyring_free(ring);

    file = keys_text(with(keys_jwk("P-256", 1), "key_ops", "[\"sign\"]"));
    ring = keys_ring(file, "", 0);
    assert_non_null(agw_keyring_signer(ring));
    agw_keyring_free(ring);

    ring = keys_ring(file, "", 1);
    assert_null(agw_keyring_signer(ring));
    agw_keyring_free(ring);
}


static void
rfc7517_4_4_alg(void **state)
{
    int     signs;
    size_t  i;
    static const struct {
        const char        *type;
        const char        *alg;
        agw_jwk_result_t   wanted;
    } rows[] = {
        { "oct", "\"HS384\"", AGW_JWK_READ },
        { "RSA", "\"RS512\"", AGW_JWK_READ },
        { "RSA", "\"PS256\"", AGW_JWK_READ },
        { "P-256", "\"ES256\"", AGW_JWK_READ },
        { "P-384", "\"ES384\"", AGW_JWK_READ },
        { "Ed25519", "\"EdDSA\"", AGW_JWK_READ },
        { "Ed25519", "\"Ed25519\"", AGW_JWK_READ },
        { "Ed25519", "\"ed25519\"", AGW_JWK_PASSED_OVER },
        { "Ed25519", "\"Ed448\"", AGW_JWK_PASSED_OVER },
        { "RSA", "\"RSA-OAEP\"", AGW_JWK_PASSED_OVER },
        { "RSA", "\"RSA1_5\"", AGW_JWK_PASSED_OVER },
        { "RSA", "\"RS1\"", AGW_JWK_PASSED_OVER },
        { "RSA", "\"none\"", AGW_JWK_PASSED_OVER },
        { "RSA", "\"\"", AGW_JWK_PASSED_OVER },
        { "oct", "\"A256GCM\"", AGW_JWK_PASSED_OVER },
        { "P-256", "\"ES512\"", AGW_JWK_PASSED_OVER },
        { "P-256", "\"ECDH-ES\"", AGW_JWK_PASSED_OVER },
        { "P-256", "\"ES384\"", AGW_JWK_REFUSED },
        { "P-384", "\"ES256\"", AGW_JWK_REFUSED },
        { "P-256", "\"RS256\"", AGW_JWK_REFUSED },
        { "P-256", "\"HS256\"", AGW_JWK_REFUSED },
        { "P-256", "\"EdDSA\"", AGW_JWK_REFUSED },
        { "P-256", "\"Ed25519\"", AGW_JWK_REFUSED },
        { "RSA", "\"Ed25519\"", AGW_JWK_REFUSED },
        { "RSA", "\"HS256\"", AGW_JWK_REFUSED },
        { "RSA", "\"ES256\"", AGW_JWK_REFUSED },
        { "oct", "\"RS256\"", AGW_JWK_REFUSED },
        { "oct", "\"ES256\"", AGW_JWK_REFUSED },
        { "oct", "\"EdDSA\"", AGW_JWK_REFUSED },
        { "oct", "\"Ed25519\"", AGW_JWK_REFUSED },
        { "Ed25519", "\"ES256\"", AGW_JWK_REFUSED },
        { "Ed25519", "\"HS256\"", AGW_JWK_REFUSED },
        { "RSA", "null", AGW_JWK_REFUSED },
        { "RSA", "256", AGW_JWK_REFUSED },
        { "RSA", "[\"RS256\"]", AGW_JWK_REFUSED },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        unit_assert(result_of(with(jwk_of(rows[i].type, 1), "alg",
            rows[i].alg), &signs) == rows[i].wanted, "%s: alg %s",
            rows[i].type, rows[i].alg);

        if (rows[i].wanted != AGW_JWK_READ) {
            keys_refuses(keys_text(with(jwk_of(rows[i].type, 1), "alg",
                rows[i].alg)), "", "algorithm");
        }
    }
}


/* a curve is no algorithm's that is not its own, with crv of any form */

static void
rfc7518_6_2_1_1_crv(void **state)
{
    int                 signs;
    size_t              i;
    json_t             *json;
    static const char  *curves[] = {
        "\"p-256\"", "\"P-256 \"", "\"\"", "\"prime256v1\"", "\"P-521\"",
        "\"secp256k1\"", "\"Ed25519\"", "null", "1", "[\"P-256\"]",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(curves); i++) {
        json = with(keys_jwk("P-256", 0), "crv", curves[i]);
        assert_int_not_equal(result_of(json, &signs), AGW_JWK_READ);

        json = with(with(keys_jwk("P-256", 0), "alg", "\"ES256\""), "crv",
            curves[i]);
        assert_int_not_equal(result_of(json, &signs), AGW_JWK_READ);
    }

    json = keys_jwk("P-256", 0);
    json_object_del(json, "crv");
    assert_int_not_equal(result_of(json, &signs), AGW_JWK_READ);

    json = with(keys_jwk("P-256", 0), "alg", "\"ES256\"");
    json_object_del(json, "crv");
    assert_int_not_equal(result_of(json, &signs), AGW_JWK_READ);

    /* the right members, and another curve's name */

    keys_refuses(keys_text(with(keys_jwk("P-256", 0), "crv", "\"P-384\"")),
        "", "missing");
    keys_refuses(keys_text(with(keys_jwk("P-384", 0), "crv", "\"P-256\"")),
        "", "missing");
}


static void
rfc7517_4_5_kid(void **state)
{
    size_t              i, j;
    agw_str_t           file, kid;
    agw_keyring_t      *ring;
    static const char  *broken[] = {
        "null", "1", "true", "[\"k\"]", "{}", "\"a b\"", "\"a\\\"b\"",
        "\"a\\\\b\"", "\"\\u00e9\"", "\"a\\nb\"", "\"a\\u0000b\"",
        "\" \"", "\"\\u007f\"",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(broken); i++) {
        for (j = 0; j < UNIT_COUNT(types); j++) {
            file = keys_text(keys_jwk(types[j], 1));
            file.len--;
            file = unit_format("%.*s,\"kid\":%s}", UNIT_ARG(file),
                broken[i]);

            ring = agw_keyring_create();
            unit_assert(keys_load(ring, file, "", "", 1) == -1,
                "accepted: kid %s", broken[i]);
            agw_keyring_free(ring);
        }

        unit_free_all(NULL);
    }

    kid = unit_fill('k', AGW_KID_MAX);
    ring = keys_ring(keys_text(with(keys_jwk("P-256", 1), "kid",
        (char *) unit_format("\"%.*s\"%c", UNIT_ARG(kid), 0).data)), "", 1);
    unit_assert_str(agw_key_kid(agw_keyring_key(ring, 0)), kid);
    agw_keyring_free(ring);

    ring = agw_keyring_create();
    assert_int_equal(keys_load(ring, keys_text(with(keys_jwk("P-256", 1),
        "kid", (char *) unit_format("\"%.*sk\"%c", UNIT_ARG(kid), 0).data)),
        "", "", 1), -1);
    assert_non_null(strstr(keys_error, "kid"));

    /* kid= stands before the file's own, also a broken one's */

    assert_int_equal(keys_load(ring, keys_text(with(keys_jwk("P-256", 1),
        "kid", "\"own\"")), "", "given", 1), 0);
    unit_assert_str(agw_key_kid(agw_keyring_key(ring, 0)), S("given"));
    agw_keyring_free(ring);
}


/* members that nobody here knows are passed over (section 4) */

static void
rfc7517_4_other_members(void **state)
{
    json_t         *json;
    agw_keyring_t  *ring;

    (void) state;

    json = keys_jwk("RSA", 1);
    with(json, "x5c", "[\"AAAA\"]");
    with(json, "x5u", "\"https://issuer.example/\"");
    with(json, "x5t", "1");
    with(json, "ext", "true");
    with(json, "exp", "0");
    with(json, "k", "\"AAAA\"");

    ring = keys_ring(keys_text(json), "", 0);
    assert_int_equal(agw_key_alg(agw_keyring_key(ring, 0))->kty,
        AGW_KTY_RSA);
    assert_null(keys_warning);
    agw_keyring_free(ring);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(each_type),
        unit_case(rfc7517_4_1_kty),
        unit_case(p8_14_use),
        unit_case(p8_14_key_ops),
        unit_case(p8_14_key_ops_in_a_ring),
        unit_case(rfc7517_4_4_alg),
        unit_case(rfc7518_6_2_1_1_crv),
        unit_case(rfc7517_4_5_kid),
        unit_case(rfc7517_4_other_members),
    };

    return cmocka_run_group_tests_name("jwk", tests, NULL, keys_free_all);
}
