
/*
 * Tokens as they come, which are never good: nobody guesses a signature.
 * And headers as they come, whole or from their second member on, rightly
 * signed, to reach what lies behind it.  The first byte chooses the key: a
 * secret, or one of RSA, EC or Ed25519.
 */


#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "agw_base64.h"
#include "agw_jws.h"
#include "agw_key_file.h"


#define KINDS   6


static agw_keyring_t       *rings[KINDS];
static const char *const    algs[KINDS] = {
    "HS256", "RS256", "PS384", "ES256", "ES384", "EdDSA"
};


static EVP_PKEY *
make_pkey(size_t kind)
{
    switch (kind) {

    case 1:
    case 2:
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t) 2048);

    case 3:
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");

    case 4:
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");

    default:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    }
}


static agw_keyring_t *
make_ring(size_t kind)
{
    BIO               *bio;
    char              *pem, secret[64];
    EVP_PKEY          *pkey;
    agw_keyring_t     *ring;
    agw_key_source_t   source;

    bio = BIO_new(BIO_s_mem());
    memset(secret, 'f', sizeof(secret));
    memset(&source, 0, sizeof(source));
    source.bytes.len = sizeof(secret);
    source.bytes.data = (unsigned char *) secret;
    source.alg.len = strlen(algs[kind]);
    source.alg.data = (const unsigned char *) algs[kind];

    if (kind != 0) {
        pkey = make_pkey(kind);

        if (PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL,
                                          NULL) != 1)
        {
            abort();
        }

        source.bytes.len = (size_t) BIO_get_mem_data(bio, &pem);
        source.bytes.data = (unsigned char *) pem;
        EVP_PKEY_free(pkey);
    }

    ring = agw_keyring_create();

    if (agw_key_file_load(ring, &source, NULL, NULL) != 0) {
        abort();
    }

    BIO_free(bio);
    ERR_clear_error();

    return ring;
}


static agw_str_t
sign(const agw_keyring_t *ring, const uint8_t *header, size_t size,
    unsigned char *out)
{
    size_t          n, len;
    agw_str_t       s;
    unsigned char   sig[AGW_SIG_MAX];

    s.len = size;
    s.data = header;
    n = agw_base64url_encode(s, out);
    memcpy(&out[n], ".e30", 4);
    s.len = n + 4;
    s.data = out;

    if (agw_key_sign(agw_keyring_signer(ring), s, sig, &len) != 0) {
        abort();
    }

    out[s.len] = '.';
    n = s.len + 1;
    s.len = len;
    s.data = sig;
    s.len = n + agw_base64url_encode(s, &out[n]);
    s.data = out;

    return s;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          n, kind;
    char            start[64];
    agw_jws_t       jws;
    agw_str_t       token;
    agw_keyring_t  *ring;
    unsigned char  *header, *out, buf[AGW_JWS_BUF_SIZE];

    kind = size ? data[0] % KINDS : 0;
    data += size != 0;
    size -= size != 0;

    if (rings[kind] == NULL) {
        rings[kind] = make_ring(kind);
    }

    ring = rings[kind];

    token.len = size;
    token.data = data;

    if (agw_jws_verify(&jws, ring, token, buf) == AGW_OK
        || jws.payload.len != 0)
    {
        abort();
    }

    /* the key's own header in front of whatever follows */

    token = agw_key_header(agw_keyring_key(ring, 0));
    out = malloc(token.len + 1 + size);
    memcpy(out, token.data, token.len);
    out[token.len] = '.';

    if (size != 0) {
        memcpy(&out[token.len + 1], data, size);
    }

    token.data = out;
    token.len += 1 + size;

    if (agw_jws_verify(&jws, ring, token, buf) == AGW_OK
        || jws.payload.len != 0)
    {
        abort();
    }

    free(out);

    n = (size_t) snprintf(start, sizeof(start),
                          "{\"alg\":\"%s\",\"typ\":\"JWT\"", algs[kind]);

    if (size && data[0] == '{') {
        n = 0;
    }

    header = malloc(n + size + 1);
    memcpy(header, start, n);

    if (size != 0) {
        memcpy(&header[n], data, size);
    }

    out = malloc(AGW_BASE64URL_SIZE(n + size) + 8
                 + AGW_BASE64URL_SIZE(AGW_SIG_MAX));
    token = sign(ring, header, n + size, out);

    if (agw_jws_verify(&jws, ring, token, buf) == AGW_OK
        && (jws.payload.len != 2 || memcmp(jws.payload.data, "{}", 2) != 0))
    {
        abort();
    }

    if (ERR_peek_error() != 0) {
        abort();
    }

    free(header);
    free(out);

    return 0;
}
