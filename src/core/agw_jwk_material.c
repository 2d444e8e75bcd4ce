
/*
 * Members are read as RFC 7518 writes them: what is missing, of another type
 * or length, is a broken key, never one with a default.
 */


#include <openssl/crypto.h>

#include "agw_base64.h"
#include "agw_json.h"
#include "agw_jwk_material.h"
#include "agw_pkey_build.h"


#define AGW_UNCOMPRESSED  0x04       /* SEC 1, section 2.3.3 */


static BIGNUM *agw_jwk_number(const json_t *json, const char *name,
    size_t size);
static int agw_jwk_bytes(const json_t *json, const char *name, size_t size,
    unsigned char *out, size_t *len);
static int agw_jwk_has(const json_t *json, const char *name);


/* RFC 7518, section 6.3: n, e; d; and either all of the rest, or none */

static const char *const  agw_rsa_names[AGW_RSA_NUMBERS] = {
    "n", "e", "d", "p", "q", "dp", "dq", "qi"
};


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
    size_t   i, n;
    BIGNUM  *number[AGW_RSA_NUMBERS];

    if (agw_jwk_has(json, "oth")) {
        return -1;
    }

    n = AGW_RSA_PUBLIC;

    for (i = AGW_RSA_PUBLIC; i < AGW_RSA_NUMBERS; i++) {
        if (agw_jwk_has(json, agw_rsa_names[i])) {
            n = i < AGW_RSA_NO_CRT ? AGW_RSA_NO_CRT : AGW_RSA_NUMBERS;
        }
    }

    memset(number, 0, sizeof(number));

    for (i = 0; i < n; i++) {
        number[i] = agw_jwk_number(json, agw_rsa_names[i], 0);

        if (number[i] == NULL) {
            break;
        }
    }

    if (i == n) {
        jwk->is_private = n > AGW_RSA_PUBLIC;
        jwk->pkey = agw_pkey_build_rsa(number, n);
    }

    for (i = 0; i < n; i++) {
        BN_clear_free(number[i]);
    }

    return jwk->pkey ? 0 : -1;
}


int
agw_jwk_ec(agw_jwk_t *jwk, const json_t *json)
{
    size_t          len, size;
    BIGNUM         *d;
    agw_str_t       point;
    const char     *curve;
    unsigned char   buf[1 + 2 * AGW_FIELD_MAX];

    curve = json_string_value(json_object_get(json, "crv"));
    size = agw_alg_default(AGW_KTY_EC, curve)->field_size;

    buf[0] = AGW_UNCOMPRESSED;

    if (agw_jwk_bytes(json, "x", size, buf + 1, &len) != 0
        || agw_jwk_bytes(json, "y", size, buf + 1 + size, &len) != 0)
    {
        return -1;
    }

    point.data = buf;
    point.len = 1 + 2 * size;

    d = NULL;

    if (agw_jwk_has(json, "d")) {
        jwk->is_private = 1;

        d = agw_jwk_number(json, "d", size);
        if (d == NULL) {
            return -1;
        }
    }

    jwk->pkey = agw_pkey_build_ec(curve, point, d);

    BN_clear_free(d);

    return jwk->pkey ? 0 : -1;
}


/* a private key has its public one in it, which x has to agree with */

int
agw_jwk_okp(agw_jwk_t *jwk, const json_t *json)
{
    agw_str_t      x, d;
    unsigned char  x_buf[AGW_FIELD_MAX], d_buf[AGW_FIELD_MAX];
    const size_t   size = agw_alg_default(AGW_KTY_OKP, "Ed25519")->field_size;

    x.data = x_buf;
    d.data = d_buf;
    d.len = 0;

    if (agw_jwk_bytes(json, "x", size, x_buf, &x.len) != 0) {
        return -1;
    }

    if (agw_jwk_has(json, "d")) {
        jwk->is_private = 1;

        if (agw_jwk_bytes(json, "d", size, d_buf, &d.len) != 0) {
            OPENSSL_cleanse(d_buf, sizeof(d_buf));
            return -1;
        }
    }

    jwk->pkey = agw_pkey_build_ed25519(x, d);

    OPENSSL_cleanse(d_buf, sizeof(d_buf));

    return jwk->pkey ? 0 : -1;
}


/* a number of size bytes, or of any; NULL where it is broken */

static BIGNUM *
agw_jwk_number(const json_t *json, const char *name, size_t size)
{
    BIGNUM         *number;
    agw_str_t       bytes;
    unsigned char   buf[AGW_RSA_MAX / 8];

    number = NULL;
    bytes.data = buf;

    if (agw_jwk_bytes(json, name, size, buf, &bytes.len) == 0) {
        number = agw_secret_number(bytes);
    }

    OPENSSL_cleanse(buf, sizeof(buf));

    return number;
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
