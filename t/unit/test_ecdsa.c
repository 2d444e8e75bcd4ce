
/*
 * P8.13 The two numbers of an ECDSA signature.  The story: a verifier for
 * which r = s = 0 satisfied the equation took a blank signature for anybody's
 * (CVE-2022-21449).
 */


#include <openssl/ecdsa.h>

#include "keys.h"

#include "agw_signature.h"
#include "agw_pkey.h"


static const struct {
    const char  *curve;
    const char  *digest;
    const char  *alg;
    size_t       size;
} curves[] = {
    { "P-256", "SHA256", "ES256", 32 },
    { "P-384", "SHA384", "ES384", 48 },
};


static agw_str_t
order_of(size_t i)
{
    unsigned char  order[AGW_FIELD_MAX];

    assert_int_equal(agw_pkey_order(keys_get(curves[i].curve), order,
        curves[i].size), 0);
    mint_assert_no_errors("agw_pkey_order");

    return unit_copy((agw_str_t) { curves[i].size, order });
}


/* the number s, and n more */

static agw_str_t
plus(agw_str_t s, int n)
{
    size_t          i;
    unsigned char  *p;

    s = unit_copy(s);
    p = (unsigned char *) s.data;

    for (i = s.len; i-- > 0 && n != 0;) {
        n += p[i];
        p[i] = (unsigned char) (n & 0xff);
        n >>= 8;
    }

    return s;
}


static int
converts(agw_str_t raw, agw_str_t order)
{
    int             rc;
    size_t          len;
    unsigned char  *der;

    len = 0;
    der = unit_alloc(AGW_ECDSA_DER_MAX);

    rc = agw_ecdsa_to_der(unit_copy(raw), order, der, &len);
    mint_assert_no_errors("agw_ecdsa_to_der");

    if (rc == AGW_SIGNATURE_VALID) {
        assert_in_range(len, 8, AGW_ECDSA_DER_MAX);

    } else {
        assert_int_equal(rc, AGW_SIGNATURE_INVALID);
    }

    return rc == AGW_SIGNATURE_VALID;
}


static void
the_order_of_the_group(void **state)
{
    size_t     i;
    BIGNUM    *n;
    EC_GROUP  *group;

    (void) state;

    for (i = 0; i < UNIT_COUNT(curves); i++) {
        group = EC_GROUP_new_by_curve_name(
            i == 0 ? NID_X9_62_prime256v1 : NID_secp384r1);
        n = BN_bin2bn(order_of(i).data, (int) curves[i].size, NULL);
        assert_int_equal(BN_cmp(n, EC_GROUP_get0_order(group)), 0);
        BN_free(n);
        EC_GROUP_free(group);
    }
}


static void
p8_13_range_of_r_and_s(void **state)
{
    int        ok;
    size_t     i, j, k;
    agw_str_t  order, zero;
    struct {
        int         good;
        agw_str_t   number;
    } numbers[9];

    (void) state;

    for (i = 0; i < UNIT_COUNT(curves); i++) {
        order = order_of(i);
        zero = unit_fill(0, order.len);

        numbers[0].number = zero;
        numbers[1].number = order;
        numbers[2].number = plus(order, 1);
        numbers[3].number = unit_fill(0xff, order.len);
        numbers[4].number = plus(order, 256);
        numbers[5].number = plus(zero, 1);
        numbers[6].number = plus(order, -1);
        numbers[7].number = unit_fill(0x7f, order.len);
        numbers[8].number = unit_fill(0x80, order.len);

        for (j = 0; j < UNIT_COUNT(numbers); j++) {
            numbers[j].good = j >= 5;
        }

        for (j = 0; j < UNIT_COUNT(numbers); j++) {
            for (k = 0; k < UNIT_COUNT(numbers); k++) {
                ok = numbers[j].good && numbers[k].good;
                unit_assert(converts(unit_cat(numbers[j].number,
                    numbers[k].number), order) == ok,
                    "%s: r %zu, s %zu", curves[i].curve, j, k);
            }
        }

        unit_free_all(NULL);
    }
}


static void
p8_13_length(void **state)
{
    size_t     i, n;
    agw_str_t  order;

    (void) state;

    for (i = 0; i < UNIT_COUNT(curves); i++) {
        order = order_of(i);

        for (n = 0; n < 200; n++) {
            assert_int_equal(converts(unit_fill(1, n), order),
                n == 2 * order.len);
        }
    }
}


/* each number of leading zeros, and a first bit that needs a byte before it */

