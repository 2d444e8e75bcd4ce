
/*
 * Each algorithm there and back, and to OpenSSL with the parameters that RFC
 * 7518 gives: what is signed here others verify, and the reverse.
 */


#include "sign.h"


#define DATA   "eyJhbGciOiJub25lIn0.e30"


static agw_str_t
private_file(size_t i)
{
    return sign_is_mac(i)
        ? mint_secret('s') : keys_private_pem(sign_key(i), NULL);
}


static agw_str_t
public_file(size_t i)
{
    return sign_is_mac(i)
        ? mint_secret('s') : keys_public_pem(sign_key(i));
}


static agw_str_t
signed_here(const agw_keyring_t *ring, agw_str_t data)
{
    size_t            len;
    unsigned char    *out;
    const agw_key_t  *key;

    key = agw_keyring_signer(ring);
    assert_non_null(key);

    out = unit_alloc(AGW_SIG_MAX);
    assert_int_equal(agw_key_sign(key, unit_copy(data), out, &len), 0);
    mint_assert_no_errors("agw_key_sign");
    assert_int_equal(len, agw_key_sig_size(key));

    return unit_copy((agw_str_t) { len, out });
}


/* r and s side by side into DER, by OpenSSL */

static agw_str_t
der_of(agw_str_t raw)
{
    int             n;
    BIGNUM         *r, *s;
    agw_str_t       der;
    ECDSA_SIG      *sig;
    unsigned char  *p;

    r = BN_bin2bn(raw.data, (int) raw.len / 2, NULL);
    s = BN_bin2bn(raw.data + raw.len / 2, (int) raw.len / 2, NULL);
    sig = ECDSA_SIG_new();
    assert_int_equal(ECDSA_SIG_set0(sig, r, s), 1);

    p = NULL;
    n = i2d_ECDSA_SIG(sig, &p);
    der = unit_copy((agw_str_t) { (size_t) n, p });
    OPENSSL_free(p);
    ECDSA_SIG_free(sig);

    return der;
}


static void
openssl_verifies(size_t i, agw_str_t data, agw_str_t sig)
{
    EVP_MD_CTX  *ctx;

    if (sign_is_mac(i)) {
        unit_assert_str(sig,
            mint_hmac(sign_algs[i].digest, mint_secret('s'), data));
        return;
    }

    if (strncmp(sign_algs[i].alg, "ES", 2) == 0) {
        sig = der_of(sig);
    }

    ctx = sign_context(i, keys_get(sign_algs[i].type), 0);
    unit_assert(EVP_DigestVerify(ctx, sig.data, sig.len, data.data, data.len)
        == 1, "OpenSSL refuses: %s", sign_algs[i].alg);
    EVP_MD_CTX_free(ctx);
}


static int
verifies(const agw_keyring_t *ring, agw_str_t data, agw_str_t sig)
{
    int  rc;

    rc = agw_key_verify(agw_keyring_key(ring, 0), unit_copy(data),
        unit_copy(sig));
    mint_assert_no_errors("agw_key_verify");
    assert_true(rc == AGW_SIGNATURE_VALID || rc == AGW_SIGNATURE_INVALID);

    return rc == AGW_SIGNATURE_VALID;
}


static void
each_algorithm_there_and_back(void **state)
{
    size_t          i, n;
    agw_str_t       sig, data;
    agw_keyring_t  *private, *public;

    (void) state;

    for (i = 0; i < UNIT_COUNT(sign_algs); i++) {
        private = keys_ring(private_file(i), sign_algs[i].alg, 0);
        public = keys_ring(public_file(i), sign_algs[i].alg, 1);
        assert_int_equal(agw_key_sig_size(agw_keyring_key(public, 0)),
            sign_algs[i].size);

        for (n = 0; n < 40; n++) {
            data = unit_fill('d', n * n);
            sig = signed_here(private, data);
            assert_int_equal(sig.len, sign_algs[i].size);
            openssl_verifies(i, data, sig);
            assert_true(verifies(private, data, sig));
            assert_true(verifies(public, data, sig));

            sig = sign_by_openssl(i, sign_key(i), data);
            assert_true(verifies(private, data, sig));
            assert_true(verifies(public, data, sig));
        }

        agw_keyring_free(private);
        agw_keyring_free(public);
        unit_free_all(NULL);
    }
}


static void
p8_18_every_bit_counts(void **state)
{
    size_t          i, j;
    agw_str_t       sig, bad, data;
    agw_keyring_t  *ring;

    (void) state;

    for (i = 0; i < UNIT_COUNT(sign_algs); i++) {
        ring = keys_ring(private_file(i), sign_algs[i].alg, 0);
        sig = signed_here(ring, S(DATA));

        for (j = 0; j < sig.len * 8; j++) {
            bad = unit_copy(sig);
            ((unsigned char *) bad.data)[j / 8] ^=
                (unsigned char) (1 << j % 8);
            unit_assert(!verifies(ring, S(DATA), bad), "%s: bit %zu",
                sign_algs[i].alg, j);
        }

        data = S(DATA);

        for (j = 0; j < data.len * 8; j++) {
            bad = unit_copy(data);
            ((unsigned char *) bad.data)[j / 8] ^=
                (unsigned char) (1 << j % 8);
            assert_false(verifies(ring, bad, sig));
        }

        for (j = 0; j < sig.len; j++) {
            bad = sig;
            bad.len = j;
            assert_false(verifies(ring, S(DATA), bad));
        }

        assert_false(verifies(ring, S(DATA), unit_cat(sig, S("\0"))));
        assert_false(verifies(ring, S(DATA), unit_cat(S("\0"), sig)));
        assert_false(verifies(ring, S(DATA), unit_cat(sig, sig)));
        assert_false(verifies(ring, S(DATA), unit_fill(0, sig.len)));
        assert_false(verifies(ring, S(DATA), unit_fill(0xff, sig.len)));
        assert_false(verifies(ring, UNIT_NONE, sig));
        assert_true(verifies(ring, S(DATA), sig));

        agw_keyring_free(ring);
        unit_free_all(NULL);
    }
}


