
/*
 * OpenSSL's decoders of private keys leave copies that they do not wipe; keys
 * that are built of numbers leave none.
 */


#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include "agw_pkey_build.h"


#define AGW_ED25519_SIZE  32


static int agw_rsa_is_whole(BIGNUM *const *number);
static int agw_is_inverse(const BIGNUM *a, const BIGNUM *b,
    const BIGNUM *modulus, BIGNUM *scratch, BN_CTX *ctx);
static int agw_ec_public(const char *curve, const BIGNUM *d,
    unsigned char *point, size_t *len);
static EVP_PKEY *agw_pkey_build(const char *type, int is_private,
    OSSL_PARAM_BLD *builder);


BIGNUM *
agw_secret_number(agw_str_t bytes)
{
    BIGNUM  *number;

    /* what OpenSSL derives from a secure number is secure: it is wiped */

    number = BN_secure_new();

    if (number != NULL
        && BN_bin2bn(bytes.data, (int) bytes.len, number) == NULL)
    {
        BN_clear_free(number);
        return NULL;
    }

    return number;
}


EVP_PKEY *
agw_pkey_build_rsa(BIGNUM *const *number, size_t n)
{
    size_t               i;
    EVP_PKEY            *pkey;
    OSSL_PARAM_BLD      *params;
    static const char *const  names[AGW_RSA_NUMBERS] = {
        OSSL_PKEY_PARAM_RSA_N,
        OSSL_PKEY_PARAM_RSA_E,
        OSSL_PKEY_PARAM_RSA_D,
        OSSL_PKEY_PARAM_RSA_FACTOR1,
        OSSL_PKEY_PARAM_RSA_FACTOR2,
        OSSL_PKEY_PARAM_RSA_EXPONENT1,
        OSSL_PKEY_PARAM_RSA_EXPONENT2,
        OSSL_PKEY_PARAM_RSA_COEFFICIENT1
    };

    if (n == AGW_RSA_NUMBERS && !agw_rsa_is_whole(number)) {
        return NULL;
    }

    pkey = NULL;
    params = OSSL_PARAM_BLD_new();

    for (i = 0; params != NULL && i < n; i++) {
        if (OSSL_PARAM_BLD_push_BN(params, names[i], number[i]) != 1) {
            goto done;
        }
    }

    pkey = agw_pkey_build("RSA", n > AGW_RSA_PUBLIC, params);

done:

    OSSL_PARAM_BLD_free(params);

    return pkey;
}


EVP_PKEY *
agw_pkey_build_ec(const char *curve, agw_str_t point, const BIGNUM *d)
{
    EVP_PKEY        *pkey;
    OSSL_PARAM_BLD  *params;
    unsigned char    own[1 + 2 * AGW_FIELD_MAX];

    if (point.len == 0) {
        point.data = own;

        if (d == NULL || agw_ec_public(curve, d, own, &point.len) != 0) {
            return NULL;
        }
    }

    pkey = NULL;
    params = OSSL_PARAM_BLD_new();

    if (params != NULL
        && OSSL_PARAM_BLD_push_utf8_string(params,
                          OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1
        && OSSL_PARAM_BLD_push_octet_string(params,
                          OSSL_PKEY_PARAM_PUB_KEY, point.data, point.len)
           == 1
        && (d == NULL
            || OSSL_PARAM_BLD_push_BN(params, OSSL_PKEY_PARAM_PRIV_KEY, d)
               == 1))
    {
        pkey = agw_pkey_build("EC", d != NULL, params);
    }

    OSSL_PARAM_BLD_free(params);

    return pkey;
}


EVP_PKEY *
agw_pkey_build_ed25519(agw_str_t x, agw_str_t d)
{
    size_t         len;
    EVP_PKEY      *pkey;
    unsigned char  own[AGW_ED25519_SIZE];

    if (d.len == 0) {
        return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x.data,
                                           x.len);
    }

    pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, d.data,
                                        d.len);
    len = sizeof(own);

    if (pkey == NULL || x.len == 0) {
        return pkey;
    }

    if (EVP_PKEY_get_raw_public_key(pkey, own, &len) != 1
        || len != x.len || memcmp(own, x.data, len) != 0)
    {
        EVP_PKEY_free(pkey);
        return NULL;
    }

    return pkey;
}