static void
rfc7518_3_4_there_and_back(void **state)
{
    size_t                i, j, k, len;
    agw_str_t             order, r, s, raw, der;
    ECDSA_SIG            *sig;
    unsigned char        *out, *q, *end;
    const unsigned char  *p;

    (void) state;

    for (i = 0; i < UNIT_COUNT(curves); i++) {
        order = order_of(i);

        for (j = 0; j < order.len; j++) {
            for (k = 0; k < order.len; k += 3) {
                r = unit_cat(unit_fill(0, j),
                    unit_fill(0x80, order.len - j));
                s = unit_cat(unit_fill(0, k), unit_fill(1, order.len - k));
                raw = unit_cat(r, s);
                out = unit_alloc(AGW_ECDSA_DER_MAX);
                assert_int_equal(agw_ecdsa_to_der(raw, order, out, &len), 0);

                /* OpenSSL reads it, and to its end */

                p = out;
                sig = d2i_ECDSA_SIG(NULL, &p, (long) len);
                assert_non_null(sig);
                assert_ptr_equal(p, out + len);

                /* and writes no other bytes */

                q = unit_alloc(AGW_ECDSA_DER_MAX);
                end = q;
                assert_int_equal(i2d_ECDSA_SIG(sig, &end), len);
                assert_memory_equal(q, out, len);
                ECDSA_SIG_free(sig);

                der = unit_copy((agw_str_t) { len, out });
                out = unit_alloc(2 * order.len);
                assert_int_equal(agw_ecdsa_from_der(der, order.len, out), 0);
                unit_assert_str((agw_str_t) { 2 * order.len, out }, raw);
            }

            unit_free_all(NULL);
            order = order_of(i);
        }
    }
}


static void
der_that_is_none(void **state)
{
    size_t          i, n;
    agw_str_t       der;
    unsigned char  *out;
    static const agw_str_t  rows[] = {
        agw_string(""), agw_string("\x30"), agw_string("\x30\x00"),
        agw_string("\x30\x03\x02\x01\x01"),
        agw_string("\x30\x06\x02\x01\x01\x04\x01\x01"),
        agw_string("\x02\x01\x01"),
    };

    (void) state;

    out = unit_alloc(2 * AGW_FIELD_MAX);

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        assert_int_equal(agw_ecdsa_from_der(unit_copy(rows[i]), 32, out), -1);
        ERR_clear_error();
    }

    /* numbers that are too long for the field */

    for (n = 33; n < 50; n++) {
        der = unit_format("%c%c\x02%c", 0x30, (int) n + 5, (int) n);
        der = unit_cat(unit_cat(der, unit_fill(1, n)), S("\x02\x01\x01"));
        assert_int_equal(agw_ecdsa_from_der(der, 32, out), -1);
        ERR_clear_error();
    }
}


/* through a key: good DER is no signature, nor is anything from above */

static void
p8_13_at_the_key(void **state)
{
    int                  n;
    size_t               i, j, len;
    agw_str_t            order, sig, bad[12];
    EVP_MD_CTX          *ctx;
    const agw_key_t     *key;
    agw_keyring_t       *ring;
    unsigned char       *out;
    static const char    data[] = "e30.e30";

    (void) state;

    for (i = 0; i < UNIT_COUNT(curves); i++) {
        ring = keys_ring(keys_private_pem(keys_get(curves[i].curve), NULL),
            curves[i].alg, 0);
        key = agw_keyring_signer(ring);
        order = order_of(i);
        n = 0;

        out = unit_alloc(AGW_SIG_MAX);
        assert_int_equal(agw_key_sign(key, S("e30.e30"), out, &len), 0);
        assert_int_equal(len, 2 * order.len);
        sig = unit_copy((agw_str_t) { len, out });

        /* what OpenSSL itself would have taken */

        ctx = EVP_MD_CTX_new();
        len = AGW_SIG_MAX;
        assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, curves[i].digest,
            NULL, NULL, keys_get(curves[i].curve), NULL), 1);
        assert_int_equal(EVP_DigestSign(ctx, out, &len,
            (const unsigned char *) data, strlen(data)), 1);
        EVP_MD_CTX_free(ctx);
        bad[n++] = (agw_str_t) { len, out };

        bad[n++] = unit_fill(0, 2 * order.len);
        bad[n++] = unit_fill(0xff, 2 * order.len);
        bad[n++] = unit_cat(order, order);
        bad[n++] = unit_cat(plus(order, 1), plus(order, 1));
        bad[n++] = unit_cat(unit_fill(0, order.len), order);
        bad[n++] = unit_cat(order,
            (agw_str_t) { order.len, sig.data + order.len });
        bad[n++] = unit_cat((agw_str_t) { order.len, sig.data },
            unit_fill(0, order.len));
        bad[n++] = unit_cat(sig, S("\0"));
        bad[n++] = unit_cat(S("\0"), sig);
        bad[n++] = UNIT_NONE;
        bad[n++] = (agw_str_t) { 2 * order.len - 1, sig.data };

        for (j = 0; j < (size_t) n; j++) {
            unit_assert(agw_key_verify(key, S("e30.e30"), unit_copy(bad[j]))
                == AGW_SIGNATURE_INVALID, "%s: row %zu", curves[i].curve, j);
            mint_assert_no_errors("agw_key_verify");
        }

        assert_int_equal(agw_key_verify(key, S("e30.e30"), sig), 0);
        agw_keyring_free(ring);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(the_order_of_the_group),
        unit_case(p8_13_range_of_r_and_s),
        unit_case(p8_13_length),
        unit_case(rfc7518_3_4_there_and_back),
        unit_case(der_that_is_none),
        unit_case(p8_13_at_the_key),
    };

    return cmocka_run_group_tests_name("ecdsa", tests, NULL, keys_free_all);
}
