
/*
 * What a JWK is made of (RFC 7518, section 6; RFC 8037, section 2): each
 * member is there, of its type and length, and they belong together.
 */


#include "keys.h"


static json_t *
with(json_t *jwk, const char *name, json_t *value)
{
    assert_int_equal(json_object_set_new(jwk, name, value), 0);

    return jwk;
}


/* the bytes of a member, as many as OpenSSL decodes */

static agw_str_t
bytes_of(const json_t *jwk, const char *name)
{
    int             n;
    size_t          i, pad;
    agw_str_t       s;
    unsigned char  *p, *out;

    s = unit_format("%s", json_string_value(json_object_get(jwk, name)));
    pad = (4 - s.len % 4) % 4;
    s = unit_cat(s, unit_fill('=', pad));
    p = (unsigned char *) s.data;

    for (i = 0; i < s.len; i++) {
        p[i] = p[i] == '-' ? '+' : p[i] == '_' ? '/' : p[i];
    }

    out = unit_alloc(s.len);
    n = EVP_DecodeBlock(out, p, (int) s.len);
    assert_true(n > 0);

    return unit_copy((agw_str_t) { (size_t) n - pad, out });
}


static json_t *
jwk_of(const char *type, int is_private)
{
    return strcmp(type, "oct") == 0 ? keys_jwk_oct(mint_secret('j'))
                                    : keys_jwk(type, is_private);
}


static void
refuses(json_t *jwk, const char *label, const char *name)
{
    int             rc;
    agw_keyring_t  *ring;

    ring = agw_keyring_create();
    rc = keys_load(ring, keys_text(jwk), "", "", 1);
    agw_keyring_free(ring);

    unit_assert(rc == -1, "accepted: %s, %s", label, name);
}


static const struct {
    const char  *type;
    int          is_private;
    const char  *names[9];
} members[] = {
    { "oct", 1, { "k" } },
    { "RSA", 0, { "n", "e" } },
    { "RSA", 1, { "n", "e", "d", "p", "q", "dp", "dq", "qi" } },
    { "P-256", 0, { "x", "y" } },
    { "P-256", 1, { "x", "y", "d" } },
    { "P-384", 1, { "x", "y", "d" } },
    { "Ed25519", 0, { "x" } },
    { "Ed25519", 1, { "x", "d" } },
};


static void
a_member_of_another_form(void **state)
{
    size_t       i, j, k;
    json_t      *jwk, *value;
    agw_str_t    text;
    const char  *name, *type;
    static const char  *forms[] = {
        "null", "1", "true", "[]", "{}", "\"\"", "\"=\"", "\"A\"",
        "\"AAAAA\"", "\"*\"", "\" \"", "\"AA==\"", "\"AB\"",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(members); i++) {
        type = members[i].type;

        for (j = 0; members[i].names[j] != NULL; j++) {
            name = members[i].names[j];

            for (k = 0; k < UNIT_COUNT(forms); k++) {
                value = json_loads(forms[k], JSON_DECODE_ANY, NULL);
                refuses(with(jwk_of(type, members[i].is_private), name,
                    value), type, name);
            }

            /* right bytes in another spelling */

            jwk = jwk_of(type, members[i].is_private);
            text = unit_format("%s",
                json_string_value(json_object_get(jwk, name)));
            refuses(with(jwk, name, keys_json(unit_cat(text, S("=")))),
                "padded", name);

            jwk = jwk_of(type, members[i].is_private);
            refuses(with(jwk, name, keys_json(unit_cat(S(" "), text))),
                "a space", name);

            jwk = jwk_of(type, members[i].is_private);
            refuses(with(jwk, name, keys_json(unit_cat(text, S("\n")))),
                "a newline", name);
        }

        unit_free_all(NULL);
    }
}


static void
a_member_that_is_missing(void **state)
{
    size_t       i, j;
    json_t      *jwk;
    const char  *name;

    (void) state;

    for (i = 0; i < UNIT_COUNT(members); i++) {
        for (j = 0; members[i].names[j] != NULL; j++) {
            name = members[i].names[j];
            jwk = jwk_of(members[i].type, members[i].is_private);
            json_object_del(jwk, name);

            /* without its d a key of these is a public one */

            if (strcmp(name, "d") == 0
                && strcmp(members[i].type, "RSA") != 0)
            {
                agw_keyring_t  *ring;

                ring = keys_ring(keys_text(jwk), "", 1);
                assert_false(agw_key_is_secret(agw_keyring_key(ring, 0)));
                agw_keyring_free(ring);
                continue;
            }

            refuses(jwk, "missing", name);
        }
    }
}


/* one without its primes is complete too, slower (RFC 7518, section 6.3.2) */

