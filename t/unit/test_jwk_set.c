
/*
 * JWK Sets (RFC 7517, section 5): what is taken from one.
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


static void
assert_kid(const agw_keyring_t *ring, size_t i, const char *kid)
{
    unit_assert_str(agw_key_kid(agw_keyring_key(ring, i)),
        unit_format("%s", kid));
}


static void
refuses(agw_str_t file, const char *word)
{
    int             verify;
    agw_keyring_t  *ring;

    ring = agw_keyring_create();

    for (verify = 0; verify < 2; verify++) {
        unit_assert(keys_load(ring, file, "", "", verify) == -1,
            "accepted: %.*s", UNIT_ARG(file));
    }

    unit_assert(word == NULL || strstr(keys_error, word) != NULL,
        "not because of \"%s\": %s", word ? word : "", keys_error);

    agw_keyring_free(ring);
}


static void
every_key_of_a_set(void **state)
{
    agw_str_t       file;
    agw_keyring_t  *ring;

    (void) state;

    file = keys_set(named(keys_jwk("RSA", 0), "a"),
        named(keys_jwk("P-256", 1), "b"), named(keys_jwk("P-384", 1), "c"),
        named(keys_jwk("Ed25519", 0), "d"));

    ring = keys_ring(file, "", 0);
    assert_null(keys_warning);
    assert_int_equal(agw_keyring_count(ring), 4);
    assert_kid(ring, 0, "a");
    assert_kid(ring, 1, "b");
    assert_kid(ring, 2, "c");
    assert_kid(ring, 3, "d");
    unit_assert_str(agw_key_alg(agw_keyring_key(ring, 0))->name, S("RS256"));
    unit_assert_str(agw_key_alg(agw_keyring_key(ring, 1))->name, S("ES256"));
    unit_assert_str(agw_key_alg(agw_keyring_key(ring, 2))->name, S("ES384"));
    unit_assert_str(agw_key_alg(agw_keyring_key(ring, 3))->name, S("EdDSA"));

    /* the first that can */

    assert_ptr_equal(agw_keyring_signer(ring), agw_keyring_key(ring, 1));
    agw_keyring_free(ring);

    ring = keys_ring(file, "", 1);
    assert_null(agw_keyring_signer(ring));
    assert_int_equal(agw_keyring_count(ring), 4);
    agw_keyring_free(ring);

    /* a mark, white space, and members that nobody knows */

    ring = keys_ring(unit_format("\xef\xbb\xbf\r\n%.*s\n\n",
        UNIT_ARG(file)), "", 1);
    assert_int_equal(agw_keyring_count(ring), 4);
    agw_keyring_free(ring);

    file.len--;
    ring = keys_ring(unit_format("%.*s,\"x\":1}", UNIT_ARG(file)), "", 1);
    assert_int_equal(agw_keyring_count(ring), 4);
    agw_keyring_free(ring);
}


static void
secrets_have_a_set_of_their_own(void **state)
{
    agw_keyring_t  *ring;

    (void) state;

    ring = keys_ring(keys_set(named(keys_jwk_oct(mint_secret('1')), "a"),
        named(with(keys_jwk_oct(mint_secret('2')), "alg", "HS512"), "b"),
        NULL, NULL), "", 0);
    assert_int_equal(agw_keyring_count(ring), 2);
    unit_assert_str(agw_key_alg(agw_keyring_key(ring, 1))->name, S("HS512"));
    agw_keyring_free(ring);

    refuses(keys_set(keys_jwk_oct(mint_secret('1')), keys_jwk("RSA", 0),
        NULL, NULL), "secrets");
    refuses(keys_set(keys_jwk("P-256", 1), keys_jwk("P-384", 1),
        keys_jwk_oct(mint_secret('1')), NULL), "secrets");
    refuses(keys_set(keys_jwk("P-256", 0),
        with(keys_jwk_oct(mint_secret('1')), "use", "enc"), NULL, NULL),
        "secrets");
}


/* what an identity provider publishes beside its keys for signatures */

