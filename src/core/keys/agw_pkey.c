
/*
 * A key is checked once, when the configuration is read, and not while
 * serving.
 */


#include <openssl/core_names.h>
#include <openssl/err.h>

#include "agw_ed25519.h"
#include "agw_pkey.h"


#define AGW_GROUP_NAME_MAX     64
#define AGW_RSA_EXPONENT_MAX   64    /* bits; long ones make work */


static const char *agw_pkey_curve(EVP_PKEY *pkey);
static const char *agw_rsa_refusal(EVP_PKEY *pkey);
static int agw_pkey_is_valid(EVP_PKEY *pkey);


const agw_alg_t *
agw_pkey_default_alg(EVP_PKEY *pkey, const char **error)
{
    const char       *curve;
    const agw_alg_t  *alg;

    alg = NULL;
    curve = agw_pkey_curve(pkey);

    if (EVP_PKEY_is_a(pkey, "RSA")) {
        alg = agw_alg_default(AGW_KTY_RSA, NULL);

    } else if (EVP_PKEY_is_a(pkey, "EC") && curve != NULL) {
        alg = agw_alg_default(AGW_KTY_EC, curve);

    } else if (EVP_PKEY_is_a(pkey, "ED25519")) {
        alg = agw_alg_default(AGW_KTY_OKP, "Ed25519");
    }

    *error = alg ? NULL : AGW_PKEY_OTHER_TYPE;

    return alg;
}


const char *
agw_pkey_refusal(EVP_PKEY *pkey, const agw_alg_t *alg)
{
    const char  *curve, *error;

    switch (alg->kty) {

    case AGW_KTY_RSA:

        if (!EVP_PKEY_is_a(pkey, "RSA")) {
            return "the key does not fit its algorithm; for RS* and PS* it "
                   "must be an RSA key (rsaEncryption)";
        }

        error = agw_rsa_refusal(pkey);
        if (error != NULL) {
            return error;
        }

        break;

    case AGW_KTY_EC:

        curve = EVP_PKEY_is_a(pkey, "EC") ? agw_pkey_curve(pkey) : NULL;

        if (curve == NULL || strcmp(curve, alg->curve) != 0) {
            return "the key does not fit its algorithm; it must be on P-256 "
                   "for ES256, on P-384 for ES384";
        }

        break;

    case AGW_KTY_OKP:

        if (!EVP_PKEY_is_a(pkey, "ED25519")) {
            return "the key does not fit its algorithm; for EdDSA and Ed25519 "
                   "it must be an Ed25519 key";
        }

        return agw_ed25519_is_sound(pkey)
               ? NULL : "the Ed25519 key is one under which anybody can "
                        "sign, or is not in its one encoding";

    default:
        return "the key does not fit its algorithm; for HS* it must be a "
               "secret";
    }

    return agw_pkey_is_valid(pkey)
           ? NULL : "the public key is not a valid one of its type";
}


int
agw_pkey_order(EVP_PKEY *pkey, unsigned char *order, size_t size)
{
    int      rc;
    BIGNUM  *n;

    n = NULL;

    rc = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_ORDER, &n) == 1
         && BN_bn2binpad(n, order, (int) size) == (int) size;

    BN_free(n);

    return rc ? 0 : -1;
}


/* the name in a JWK of an EC key's curve, or NULL for another curve */

static const char *
agw_pkey_curve(EVP_PKEY *pkey)
{
    char    name[AGW_GROUP_NAME_MAX];
    size_t  len;

    if (EVP_PKEY_get_group_name(pkey, name, sizeof(name), &len) != 1) {
        ERR_clear_error();
        return NULL;
    }

    if (strcmp(name, "prime256v1") == 0 || strcmp(name, "P-256") == 0) {
        return "P-256";
    }

    if (strcmp(name, "secp384r1") == 0 || strcmp(name, "P-384") == 0) {
        return "P-384";
    }

    return NULL;
}


static const char *
agw_rsa_refusal(EVP_PKEY *pkey)
{
    int          bits;
    BIGNUM      *e;
    const char  *error;

    bits = EVP_PKEY_get_bits(pkey);

    if (bits < AGW_RSA_MIN || bits > AGW_RSA_MAX) {
        return "an RSA key of this size is not used; it must have 2048 to "
               "8192 bits";
    }

    e = NULL;
    error = NULL;

    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1) {
        ERR_clear_error();
        error = "OpenSSL failed, or memory ran out";

    } else if (!BN_is_odd(e) || BN_is_one(e)
               || BN_num_bits(e) > AGW_RSA_EXPONENT_MAX)
    {
        error = "the RSA exponent is 1, even or very long; it must be odd, "
                "from 3 to 2^64";
    }

    BN_free(e);

    return error;
}


static int
agw_pkey_is_valid(EVP_PKEY *pkey)
{
    int            rc;
    EVP_PKEY_CTX  *ctx;

    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

    rc = ctx != NULL && EVP_PKEY_public_check(ctx) == 1;

    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();

    return rc;
}
