
/*
 * Keys of every type, made when they are first asked for and kept for the
 * run of a program, and their spellings: PEM, DER, JWK.  OpenSSL writes
 * them, never the code under test.
 */


#ifndef KEYS_H_INCLUDED_
#define KEYS_H_INCLUDED_


#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "mint.h"

#include "agw_key_file.h"


#define KEYS_MAX   16


typedef struct {
    const char  *name;
    EVP_PKEY    *pkey;
} keys_slot_t;


static keys_slot_t  keys_slots[KEYS_MAX];


/* "RSA" is of 2048 bits, another name is a curve's; `name'` is another key */

static inline EVP_PKEY *
keys_get(const char *name)
{
    char          curve[32];
    size_t        i;
    unsigned      bits;
    EVP_PKEY     *pkey;
    keys_slot_t  *slot;

    slot = NULL;

    for (i = 0; i < KEYS_MAX && slot == NULL; i++) {

        if (keys_slots[i].name == NULL) {
            slot = &keys_slots[i];

        } else if (strcmp(keys_slots[i].name, name) == 0) {
            return keys_slots[i].pkey;
        }
    }

    assert_non_null(slot);

    snprintf(curve, sizeof(curve), "%.*s", (int) strcspn(name, "'"), name);

    if (strncmp(curve, "RSA", 3) == 0) {
        bits = curve[3] ? (unsigned) atoi(&curve[3]) : 2048;
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t) bits);

    } else if (strncmp(curve, "Ed", 2) == 0 || curve[0] == 'X') {
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, curve);

    } else {
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve);
    }

    unit_assert(pkey != NULL, "no key: %s", name);
    ERR_clear_error();

    slot->name = name;
    slot->pkey = pkey;

    return pkey;
}


static inline int
keys_free_all(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < KEYS_MAX; i++) {
        EVP_PKEY_free(keys_slots[i].pkey);
    }

    memset(keys_slots, 0, sizeof(keys_slots));

    return 0;
}


/* what was written to bio, which is freed */

static inline agw_str_t
keys_taken(BIO *bio)
{
    char       *p;
    agw_str_t   s;

    s.len = (size_t) BIO_get_mem_data(bio, &p);
    s.data = (unsigned char *) p;
    s = unit_copy(s);

    BIO_free(bio);
    ERR_clear_error();

    assert_true(s.len > 32);

    return s;
}


/* PUBLIC KEY */

static inline agw_str_t
keys_public_pem(EVP_PKEY *pkey)
{
    BIO  *bio;

    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(bio, pkey), 1);

    return keys_taken(bio);
}


/* PRIVATE KEY, encrypted where there is a passphrase */

static inline agw_str_t
keys_private_pem(EVP_PKEY *pkey, const char *passphrase)
{
    BIO  *bio;

    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey,
        passphrase ? EVP_aes_128_cbc() : NULL, NULL, 0, NULL,
        (void *) passphrase), 1);

    return keys_taken(bio);
}


/* RSA PRIVATE KEY or EC PRIVATE KEY */

static inline agw_str_t
keys_traditional_pem(EVP_PKEY *pkey, const char *passphrase)
{
    BIO  *bio;

    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, pkey,
        passphrase ? EVP_aes_128_cbc() : NULL, NULL, 0, NULL,
        (void *) passphrase), 1);

    return keys_taken(bio);
}


static inline agw_str_t
keys_pem(const char *name, agw_str_t der)
{
    BIO  *bio;

    bio = BIO_new(BIO_s_mem());
    assert_true(PEM_write_bio(bio, name, "", der.data, (long) der.len) > 0);

    return keys_taken(bio);
}


typedef int (*keys_writer_pt)(const EVP_PKEY *pkey, unsigned char **der);

/* by i2d_PUBKEY, i2d_PublicKey or i2d_PrivateKey */

static inline agw_str_t
keys_der(EVP_PKEY *pkey, keys_writer_pt writer)
{
    int             n;
    agw_str_t       s;
    unsigned char  *p;

    p = NULL;
    n = writer(pkey, &p);
    assert_true(n > 0);

    s.len = (size_t) n;
    s.data = p;
    s = unit_copy(s);

    OPENSSL_free(p);
    ERR_clear_error();

    return s;
}


