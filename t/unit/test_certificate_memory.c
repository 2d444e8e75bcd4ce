
/*
 * OpenSSL returns the same for what is no certificate and for want of memory.
 * Once a certificate that could not be read was taken for a bad one as long as
 * its connection lived.  Here each allocation fails in turn: alone, or with
 * all that follow.
 */


#include <errno.h>
#include <stdlib.h>

static void *short_malloc(size_t size);

/* this takes the place of the one in the library */

#define malloc short_malloc
#include "../../src/core/agw_certificate.c"
#undef malloc

#include "keys.h"


/* more than any certificate needs */

#define ALLOCATIONS   20000


static size_t  left = SIZE_MAX;      /* allocations until one fails */
static size_t  after;                /* and as many until the next */
static size_t  failed;


static int
is_short(void)
{
    if (left == SIZE_MAX || left-- > 0) {
        return 0;
    }

    failed++;
    left = after;
    errno = ENOMEM;                  /* malloc(3) */

    return 1;
}


static void *
short_malloc(size_t size)
{
    return is_short() ? NULL : malloc(size);
}


static void *
openssl_malloc(size_t size, const char *file, int line)
{
    (void) file;
    (void) line;

    return short_malloc(size);
}


static void *
openssl_realloc(void *p, size_t size, const char *file, int line)
{
    (void) file;
    (void) line;

    return is_short() ? NULL : realloc(p, size);
}


static void
openssl_free(void *p, const char *file, int line)
{
    (void) file;
    (void) line;

    free(p);
}


/* the result of a good text is 0, that of another one -1 */

static void
reads_short(agw_str_t text, size_t next, int wanted, const char *what)
{
    int                 rc;
    size_t              n;
    agw_certificate_t   c, whole;

    memset(&whole, 0, sizeof(whole));
    assert_int_equal(agw_certificate_read(&whole, text), wanted);

    for (n = 0; n < ALLOCATIONS; n++) {
        memset(&c, 0, sizeof(c));
        failed = 0;
        after = next;
        left = n;

        rc = agw_certificate_read(&c, text);

        left = SIZE_MAX;
        mint_assert_no_errors(what);

        if (rc == 0) {
            assert_memory_equal(c.thumbprint, whole.thumbprint,
                AGW_THUMBPRINT_SIZE);
            assert_int_equal(c.not_after, whole.not_after);
        }

        if (failed == 0) {
            unit_assert(rc == wanted, "%s, memory enough", what);
            assert_true(n > 1);
            return;
        }

        unit_assert(rc == wanted || rc == AGW_CERTIFICATE_NO_MEMORY,
            "%s, allocation %zu: %d", what, n, rc);
    }

    fail_msg("%s: over %d allocations", what, ALLOCATIONS);
}


static void
each_allocation_fails(void **state)
{
    size_t          i, len;
    agw_str_t       der, text, bad;
    X509           *x509;
    unsigned char  *p;
    static const char  *types[] = { "P-256", "RSA", "Ed25519" };

    (void) state;

    for (i = 0; i < UNIT_COUNT(types); i++) {
        x509 = keys_certificate(keys_get(types[i]));

        len = (size_t) i2d_X509(x509, NULL);
        p = unit_alloc(len);
        der = (agw_str_t) { len, p };
        assert_int_equal(i2d_X509(x509, &p), (int) len);
        X509_free(x509);

        text = unit_format(":%.*s:", UNIT_ARG(mint_base64(der)));

        reads_short(text, 0, 0, types[i]);
        reads_short(text, SIZE_MAX, 0, types[i]);

        /* one whose last byte is missing */

        der.len--;
        bad = unit_format(":%.*s:", UNIT_ARG(mint_base64(der)));

        reads_short(bad, 0, -1, types[i]);
        reads_short(bad, SIZE_MAX, -1, types[i]);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(each_allocation_fails),
    };

    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc,
                                 openssl_free) != 1)
    {
        return 1;
    }

    return cmocka_run_group_tests_name("certificates without memory", tests,
        NULL, keys_free_all);
}
