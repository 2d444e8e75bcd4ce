
/*
 * OpenSSL returns the same for a bad signature and for want of memory.  Once,
 * a token was taken for a forged one while memory was short: introspection
 * said that it was not active, and a revocation of it was answered with 200.
 * Here each allocation of a verification fails in turn.
 */


#include <errno.h>

#include <openssl/crypto.h>

#include "sign.h"


#define DATA   "eyJhbGciOiJub25lIn0.e30"

/* more than any verification needs */

#define ALLOCATIONS   100000


static size_t  left = SIZE_MAX;      /* allocations until one fails */
static size_t  after;                /* and as many until the next */
static size_t  refused;


static int
is_refused(void)
{
    if (left == SIZE_MAX) {
        return 0;
    }

    if (left != 0) {
        left--;
        return 0;
    }

    refused++;
    left = after;
    errno = ENOMEM;                  /* malloc(3) */

    return 1;
}


static void *
short_malloc(size_t size, const char *file, int line)
{
    (void) file;
    (void) line;

    return is_refused() ? NULL : malloc(size);
}


static void *
short_realloc(void *p, size_t size, const char *file, int line)
{
    (void) file;
    (void) line;

    return is_refused() ? NULL : realloc(p, size);
}


static void
short_free(void *p, const char *file, int line)
{
    (void) file;
    (void) line;

    free(p);
}


/*
 * Verifies sig, as often as there are allocations: allocation n fails, and
 * then none, or all that follow.  Each result is wanted, or that it could not
 * be checked.
 */

static void
verifies_short(const agw_key_t *key, agw_str_t sig, size_t next,
    agw_signature_result_t wanted, const char *alg)
{
    size_t                  n;
    agw_signature_result_t  result;

    for (n = 0; n < ALLOCATIONS; n++) {
        refused = 0;
        after = next;
        left = n;

        result = agw_key_verify(key, S(DATA), sig);

        left = SIZE_MAX;
        mint_assert_no_errors("agw_key_verify");

        if (refused == 0) {
            unit_assert(result == wanted, "%s, memory enough", alg);
            return;
        }

        unit_assert(result == wanted || result == AGW_SIGNATURE_UNCHECKED,
            "%s, allocation %zu", alg, n);
    }

    fail_msg("%s: over %d allocations", alg, ALLOCATIONS);
}


static void
each_allocation_fails(void **state)
{
    size_t            i, len;
    agw_str_t         sig, bad;
    unsigned char    *out;
    agw_keyring_t    *ring;
    const agw_key_t  *key;

    (void) state;

    for (i = 0; i < UNIT_COUNT(sign_algs); i++) {
        ring = keys_ring(sign_is_mac(i) ? mint_secret('s')
            : keys_private_pem(sign_key(i), NULL), sign_algs[i].alg, 0);
        key = agw_keyring_signer(ring);

        out = unit_alloc(AGW_SIG_MAX);
        assert_int_equal(agw_key_sign(key, S(DATA), out, &len), 0);

        sig = (agw_str_t) { len, out };
        bad = unit_copy(sig);
        ((unsigned char *) bad.data)[bad.len / 2] ^= 1;

        verifies_short(key, sig, 0, AGW_SIGNATURE_VALID, sign_algs[i].alg);
        verifies_short(key, sig, SIZE_MAX, AGW_SIGNATURE_VALID,
            sign_algs[i].alg);
        verifies_short(key, bad, 0, AGW_SIGNATURE_INVALID, sign_algs[i].alg);
        verifies_short(key, bad, SIZE_MAX, AGW_SIGNATURE_INVALID,
            sign_algs[i].alg);

        assert_int_equal(agw_key_verify(key, S(DATA), sig),
            AGW_SIGNATURE_VALID);
        agw_keyring_free(ring);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(each_allocation_fails),
    };

    if (CRYPTO_set_mem_functions(short_malloc, short_realloc, short_free)
        != 1)
    {
        return 1;
    }

    return cmocka_run_group_tests_name("signature without memory", tests, NULL,
        keys_free_all);
}
