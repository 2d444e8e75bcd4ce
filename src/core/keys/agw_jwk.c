
/*
 * What a key is for is read first, then what it is made of: a key that is not
 * for signatures need not be a valid one.  A member that is missing or has
 * another type or length makes a key invalid: none has a default (RFC 7518,
 * section 6; RFC 8037, section 2).
 */


#include <openssl/crypto.h>
#include <openssl/err.h>

#include "agw_base64.h"
#include "agw_json.h"
#include "agw_jwk.h"
#include "agw_pkey_build.h"


/* key_ops, as bits (RFC 7517, section 4.3) */

#define AGW_OP_SIGN     1u
#define AGW_OP_VERIFY   2u
#define AGW_OP_OTHER    4u

#define AGW_UNCOMPRESSED  0x04       /* SEC 1, section 2.3.3 */


typedef struct {
    agw_str_t    name;
    agw_kty_t    kty;
    int        (*read)(agw_jwk_t *jwk, const json_t *json);
} agw_jwk_type_t;


static const agw_jwk_type_t *agw_jwk_type(const json_t *json);
static agw_jwk_result_t agw_jwk_purpose(const json_t *json, unsigned *ops,
    const char **error);
static int agw_jwk_ops(const json_t *json, unsigned *ops);
static agw_jwk_result_t agw_jwk_alg(agw_jwk_t *jwk, const json_t *json,
    agw_kty_t kty, const char **error);

static int agw_jwk_oct(agw_jwk_t *jwk, const json_t *json);
static int agw_jwk_rsa(agw_jwk_t *jwk, const json_t *json);
static int agw_jwk_ec(agw_jwk_t *jwk, const json_t *json);
static int agw_jwk_okp(agw_jwk_t *jwk, const json_t *json);
static BIGNUM *agw_jwk_number(const json_t *json, const char *name,
    size_t size);
static int agw_jwk_bytes(const json_t *json, const char *name, size_t size,
    unsigned char *out, size_t *len);
static int agw_jwk_has(const json_t *json, const char *name);


static const agw_jwk_type_t  agw_jwk_types[] = {
    { agw_string("oct"), AGW_KTY_OCT, agw_jwk_oct },
    { agw_string("RSA"), AGW_KTY_RSA, agw_jwk_rsa },
    { agw_string("EC"), AGW_KTY_EC, agw_jwk_ec },
    { agw_string("OKP"), AGW_KTY_OKP, agw_jwk_okp }
};


/* RFC 7518, section 6.3: n, e; d; and either all of the rest, or none */

static const char *const  agw_rsa_names[AGW_RSA_NUMBERS] = {
    "n", "e", "d", "p", "q", "dp", "dq", "qi"
};


agw_jwk_result_t
agw_jwk_read(agw_jwk_t *jwk, const json_t *json, const char **error)
{
    unsigned               ops;
    agw_jwk_result_t       result;
    const agw_jwk_type_t  *type;

    memset(jwk, 0, sizeof(agw_jwk_t));

    type = agw_jwk_type(json);

    if (type == NULL) {
        *error = "a key of another type; it must be oct, RSA, EC on P-256 and "
                 "P-384, OKP on Ed25519";
        return AGW_JWK_PASSED_OVER;
    }

    result = agw_jwk_purpose(json, &ops, error);

    if (result == AGW_JWK_READ) {
        result = agw_jwk_alg(jwk, json, type->kty, error);
    }

    if (result != AGW_JWK_READ) {
        return result;
    }

    if (agw_json_string(json, "kid", &jwk->kid) == -1
        || type->read(jwk, json) != 0)
    {
        *error = "a member of the JWK is missing, or not one of such a key "
                 "(RFC 7517, section 4; RFC 7518, section 6)";

        ERR_clear_error();
        agw_jwk_done(jwk);

        return AGW_JWK_REFUSED;
    }

    jwk->signs = jwk->is_private && (ops & AGW_OP_SIGN);

    /* tokens signed with a private key are verified with its public key */

    if ((ops & AGW_OP_VERIFY) || (jwk->signs && jwk->pkey != NULL)) {
        *error = NULL;
        return AGW_JWK_READ;
    }

    *error = "the JWK's key_ops do not let it be used; they must have "
             "\"verify\", or \"sign\" of a private key";

    agw_jwk_done(jwk);

    return AGW_JWK_PASSED_OVER;
}


void
agw_jwk_done(agw_jwk_t *jwk)
{
    OPENSSL_clear_free((void *) jwk->secret.data, jwk->secret.len);
    EVP_PKEY_free(jwk->pkey);

    memset(jwk, 0, sizeof(agw_jwk_t));
}