/*
 * One key, one algorithm: another's signature by the same key is none.  Only
 * their names differ in two of them, and a header has the name.
 */

static void
p8_2_algorithms_do_not_mix(void **state)
{
    int             same;
    size_t          i, j;
    agw_str_t       sig;
    agw_keyring_t  *ring;

    (void) state;

    for (i = 0; i < UNIT_COUNT(sign_algs); i++) {
        ring = keys_ring(public_file(i), sign_algs[i].alg, 1);

        for (j = 0; j < UNIT_COUNT(sign_algs); j++) {
            sig = sign_by_openssl(j, sign_key(j), S(DATA));
            same = i == j || (strncmp(sign_algs[i].alg, "Ed", 2) == 0
                              && strncmp(sign_algs[j].alg, "Ed", 2) == 0);
            unit_assert(verifies(ring, S(DATA), sig) == same,
                "%s's by %s", sign_algs[j].alg, sign_algs[i].alg);
        }

        agw_keyring_free(ring);
    }
}


/* RFC 7518, section 3.5: the salt is as long as the hash */

static void
rfc7518_3_5_salt(void **state)
{
    int             salt;
    size_t          i, len;
    agw_str_t       data;
    EVP_MD_CTX     *ctx;
    EVP_PKEY_CTX   *pctx;
    agw_keyring_t  *ring;
    unsigned char   out[AGW_SIG_MAX];

    (void) state;

    data = S(DATA);

    for (i = 6; i < 9; i++) {
        ring = keys_ring(public_file(i), sign_algs[i].alg, 1);

        for (salt = 0; salt <= 96; salt += 8) {
            ctx = EVP_MD_CTX_new();
            len = sizeof(out);
            assert_int_equal(EVP_DigestSignInit_ex(ctx, &pctx,
                sign_algs[i].digest, NULL, NULL, keys_get("RSA"), NULL), 1);
            EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
            EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, salt);
            assert_int_equal(EVP_DigestSign(ctx, out, &len, data.data,
                data.len), 1);
            EVP_MD_CTX_free(ctx);

            unit_assert(verifies(ring, data, (agw_str_t) { len, out })
                == (salt == sign_algs[i].salt), "%s: a salt of %d",
                sign_algs[i].alg, salt);
        }

        agw_keyring_free(ring);
    }
}


static void
another_key_of_the_type(void **state)
{
    size_t              i;
    agw_keyring_t      *ring;
    static const char  *others[] = {
        "RSA'", "P-256'", "P-384'", "Ed25519'",
    };
    static const size_t  rows[] = { 3, 9, 10, 11 };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        ring = keys_ring(public_file(rows[i]), sign_algs[rows[i]].alg, 1);
        assert_false(verifies(ring, S(DATA), sign_by_openssl(rows[i],
            keys_get(others[i]), S(DATA))));
        agw_keyring_free(ring);
    }
}


static void
d3_verify_keys_never_sign(void **state)
{
    size_t            i, j, len;
    agw_keyring_t    *rings[2];
    unsigned char     out[AGW_SIG_MAX];
    const agw_key_t  *key;

    (void) state;

    for (i = 0; i < UNIT_COUNT(sign_algs); i++) {
        rings[0] = keys_ring(private_file(i), sign_algs[i].alg, 1);
        rings[1] = keys_ring(public_file(i), sign_algs[i].alg, 1);

        for (j = 0; j < 2; j++) {
            key = agw_keyring_key(rings[j], 0);
            assert_null(agw_keyring_signer(rings[j]));
            assert_false(agw_key_signs(key));
            assert_int_equal(agw_key_sign(key, S(DATA), out, &len), -1);
            mint_assert_no_errors("agw_key_sign");
            agw_keyring_free(rings[j]);
        }

        /* and a public key cannot be asked to */

        if (!sign_is_mac(i)) {
            rings[0] = agw_keyring_create();
            assert_int_equal(keys_load(rings[0], public_file(i),
                sign_algs[i].alg, "", 0), -1);
            assert_non_null(strstr(keys_error, "verify"));
            agw_keyring_free(rings[0]);
        }
    }
}


/* whether its file has to be kept from others */

static void
what_is_secret(void **state)
{
    size_t          i;
    agw_keyring_t  *ring;

    (void) state;

    for (i = 0; i < UNIT_COUNT(sign_algs); i++) {
        ring = keys_ring(private_file(i), sign_algs[i].alg, 1);
        assert_true(agw_key_is_secret(agw_keyring_key(ring, 0)));
        agw_keyring_free(ring);

        ring = keys_ring(public_file(i), sign_algs[i].alg, 1);
        assert_int_equal(!agw_key_is_secret(agw_keyring_key(ring, 0)),
            !sign_is_mac(i));
        agw_keyring_free(ring);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(each_algorithm_there_and_back),
        unit_case(p8_18_every_bit_counts),
        unit_case(p8_2_algorithms_do_not_mix),
        unit_case(rfc7518_3_5_salt),
        unit_case(another_key_of_the_type),
        unit_case(d3_verify_keys_never_sign),
        unit_case(what_is_secret),
    };

    return cmocka_run_group_tests_name("signature", tests, NULL,
        keys_free_all);
}
