
/*
 * Keys on OpenSSL's EVP.  A context with the key already set is made once
 * and copied for each use, so that a key is never written to while serving.
 */


#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "agw_base64.h"
#include "agw_grammar.h"
#include "agw_key.h"


/* 128 bits of an HMAC as base64url: a kid that does not tell the secret */

#define AGW_KID_BYTES  16


struct agw_key_s {
    const agw_alg_t  *alg;
    EVP_MAC_CTX      *mac;           /* holds the only copy of the secret */
    agw_str_t         kid;
    agw_str_t         issuer;
    unsigned          signs:1;
};


static int agw_is_other_form(agw_str_t bytes);
static int agw_is_der(agw_str_t bytes);
static size_t agw_der_contents(agw_str_t bytes, size_t i);
static EVP_MAC_CTX *agw_mac_create(const agw_alg_t *alg, agw_str_t secret);
static int agw_mac(const agw_key_t *key, agw_str_t data, unsigned char *out);
static int agw_secret_kid(agw_key_t *key);
static int agw_copy(agw_str_t *to, agw_str_t from);


agw_key_t *
agw_key_from_secret(const agw_key_source_t *source, const char **error)
{
    agw_key_t         *key;
    const agw_alg_t   *alg;
    static const agw_str_t  hs256 = agw_string("HS256");

    alg = agw_alg_find(source->alg.len ? source->alg : hs256);

    if (alg == NULL) {
        *error = "unknown algorithm, accepted are " AGW_ALG_NAMES;
        return NULL;
    }

    if (agw_is_other_form(source->bytes)) {
        *error = "a PEM, JWK, ssh or DER key is never taken for a secret; "
                 "accepted is a file of random bytes";
        return NULL;
    }

    if (source->bytes.len < alg->digest_size) {
        *error = "the secret is shorter than its hash; accepted are at least "
                 "32 bytes for HS256, 48 for HS384, 64 for HS512";
        return NULL;
    }

    *error = "OpenSSL failed, or memory ran out";

    key = calloc(1, sizeof(agw_key_t));
    if (key == NULL) {
        return NULL;
    }

    key->alg = alg;
    key->signs = !source->verify;
    key->mac = agw_mac_create(alg, source->bytes);

    if (key->mac == NULL || agw_copy(&key->issuer, source->issuer) != 0) {
        goto failed;
    }

    if (source->kid.len) {
        if (agw_copy(&key->kid, source->kid) != 0) {
            goto failed;
        }

    } else if (agw_secret_kid(key) != 0) {
        goto failed;
    }

    *error = NULL;

    return key;

failed:

    ERR_clear_error();
    agw_key_free(key);

    return NULL;
}


void
agw_key_free(agw_key_t *key)
{
    if (key == NULL) {
        return;
    }

    EVP_MAC_CTX_free(key->mac);      /* wipes the secret */

    free((void *) key->kid.data);
    free((void *) key->issuer.data);
    free(key);
}


const agw_alg_t *
agw_key_alg(const agw_key_t *key)
{
    return key->alg;
}


agw_str_t
agw_key_kid(const agw_key_t *key)
{
    return key->kid;
}


agw_str_t
agw_key_issuer(const agw_key_t *key)
{
    return key->issuer;
}


int
agw_key_signs(const agw_key_t *key)
{
    return key->signs;
}


int
agw_key_sign(const agw_key_t *key, agw_str_t data, unsigned char *sig,
    size_t *len)
{
    if (!key->signs || agw_mac(key, data, sig) != 0) {
        return -1;
    }

    *len = key->alg->digest_size;

    return 0;
}


int
agw_key_verify(const agw_key_t *key, agw_str_t data, agw_str_t sig)
{
    int            rc;
    unsigned char  mac[AGW_SIG_MAX];

    if (sig.len != key->alg->digest_size || agw_mac(key, data, mac) != 0) {
        return -1;
    }

    rc = CRYPTO_memcmp(mac, sig.data, sig.len);

    OPENSSL_cleanse(mac, sizeof(mac));

    return rc == 0 ? 0 : -1;
}


