
/*
 * Keys on OpenSSL's EVP.  A context with the key is made once, and reset or
 * copied for each use.
 */


#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "agw_base64.h"
#include "agw_grammar.h"
#include "agw_key.h"
#include "agw_key_format.h"
#include "agw_pkey.h"
#include "agw_pkey_jwk.h"
#include "agw_signature.h"


/* 128 bits of an HMAC as base64url: a kid that does not tell the secret */

#define AGW_KID_BYTES  16


struct agw_key_s {
    const agw_alg_t  *alg;
    EVP_MAC_CTX      *mac;           /* of HMAC: the only copy of the secret */
    agw_signature_t   signature;     /* of any other */
    agw_str_t         kid;
    agw_str_t         issuer;
    agw_str_t         headers[AGW_TYPS];
    agw_typ_t         typ;           /* of tokens that it signs */
    unsigned          signs:1;
    unsigned          is_secret:1;
    unsigned          nameless:1;
};


static agw_key_t *agw_key_create(const agw_key_source_t *source,
    const agw_alg_t *alg, const char **error);
static int agw_key_name_secret(agw_key_t *key, agw_str_t kid);
static int agw_key_name_pkey(agw_key_t *key, agw_str_t kid);
static int agw_key_name(agw_key_t *key, agw_str_t kid);
static int agw_key_make_header(agw_key_t *key, agw_typ_t typ);
static agw_signature_result_t agw_mac_verify(const agw_key_t *key,
    agw_str_t data, agw_str_t sig);
static int agw_key_is_pair(const agw_key_t *key);
static int agw_copy(agw_str_t *to, agw_str_t from);


agw_key_t *
agw_key_from_secret(const agw_key_source_t *source, const char **error)
{
    agw_str_t          text;
    agw_key_t         *key;
    agw_key_format_t   format;
    const agw_alg_t   *alg;

    alg = source->alg.len ? agw_alg_find(source->alg)
                          : agw_alg_default(AGW_KTY_OCT, NULL);

    if (alg == NULL) {
        *error = "unknown algorithm; it must be one of " AGW_ALG_NAMES;
        return NULL;
    }

    format = agw_key_format(source->bytes, &text);

    if (format != AGW_FORMAT_BYTES) {
        *error = agw_key_format_refusal(format);
        return NULL;
    }

    if (alg->kty != AGW_KTY_OCT) {
        *error = "a secret does not fit the algorithm; it must be HS256, "
                 "HS384 or HS512";
        return NULL;
    }

    if (source->bytes.len < alg->digest_size) {
        *error = "the secret is shorter than its hash; it must have at least "
                 "32 bytes for HS256, 48 for HS384, 64 for HS512";
        return NULL;
    }

    key = agw_key_create(source, alg, error);
    if (key == NULL) {
        return NULL;
    }

    key->signs = !source->verify;
    key->is_secret = 1;
    key->mac = agw_mac_create(alg, source->bytes);

    if (key->mac == NULL || agw_key_name_secret(key, source->kid) != 0) {
        ERR_clear_error();
        agw_key_free(key);
        return NULL;
    }

    *error = NULL;

    return key;
}