/* a certificate of the key's own; Ed25519 has no digest */

static inline X509 *
keys_certificate(EVP_PKEY *pkey)
{
    X509  *x509;

    x509 = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, pkey);
    assert_true(X509_sign(x509, pkey,
        EVP_PKEY_is_a(pkey, "ED25519") ? NULL : EVP_sha256()) > 0);

    return x509;
}


static inline json_t *
keys_json(agw_str_t s)
{
    return json_stringn((const char *) s.data, s.len);
}


/* a number as a JWK has it, of size bytes, or 0: of as many as it needs */

static inline json_t *
keys_number(const BIGNUM *number, int size)
{
    agw_str_t       s;
    unsigned char  *p;

    size = size ? size : BN_num_bytes(number);
    p = unit_alloc((size_t) size);
    assert_int_equal(BN_bn2binpad(number, p, size), size);

    s.len = (size_t) size;
    s.data = p;

    return keys_json(mint_base64url(s));
}


static inline void
keys_set_number(json_t *jwk, const char *name, EVP_PKEY *pkey,
    const char *param, int size)
{
    BIGNUM  *number;

    number = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(pkey, param, &number), 1);
    json_object_set_new(jwk, name, keys_number(number, size));
    BN_clear_free(number);
}


static inline void
keys_set_raw(json_t *jwk, const char *name, EVP_PKEY *pkey,
    int (*get)(const EVP_PKEY *, unsigned char *, size_t *))
{
    agw_str_t      s;
    unsigned char  raw[64];

    s.data = raw;
    s.len = sizeof(raw);
    assert_int_equal(get(pkey, raw, &s.len), 1);
    json_object_set_new(jwk, name, keys_json(mint_base64url(s)));
}


/* the JWK of keys_get(name), a new reference */