/*
 * Checks that n = pq, ed = 1 modulo p - 1 and q - 1, and what is derived of
 * them.  A test signature would not show a wrong number: OpenSSL corrects it.
 */

static int
agw_rsa_is_whole(BIGNUM *const *number)
{
    int       rc;
    BIGNUM   *product, *p1, *q1, *scratch;
    BN_CTX   *ctx;

    enum { N, E, D, P, Q, DP, DQ, QI };

    ctx = BN_CTX_secure_new();
    if (ctx == NULL) {
        return 0;
    }

    BN_CTX_start(ctx);

    product = BN_CTX_get(ctx);
    p1 = BN_CTX_get(ctx);
    q1 = BN_CTX_get(ctx);
    scratch = BN_CTX_get(ctx);

    rc = scratch != NULL
         && BN_mul(product, number[P], number[Q], ctx) == 1
         && BN_cmp(product, number[N]) == 0
         && BN_sub(p1, number[P], BN_value_one()) == 1
         && BN_sub(q1, number[Q], BN_value_one()) == 1
         && BN_cmp(p1, BN_value_one()) > 0
         && BN_cmp(q1, BN_value_one()) > 0
         && agw_is_inverse(number[E], number[D], p1, scratch, ctx)
         && agw_is_inverse(number[E], number[D], q1, scratch, ctx)
         && agw_is_inverse(number[E], number[DP], p1, scratch, ctx)
         && agw_is_inverse(number[E], number[DQ], q1, scratch, ctx)
         && agw_is_inverse(number[Q], number[QI], number[P], scratch, ctx);

    if (scratch != NULL) {
        BN_clear(product);
        BN_clear(p1);
        BN_clear(q1);
        BN_clear(scratch);
    }

    BN_CTX_end(ctx);
    BN_CTX_free(ctx);

    return rc;
}


/* whether a * b = 1 modulo modulus */

static int
agw_is_inverse(const BIGNUM *a, const BIGNUM *b, const BIGNUM *modulus,
    BIGNUM *scratch, BN_CTX *ctx)
{
    return BN_mod_mul(scratch, a, b, modulus, ctx) == 1
           && BN_is_one(scratch);
}


/* the uncompressed point that belongs to d; 0, or -1 */

static int
agw_ec_public(const char *curve, const BIGNUM *d, unsigned char *point,
    size_t *len)
{
    EC_GROUP  *group;
    EC_POINT  *public;

    group = EC_GROUP_new_by_curve_name(strcmp(curve, "P-256") == 0
                                       ? NID_X9_62_prime256v1
                                       : NID_secp384r1);
    public = group ? EC_POINT_new(group) : NULL;
    *len = 0;

    if (public != NULL
        && EC_POINT_mul(group, public, d, NULL, NULL, NULL) == 1)
    {
        *len = EC_POINT_point2oct(group, public,
                                  POINT_CONVERSION_UNCOMPRESSED, point,
                                  1 + 2 * AGW_FIELD_MAX, NULL);
    }

    EC_POINT_free(public);
    EC_GROUP_free(group);

    return *len > 1 ? 0 : -1;
}


static EVP_PKEY *
agw_pkey_build(const char *type, int is_private, OSSL_PARAM_BLD *builder)
{
    EVP_PKEY      *pkey;
    OSSL_PARAM    *params;
    EVP_PKEY_CTX  *ctx;

    pkey = NULL;
    params = builder ? OSSL_PARAM_BLD_to_param(builder) : NULL;
    ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (params == NULL || ctx == NULL
        || EVP_PKEY_fromdata_init(ctx) != 1
        || EVP_PKEY_fromdata(ctx, &pkey,
                             is_private ? EVP_PKEY_KEYPAIR
                                        : EVP_PKEY_PUBLIC_KEY, params) != 1)
    {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }

    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);

    return pkey;
}