static void
keys_that_are_passed_over(void **state)
{
    size_t          i;
    json_t         *other;
    agw_keyring_t  *ring;

    (void) state;

    for (i = 0; i < 10; i++) {

        switch (i) {

        case 0:
            other = keys_jwk("P-521", 0);
            break;

        case 1:
            other = keys_jwk("secp256k1", 0);
            break;

        case 2:
            other = keys_jwk("Ed448", 0);
            break;

        case 3:
            other = keys_jwk("X25519", 0);
            break;

        case 4:
            other = with(keys_jwk("RSA'", 0), "use", "enc");
            break;

        case 5:
            other = with(keys_jwk("RSA'", 0), "alg", "RSA-OAEP-256");
            break;

        case 6:
            other = keys_jwk("P-256'", 0);
            json_object_set_new(other, "key_ops",
                json_pack("[s]", "deriveKey"));
            break;

        case 7:
            other = json_pack("{s:s}", "kty", "AKP");
            break;

        case 8:
            other = json_object();
            break;

        default:                     /* not for us, it need not be good */
            other = with(with(keys_jwk("RSA1024", 0), "use", "enc"), "n",
                "!");
        }

        /* in front, and behind; for itself it is none */

        ring = keys_ring(keys_set(json_incref(other), keys_jwk("P-256", 0),
            NULL, NULL), "", 1);
        assert_int_equal(agw_keyring_count(ring), 1);
        assert_non_null(keys_warning);
        assert_int_equal(keys_warnings, 1);
        assert_int_equal(keys_place, 1);
        agw_keyring_free(ring);

        ring = keys_ring(keys_set(keys_jwk("P-256", 1), json_incref(other),
            NULL, NULL), "", 0);
        assert_int_equal(agw_keyring_count(ring), 1);
        assert_int_equal(keys_warnings, 1);
        assert_int_equal(keys_place, 2);
        agw_keyring_free(ring);

        refuses(keys_set(json_incref(other), NULL, NULL, NULL), "no key");
        refuses(keys_set(json_incref(other), json_incref(other), NULL,
            NULL), "no key");
        refuses(keys_text(other), NULL);
        unit_free_all(NULL);
    }
}


/* keys of a kind that is known here, and of no use */

static json_t *
bad_key(size_t i)
{
    json_t  *bad;

    switch (i) {

    case 0:
        bad = keys_jwk("RSA1024", 0);
        break;

    case 1:
        bad = with(keys_jwk("P-256'", 0), "alg", "ES384");
        break;

    case 2:
        bad = with(keys_jwk("P-256'", 0), "x", "AAAA");
        break;

    case 3:
        bad = named(keys_jwk("P-256'", 0), "a b");
        break;

    case 4:
        bad = json_string("a key");
        break;

    case 5:
        bad = json_null();
        break;

    case 6:
        bad = json_array();
        break;

    case 7:
        bad = keys_jwk("P-256'", 0);
        json_object_set_new(bad, "use", json_integer(1));
        break;

    default:
        bad = with(keys_jwk("P-256'", 0), "alg", "ES256");
        json_object_set_new(bad, "alg", json_integer(1));
    }

    return bad;
}


/*
 * The story: a provider's set had a key of 1024 bits for an old client, and
 * nginx did not start, with a message on the kid "".
 */

static void
d4_a_bad_key_is_skipped_and_named(void **state)
{
    size_t          i;
    json_t         *bad;
    agw_keyring_t  *ring;

    (void) state;

    for (i = 0; i < 9; i++) {
        bad = bad_key(i);

        ring = keys_ring(keys_set(keys_jwk("P-256", 1), json_incref(bad),
            NULL, NULL), "", 0);
        assert_int_equal(agw_keyring_count(ring), 1);
        assert_int_equal(keys_warnings, 1);
        assert_int_equal(keys_place, 2);
        assert_int_equal(keys_kid.len, 0);
        agw_keyring_free(ring);

        if (json_is_object(bad) && i != 3) {
            json_object_set_new(bad, "kid", json_string("the old one"));
            ring = keys_ring(keys_set(json_incref(bad), keys_jwk("P-256", 1),
                NULL, NULL), "", 0);
            assert_int_equal(keys_place, 1);
            assert_int_equal(keys_kid.len, 0);
            agw_keyring_free(ring);

            json_object_set_new(bad, "kid", json_string("the-old-one"));
            ring = keys_ring(keys_set(keys_jwk("P-256", 1), keys_jwk("RSA",
                1), json_incref(bad), NULL), "", 0);
            assert_int_equal(agw_keyring_count(ring), 2);
            assert_int_equal(keys_place, 3);
            unit_assert_str(keys_kid, S("the-old-one"));
            agw_keyring_free(ring);
        }

        /* where there is no other, and where it is not in a set */

        refuses(keys_set(json_incref(bad), NULL, NULL, NULL), "no key in");
        assert_int_equal(keys_warnings, 1);
        refuses(keys_set(json_incref(bad), keys_jwk("P-521", 0), NULL, NULL),
            "no key in");
        assert_int_equal(keys_warnings, 2);

        /* nor may it have the kid of a good one */

        if (json_object_get(bad, "kid") != NULL) {
            refuses(keys_set(named(keys_jwk("RSA", 1), json_string_value(
                json_object_get(bad, "kid"))), json_incref(bad), NULL, NULL),
                "same kid");
        }

        if (json_is_object(bad)) {
            refuses(keys_text(json_incref(bad)), NULL);
            assert_int_equal(keys_warnings, 0);
        }

        json_decref(bad);
        unit_free_all(NULL);
    }
}


