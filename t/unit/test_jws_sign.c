
/*
 * Tokens of our own: read here by jansson and checked by OpenSSL, not by
 * the code that wrote them.
 */


#include <jansson.h>

#include "jws.h"


static const struct {
    const char  *alg;
    const char  *digest;
} algs[] = {
    { "HS256", "SHA256" },
    { "HS384", "SHA384" },
    { "HS512", "SHA512" },
};


static agw_keyring_t *
ring_of(const char *alg, agw_str_t kid, int verify)
{
    agw_keyring_t     *ring;
    agw_key_source_t   source;

    memset(&source, 0, sizeof(source));
    source.bytes = mint_secret('s');
    source.alg = unit_format("%s", alg);
    source.kid = kid;
    source.verify = verify != 0;

    ring = agw_keyring_create();
    assert_int_equal(agw_key_file_load(ring, &source, NULL, NULL), 0);

    return ring;
}


static agw_str_t
sign(const agw_keyring_t *ring, agw_str_t payload)
{
    size_t            size, len;
    agw_str_t         token;
    unsigned char    *out;
    const agw_key_t  *key;

    key = agw_keyring_signer(ring);
    size = agw_jws_size(key, payload.len);
    out = unit_alloc(size);

    assert_int_equal(agw_jws_sign(key, unit_copy(payload), out, &len), 0);
    mint_assert_no_errors("agw_jws_sign");
    assert_true(len <= size);

    token.len = len;
    token.data = out;

    return token;
}


/* the bytes of a segment, which has to be what they encode to */

static agw_str_t
decoded(agw_str_t segment)
{
    int             n;
    size_t          i;
    agw_str_t       s;
    unsigned char  *p, *out;

    s = unit_cat(segment, unit_fill('=', (4 - segment.len % 4) % 4));
    p = (unsigned char *) s.data;

    for (i = 0; i < s.len; i++) {
        p[i] = p[i] == '-' ? '+' : p[i] == '_' ? '/' : p[i];
    }

    out = unit_alloc(s.len);
    n = EVP_DecodeBlock(out, p, (int) s.len);
    assert_true(n >= 0);

    s.len = (size_t) n - (4 - segment.len % 4) % 4;
    s.data = out;
    unit_assert_str(mint_base64url(s), segment);

    return s;
}


static void
split(agw_str_t token, agw_str_t *segments)
{
    size_t  i, n;

    segments[0] = token;
    segments[0].len = 0;

    for (i = 0, n = 0; i < token.len; i++) {
        if (token.data[i] != '.') {
            segments[n].len++;
            continue;
        }

        n++;
        assert_true(n < 3);
        segments[n].len = 0;
        segments[n].data = &token.data[i + 1];
    }

    assert_int_equal(n, 2);
}


static void
assert_member(json_t *header, const char *name, agw_str_t wanted)
{
    json_t     *value;
    agw_str_t   s;

    value = json_object_get(header, name);
    assert_true(json_is_string(value));

    s.len = json_string_length(value);
    s.data = (const unsigned char *) json_string_value(value);
    unit_assert_str(s, wanted);
}