static void
rfc7518_6_3_2_rsa_without_primes(void **state)
{
    json_t         *jwk;
    agw_keyring_t  *ring;

    (void) state;

    jwk = keys_jwk("RSA", 1);
    json_object_del(jwk, "p");
    json_object_del(jwk, "q");
    json_object_del(jwk, "dp");
    json_object_del(jwk, "dq");
    json_object_del(jwk, "qi");

    ring = keys_ring(keys_text(jwk), "", 0);
    assert_non_null(agw_keyring_signer(ring));
    agw_keyring_free(ring);
}


static void
rfc7518_6_3_2_7_other_primes(void **state)
{
    size_t              i;
    static const char  *forms[] = { "[]", "null", "[{}]", "\"\"" };

    (void) state;

    for (i = 0; i < UNIT_COUNT(forms); i++) {
        refuses(with(keys_jwk("RSA", 1), "oth",
            json_loads(forms[i], JSON_DECODE_ANY, NULL)), "oth", forms[i]);
        refuses(with(keys_jwk("RSA", 0), "oth",
            json_loads(forms[i], JSON_DECODE_ANY, NULL)), "oth", forms[i]);
    }
}


/* RFC 7518, section 6.2.1.2: full size, leading zeros and all */

static void
coordinates_have_the_size_of_the_field(void **state)
{
    size_t              i, j;
    json_t             *jwk;
    agw_str_t           s;
    const char         *name;

    (void) state;

    for (i = 3; i < UNIT_COUNT(members); i++) {
        for (j = 0; members[i].names[j] != NULL; j++) {
            name = members[i].names[j];
            jwk = jwk_of(members[i].type, 1);
            s = bytes_of(jwk, name);

            refuses(with(jwk, name, keys_json(mint_base64url(
                unit_cat(S("\0"), s)))), "a zero before", name);

            jwk = jwk_of(members[i].type, 1);
            refuses(with(jwk, name, keys_json(mint_base64url(
                unit_cat(s, S("\0"))))), "a zero behind", name);

            s.len--;
            jwk = jwk_of(members[i].type, 1);
            refuses(with(jwk, name, keys_json(mint_base64url(s))),
                "the last byte cut", name);

            s.data++;
            s.len--;
            jwk = jwk_of(members[i].type, 1);
            refuses(with(jwk, name, keys_json(mint_base64url(s))),
                "two bytes cut", name);
            unit_free_all(NULL);
        }
    }
}


static void
numbers_of_any_length(void **state)
{
    size_t  i, n;

    (void) state;

    /* no buffer is overrun, and nothing so long is a key */

    for (i = 1; i < UNIT_COUNT(members); i++) {
        for (n = 1000; n < 12000; n = n * 5 / 4) {
            refuses(with(jwk_of(members[i].type, 1), members[i].names[0],
                keys_json(unit_fill('_', n))), members[i].type, "long");
        }
    }
}


/* another key's private half, and another's public */

static void
halves_that_are_no_pair(void **state)
{
    size_t       i, j;
    json_t      *jwk, *other;
    const char  *name;
    static const char  *pairs[][2] = {
        { "RSA", "RSA'" }, { "P-256", "P-256'" }, { "P-384", "P-384'" },
        { "Ed25519", "Ed25519'" },
    };
    static const char  *public[] = { "n", "x", "y" };

    (void) state;

    for (i = 0; i < UNIT_COUNT(pairs); i++) {
        jwk = keys_jwk(pairs[i][0], 1);
        other = keys_jwk(pairs[i][1], 1);

        json_object_set(jwk, "d", json_object_get(other, "d"));

        if (i == 0) {
            json_object_del(jwk, "p");
            json_object_del(jwk, "q");
            json_object_del(jwk, "dp");
            json_object_del(jwk, "dq");
            json_object_del(jwk, "qi");
        }

        refuses(jwk, "another's d", pairs[i][0]);

        jwk = keys_jwk(pairs[i][0], 1);

        for (j = 0; j < UNIT_COUNT(public); j++) {
            name = public[j];

            if (json_object_get(jwk, name) != NULL) {
                json_object_set(jwk, name, json_object_get(other, name));
            }
        }

        refuses(jwk, "another's public half", pairs[i][0]);
        json_decref(other);
    }
}


/*
 * What is left of a signature when a prime is wrong tells the other prime
 * (Boneh, DeMillo, Lipton): such a key is refused, or signs by its d alone.
 */

