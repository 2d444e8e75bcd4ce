
/*
 * Signatures of every algorithm, made by OpenSSL with the parameters that
 * RFC 7518 gives.
 */


#ifndef SIGN_H_INCLUDED_
#define SIGN_H_INCLUDED_


#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include "keys.h"


static const struct {
    const char  *alg;
    const char  *type;
    const char  *digest;
    size_t       size;               /* of a signature, in bytes */
    int          salt;               /* of PSS */
} sign_algs[] = {
    { "HS256", "oct", "SHA256", 32, 0 },
    { "HS384", "oct", "SHA384", 48, 0 },
    { "HS512", "oct", "SHA512", 64, 0 },
    { "RS256", "RSA", "SHA256", 256, 0 },
    { "RS384", "RSA", "SHA384", 256, 0 },
    { "RS512", "RSA", "SHA512", 256, 0 },
    { "PS256", "RSA", "SHA256", 256, 32 },
    { "PS384", "RSA", "SHA384", 256, 48 },
    { "PS512", "RSA", "SHA512", 256, 64 },
    { "ES256", "P-256", "SHA256", 64, 0 },
    { "ES384", "P-384", "SHA384", 96, 0 },
    { "EdDSA", "Ed25519", NULL, 64, 0 },
    { "Ed25519", "Ed25519", NULL, 64, 0 },
};


static inline int
sign_is_mac(size_t i)
{
    return strcmp(sign_algs[i].type, "oct") == 0;
}


/* NULL for a secret */

static inline EVP_PKEY *
sign_key(size_t i)
{
    return sign_is_mac(i) ? NULL : keys_get(sign_algs[i].type);
}


/* a context of OpenSSL's own for row i */

static inline EVP_MD_CTX *
sign_context(size_t i, EVP_PKEY *pkey, int sign)
{
    const char    *digest;
    EVP_MD_CTX    *ctx;
    EVP_PKEY_CTX  *pctx;

    ctx = EVP_MD_CTX_new();
    digest = sign_algs[i].digest;

    assert_int_equal(sign
        ? EVP_DigestSignInit_ex(ctx, &pctx, digest, NULL, NULL, pkey, NULL)
        : EVP_DigestVerifyInit_ex(ctx, &pctx, digest, NULL, NULL, pkey, NULL),
        1);

    if (sign_algs[i].salt != 0) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx,
            RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx,
            sign_algs[i].salt), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md_name(pctx,
            sign_algs[i].digest, NULL), 1);
    }

    return ctx;
}


/* as a JWS has it; a secret is mint_secret('s'), and pkey NULL */

static inline agw_str_t
sign_by_openssl(size_t i, EVP_PKEY *pkey, agw_str_t data)
{
    agw_str_t             sig;
    ECDSA_SIG            *pair;
    EVP_MD_CTX           *ctx;
    unsigned char        *out;
    const unsigned char  *p;

    if (sign_is_mac(i)) {
        return mint_hmac(sign_algs[i].digest, mint_secret('s'), data);
    }

    sig.len = AGW_SIG_MAX;
    out = unit_alloc(sig.len);
    sig.data = out;
    ctx = sign_context(i, pkey, 1);
    assert_int_equal(EVP_DigestSign(ctx, out, &sig.len, data.data, data.len),
        1);
    EVP_MD_CTX_free(ctx);

    if (strncmp(sign_algs[i].alg, "ES", 2) == 0) {
        p = sig.data;
        pair = d2i_ECDSA_SIG(NULL, &p, (long) sig.len);
        sig.len = sign_algs[i].size;
        BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, (int) sig.len / 2);
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + sig.len / 2,
            (int) sig.len / 2);
        ECDSA_SIG_free(pair);
    }

    return unit_copy(sig);
}


/* a token whose bytes the right key has signed, whatever they are */

static inline agw_str_t
sign_segments(size_t i, EVP_PKEY *pkey, agw_str_t header, agw_str_t payload)
{
    agw_str_t  input;

    input = mint_dot(header, payload);

    return mint_dot(input, mint_base64url(sign_by_openssl(i, pkey, input)));
}


#endif /* SIGN_H_INCLUDED_ */
