
/*
 * Members are read as RFC 7518 writes them: what is missing, of another type
 * or length, is a broken key, never one with a default.
 */


#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/param_build.h>

#include "agw_base64.h"
#include "agw_json.h"
#include "agw_jwk_material.h"


#define AGW_UNCOMPRESSED  0x04       /* SEC 1, section 2.3.3 */


typedef struct {
    const char  *name;               /* in the JWK */
    const char  *param;              /* in OpenSSL */
} agw_jwk_number_t;


static int agw_jwk_push_number(const json_t *json,
    const agw_jwk_number_t *number, OSSL_PARAM_BLD *params,
    BIGNUM **number_out);
static BIGNUM *agw_jwk_secret_number(const json_t *json, const char *name,
    size_t size);
static EVP_PKEY *agw_jwk_build(const char *type, int is_private,
    OSSL_PARAM_BLD *builder);
static int agw_jwk_bytes(const json_t *json, const char *name, size_t size,
    unsigned char *out, size_t *len);
static int agw_jwk_has(const json_t *json, const char *name);


/* RFC 7518, section 6.3: n, e; d; and either all of the rest, or none */

static const agw_jwk_number_t  agw_rsa_numbers[] = {
    { "n", OSSL_PKEY_PARAM_RSA_N },
    { "e", OSSL_PKEY_PARAM_RSA_E },
    { "d", OSSL_PKEY_PARAM_RSA_D },
    { "p", OSSL_PKEY_PARAM_RSA_FACTOR1 },
    { "q", OSSL_PKEY_PARAM_RSA_FACTOR2 },
    { "dp", OSSL_PKEY_PARAM_RSA_EXPONENT1 },
    { "dq", OSSL_PKEY_PARAM_RSA_EXPONENT2 },
    { "qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1 }
};


#define AGW_RSA_NUMBERS  (sizeof(agw_rsa_numbers) / sizeof(agw_rsa_numbers[0]))
#define AGW_RSA_PUBLIC   2
#define AGW_RSA_NO_CRT   3


int
agw_jwk_oct(agw_jwk_t *jwk, const json_t *json)
{
    size_t          len;
    agw_str_t       k;
    unsigned char  *secret;

    if (agw_json_string(json, "k", &k) != 1 || k.len == 0) {
        return -1;
    }

    secret = OPENSSL_malloc(k.len);
    if (secret == NULL) {
        return -1;
    }

    /* the whole buffer is the structure's, to be wiped with it */

    jwk->secret.data = secret;
    jwk->secret.len = k.len;

    if (agw_base64url_decode(k, secret, &len) != 0) {
        return -1;
    }

    OPENSSL_cleanse(secret + len, k.len - len);

    jwk->secret.len = len;
    jwk->is_private = 1;

    return 0;
}


int
agw_jwk_rsa(agw_jwk_t *jwk, const json_t *json)
{
    int              rc;
    size_t           i, n;
    BIGNUM          *number[AGW_RSA_NUMBERS];
    OSSL_PARAM_BLD  *params;

    if (agw_jwk_has(json, "oth")) {
        return -1;
    }

    n = AGW_RSA_PUBLIC;

    for (i = AGW_RSA_PUBLIC; i < AGW_RSA_NUMBERS; i++) {
        if (agw_jwk_has(json, agw_rsa_numbers[i].name)) {
            n = i < AGW_RSA_NO_CRT ? AGW_RSA_NO_CRT : AGW_RSA_NUMBERS;
        }
    }

    rc = 0;
    params = OSSL_PARAM_BLD_new();

    memset(number, 0, sizeof(number));

    for (i = 0; rc == 0 && i < n; i++) {
        rc = agw_jwk_push_number(json, &agw_rsa_numbers[i], params,
                                 &number[i]);
    }

    if (rc == 0) {
        jwk->is_private = n > AGW_RSA_PUBLIC;
        jwk->pkey = agw_jwk_build("RSA", jwk->is_private, params);
    }

    for (i = 0; i < n; i++) {
        BN_clear_free(number[i]);
    }

    OSSL_PARAM_BLD_free(params);

    return jwk->pkey ? 0 : -1;
}


int
agw_jwk_ec(agw_jwk_t *jwk, const json_t *json)
{
    size_t            len, size;
    BIGNUM           *d;
    const char       *curve;
    OSSL_PARAM_BLD   *params;
    unsigned char     point[1 + 2 * AGW_FIELD_MAX];

    curve = json_string_value(json_object_get(json, "crv"));
    size = agw_alg_default(AGW_KTY_EC, curve)->field_size;

    point[0] = AGW_UNCOMPRESSED;

    if (agw_jwk_bytes(json, "x", size, point + 1, &len) != 0
        || agw_jwk_bytes(json, "y", size, point + 1 + size, &len) != 0)
    {
        return -1;
    }

    d = NULL;

    if (agw_jwk_has(json, "d")) {
        jwk->is_private = 1;

        d = agw_jwk_secret_number(json, "d", size);
        if (d == NULL) {
            return -1;
        }
    }

    params = OSSL_PARAM_BLD_new();

    if (params != NULL
        && OSSL_PARAM_BLD_push_utf8_string(params,
                          OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1
        && OSSL_PARAM_BLD_push_octet_string(params,
                          OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * size) == 1
        && (d == NULL
            || OSSL_PARAM_BLD_push_BN(params, OSSL_PKEY_PARAM_PRIV_KEY, d)
               == 1))
    {
        jwk->pkey = agw_jwk_build("EC", jwk->is_private, params);
    }

    OSSL_PARAM_BLD_free(params);
    BN_clear_free(d);

    return jwk->pkey ? 0 : -1;
}


/* a private key has its public one in it, which x has to agree with */

int
agw_jwk_okp(agw_jwk_t *jwk, const json_t *json)
{
    size_t          len;
    unsigned char   x[AGW_FIELD_MAX], d[AGW_FIELD_MAX];
    const size_t    size = agw_alg_default(AGW_KTY_OKP, "Ed25519")->field_size;

    if (agw_jwk_bytes(json, "x", size, x, &len) != 0) {
        return -1;
    }

    if (!agw_jwk_has(json, "d")) {
        jwk->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x,
                                                size);

        return jwk->pkey ? 0 : -1;
    }

    jwk->is_private = 1;

    if (agw_jwk_bytes(json, "d", size, d, &len) == 0) {
        jwk->pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, d,
                                                 size);
    }

    OPENSSL_cleanse(d, sizeof(d));

    len = sizeof(d);

    if (jwk->pkey == NULL
        || EVP_PKEY_get_raw_public_key(jwk->pkey, d, &len) != 1)
    {
        return -1;
    }

    return len == size && memcmp(d, x, size) == 0 ? 0 : -1;
}


