
/*
 * P8.14: Ed25519 keys under which anybody can sign, or nobody.  With the
 * identity as key the signature (identity, 0) is one of every message;
 * OpenSSL took it.
 */


#include "unit.h"

#include <openssl/evp.h>

#include "agw_ed25519.h"
#include "keys.h"


/* of y, little-endian; the sign of x is the top bit of the last byte */

typedef struct {
    const char     *name;
    unsigned char   key[32];
} point_t;


static int
sound(const unsigned char *key)
{
    int        rc;
    EVP_PKEY  *pkey;

    pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);
    assert_non_null(pkey);

    rc = agw_ed25519_is_sound(pkey);

    EVP_PKEY_free(pkey);
    mint_assert_no_errors("agw_ed25519_is_sound");

    return rc;
}


/* p is ed ff .. ff 7f */

static void
p8_14_points_of_small_order(void **state)
{
    size_t          i;
    unsigned char   key[32];

    static const point_t  points[] = {
        { "identity", { 1 } },
        { "order 4", { 0 } },
        { "order 2",
          { 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f } },
        { "order 8",
          { 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
            0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
            0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 } },
        { "order 8, the other",
          { 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
            0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
            0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a } },
        { "p, which is 0",
          { 0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f } },
        { "p + 1, which is 1",
          { 0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f } }
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(points); i++) {
        unit_assert(!sound(points[i].key), "%s", points[i].name);

        memcpy(key, points[i].key, sizeof(key));
        key[31] |= 0x80;

        unit_assert(!sound(key), "%s, with the other sign", points[i].name);
    }
}


/* y = 2 is on no curve of ours: no x goes with it, and no signature */

static void
p8_14_off_the_curve(void **state)
{
    size_t                i, j;
    EVP_PKEY             *pkey;
    EVP_MD_CTX           *ctx;
    unsigned char         sig[64];
    static const point_t  points[] = { { "2", { 2 } }, { "7", { 7 } } };

    (void) state;

    for (i = 0; i < UNIT_COUNT(points); i++) {
        pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
            points[i].key, 32);
        assert_non_null(pkey);

        for (j = 0; j < 256; j++) {
            memset(sig, 0, sizeof(sig));
            sig[0] = (unsigned char) j;

            ctx = EVP_MD_CTX_new();
            assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, NULL, NULL,
                pkey), 1);
            unit_assert(EVP_DigestVerify(ctx, sig, sizeof(sig),
                (const unsigned char *) "x", 1) != 1, "y = %s, R = %zu",
                points[i].name, j);
            EVP_MD_CTX_free(ctx);
        }

        EVP_PKEY_free(pkey);
    }

    ERR_clear_error();
}


static void
keys_that_somebody_has(void **state)
{
    size_t          i, len;
    EVP_PKEY       *pkey;
    unsigned char   key[32];

    (void) state;

    for (i = 0; i < 200; i++) {
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        assert_non_null(pkey);

        len = sizeof(key);
        assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, key, &len), 1);
        EVP_PKEY_free(pkey);

        assert_true(sound(key));
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(p8_14_points_of_small_order),
        unit_case(p8_14_off_the_curve),
        unit_case(keys_that_somebody_has),
    };

    return cmocka_run_group_tests_name("ed25519", tests, NULL, NULL);
}