/*
 * RFC 8725, section 3.1: a public key that becomes an HMAC secret lets
 * anybody sign.
 */

static int
agw_is_other_form(agw_str_t bytes)
{
    size_t                  i;
    agw_str_t               s;
    static const agw_str_t  bom = agw_string("\xef\xbb\xbf");
    static const agw_str_t  forms[] = {
        agw_string("-----BEGIN"), agw_string("{"), agw_string("["),
        agw_string("ssh-")
    };

    s = bytes;

    if (agw_str_begins(s, bom)) {
        s.data += bom.len;
        s.len -= bom.len;
    }

    while (s.len && (s.data[0] == ' '
                     || (s.data[0] >= '\t' && s.data[0] <= '\r')))
    {
        s.data++;
        s.len--;
    }

    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (agw_str_begins(s, forms[i])) {
            return 1;
        }
    }

    return agw_is_der(s) || agw_is_der(bytes);
}


/*
 * DER of a key or a certificate (X.690, section 8.1), whole, cut short or
 * with something behind it: a SEQUENCE that begins with an INTEGER, or with
 * a SEQUENCE that begins with an INTEGER, an OBJECT IDENTIFIER or a [0].  No
 * text begins so, and of random secrets one in sixty thousand.
 */

static int
agw_is_der(agw_str_t bytes)
{
    size_t  i;

    if (bytes.len == 0 || bytes.data[0] != 0x30) {
        return 0;
    }

    i = agw_der_contents(bytes, 0);

    if (i < bytes.len && bytes.data[i] == 0x30) {
        i = agw_der_contents(bytes, i);

        return i < bytes.len && (bytes.data[i] == 0x02
                                 || bytes.data[i] == 0x06
                                 || bytes.data[i] == 0xa0);
    }

    return i < bytes.len && bytes.data[i] == 0x02;
}


/* where the contents of the element at i begin */

static size_t
agw_der_contents(agw_str_t bytes, size_t i)
{
    unsigned char  length;

    length = i + 1 < bytes.len ? bytes.data[i + 1] : 0;

    return i + 2 + (length > 0x80 ? length & 0x7f : 0);
}


static EVP_MAC_CTX *
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


/* out has room for AGW_SIG_MAX bytes */

static int
agw_mac(const agw_key_t *key, agw_str_t data, unsigned char *out)
{
    int           rc;
    size_t        len;
    EVP_MAC_CTX  *ctx;

    ctx = EVP_MAC_CTX_dup(key->mac);

    rc = ctx != NULL
         && EVP_MAC_update(ctx, data.data, data.len) == 1
         && EVP_MAC_final(ctx, out, &len, AGW_SIG_MAX) == 1
         && len == key->alg->digest_size;

    EVP_MAC_CTX_free(ctx);

    if (!rc) {
        ERR_clear_error();
        return -1;
    }

    return 0;
}


static int
agw_secret_kid(agw_key_t *key)
{
    unsigned char           mac[AGW_SIG_MAX], *kid;
    agw_str_t               head;
    static const agw_str_t  label = agw_string("auth gateway kid");

    if (agw_mac(key, label, mac) != 0) {
        return -1;
    }

    kid = malloc(AGW_BASE64URL_SIZE(AGW_KID_BYTES));
    if (kid == NULL) {
        OPENSSL_cleanse(mac, sizeof(mac));
        return -1;
    }

    head.data = mac;
    head.len = AGW_KID_BYTES;

    key->kid.len = agw_base64url_encode(head, kid);
    key->kid.data = kid;

    OPENSSL_cleanse(mac, sizeof(mac));

    return 0;
}


static int
agw_copy(agw_str_t *to, agw_str_t from)
{
    unsigned char  *p;

    if (from.len == 0) {
        return 0;
    }

    p = malloc(from.len);
    if (p == NULL) {
        return -1;
    }

    memcpy(p, from.data, from.len);

    to->data = p;
    to->len = from.len;

    return 0;
}
