
/*
 * First what a key is for, then what it is made of: a key that is not for us
 * need not be a good one.
 */


#include <openssl/crypto.h>
#include <openssl/err.h>

#include "agw_json.h"
#include "agw_jwk_material.h"


/* key_ops, as bits (RFC 7517, section 4.3) */

#define AGW_OP_SIGN     1u
#define AGW_OP_VERIFY   2u
#define AGW_OP_OTHER    4u


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


static const agw_jwk_type_t  agw_jwk_types[] = {
    { agw_string("oct"), AGW_KTY_OCT, agw_jwk_oct },
    { agw_string("RSA"), AGW_KTY_RSA, agw_jwk_rsa },
    { agw_string("EC"), AGW_KTY_EC, agw_jwk_ec },
    { agw_string("OKP"), AGW_KTY_OKP, agw_jwk_okp }
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

    /* whoever signs with a private key has others verify with its public */

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


/* what names no type is of none; of EC and OKP, the curve is part of it */

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
