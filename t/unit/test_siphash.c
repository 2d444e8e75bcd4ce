
/* Our SipHash is OpenSSL's, for every length there is to be hashed. */


#include "unit.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "agw_siphash.h"


#define LENGTHS   301


/* OpenSSL takes the key as bytes, and gives the result as bytes */

static void
bytes_of(const uint64_t word[2], unsigned char bytes[16])
{
    unsigned  i;

    for (i = 0; i < 16; i++) {
        bytes[i] = (unsigned char) (word[i / 8] >> 8 * (i % 8));
    }
}


static void
expected(const uint64_t key[2], agw_str_t s, unsigned char out[16])
{
    size_t         len, size;
    EVP_MAC       *mac;
    EVP_MAC_CTX   *ctx;
    OSSL_PARAM     params[2];
    unsigned char  secret[16];

    size = 16;
    bytes_of(key, secret);

    params[0] = OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size);
    params[1] = OSSL_PARAM_construct_end();

    mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    assert_non_null(mac);

    ctx = EVP_MAC_CTX_new(mac);
    assert_non_null(ctx);

    assert_int_equal(EVP_MAC_init(ctx, secret, sizeof(secret), params), 1);
    assert_int_equal(EVP_MAC_update(ctx, s.data, s.len), 1);
    assert_int_equal(EVP_MAC_final(ctx, out, &len, 16), 1);
    assert_int_equal(len, 16);

    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}


static void
as_openssl_has_it(void **state)
{
    size_t         len, i;
    uint64_t       key[2];
    agw_str_t      s;
    agw_hash_t     hash;
    unsigned char  got[16], want[16], *p;

    (void) state;

    for (len = 0; len < LENGTHS; len++) {
        p = unit_alloc(len);

        for (i = 0; i < len; i++) {
            p[i] = (unsigned char) (i * 131 + len * 17 + 200);
        }

        s.data = p;
        s.len = len;

        key[0] = UINT64_C(0x0706050403020100) * (len + 1);
        key[1] = UINT64_C(0xfffefdfcfbfaf9f8) - len;

        hash = agw_siphash(key, s);

        bytes_of(hash.word, got);
        expected(key, s, want);

        unit_assert(memcmp(got, want, 16) == 0, "length %zu", len);
    }
}


/* the first two of the authors' own vectors, key 00 01 02 ... 0f */

static void
vectors_of_the_authors(void **state)
{
    unsigned char               got[16];
    agw_hash_t                  hash;
    static const uint64_t       key[2] = {
        UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)
    };
    static const unsigned char  of_none[16] = {
        0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6,
        0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93
    };
    static const unsigned char  of_00[16] = {
        0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44,
        0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45
    };

    (void) state;

    hash = agw_siphash(key, UNIT_NONE);
    bytes_of(hash.word, got);
    assert_memory_equal(got, of_none, 16);

    hash = agw_siphash(key, unit_copy((agw_str_t) agw_string("\0")));
    bytes_of(hash.word, got);
    assert_memory_equal(got, of_00, 16);
}


static void
another_key_another_hash(void **state)
{
    unsigned               i;
    uint64_t               key[2];
    agw_hash_t             a, b;
    static const uint64_t  first[2] = { 1, 2 };

    (void) state;

    a = agw_siphash(first, S("business"));

    for (i = 0; i < 128; i++) {
        key[0] = first[0];
        key[1] = first[1];
        key[i / 64] ^= UINT64_C(1) << i % 64;

        b = agw_siphash(key, S("business"));

        unit_assert(a.word[0] != b.word[0] && a.word[1] != b.word[1],
                    "bit %u", i);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(as_openssl_has_it),
        unit_case(vectors_of_the_authors),
        unit_case(another_key_another_hash),
    };

    return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}
