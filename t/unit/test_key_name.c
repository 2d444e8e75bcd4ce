
/*
 * What a key is called, whose it is, and whether it may sign.  The story: a
 * kid stands in every token, so whatever it is made of is public.  A plain
 * digest of a long secret would be worse than a hint: HMAC replaces a key
 * that is longer than its block by that very digest (RFC 2104, section 2).
 */


#include <ctype.h>

#include "mint.h"

#include "agw_key.h"


static agw_key_t *
load(agw_str_t secret, const char *alg, agw_str_t kid, int verify)
{
    agw_key_t         *key;
    const char        *error;
    agw_key_source_t   source;

    memset(&source, 0, sizeof(source));
    source.bytes = secret;
    source.alg = unit_format("%s", alg);
    source.kid = kid;
    source.verify = verify != 0;

    key = agw_key_from_secret(&source, &error);
    assert_non_null(key);

    return key;
}


/* the name that a secret gets by itself */

static agw_str_t
name_of(agw_str_t secret, const char *alg)
{
    agw_str_t   kid;
    agw_key_t  *key;

    key = load(secret, alg, UNIT_NONE, 0);
    kid = unit_copy(agw_key_kid(key));
    agw_key_free(key);

    return kid;
}


static int
contains(agw_str_t s, agw_str_t part)
{
    size_t  i;

    for (i = 0; i + part.len <= s.len; i++) {
        if (memcmp(&s.data[i], part.data, part.len) == 0) {
            return 1;
        }
    }

    return 0;
}


static agw_str_t
hex(agw_str_t s)
{
    size_t     i;
    agw_str_t  text;

    text = unit_fill(0, 0);

    for (i = 0; i < s.len; i++) {
        text = unit_cat(text, unit_format("%02x", s.data[i]));
    }

    return text;
}


/* neither the bytes nor a start of them, in any common spelling */

static void
does_not_show(agw_str_t kid, agw_str_t bytes, const char *label)
{
    size_t     i;
    agw_str_t  spellings[4];

    spellings[0] = bytes;
    spellings[1] = mint_base64url(bytes);
    spellings[2] = mint_base64(bytes);
    spellings[3] = hex(bytes);

    for (i = 0; i < UNIT_COUNT(spellings); i++) {
        if (spellings[i].len > 8) {
            spellings[i].len = 8;
        }

        unit_assert(!contains(kid, spellings[i]), "%.*s shows %s",
            UNIT_ARG(kid), label);
    }
}


static agw_str_t
digest(const char *name, agw_str_t data)
{
    unsigned       n;
    agw_str_t      s;
    unsigned char  md[EVP_MAX_MD_SIZE];

    assert_int_equal(EVP_Digest(data.data, data.len, md, &n,
        EVP_get_digestbyname(name), NULL), 1);

    s.len = n;
    s.data = md;

    return unit_copy(s);
}


static void
d4_name_does_not_tell_the_secret(void **state)
{
    size_t              i, j;
    uint32_t            seed;
    agw_str_t           secret, kid;
    static const char  *digests[] = { "SHA1", "SHA256", "SHA384", "SHA512" };

    (void) state;

    seed = 7638;

    for (i = 64; i < 140; i++) {
        secret = unit_fill(0, i);

        for (j = 0; j < i; j++) {
            ((unsigned char *) secret.data)[j] =
                (unsigned char) (unit_random(&seed) >> 8);
        }

        kid = name_of(secret, "HS256");
        does_not_show(kid, secret, "the secret");

        /* the HMAC key itself, where the secret is longer than a block */

        for (j = 0; j < UNIT_COUNT(digests); j++) {
            does_not_show(kid, digest(digests[j], secret), digests[j]);
        }

        /* RFC 7638, section 7: not the thumbprint of an oct key */

        does_not_show(kid, digest("SHA256", unit_format(
            "{\"k\":\"%.*s\",\"kty\":\"oct\"}",
            UNIT_ARG(mint_base64url(secret)))), "the thumbprint");

        unit_free_all(NULL);
    }
}


static void
d4_name_is_stable(void **state)
{
    size_t     i, n;
    agw_str_t  secret, kid, other;

    (void) state;

    secret = mint_secret('q');
    kid = name_of(secret, "HS256");

    unit_assert_str(name_of(unit_copy(secret), "HS256"), kid);
    unit_assert_str(name_of(unit_copy(secret), ""), kid);

    /* long enough that two do not meet, and fit for JSON and a log line */

    assert_in_range(kid.len, 16, AGW_KID_MAX);

    for (i = 0; i < kid.len; i++) {
        assert_true(isalnum(kid.data[i]) || kid.data[i] == '-'
            || kid.data[i] == '_');
    }

    /* each bit of the secret counts */

    for (i = 0; i < secret.len * 8; i++) {
        other = unit_copy(secret);
        ((unsigned char *) other.data)[i / 8] ^= (unsigned char) (1 << i % 8);
        assert_false(agw_str_eq(name_of(other, "HS256"), kid));
    }

    /* and each of its bytes */

    for (n = 32; n < secret.len; n++) {
        other = secret;
        other.len = n;
        assert_false(agw_str_eq(name_of(other, "HS256"), kid));
    }
}


