
/*
 * Raw secrets: none by itself, and each where the configuration says so.  The
 * stories: a proxy's error page became a secret that anybody can read; and a
 * gateway that guessed at what is a key of another form refused one good
 * secret in 16,700.
 */


#include "keys.h"

#include "agw_key_format.h"


static const char *const  algs[] = { "HS256", "HS384", "HS512" };


/* with an algorithm, and only with one that is HMAC's */

static void
is_secret(agw_str_t file, const char *label)
{
    size_t          i;
    agw_str_t       text;
    agw_keyring_t  *ring;

    file = unit_copy(file);

    unit_assert(agw_key_format(file, &text) == AGW_FORMAT_BYTES,
        "no secret: %s, %zu bytes", label, file.len);
    mint_assert_no_errors("agw_key_format");

    assert_true(file.len >= 64);

    for (i = 0; i < UNIT_COUNT(algs); i++) {
        ring = keys_ring(file, algs[i], 0);
        assert_string_equal(keys_took, "a raw secret");
        unit_assert_str(agw_key_alg(agw_keyring_signer(ring))->name,
            unit_format("%s", algs[i]));
        agw_keyring_free(ring);
    }

    keys_refuses(file, "", NULL);
    keys_refuses(file, "ES256", NULL);
    keys_refuses(file, "none", "unknown algorithm");
}


/*
 * What programs leave in the place of a key: without alg= none of it is a
 * key, and the message says what may be there.
 */

