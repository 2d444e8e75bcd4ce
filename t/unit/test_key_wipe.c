
/*
 * What a key is made of is wiped before it is freed: whatever OpenSSL and
 * jansson free while a key is read, used and given back is looked through.
 *
 * OpenSSL's decoders free copies of the DER that they read; found in the
 * heap of an nginx long after its keys had gone.
 */


#include "unit.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>

#include "agw_base64.h"
#include "agw_key_file.h"


/* so many bytes of a secret in a row are one that was left */

#define RUN          12
#define WATCHED_MAX  16


/* a block with its length before it */

typedef union {
    size_t       len;
    max_align_t  align;
} block_t;


static agw_str_t  watched[WATCHED_MAX];
static size_t     watched_count, left, freed;


static void *
spied_malloc(size_t len)
{
    block_t  *block;

    block = malloc(sizeof(block_t) + len);

    if (block == NULL) {
        return NULL;
    }

    block->len = len;

    return block + 1;
}


/* the first 16 bytes of what is freed are the allocator's */

static int
holds(const unsigned char *p, size_t len, agw_str_t secret)
{
    size_t  i, at;

    for (at = 0; at + RUN <= secret.len; at += RUN) {
        for (i = 16; i + RUN <= len; i++) {
            if (p[i] == secret.data[at]
                && memcmp(p + i, secret.data + at, RUN) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


static void
spied_free(void *p)
{
    size_t    i;
    block_t  *block;

    if (p == NULL) {
        return;
    }

    block = (block_t *) p - 1;
    freed++;

    for (i = 0; i < watched_count; i++) {
        left += (size_t) holds(p, block->len, watched[i]);
    }

    free(block);
}


static void *
openssl_malloc(size_t len, const char *file, int line)
{
    (void) file;
    (void) line;

    return len ? spied_malloc(len) : NULL;
}


static void
openssl_free(void *p, const char *file, int line)
{
    (void) file;
    (void) line;

    spied_free(p);
}


static void *
openssl_realloc(void *p, size_t len, const char *file, int line)
{
    void    *q;
    size_t   old;

    if (p == NULL) {
        return openssl_malloc(len, file, line);
    }

    old = ((block_t *) p - 1)->len;
    q = len ? spied_malloc(len) : NULL;

    if (q != NULL) {
        memcpy(q, p, old < len ? old : len);
    }

    if (q != NULL || len == 0) {
        spied_free(p);
    }

    return q;
}


static void
watch(agw_str_t secret)
{
    assert_true(watched_count < WATCHED_MAX);

    watched[watched_count++] = unit_copy(secret);
}


static void
watch_number(EVP_PKEY *pkey, const char *param)
{
    size_t          i;
    BIGNUM         *number;
    agw_str_t       s;
    unsigned char  *p;

    number = NULL;

    if (EVP_PKEY_get_bn_param(pkey, param, &number) != 1) {
        return;
    }

    s.len = (size_t) BN_num_bytes(number);
    p = unit_alloc(s.len);
    s.data = p;

    BN_bn2bin(number, p);
    watch(s);

    for (i = 0; i < s.len; i++) {
        p[i] = watched[watched_count - 1].data[s.len - 1 - i];
    }

    watch(s);

    BN_clear_free(number);
}


static EVP_PKEY *
generate(const char *type, const char *detail)
{
    EVP_PKEY  *pkey;

    pkey = strcmp(type, "RSA") == 0 ? EVP_RSA_gen(2048)
           : detail != NULL ? EVP_EC_gen(detail)
           : EVP_PKEY_Q_keygen(NULL, NULL, type);

    assert_non_null(pkey);

    return pkey;
}


static void
watch_key(EVP_PKEY *pkey)
{
    size_t           i, len;
    agw_str_t        s;
    unsigned char    raw[64];
    const char      *params[] = {
        OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1,
        OSSL_PKEY_PARAM_RSA_FACTOR2, OSSL_PKEY_PARAM_RSA_EXPONENT1
    };

    if (EVP_PKEY_is_a(pkey, "RSA")) {
        for (i = 0; i < UNIT_COUNT(params); i++) {
            watch_number(pkey, params[i]);
        }

        return;
    }

    if (EVP_PKEY_is_a(pkey, "EC")) {
        watch_number(pkey, OSSL_PKEY_PARAM_PRIV_KEY);
        return;
    }

    len = sizeof(raw);
    assert_int_equal(EVP_PKEY_get_raw_private_key(pkey, raw, &len), 1);

    s.data = raw;
    s.len = len;

    watch(s);
}


/* reads, uses and frees; nothing of what is watched may be freed as it is */

static void
goes_without_trace(agw_str_t file, const char *alg, const char *label)
{
    size_t             len;
    agw_keyring_t     *ring;
    unsigned char      sig[AGW_SIG_MAX];
    const agw_key_t   *key;
    agw_key_source_t   source;

    memset(&source, 0, sizeof(source));

    source.bytes = file;
    source.alg.data = (const unsigned char *) alg;
    source.alg.len = strlen(alg);
    ring = agw_keyring_create();
    left = 0;
    freed = 0;

    unit_assert(agw_key_file_load(ring, &source, NULL, NULL) == 0, "%s",
                label);

    unit_assert(left == 0, "%s: read, %zu times", label, left);

    key = agw_keyring_signer(ring);

    assert_int_equal(agw_key_sign(key, S("data"), sig, &len), 0);
    assert_int_equal(agw_key_verify(key, S("data"), (agw_str_t) { len, sig }),
                     0);

    agw_keyring_free(ring);

    assert_true(freed > 10);
    unit_assert(left == 0, "%s: used and freed, %zu times", label, left);

    watched_count = 0;
}


static agw_str_t
written(BIO *bio)
{
    char       *p;
    agw_str_t   s;

    s.len = (size_t) BIO_get_mem_data(bio, &p);
    s.data = (unsigned char *) p;

    return unit_copy(s);
}


static void
pem_keys(void **state)
{
    BIO        *bio;
    size_t      i;
    EVP_PKEY   *pkey;
    agw_str_t   pkcs8, own;

    const struct {
        const char  *type;
        const char  *detail;
    } keys[] = {
        { "RSA", NULL }, { "EC", "P-256" }, { "EC", "P-384" },
        { "ED25519", NULL }
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(keys); i++) {
        pkey = generate(keys[i].type, keys[i].detail);

        bio = BIO_new(BIO_s_mem());
        assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL,
                                                       0, NULL, NULL), 1);
        pkcs8 = written(bio);
        BIO_free(bio);

        watch_key(pkey);
        goes_without_trace(pkcs8, "", "PKCS #8");

        /* Ed25519 has no other */

        bio = BIO_new(BIO_s_mem());

        if (PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0,
                                                 NULL, NULL) == 1)
        {
            own = written(bio);

            watch_key(pkey);
            goes_without_trace(own, "", "the type's own form");
        }

        BIO_free(bio);
        EVP_PKEY_free(pkey);
    }
}


static void
secrets(void **state)
{
    size_t          i;
    agw_str_t       secret, k, jwk;
    unsigned char   bytes[48], text[64];

    (void) state;

    for (i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char) (200 + i);
    }

    secret.data = bytes;
    secret.len = sizeof(bytes);

    watch(secret);
    goes_without_trace(secret, "HS256", "a secret");

    k.data = text;
    k.len = agw_base64url_encode(secret, text);

    jwk = unit_cat(S("{\"kty\":\"oct\",\"k\":\""), unit_cat(k, S("\"}")));

    watch(secret);
    watch(k);
    goes_without_trace(jwk, "", "a JWK");
}


/* the spy sees what is not wiped */

static void
what_is_left_is_seen(void **state)
{
    unsigned char  *p;

    (void) state;

    watch(S("0123456789abcdefghijklmnopqrstuvwxyz"));
    left = 0;

    p = OPENSSL_malloc(64);
    assert_non_null(p);
    memset(p, 0, 64);
    memcpy(p + 20, "cdefghijklmnopqrstuvwxyz", 24);
    OPENSSL_free(p);

    assert_int_equal(left, 1);

    p = OPENSSL_malloc(64);
    assert_non_null(p);
    memcpy(p + 20, "cdefghijklmnopqrstuvwxyz", 24);
    OPENSSL_clear_free(p, 64);

    assert_int_equal(left, 1);

    watched_count = 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(what_is_left_is_seen),
        unit_case(secrets),
        unit_case(pem_keys)
    };

    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc,
                                 openssl_free) != 1)
    {
        return 1;
    }

    json_set_alloc_funcs(spied_malloc, spied_free);

    return cmocka_run_group_tests(tests, NULL, NULL);
}