agw_key_t *
agw_key_from_pkey(const agw_key_source_t *source, EVP_PKEY *pkey,
    int is_private, const char **error)
{
    agw_key_t        *key;
    const agw_alg_t  *alg;

    if (source->alg.len) {
        alg = agw_alg_find(source->alg);
        *error = "unknown algorithm; it must be one of " AGW_ALG_NAMES;

    } else {
        alg = agw_pkey_default_alg(pkey, error);
    }

    if (alg == NULL) {
        return NULL;
    }

    *error = agw_pkey_refusal(pkey, alg);
    if (*error != NULL) {
        return NULL;
    }

    key = agw_key_create(source, alg, error);
    if (key == NULL) {
        return NULL;
    }

    key->signs = is_private && !source->verify;
    key->is_secret = (is_private != 0);

    if (agw_signature_prepare(&key->signature, pkey, alg, is_private) != 0
        || agw_key_name_pkey(key, source->kid) != 0)
    {
        goto failed;
    }

    if (is_private && !agw_key_is_pair(key)) {
        *error = "the private key and the public key beside it are not a "
                 "pair";
        goto failed;
    }

    ERR_clear_error();
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
    size_t  i;

    if (key == NULL) {
        return;
    }

    EVP_MAC_CTX_free(key->mac);      /* both wipe what is secret */
    agw_signature_done(&key->signature);

    free((void *) key->kid.data);
    free((void *) key->issuer.data);

    for (i = 0; i < AGW_TYPS; i++) {
        free((void *) key->headers[i].data);
    }

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


agw_str_t
agw_key_header(const agw_key_t *key)
{
    return key->headers[key->typ];
}


int
agw_key_has_header(const agw_key_t *key, agw_str_t header)
{
    return agw_str_eq(key->headers[AGW_TYP_JWT], header)
           || agw_str_eq(key->headers[AGW_TYP_AT_JWT], header);
}


void
agw_key_sign_as(agw_key_t *key, agw_typ_t typ)
{
    key->typ = typ;
}


int
agw_key_is_nameless(const agw_key_t *key)
{
    return key->nameless;
}


size_t
agw_key_sig_size(const agw_key_t *key)
{
    return key->mac ? key->alg->digest_size : key->signature.size;
}


int
agw_key_signs(const agw_key_t *key)
{
    return key->signs;
}


int
agw_key_is_secret(const agw_key_t *key)
{
    return key->is_secret;
}


json_t *
agw_key_public_jwk(const agw_key_t *key)
{
    int      rc;
    json_t  *jwk;

    if (key->mac != NULL) {
        return NULL;
    }

    jwk = agw_pkey_jwk(key->signature.pkey, key->alg);

    rc = json_object_set_new(jwk, "kid",
                             json_stringn((const char *) key->kid.data,
                                          key->kid.len));
    rc |= json_object_set_new(jwk, "use", json_string("sig"));
    rc |= json_object_set_new(jwk, "alg",
                             json_stringn((const char *) key->alg->name.data,
                                          key->alg->name.len));

    if (rc != 0) {
        json_decref(jwk);
        return NULL;
    }

    return jwk;
}


int
agw_key_sign(const agw_key_t *key, agw_str_t data, unsigned char *sig,
    size_t *len)
{
    int  rc;

    if (!key->signs) {
        return -1;
    }

    rc = key->mac ? agw_mac(key->mac, data, sig)
                  : agw_signature_make(&key->signature, data, sig);

    if (rc != 0) {
        ERR_clear_error();
        return -1;
    }

    *len = agw_key_sig_size(key);

    return 0;
}


agw_signature_result_t
agw_key_verify(const agw_key_t *key, agw_str_t data, agw_str_t sig)
{
    agw_signature_result_t  result;

    if (sig.len != agw_key_sig_size(key)) {
        return AGW_SIGNATURE_INVALID;
    }

    result = key->mac ? agw_mac_verify(key, data, sig)
                      : agw_signature_check(&key->signature, data, sig);

    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }

    return result;
}


/* after a success *error is preset for a failure of the next steps */

static agw_key_t *
agw_key_create(const agw_key_source_t *source, const agw_alg_t *alg,
    const char **error)
{
    agw_key_t  *key;

    if (source->kid.len
        && (source->kid.len > AGW_KID_MAX || !agw_is_scope_word(source->kid)))
    {
        *error = "a kid that is not used; it must be 1 to 256 printable ASCII "
                 "characters without spaces, quotes and backslashes";
        return NULL;
    }

    *error = "OpenSSL failed, or memory ran out";

    key = calloc(1, sizeof(agw_key_t));
    if (key == NULL) {
        return NULL;
    }

    key->alg = alg;
    key->nameless = source->nameless;

    if (agw_copy(&key->issuer, source->issuer) != 0) {
        agw_key_free(key);
        return NULL;
    }

    return key;
}


