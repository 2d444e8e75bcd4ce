
#include <openssl/core_names.h>
#include <openssl/params.h>

#include "agw_mac.h"


EVP_MAC_CTX *
agw_mac_create(const agw_alg_t *alg, agw_str_t secret)
{
    EVP_MAC      *hmac;
    OSSL_PARAM    params[2];
    EVP_MAC_CTX  *ctx;

    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    EVP_MAC_free(hmac);

    if (ctx == NULL) {
        return NULL;
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 (char *) alg->digest, 0);
    params[1] = OSSL_PARAM_construct_end();

    if (EVP_MAC_init(ctx, secret.data, secret.len, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        return NULL;
    }

    return ctx;
}


int
agw_mac(const EVP_MAC_CTX *ctx, agw_str_t data, unsigned char *out)
{
    int           rc;
    size_t        len;
    EVP_MAC_CTX  *copy;

    copy = EVP_MAC_CTX_dup(ctx);

    rc = copy != NULL
         && EVP_MAC_update(copy, data.data, data.len) == 1
         && EVP_MAC_final(copy, out, &len, AGW_MAC_MAX) == 1;

    EVP_MAC_CTX_free(copy);

    return rc ? 0 : -1;
}
