
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "agw_mac.h"


static int agw_mac_begins_afresh(EVP_MAC_CTX *ctx);


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

    if (EVP_MAC_init(ctx, secret.data, secret.len, params) != 1
        || !agw_mac_begins_afresh(ctx))
    {
        EVP_MAC_CTX_free(ctx);
        return NULL;
    }

    return ctx;
}


int
agw_mac(EVP_MAC_CTX *ctx, agw_str_t data, unsigned char *out)
{
    size_t  len;

    /* with the secret that it has (EVP_MAC(3)) */

    return EVP_MAC_init(ctx, NULL, 0, NULL) == 1
           && EVP_MAC_update(ctx, data.data, data.len) == 1
           && EVP_MAC_final(ctx, out, &len, AGW_MAC_MAX) == 1
           ? 0 : -1;
}


/* the first releases of OpenSSL 3 did not begin afresh */

static int
agw_mac_begins_afresh(EVP_MAC_CTX *ctx)
{
    int            rc;
    agw_str_t      data;
    unsigned char  mac[2][AGW_MAC_MAX];

    data.data = (const unsigned char *) "";
    data.len = 1;

    memset(mac, 0, sizeof(mac));

    rc = agw_mac(ctx, data, mac[0]) == 0
         && agw_mac(ctx, data, mac[1]) == 0
         && memcmp(mac[0], mac[1], AGW_MAC_MAX) == 0;

    OPENSSL_cleanse(mac, sizeof(mac));

    return rc;
}