/* which cannot be told from a mistake in the configuration */

static void
d3_an_algorithm_that_does_not_fit_is_an_error(void **state)
{
    (void) state;

    keys_refuses(keys_set(named(keys_jwk("P-256", 1), "e"), NULL, NULL,
        NULL), "PS256", "does not fit");
    assert_int_equal(keys_place, 1);

    refuses(keys_set(keys_jwk("P-256", 1), keys_jwk("P-256", 1), NULL, NULL),
        "same kid");
    assert_int_equal(keys_place, 2);
    assert_int_equal(keys_kid.len, 0);

    refuses(keys_set(named(keys_jwk("P-256", 1), "e"), keys_jwk("RSA", 1),
        named(keys_jwk("P-384", 1), "e"), NULL), "same kid");
    assert_int_equal(keys_place, 3);
    unit_assert_str(keys_kid, S("e"));
}


static void
sets_that_are_none(void **state)
{
    size_t                  i;
    static const agw_str_t  rows[] = {
        agw_string("{\"keys\":[]}"), agw_string("{\"keys\":{}}"),
        agw_string("{\"keys\":null}"), agw_string("{\"keys\":\"\"}"),
        agw_string("{\"keys\":[[]]}"), agw_string("{\"Keys\":[{}]}"),
        agw_string("[]"), agw_string("[{}]"), agw_string("{"),
        agw_string("{}{}"), agw_string("{\"keys\":[]}x"),
        agw_string("{\"keys\":[],\"keys\":[]}"),
        agw_string("{\"keys\":[]\0}"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        refuses(rows[i], NULL);
    }

    refuses(unit_cat(keys_set(keys_jwk("P-256", 1), NULL, NULL, NULL),
        S("x")), "neither a JWK nor");
    refuses(unit_cat(keys_set(keys_jwk("P-256", 1), NULL, NULL, NULL),
        S("\0")), "neither a JWK nor");
}


/* which of the two would be read is not ours to choose (RFC 7517, section 4) */

static void
p8_6_duplicate_members(void **state)
{
    size_t      i;
    agw_str_t   jwk;
    static const char  *twice[] = {
        "\"kty\":\"EC\"", "\"crv\":\"P-256\"", "\"kid\":\"b\"",
        "\"alg\":\"none\"", "\"x\":\"AAAA\"", "\"d\":\"AAAA\"",
        "\"use\":\"sig\"", "\"z\":{\"a\":1,\"a\":1}",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(twice); i++) {
        jwk = keys_text(with(with(named(keys_jwk("P-256", 1), "a"), "alg",
            "ES256"), "use", "sig"));
        jwk.len--;
        jwk = unit_format("%.*s,%s}", UNIT_ARG(jwk), twice[i]);

        refuses(jwk, "neither a JWK nor");
        refuses(unit_format("{\"keys\":[%.*s]}", UNIT_ARG(jwk)),
            "neither a JWK nor");
    }
}


static void
d3_two_keys_with_one_kid(void **state)
{
    agw_keyring_t  *ring;

    (void) state;

    refuses(keys_set(named(keys_jwk("P-256", 1), "a"),
        named(keys_jwk("P-384", 1), "a"), NULL, NULL), "same kid");
    refuses(keys_set(keys_jwk("P-256", 1), keys_jwk("P-256", 0), NULL, NULL),
        "same kid");
    refuses(keys_set(named(keys_jwk_oct(mint_secret('1')), "a"),
        named(keys_jwk_oct(mint_secret('2')), "a"), NULL, NULL), "same kid");

    /* and over files: what was there before stays */

    ring = keys_ring(keys_set(named(keys_jwk("P-256", 1), "a"), NULL, NULL,
        NULL), "", 0);
    assert_int_equal(keys_load(ring, keys_set(
        named(keys_jwk("P-384", 1), "b"), named(keys_jwk("RSA", 1), "a"),
        NULL, NULL), "", "", 1), -1);
    assert_kid(ring, 0, "a");
    assert_int_equal(keys_load(ring, keys_public_pem(keys_get("RSA")), "",
        "a", 1), -1);
    assert_int_equal(keys_load(ring, keys_public_pem(keys_get("RSA")), "",
        "b", 1), 0);
    agw_keyring_free(ring);
}


static void
kid_beside_a_set(void **state)
{
    agw_keyring_t  *ring;

    (void) state;

    ring = agw_keyring_create();

    assert_int_equal(keys_load(ring, keys_set(keys_jwk("P-256", 1),
        keys_jwk("P-384", 1), NULL, NULL), "", "k", 1), -1);
    assert_non_null(strstr(keys_error, "kid="));

    assert_int_equal(keys_load(ring, keys_set(named(keys_jwk("P-256", 1),
        "own"), NULL, NULL, NULL), "", "k", 1), 0);
    assert_kid(ring, 0, "k");

    agw_keyring_free(ring);
}


static void
alg_beside_a_set(void **state)
{
    agw_keyring_t  *ring;

    (void) state;

    ring = keys_ring(keys_set(keys_jwk("RSA", 1), keys_jwk("RSA'", 1), NULL,
        NULL), "PS384", 0);
    unit_assert_str(agw_key_alg(agw_keyring_key(ring, 1))->name, S("PS384"));
    agw_keyring_free(ring);

    keys_refuses(keys_set(with(keys_jwk("RSA", 1), "alg", "RS256"), NULL,
        NULL, NULL), "PS256", "another algorithm");
    keys_refuses(keys_text(with(keys_jwk("RSA", 1), "alg", "RS256")),
        "PS256", "another algorithm");
    keys_refuses(keys_set(keys_jwk("P-256", 1), NULL, NULL, NULL),
        "PS256", "does not fit");

    ring = keys_ring(keys_text(with(keys_jwk("RSA", 1), "alg", "PS256")),
        "PS256", 0);
    agw_keyring_free(ring);
}


static void
public_keys_alone_sign_nothing(void **state)
{
    agw_str_t       file;
    agw_keyring_t  *ring;

    (void) state;

    file = keys_set(keys_jwk("P-256", 0), keys_jwk("RSA", 0), NULL, NULL);
    ring = agw_keyring_create();
    assert_int_equal(keys_load(ring, file, "", "", 0), -1);
    assert_non_null(strstr(keys_error, "verify"));

    /* also beside a key that could */

    assert_int_equal(keys_load(ring, mint_secret('s'), "HS256", "", 0),
        0);
    assert_int_equal(keys_load(ring, file, "", "", 0), -1);
    assert_int_equal(keys_load(ring, file, "", "", 1), 0);
    assert_int_equal(agw_keyring_count(ring), 3);
    agw_keyring_free(ring);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(every_key_of_a_set),
        unit_case(secrets_have_a_set_of_their_own),
        unit_case(keys_that_are_passed_over),
        unit_case(d4_a_bad_key_is_skipped_and_named),
        unit_case(d3_an_algorithm_that_does_not_fit_is_an_error),
        unit_case(sets_that_are_none),
        unit_case(p8_6_duplicate_members),
        unit_case(d3_two_keys_with_one_kid),
        unit_case(kid_beside_a_set),
        unit_case(alg_beside_a_set),
        unit_case(public_keys_alone_sign_nothing),
    };

    return cmocka_run_group_tests_name("jwk set", tests, NULL,
        keys_free_all);
}