static void
d3_nothing_is_a_secret_by_itself(void **state)
{
    size_t                  i;
    static const agw_str_t  rows[] = {
        agw_string(""), agw_string("\n"), agw_string("${JWT_SECRET}"),
        agw_string("upstream connect error or disconnect/reset before "
                   "headers. reset reason: connection failure\n"),
        agw_string("$ANSIBLE_VAULT;1.1;AES256\n62313365396662343061393464336"
                   "163383764373764613633653634306231386433626436623361310a"),
        agw_string("age-encryption.org/v1\n-> X25519 oFaQZ6rZ1X2Oz7c7Y0Hc6Fy"
                   "ZJ5iJY3Yt2vq8m8d8hQU\n"),
        agw_string("data: ENC[AES256_GCM,data:CZp7bDnmQ2NcqVw0ECQY3w==,iv:a"
                   "=,tag:b=,type:str]\nsops:\n    kms: []\n"),
        agw_string("404: Not Found\n404: Not Found\n404: Not Found\n404: No"),
        agw_string("ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAA"),
        agw_string("# the key\n-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0C"),
        agw_string("correct horse battery staple correct horse battery stap"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        keys_refuses(rows[i], "", "alg=HS256");
        assert_non_null(strstr(keys_error, "PEM"));
        assert_non_null(strstr(keys_error, "JWK Set"));
        keys_refuses(rows[i], "RS256", "alg=HS256");
        keys_refuses(rows[i], "EdDSA", "alg=HS256");
    }

    for (i = 0; i < 256; i++) {
        keys_refuses(unit_fill((int) i, 64), "", NULL);

        if (i != '<') {
            is_secret(unit_fill((int) i, 64), "one byte");
        }
    }

    /* JSON that is broken is said to be that */

    keys_refuses(unit_cat(S("{\"keys\":["), unit_fill('1', 64)), "",
        "neither a JWK nor a JWK Set (RFC 7517");
}


/* nothing but what is named in design: no fragments, no other encodings */

static void
d4_no_cleverer_guessing(void **state)
{
    size_t                  i;
    agw_str_t               der, pem;
    static const agw_str_t  rows[] = {
        agw_string("{"), agw_string("["), agw_string("\""),
        agw_string("{\"kty\":\"oct\",\"k\":\""), agw_string("-----"),
        agw_string("\xff\xfe-\0-\0"), agw_string("---- BEGIN SSH2"),
        agw_string("sk-"), agw_string("eyJ"), agw_string("LS0tLS1CRUdJTi"),
        agw_string("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"),
        agw_string("AAAAB3NzaC1"), agw_string("-----END"),
        agw_string("\x30\x59\x30\x13\x06\x07"), agw_string("\x30\x3e\x02\x01"),
        agw_string("<\0"), agw_string("<\x7f"), agw_string("<\xff"),
        agw_string("1"), agw_string("-1"), agw_string("0.5e"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        is_secret(unit_cat(rows[i], unit_fill('A', 64)),
            (const char *) rows[i].data);
    }

    is_secret(unit_repeat(S("1234567890"), 10), "digits, a number of JSON");
    is_secret(unit_repeat(S("9"), 400), "a number out of range");
    is_secret(unit_cat(S("1e"), unit_repeat(S("0"), 64)), "a real");

    /* DER that is not whole, or goes on; PEM that begins later */

    der = keys_der(keys_get("RSA"), i2d_PUBKEY);
    is_secret(unit_cat(der, S("x")), "DER and more");
    der.len--;
    is_secret(der, "DER cut short");
    is_secret(mint_base64(der), "base64 of DER");

    pem = keys_public_pem(keys_get("RSA"));
    pem.data++;
    pem.len--;
    is_secret(pem, "PEM without its first character");
}


static int
is_bytes(agw_str_t secret)
{
    agw_str_t  text;

    return agw_key_format(secret, &text) == AGW_FORMAT_BYTES;
}


/* in base64, standard and for URLs, in hex, and as it is */

static size_t
others_among(agw_str_t secret)
{
    size_t         i, others;
    agw_str_t      text;
    char           hex[129];
    unsigned char  base64[96];

    others = !is_bytes(secret);

    text.data = base64;
    text.len = (size_t) EVP_EncodeBlock(base64, secret.data,
                                        (int) secret.len);
    others += !is_bytes(text);

    for (i = 0; i < text.len; i++) {
        base64[i] = base64[i] == '+' ? '-' : base64[i] == '/' ? '_'
                    : base64[i];
    }

    others += !is_bytes(text);

    for (i = 0; i < secret.len; i++) {
        snprintf(hex + 2 * i, 3, "%02x", secret.data[i]);
    }

    text.data = (unsigned char *) hex;
    text.len = 2 * secret.len;

    return others + !is_bytes(text);
}


/*
 * The same bytes each time: of those that begin as a DER key, one in a million
 * is one.
 */

static void
fill(uint32_t *seed, unsigned char *raw, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        raw[i] = (unsigned char) (unit_random(seed) >> 8);
    }
}


/*
 * `openssl rand`, with -hex and -base64, draws secrets, and each is taken.
 * AGW_SECRETS is how many are tried: a million once, fewer each time.
 */

static void
d4_random_secrets_are_secrets(void **state)
{
    long            i, count;
    size_t          others;
    uint32_t        seed;
    agw_str_t       secret;
    const char     *wanted;
    unsigned char   raw[64];

    (void) state;

    seed = 2104;
    wanted = getenv("AGW_SECRETS");
    count = wanted ? atol(wanted) : 30000;
    others = 0;
    secret.data = raw;

    for (i = 0; i < count; i++) {
        secret.len = i % 4 ? 32 : 32 + (size_t) i / 4 % 33;

        fill(&seed, raw, secret.len);
        others += others_among(secret);
    }

    assert_int_equal(others, 0);
}


/* each first byte, and what begins as another form does, much more often */

static void
d4_secrets_that_begin_as_a_key(void **state)
{
    size_t                  i, j, others;
    uint32_t                seed;
    agw_str_t               secret;
    unsigned char           raw[64];
    static const agw_str_t  heads[] = {
        agw_string("{"), agw_string("["), agw_string("\""), agw_string("<"),
        agw_string("{\""), agw_string("\x30\x1e"), agw_string("\x30\x3e"),
        agw_string("\x30\x1e\x02"), agw_string("\x30\x1e\x06"),
        agw_string("\x30\x1e\x30"), agw_string("\x30\x80"),
        agw_string("\xef\xbb\xbf"), agw_string("\xef\xbb\xbf{"),
        agw_string(" \n"), agw_string("-----"), agw_string("ss"),
        agw_string("\xff\xfe"), agw_string("\xfe\xff"),
    };

    (void) state;

    seed = 3447;
    others = 0;
    secret.data = raw;
    secret.len = 32;

    for (i = 0; i < 256 + UNIT_COUNT(heads); i++) {
        for (j = 0; j < 100; j++) {
            fill(&seed, raw, sizeof(raw));

            if (i < 256) {
                raw[0] = (unsigned char) i;

            } else {
                memcpy(raw, heads[i - 256].data, heads[i - 256].len);
            }

            others += !is_bytes(secret);
        }
    }

    assert_int_equal(others, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d3_nothing_is_a_secret_by_itself),
        unit_case(d4_no_cleverer_guessing),
        unit_case(d4_random_secrets_are_secrets),
        unit_case(d4_secrets_that_begin_as_a_key),
    };

    return cmocka_run_group_tests_name("key secrets", tests, NULL,
        keys_free_all);
}
