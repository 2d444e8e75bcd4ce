
/*
 * One row an algorithm; of those for one type of key, its default is first.
 */


#include "agw_alg.h"


static const agw_alg_t  agw_algs[] = {
    { agw_string("HS256"), AGW_KTY_OCT, "SHA256", 32, NULL, 0, 0 },
    { agw_string("HS384"), AGW_KTY_OCT, "SHA384", 48, NULL, 0, 0 },
    { agw_string("HS512"), AGW_KTY_OCT, "SHA512", 64, NULL, 0, 0 },
    { agw_string("RS256"), AGW_KTY_RSA, "SHA256", 32, NULL, 0, 0 },
    { agw_string("RS384"), AGW_KTY_RSA, "SHA384", 48, NULL, 0, 0 },
    { agw_string("RS512"), AGW_KTY_RSA, "SHA512", 64, NULL, 0, 0 },
    { agw_string("PS256"), AGW_KTY_RSA, "SHA256", 32, NULL, 0, 1 },
    { agw_string("PS384"), AGW_KTY_RSA, "SHA384", 48, NULL, 0, 1 },
    { agw_string("PS512"), AGW_KTY_RSA, "SHA512", 64, NULL, 0, 1 },
    { agw_string("ES256"), AGW_KTY_EC, "SHA256", 32, "P-256", 32, 0 },
    { agw_string("ES384"), AGW_KTY_EC, "SHA384", 48, "P-384", 48, 0 },
    { agw_string("EdDSA"), AGW_KTY_OKP, NULL, 64, "Ed25519", 32, 0 },
    { agw_string("Ed25519"), AGW_KTY_OKP, NULL, 64, "Ed25519", 32, 0 },
};


#define AGW_ALGS  (sizeof(agw_algs) / sizeof(agw_algs[0]))


const agw_alg_t *
agw_alg_find(agw_str_t name)
{
    size_t  i;

    for (i = 0; i < AGW_ALGS; i++) {
        if (agw_str_eq(agw_algs[i].name, name)) {
            return &agw_algs[i];
        }
    }

    return NULL;
}


const agw_alg_t *
agw_alg_default(agw_kty_t kty, const char *curve)
{
    size_t            i;
    const agw_alg_t  *alg;

    for (i = 0; i < AGW_ALGS; i++) {
        alg = &agw_algs[i];

        if (alg->kty != kty || (alg->curve == NULL) != (curve == NULL)) {
            continue;
        }

        if (curve == NULL || strcmp(alg->curve, curve) == 0) {
            return alg;
        }
    }

    return NULL;
}


const agw_alg_t *
agw_alg_synonym(const agw_alg_t *alg)
{
    size_t            i;
    const agw_alg_t  *other;

    for (i = 0; i < AGW_ALGS; i++) {
        other = &agw_algs[i];

        if (other != alg && other->kty == alg->kty && alg->curve != NULL
            && strcmp(other->curve, alg->curve) == 0)
        {
            return other;
        }
    }

    return NULL;
}