/* the builder keeps a pointer to the number, which the caller frees */

static int
agw_jwk_push_number(const json_t *json, const agw_jwk_number_t *number,
    OSSL_PARAM_BLD *params, BIGNUM **number_out)
{
    BIGNUM  *bn;

    bn = agw_jwk_secret_number(json, number->name, 0);
    *number_out = bn;

    return bn != NULL && params != NULL
           && OSSL_PARAM_BLD_push_BN(params, number->param, bn) == 1
           ? 0 : -1;
}


/*
 * A number of size bytes, or of any; NULL where it is broken.  What OpenSSL
 * makes of a secure number it wipes.
 */

static BIGNUM *
agw_jwk_secret_number(const json_t *json, const char *name, size_t size)
{
    size_t          len;
    BIGNUM         *number;
    unsigned char   buf[AGW_RSA_MAX / 8];

    number = NULL;

    if (agw_jwk_bytes(json, name, size, buf, &len) == 0) {
        number = BN_secure_new();
    }

    if (number != NULL && BN_bin2bn(buf, (int) len, number) == NULL) {
        BN_clear_free(number);
        number = NULL;
    }

    OPENSSL_cleanse(buf, sizeof(buf));

    return number;
}


static EVP_PKEY *
agw_jwk_build(const char *type, int is_private, OSSL_PARAM_BLD *builder)
{
    EVP_PKEY      *pkey;
    OSSL_PARAM    *params;
    EVP_PKEY_CTX  *ctx;

    pkey = NULL;
    params = OSSL_PARAM_BLD_to_param(builder);
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


/*
 * The bytes of a member, of which there are size, or, where that is 0, 1 to
 * AGW_RSA_MAX / 8.  out has room for as many.
 */

static int
agw_jwk_bytes(const json_t *json, const char *name, size_t size,
    unsigned char *out, size_t *len)
{
    size_t     max;
    agw_str_t  text;

    max = size ? size : AGW_RSA_MAX / 8;

    if (agw_json_string(json, name, &text) != 1
        || text.len == 0
        || AGW_BASE64_DECODED(text.len) > max
        || agw_base64url_decode(text, out, len) != 0)
    {
        return -1;
    }

    return size == 0 || *len == size ? 0 : -1;
}


static int
agw_jwk_has(const json_t *json, const char *name)
{
    return json_object_get(json, name) != NULL;
}