static int
agw_key_name_secret(agw_key_t *key, agw_str_t kid)
{
    int                     rc;
    agw_str_t               head;
    unsigned char           mac[AGW_MAC_MAX];
    unsigned char           own[AGW_BASE64URL_SIZE(AGW_KID_BYTES)];
    static const agw_str_t  label = agw_string("auth gateway kid");

    if (kid.len) {
        return agw_key_name(key, kid);
    }

    rc = agw_mac(key->mac, label, mac);

    if (rc == 0) {
        head.data = mac;
        head.len = AGW_KID_BYTES;

        kid.data = own;
        kid.len = agw_base64url_encode(head, own);

        rc = agw_key_name(key, kid);
    }

    OPENSSL_cleanse(mac, sizeof(mac));

    return rc;
}


static int
agw_key_name_pkey(agw_key_t *key, agw_str_t kid)
{
    unsigned char  own[AGW_THUMBPRINT_SIZE];

    if (kid.len) {
        return agw_key_name(key, kid);
    }

    if (agw_pkey_thumbprint(key->signature.pkey, key->alg, own) != 0) {
        return -1;
    }

    kid.data = own;
    kid.len = sizeof(own);

    return agw_key_name(key, kid);
}


static int
agw_key_name(agw_key_t *key, agw_str_t kid)
{
    return agw_copy(&key->kid, kid) == 0
           && agw_key_make_header(key, AGW_TYP_JWT) == 0
           && agw_key_make_header(key, AGW_TYP_AT_JWT) == 0
           ? 0 : -1;
}


/* kid is free of quotes and backslashes: the header needs no escaping */

static int
agw_key_make_header(agw_key_t *key, agw_typ_t typ)
{
    size_t           i;
    agw_str_t        text;
    unsigned char    json[AGW_KID_MAX + 64], *p;
    const agw_str_t  typs[AGW_TYPS] = {
        [AGW_TYP_JWT] = agw_string("JWT"),
        [AGW_TYP_AT_JWT] = agw_string("at+jwt")
    };
    const agw_str_t  parts[] = {
        agw_string("{\"alg\":\""), key->alg->name,
        agw_string("\",\"typ\":\""), typs[typ],
        agw_string("\",\"kid\":\""), key->kid,
        agw_string("\"}")
    };

    p = json;

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        memcpy(p, parts[i].data, parts[i].len);
        p += parts[i].len;
    }

    text.data = json;
    text.len = (size_t) (p - json);

    p = malloc(AGW_BASE64URL_SIZE(text.len));
    if (p == NULL) {
        return -1;
    }

    key->headers[typ].data = p;
    key->headers[typ].len = agw_base64url_encode(text, p);

    return 0;
}


static agw_signature_result_t
agw_mac_verify(const agw_key_t *key, agw_str_t data, agw_str_t sig)
{
    int            rc;
    unsigned char  mac[AGW_MAC_MAX];

    if (agw_mac(key->mac, data, mac) != 0) {
        return AGW_SIGNATURE_UNCHECKED;
    }

    rc = CRYPTO_memcmp(mac, sig.data, sig.len);

    OPENSSL_cleanse(mac, sizeof(mac));

    return rc == 0 ? AGW_SIGNATURE_VALID : AGW_SIGNATURE_INVALID;
}


/* a signature shows it, whatever the type of the key */

static int
agw_key_is_pair(const agw_key_t *key)
{
    agw_str_t       s;
    unsigned char   sig[AGW_SIG_MAX];

    s.data = sig;
    s.len = key->signature.size;

    return agw_signature_make(&key->signature, key->kid, sig) == 0
           && agw_signature_check(&key->signature, key->kid, s)
              == AGW_SIGNATURE_VALID;
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