/* NULL if there is no kty, or another; of EC and OKP, the curve counts too */

static const agw_jwk_type_t *
agw_jwk_type(const json_t *json)
{
    size_t       i;
    agw_str_t    kty;
    const char  *curve;

    if (agw_json_string(json, "kty", &kty) != 1) {
        return NULL;
    }

    for (i = 0; i < sizeof(agw_jwk_types) / sizeof(agw_jwk_types[0]); i++) {

        if (!agw_str_eq(agw_jwk_types[i].name, kty)) {
            continue;
        }

        curve = json_string_value(json_object_get(json, "crv"));

        if ((agw_jwk_types[i].kty == AGW_KTY_EC
             || agw_jwk_types[i].kty == AGW_KTY_OKP)
            && (curve == NULL
                || agw_alg_default(agw_jwk_types[i].kty, curve) == NULL))
        {
            return NULL;
        }

        return &agw_jwk_types[i];
    }

    return NULL;
}


static agw_jwk_result_t
agw_jwk_purpose(const json_t *json, unsigned *ops, const char **error)
{
    int                     rc;
    agw_str_t               use;
    static const agw_str_t  sig = agw_string("sig");

    rc = agw_json_string(json, "use", &use);

    if (rc == -1 || agw_jwk_ops(json, ops) != 0) {
        *error = "\"use\" of a JWK is a string, and \"key_ops\" an array of "
                 "different strings (RFC 7517, section 4)";
        return AGW_JWK_REFUSED;
    }

    if (rc == 1 && !agw_str_eq(use, sig)) {
        *error = "the JWK is not for signatures; its \"use\" must be \"sig\"";
        return AGW_JWK_PASSED_OVER;
    }

    return AGW_JWK_READ;
}


static int
agw_jwk_ops(const json_t *json, unsigned *ops)
{
    size_t       i, j;
    json_t      *array;
    const char  *op, *other;

    array = json_object_get(json, "key_ops");

    if (array == NULL) {
        *ops = AGW_OP_SIGN | AGW_OP_VERIFY;
        return 0;
    }

    if (!json_is_array(array)) {
        return -1;
    }

    *ops = 0;

    for (i = 0; i < json_array_size(array); i++) {
        op = json_string_value(json_array_get(array, i));

        if (op == NULL) {
            return -1;
        }

        for (j = 0; j < i; j++) {
            other = json_string_value(json_array_get(array, j));

            if (strcmp(op, other) == 0) {
                return -1;
            }
        }

        *ops |= strcmp(op, "sign") == 0 ? AGW_OP_SIGN
                : strcmp(op, "verify") == 0 ? AGW_OP_VERIFY : AGW_OP_OTHER;
    }

    return 0;
}


static agw_jwk_result_t
agw_jwk_alg(agw_jwk_t *jwk, const json_t *json, agw_kty_t kty,
    const char **error)
{
    int          rc;
    agw_str_t    name;
    const char  *curve;

    rc = agw_json_string(json, "alg", &name);

    if (rc == 0) {
        return AGW_JWK_READ;
    }

    jwk->alg = rc == 1 ? agw_alg_find(name) : NULL;

    if (jwk->alg == NULL) {
        *error = "the JWK has an algorithm that is not used here; it must be "
                 "one of " AGW_ALG_NAMES;
        return rc == 1 ? AGW_JWK_PASSED_OVER : AGW_JWK_REFUSED;
    }

    curve = json_string_value(json_object_get(json, "crv"));

    if (jwk->alg->kty != kty
        || (jwk->alg->curve != NULL && strcmp(jwk->alg->curve, curve) != 0))
    {
        *error = "the JWK's algorithm is not one for its type and curve";
        return AGW_JWK_REFUSED;
    }

    return AGW_JWK_READ;
}


/*
 * What a key is made of, by its type.  Each reads its members into jwk's
 * secret or pkey, and sets is_private.  Returns 0, or -1 if a member is
 * missing or invalid, or memory ran out: jwk then still holds what was read,
 * and OpenSSL's error queue may not be empty.
 */

static int
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

    /* of the full length, so that agw_jwk_done() wipes all of the buffer */

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


static int
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


static int
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


/* x must be the public key of d */

static int
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


/* a number of size bytes, or of any size if that is 0; NULL if invalid */

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
 * Decodes a member of size bytes, or, if size is 0, of 1 to AGW_RSA_MAX / 8.
 * out has room for as many.
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