static void
a_given_name_is_kept(void **state)
{
    size_t                  i;
    agw_key_t              *key;
    static const agw_str_t  kids[] = {
        agw_string("k"), agw_string("2026-01"), agw_string("a,b"),
        agw_string("../key"), agw_string("!#$%&'()*+,-./:;<=>?@[]^_`{|}~"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(kids); i++) {
        key = load(mint_secret('s'), "HS512", kids[i], 0);
        unit_assert_str(agw_key_kid(key), kids[i]);
        assert_int_equal(agw_key_issuer(key).len, 0);
        agw_key_free(key);
    }

    key = load(mint_secret('s'), "HS256", unit_fill('k', AGW_KID_MAX), 0);
    assert_int_equal(agw_key_kid(key).len, AGW_KID_MAX);
    agw_key_free(key);
}


static void
refuses_kid(agw_str_t kid)
{
    agw_key_t         *key;
    const char        *error;
    agw_key_source_t   source;

    memset(&source, 0, sizeof(source));
    source.bytes = mint_secret('s');
    source.kid = unit_copy(kid);

    error = NULL;
    key = agw_key_from_secret(&source, &error);
    agw_key_free(key);

    unit_assert(key == NULL, "accepted: %.*s", UNIT_ARG(kid));
    assert_non_null(strstr(error, "kid"));
    mint_assert_no_errors("agw_key_from_secret");
}


/* it stands in headers, logs and JSON, none of which has to escape it */

static void
a_name_is_printable_ascii(void **state)
{
    int        i;
    agw_str_t  kid;

    (void) state;

    for (i = 0; i < 256; i++) {
        kid = unit_cat(unit_cat(S("k"), unit_fill(i, 1)), S("1"));

        if (i > 0x20 && i < 0x7f && i != '"' && i != '\\') {
            agw_key_free(load(mint_secret('s'), "HS256", kid, 0));
            continue;
        }

        refuses_kid(kid);
        refuses_kid(unit_fill(i, 1));
        refuses_kid(unit_cat(S("k"), unit_fill(i, 1)));
        unit_free_all(NULL);
    }

    refuses_kid(unit_fill('k', AGW_KID_MAX + 1));
    refuses_kid(unit_fill('k', 5000));
}


static void
d3_a_verify_key_never_signs(void **state)
{
    size_t          len;
    agw_str_t       data, sig;
    agw_key_t      *signer, *verifier;
    unsigned char   out[AGW_SIG_MAX];

    (void) state;

    data = S("e30.e30");
    signer = load(mint_secret('s'), "HS384", UNIT_NONE, 0);
    verifier = load(mint_secret('s'), "HS384", UNIT_NONE, 1);

    assert_true(agw_key_signs(signer));
    assert_false(agw_key_signs(verifier));

    /* the switch of a rotation does not rename the key */

    unit_assert_str(agw_key_kid(verifier), agw_key_kid(signer));

    assert_int_equal(agw_key_sign(verifier, data, out, &len), -1);
    mint_assert_no_errors("agw_key_sign");

    assert_int_equal(agw_key_sign(signer, data, out, &len), 0);
    assert_int_equal(len, 48);

    sig.len = len;
    sig.data = out;
    assert_int_equal(agw_key_verify(verifier, data, sig), 0);
    assert_int_equal(agw_key_verify(signer, data, sig), 0);

    agw_key_free(signer);
    agw_key_free(verifier);
}


static void
another_issuers_key(void **state)
{
    agw_key_t         *key;
    agw_str_t          issuer;
    const char        *error;
    agw_key_source_t   source;

    (void) state;

    issuer = unit_copy(S("https://other.example/"));

    memset(&source, 0, sizeof(source));
    source.bytes = mint_secret('o');
    source.issuer = issuer;
    source.verify = 1;

    key = agw_key_from_secret(&source, &error);
    assert_non_null(key);

    memset((unsigned char *) issuer.data, 'x', issuer.len);
    unit_assert_str(agw_key_issuer(key), S("https://other.example/"));
    assert_false(agw_key_signs(key));

    agw_key_free(key);
    agw_key_free(NULL);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d4_name_does_not_tell_the_secret),
        unit_case(d4_name_is_stable),
        unit_case(a_given_name_is_kept),
        unit_case(a_name_is_printable_ascii),
        unit_case(d3_a_verify_key_never_signs),
        unit_case(another_issuers_key),
    };

    return cmocka_run_group_tests_name("key name", tests, NULL, NULL);
}
