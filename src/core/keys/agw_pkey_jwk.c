
/*
 * A JWK is made when the configuration is read, and not while serving.
 */


#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/sha.h>

#include "agw_base64.h"
#include "agw_pkey_jwk.h"


#define AGW_THUMBPRINT_MAX   4096    /* bytes of the JWK that is digested */


static int agw_jwk_set_number(json_t *jwk, const char *name, EVP_PKEY *pkey,
    const char *param, size_t size);
static int agw_jwk_set_bytes(json_t *jwk, const char *name,
    const unsigned char *data, size_t len);


json_t *
agw_pkey_jwk(EVP_PKEY *pkey, const agw_alg_t *alg)
{
    int             rc;
    size_t          len;
    json_t         *jwk;
    unsigned char   raw[AGW_FIELD_MAX];

    jwk = json_object();

    switch (alg->kty) {

    case AGW_KTY_RSA:
        rc = agw_jwk_set_number(jwk, "e", pkey, OSSL_PKEY_PARAM_RSA_E, 0);
        rc |= json_object_set_new(jwk, "kty", json_string("RSA"));
        rc |= agw_jwk_set_number(jwk, "n", pkey, OSSL_PKEY_PARAM_RSA_N, 0);
        break;

    case AGW_KTY_EC:
        rc = json_object_set_new(jwk, "crv", json_string(alg->curve));
        rc |= json_object_set_new(jwk, "kty", json_string("EC"));
        rc |= agw_jwk_set_number(jwk, "x", pkey, OSSL_PKEY_PARAM_EC_PUB_X,
                                 alg->field_size);
        rc |= agw_jwk_set_number(jwk, "y", pkey, OSSL_PKEY_PARAM_EC_PUB_Y,
                                 alg->field_size);
        break;

    default:
        len = sizeof(raw);
        rc = EVP_PKEY_get_raw_public_key(pkey, raw, &len) == 1 ? 0 : -1;

        rc |= json_object_set_new(jwk, "crv", json_string(alg->curve));
        rc |= json_object_set_new(jwk, "kty", json_string("OKP"));
        rc |= rc ? rc : agw_jwk_set_bytes(jwk, "x", raw, len);
        break;
    }

    if (rc != 0) {
        ERR_clear_error();
        json_decref(jwk);
        return NULL;
    }

    return jwk;
}


int
agw_pkey_thumbprint(EVP_PKEY *pkey, const agw_alg_t *alg, unsigned char *out)
{
    char            text[AGW_THUMBPRINT_MAX];
    size_t          len;
    json_t         *jwk;
    agw_str_t       digest;
    unsigned char   buf[SHA256_DIGEST_LENGTH];

    jwk = agw_pkey_jwk(pkey, alg);
    len = jwk ? json_dumpb(jwk, text, sizeof(text), JSON_COMPACT) : 0;

    json_decref(jwk);

    if (len == 0 || len > sizeof(text)
        || EVP_Digest(text, len, buf, NULL, EVP_sha256(), NULL) != 1)
    {
        ERR_clear_error();
        return -1;
    }

    digest.data = buf;
    digest.len = sizeof(buf);

    (void) agw_base64url_encode(digest, out);

    return 0;
}


/* size is that of the number in bytes; 0: no leading zeros */

static int
agw_jwk_set_number(json_t *jwk, const char *name, EVP_PKEY *pkey,
    const char *param, size_t size)
{
    int             rc;
    BIGNUM         *number;
    unsigned char   buf[AGW_RSA_MAX / 8];

    rc = -1;
    number = NULL;

    if (EVP_PKEY_get_bn_param(pkey, param, &number) == 1) {

        if (size == 0) {
            size = (size_t) BN_num_bytes(number);
        }

        if (size <= sizeof(buf)
            && BN_bn2binpad(number, buf, (int) size) == (int) size)
        {
            rc = agw_jwk_set_bytes(jwk, name, buf, size);
        }
    }

    BN_free(number);

    return rc;
}


/* len is at most AGW_RSA_MAX / 8 */

static int
agw_jwk_set_bytes(json_t *jwk, const char *name, const unsigned char *data,
    size_t len)
{
    size_t          n;
    agw_str_t       bytes;
    unsigned char   text[AGW_BASE64URL_SIZE(AGW_RSA_MAX / 8)];

    bytes.data = data;
    bytes.len = len;

    n = agw_base64url_encode(bytes, text);

    return json_object_set_new(jwk, name,
                               json_stringn((const char *) text, n));
}