static void
rsa_numbers_that_are_of_another_key(void **state)
{
    size_t              i, len;
    json_t             *jwk, *other;
    agw_str_t           sig;
    agw_keyring_t      *ring, *good;
    unsigned char       out[AGW_SIG_MAX];
    static const char  *names[] = { "p", "q", "dp", "dq", "qi" };

    (void) state;

    good = keys_ring(keys_public_pem(keys_get("RSA")), "", 1);

    for (i = 0; i < UNIT_COUNT(names); i++) {
        jwk = keys_jwk("RSA", 1);
        other = keys_jwk("RSA'", 1);
        json_object_set(jwk, names[i], json_object_get(other, names[i]));
        json_decref(other);

        ring = agw_keyring_create();

        if (keys_load(ring, keys_text(jwk), "", "", 0) == 0) {
            sig.data = out;

            if (agw_key_sign(agw_keyring_signer(ring), S("e30.e30"), out,
                &len) == 0)
            {
                sig.len = len;
                assert_int_equal(agw_key_verify(agw_keyring_key(good, 0),
                    S("e30.e30"), sig), 0);
            }

            mint_assert_no_errors("agw_key_sign");
        }

        agw_keyring_free(ring);
    }

    agw_keyring_free(good);
}


static void
p8_14_points_off_the_curve(void **state)
{
    size_t              i;
    json_t             *jwk;
    agw_str_t           y;
    static const char  *curves[] = { "P-256", "P-384" };

    (void) state;

    for (i = 0; i < UNIT_COUNT(curves); i++) {
        jwk = keys_jwk(curves[i], 0);
        y = bytes_of(jwk, "y");
        ((unsigned char *) y.data)[y.len - 1] ^= 1;
        refuses(with(jwk, "y", keys_json(mint_base64url(y))), curves[i],
            "another y");

        jwk = keys_jwk(curves[i], 1);
        refuses(with(jwk, "y", keys_json(mint_base64url(y))), curves[i],
            "another y of a private key");

        jwk = keys_jwk(curves[i], 0);
        with(jwk, "x", keys_json(mint_base64url(unit_fill(0, y.len))));
        refuses(with(jwk, "y", keys_json(mint_base64url(
            unit_fill(0, y.len)))), curves[i], "zeros");

        jwk = keys_jwk(curves[i], 0);
        refuses(with(jwk, "x", keys_json(mint_base64url(
            unit_fill(0xff, y.len)))), curves[i], "x over the prime");

        jwk = keys_jwk(curves[i], 1);
        refuses(with(jwk, "d", keys_json(mint_base64url(
            unit_fill(0, y.len)))), curves[i], "d of zero");

        jwk = keys_jwk(curves[i], 1);
        refuses(with(jwk, "d", keys_json(mint_base64url(
            unit_fill(0xff, y.len)))), curves[i], "d over the order");
    }
}


static void
rfc7518_3_2_oct_is_as_long_as_its_hash(void **state)
{
    size_t          i;
    json_t         *jwk;
    agw_keyring_t  *ring;
    static const struct {
        const char  *alg;
        size_t       size;
    } rows[] = { { "HS256", 32 }, { "HS384", 48 }, { "HS512", 64 } };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        jwk = keys_jwk_oct(unit_fill('s', rows[i].size - 1));
        keys_refuses(keys_text(with(jwk, "alg", json_string(rows[i].alg))),
            "", "shorter than its hash");
        keys_refuses(keys_text(keys_jwk_oct(unit_fill('s',
            rows[i].size - 1))), rows[i].alg, "shorter than its hash");

        jwk = keys_jwk_oct(unit_fill('s', rows[i].size));
        ring = keys_ring(keys_text(with(jwk, "alg",
            json_string(rows[i].alg))), "", 0);
        assert_non_null(agw_keyring_signer(ring));
        assert_null(keys_warning);
        agw_keyring_free(ring);
    }
}


/* P8.2 in a JWK too, and its newline is meant */

static void
oct_keys_that_are_no_secrets(void **state)
{
    agw_keyring_t  *ring;

    (void) state;

    keys_refuses(keys_text(keys_jwk_oct(keys_public_pem(keys_get("RSA")))),
        "", "never taken for a secret");
    keys_refuses(keys_text(keys_jwk_oct(keys_der(keys_get("P-256"),
        i2d_PUBKEY))), "", "never taken for a secret");
    keys_refuses(keys_text(keys_jwk_oct(keys_text(keys_jwk("Ed25519", 0)))),
        "", "never taken for a secret");

    ring = keys_ring(keys_text(keys_jwk_oct(
        unit_cat(unit_fill('s', 40), S("\n")))), "", 0);
    assert_null(keys_warning);
    agw_keyring_free(ring);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(a_member_of_another_form),
        unit_case(a_member_that_is_missing),
        unit_case(rfc7518_6_3_2_rsa_without_primes),
        unit_case(rfc7518_6_3_2_7_other_primes),
        unit_case(coordinates_have_the_size_of_the_field),
        unit_case(numbers_of_any_length),
        unit_case(halves_that_are_no_pair),
        unit_case(rsa_numbers_that_are_of_another_key),
        unit_case(p8_14_points_off_the_curve),
        unit_case(rfc7518_3_2_oct_is_as_long_as_its_hash),
        unit_case(oct_keys_that_are_no_secrets),
    };

    return cmocka_run_group_tests_name("jwk material", tests, NULL,
        keys_free_all);
}