static inline json_t *
keys_jwk(const char *name, int is_private)
{
    int                 bits;
    size_t              i;
    json_t             *jwk;
    EVP_PKEY           *pkey;
    static const char  *rsa[][2] = {
        { "n", OSSL_PKEY_PARAM_RSA_N }, { "e", OSSL_PKEY_PARAM_RSA_E },
        { "d", OSSL_PKEY_PARAM_RSA_D },
        { "p", OSSL_PKEY_PARAM_RSA_FACTOR1 },
        { "q", OSSL_PKEY_PARAM_RSA_FACTOR2 },
        { "dp", OSSL_PKEY_PARAM_RSA_EXPONENT1 },
        { "dq", OSSL_PKEY_PARAM_RSA_EXPONENT2 },
        { "qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
    };

    pkey = keys_get(name);
    jwk = json_object();

    if (EVP_PKEY_is_a(pkey, "RSA")) {
        json_object_set_new(jwk, "kty", json_string("RSA"));

        for (i = 0; i < (is_private ? UNIT_COUNT(rsa) : 2); i++) {
            keys_set_number(jwk, rsa[i][0], pkey, rsa[i][1], 0);
        }

        return jwk;
    }

    json_object_set_new(jwk, "crv",
        json_stringn(name, strcspn(name, "'")));

    if (!EVP_PKEY_is_a(pkey, "EC")) {
        json_object_set_new(jwk, "kty", json_string("OKP"));
        keys_set_raw(jwk, "x", pkey, EVP_PKEY_get_raw_public_key);

        if (is_private) {
            keys_set_raw(jwk, "d", pkey, EVP_PKEY_get_raw_private_key);
        }

        return jwk;
    }

    bits = (EVP_PKEY_get_bits(pkey) + 7) / 8;
    json_object_set_new(jwk, "kty", json_string("EC"));
    keys_set_number(jwk, "x", pkey, OSSL_PKEY_PARAM_EC_PUB_X, bits);
    keys_set_number(jwk, "y", pkey, OSSL_PKEY_PARAM_EC_PUB_Y, bits);

    if (is_private) {
        keys_set_number(jwk, "d", pkey, OSSL_PKEY_PARAM_PRIV_KEY, bits);
    }

    return jwk;
}


static inline json_t *
keys_jwk_oct(agw_str_t secret)
{
    return json_pack("{s:s, s:o}", "kty", "oct", "k",
        keys_json(mint_base64url(secret)));
}


/* its text; the reference is taken */

static inline agw_str_t
keys_text(json_t *json)
{
    char       *p;
    agw_str_t   s;

    p = json_dumps(json, JSON_COMPACT);
    assert_non_null(p);

    s = unit_format("%s", p);

    free(p);
    json_decref(json);

    return s;
}


/* json is a JWK, or {"keys":[...]} of up to four, whose references it takes */

static inline agw_str_t
keys_set(json_t *a, json_t *b, json_t *c, json_t *d)
{
    size_t   i;
    json_t  *keys, *all[] = { a, b, c, d };

    keys = json_array();

    for (i = 0; i < UNIT_COUNT(all); i++) {
        if (all[i] != NULL) {
            json_array_append_new(keys, all[i]);
        }
    }

    return keys_text(json_pack("{s:o}", "keys", keys));
}


/* what was said of the last file that keys_load() loaded: of each the last */

static const char  *keys_error;
static const char  *keys_warning;
static const char  *keys_took;
static size_t       keys_warnings;
static size_t       keys_place;
static agw_str_t    keys_kid;


static inline void
keys_report(void *data, const agw_key_remark_t *remark)
{
    assert_ptr_equal(data, &keys_error);
    assert_non_null(remark->text);
    assert_true(strlen(remark->text) > 4);

    switch (remark->kind) {

    case AGW_KEY_ERROR:
        assert_null(keys_error);
        keys_error = remark->text;
        break;

    case AGW_KEY_TAKEN:
        assert_null(keys_took);
        keys_took = remark->text;
        return;

    default:
        keys_warning = remark->text;
        keys_warnings++;
    }

    assert_true((remark->place != 0) >= (remark->kind == AGW_KEY_SKIPPED));

    keys_place = remark->place;
    keys_kid = unit_copy(remark->kid);
}


static inline int
keys_load(agw_keyring_t *ring, agw_str_t file, const char *alg,
    const char *kid, int verify)
{
    int                rc;
    size_t             count;
    agw_key_source_t   source;

    memset(&source, 0, sizeof(source));
    source.bytes = unit_copy(file);
    source.alg = unit_format("%s", alg);
    source.kid = unit_format("%s", kid);
    source.verify = verify != 0;

    count = agw_keyring_count(ring);
    keys_error = NULL;
    keys_warning = NULL;
    keys_took = NULL;
    keys_warnings = 0;

    rc = agw_key_file_load(ring, &source, keys_report, &keys_error);
    mint_assert_no_errors("agw_key_file_load");

    if (rc == 0) {
        assert_null(keys_error);
        assert_non_null(keys_took);
        assert_true(agw_keyring_count(ring) > count);

    } else {
        assert_int_equal(rc, -1);
        assert_int_equal(agw_keyring_count(ring), count);
        assert_true(keys_error != NULL && strlen(keys_error) > 10);
        assert_null(keys_took);
    }

    return rc;
}


/* a ring of what is in file, whose keys may sign if they can */

static inline agw_keyring_t *
keys_ring(agw_str_t file, const char *alg, int verify)
{
    int             rc;
    agw_keyring_t  *ring;

    ring = agw_keyring_create();
    rc = keys_load(ring, file, alg, "", verify);
    unit_assert(rc == 0, "refused, \"%s\": %.*s", keys_error,
        UNIT_ARG(file));

    return ring;
}


/* and with a word of the message that has to be in it */

static inline void
keys_refuses(agw_str_t file, const char *alg, const char *word)
{
    int             rc, verify;
    agw_keyring_t  *ring;

    ring = agw_keyring_create();

    for (verify = 0; verify < 2; verify++) {
        rc = keys_load(ring, file, alg, "k", verify);
        unit_assert(rc == -1, "accepted (verify: %d): %.*s", verify,
            UNIT_ARG(file));
    }

    unit_assert(word == NULL || strstr(keys_error, word) != NULL,
        "not because of \"%s\": %s", word ? word : "", keys_error);

    agw_keyring_free(ring);
}


#endif /* KEYS_H_INCLUDED_ */