static void
d4_header(void **state)
{
    size_t                  i, j;
    json_t                 *header;
    agw_str_t               token, input, parts[3];
    agw_keyring_t          *ring;
    static const agw_str_t  kids[] = {
        agw_string("k1"), agw_string("2026-01"),
        agw_string("with'quotes'and/"), agw_string("!#%&{[(<>)]}^~"),
        agw_string("https://keys.example/?a=b&c=d"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(algs); i++) {
        for (j = 0; j < UNIT_COUNT(kids); j++) {
            ring = ring_of(algs[i].alg, kids[j], 0);
            token = sign(ring, S(JWS_PAYLOAD));
            split(token, parts);

            header = json_loadb((const char *) decoded(parts[0]).data,
                decoded(parts[0]).len, JSON_REJECT_DUPLICATES, NULL);
            assert_true(json_is_object(header));
            assert_int_equal(json_object_size(header), 3);
            assert_member(header, "alg", unit_format("%s", algs[i].alg));
            assert_member(header, "typ", S("JWT"));
            assert_member(header, "kid", kids[j]);
            json_decref(header);

            unit_assert_str(decoded(parts[1]), S(JWS_PAYLOAD));

            input = token;
            input.len -= parts[2].len + 1;
            unit_assert_str(parts[2], mint_base64url(
                mint_hmac(algs[i].digest, mint_secret('s'), input)));

            assert_int_equal(jws_verify(ring, token, S(JWS_PAYLOAD)),
                AGW_OK);
            agw_keyring_free(ring);
        }
    }
}


static void
payloads_of_every_length(void **state)
{
    size_t          n;
    uint32_t        seed;
    agw_str_t       payload;
    agw_keyring_t  *ring;

    (void) state;

    seed = 7515;
    ring = ring_of("HS512", UNIT_NONE, 0);

    for (n = 1; n < 300; n++) {
        payload = unit_fill((int) (unit_random(&seed) & 0xff), n);
        assert_int_equal(jws_verify(ring, sign(ring, payload), payload),
            AGW_OK);
    }

    agw_keyring_free(ring);
}


/* the longest kid that a configuration takes */

static void
the_size_always_suffices(void **state)
{
    agw_str_t       token;
    agw_keyring_t  *ring;

    (void) state;

    ring = ring_of("HS512", unit_fill('/', AGW_KID_MAX), 0);
    token = sign(ring, unit_fill('p', 2000));
    assert_int_equal(jws_verify(ring, token, unit_fill('p', 2000)), AGW_OK);
    agw_keyring_free(ring);
}


static void
d3_a_verify_key_signs_no_token(void **state)
{
    size_t            len;
    unsigned char    *out;
    agw_keyring_t    *ring;
    const agw_key_t  *key;

    (void) state;

    ring = ring_of("HS256", S("k1"), 1);
    key = agw_keyring_key(ring, 0);
    out = unit_alloc(agw_jws_size(key, 11));

    assert_int_equal(agw_jws_sign(key, S(JWS_PAYLOAD), out, &len), -1);
    mint_assert_no_errors("agw_jws_sign");

    agw_keyring_free(ring);
}


/* rotation: what was signed before the switch verifies after it */

static void
d4_rotation(void **state)
{
    agw_str_t       before, after;
    agw_keyring_t  *old, *both, *new;

    (void) state;

    old = agw_keyring_create();
    jws_load(old, "2025", "HS256", 'o', 0);
    jws_load(old, "2026", "HS384", 'n', 1);

    both = agw_keyring_create();
    jws_load(both, "2026", "HS384", 'n', 0);
    jws_load(both, "2025", "HS256", 'o', 1);

    new = agw_keyring_create();
    jws_load(new, "2026", "HS384", 'n', 0);

    before = sign(old, S("{\"n\":1}"));
    after = sign(both, S("{\"n\":2}"));

    assert_int_equal(jws_verify(old, before, S("{\"n\":1}")), AGW_OK);
    assert_int_equal(jws_verify(both, before, S("{\"n\":1}")), AGW_OK);
    assert_int_equal(jws_verify(new, before, UNIT_NONE), AGW_UNKNOWN_KEY);

    assert_int_equal(jws_verify(old, after, S("{\"n\":2}")), AGW_OK);
    assert_int_equal(jws_verify(both, after, S("{\"n\":2}")), AGW_OK);
    assert_int_equal(jws_verify(new, after, S("{\"n\":2}")), AGW_OK);

    agw_keyring_free(old);
    agw_keyring_free(both);
    agw_keyring_free(new);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d4_header),
        unit_case(payloads_of_every_length),
        unit_case(the_size_always_suffices),
        unit_case(d3_a_verify_key_signs_no_token),
        unit_case(d4_rotation),
    };

    return cmocka_run_group_tests_name("jws sign", tests, NULL, NULL);
}
