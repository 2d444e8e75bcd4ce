
/*
 * Blocks are read one by one: OpenSSL's functions that read a whole file ask a
 * terminal for a passphrase, and skip what they do not look for.
 */


#include <limits.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "agw_der.h"
#include "agw_pem.h"


typedef struct {
    const char   *name;
    EVP_PKEY    *(*decode)(agw_str_t der, const char **error);
    int           is_private;
} agw_pem_type_t;


static EVP_PKEY *agw_pem_block(const char *name, const char *header,
    const unsigned char *der, long len, int *is_private, const char **error);
static EVP_PKEY *agw_decode_public(agw_str_t der, const char **error);
static EVP_PKEY *agw_decode_rsa_public(agw_str_t der, const char **error);
static EVP_PKEY *agw_decoded_whole(EVP_PKEY *pkey, int whole,
    const char **error);


static const agw_pem_type_t  agw_pem_types[] = {
    { PEM_STRING_PKCS8INF, agw_der_pkcs8, 1 },
    { PEM_STRING_RSA, agw_der_rsa, 1 },
    { PEM_STRING_ECPRIVATEKEY, agw_der_ec, 1 },
    { PEM_STRING_PUBLIC, agw_decode_public, 0 },
    { PEM_STRING_RSA_PUBLIC, agw_decode_rsa_public, 0 }
};


EVP_PKEY *
agw_pem_read(agw_str_t text, int *is_private, const char **error)
{
    BIO            *bio;
    char           *name, *header;
    long            len;
    EVP_PKEY       *pkey, *next;
    unsigned char  *der;

    if (text.len > INT_MAX) {
        *error = "the PEM is too long";
        return NULL;
    }

    *error = "OpenSSL failed, or memory ran out";

    bio = BIO_new_mem_buf(text.data, (int) text.len);
    if (bio == NULL) {
        ERR_clear_error();
        return NULL;
    }

    pkey = NULL;
    *error = NULL;

    while (*error == NULL
           && PEM_read_bio_ex(bio, &name, &header, &der, &len,
                              PEM_FLAG_SECURE) == 1)
    {
        if (strcmp(name, PEM_STRING_ECPARAMETERS) != 0) {
            next = agw_pem_block(name, header, der, len, is_private, error);

            if (next != NULL && pkey != NULL) {
                *error = "the PEM holds several keys; it must be one in a "
                         "file";
                EVP_PKEY_free(next);

            } else if (next != NULL) {
                pkey = next;
            }
        }

        OPENSSL_secure_free(name);
        OPENSSL_secure_free(header);
        OPENSSL_secure_clear_free(der, (size_t) len);
    }

    if (*error == NULL
        && (pkey == NULL || ERR_GET_REASON(ERR_peek_last_error())
                            != PEM_R_NO_START_LINE))
    {
        *error = "the PEM is broken or cut short; it must be a whole PRIVATE "
                 "KEY or PUBLIC KEY";
    }

    BIO_free(bio);
    ERR_clear_error();

    if (*error != NULL) {
        EVP_PKEY_free(pkey);
        return NULL;
    }

    return pkey;
}


static EVP_PKEY *
agw_pem_block(const char *name, const char *header, const unsigned char *der,
    long len, int *is_private, const char **error)
{
    size_t                 i;
    EVP_PKEY              *pkey;
    agw_str_t              s;
    const agw_pem_type_t  *type;

    /* the older forms say that they are encrypted in a header */

    if (strcmp(name, PEM_STRING_PKCS8) == 0 || header[0] != '\0') {
        *error = "the PEM is encrypted; it must be a key without a passphrase";
        return NULL;
    }

    type = NULL;

    for (i = 0; i < sizeof(agw_pem_types) / sizeof(agw_pem_types[0]); i++) {
        if (strcmp(name, agw_pem_types[i].name) == 0) {
            type = &agw_pem_types[i];
        }
    }

    if (type == NULL) {
        *error = "the PEM holds something else; it must be PRIVATE KEY, "
                 "PUBLIC KEY, or their RSA and EC spellings (not a "
                 "certificate: openssl x509 -pubkey tells its key)";
        return NULL;
    }

    s.data = der;
    s.len = (size_t) len;

    pkey = type->decode(s, error);

    if (pkey != NULL) {
        *is_private = type->is_private;
        *error = NULL;
    }

    return pkey;
}


static EVP_PKEY *
agw_decode_public(agw_str_t der, const char **error)
{
    EVP_PKEY             *pkey;
    const unsigned char  *end;

    end = der.data;
    pkey = d2i_PUBKEY(NULL, &end, (long) der.len);

    return agw_decoded_whole(pkey, end == der.data + der.len, error);
}


static EVP_PKEY *
agw_decode_rsa_public(agw_str_t der, const char **error)
{
    EVP_PKEY             *pkey;
    const unsigned char  *end;

    end = der.data;
    pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &end, (long) der.len);

    return agw_decoded_whole(pkey, end == der.data + der.len, error);
}


/* nothing may follow a key */

static EVP_PKEY *
agw_decoded_whole(EVP_PKEY *pkey, int whole, const char **error)
{
    if (pkey != NULL && whole) {
        return pkey;
    }

    EVP_PKEY_free(pkey);
    *error = "the PEM cannot be read as a key of its kind";

    return NULL;
}
