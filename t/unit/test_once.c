
/*
 * What may be used once: the second use is found, what has ended makes room,
 * and where there is none nothing is forgotten.
 */


#include <stdlib.h>

#include "unit.h"

#include "agw_once.h"


static unsigned char *
digest_of(unsigned bucket, unsigned n)
{
    static unsigned char  digest[AGW_ONCE_DIGEST];

    memset(digest, 0, sizeof(digest));

    digest[0] = (unsigned char) (bucket >> 8);
    digest[1] = (unsigned char) bucket;
    digest[14] = (unsigned char) (n >> 8);
    digest[15] = (unsigned char) n;

    return digest;
}


static void
P8a_5_once(void **state)
{
    agw_once_t  *table;

    (void) state;

    table = calloc(1, sizeof(agw_once_t));
    assert_non_null(table);

    assert_int_equal(agw_once_use(table, digest_of(7, 1), 1, 100, 50),
        AGW_ONCE_FIRST);
    assert_int_equal(agw_once_use(table, digest_of(7, 1), 1, 100, 50),
        AGW_ONCE_AGAIN);
    assert_int_equal(agw_once_use(table, digest_of(7, 1), 1, 200, 100),
        AGW_ONCE_AGAIN);
    assert_int_equal(agw_once_use(table, digest_of(7, 2), 1, 100, 50),
        AGW_ONCE_FIRST);
    assert_int_equal(agw_once_use(table, digest_of(8, 1), 1, 100, 50),
        AGW_ONCE_FIRST);

    /* past its end it can be no assertion any more */

    assert_int_equal(agw_once_use(table, digest_of(7, 1), 1, 300, 101),
        AGW_ONCE_FIRST);
    assert_int_equal(agw_once_use(table, digest_of(7, 1), 1, 300, 101),
        AGW_ONCE_AGAIN);

    free(table);
}


static void
P8a_5_no_room(void **state)
{
    unsigned     n;
    agw_once_t  *table;

    (void) state;

    table = calloc(1, sizeof(agw_once_t));
    assert_non_null(table);

    for (n = 0; n < AGW_ONCE_ENTRIES; n++) {
        assert_int_equal(agw_once_use(table, digest_of(9, n), n, 100 + n, 50),
            AGW_ONCE_FIRST);
    }

    assert_int_equal(agw_once_use(table, digest_of(9, n), n, 100, 50),
        AGW_ONCE_FULL);
    assert_int_equal(agw_once_use(table, digest_of(10, n), n, 100, 50),
        AGW_ONCE_FIRST);

    for (n = 0; n < AGW_ONCE_ENTRIES; n++) {
        assert_int_equal(agw_once_use(table, digest_of(9, n), n, 500, 50),
            AGW_ONCE_AGAIN);
    }

    assert_int_equal(agw_once_use(table, digest_of(9, n), n, 500, 101),
        AGW_ONCE_FIRST);
    assert_int_equal(agw_once_use(table, digest_of(9, 1), 1, 500, 101),
        AGW_ONCE_AGAIN);

    free(table);
}


/* who has a bucket's share gets no more of it, and others do */

static void
P8a_5_share(void **state)
{
    unsigned     n;
    agw_once_t  *table;

    (void) state;

    table = calloc(1, sizeof(agw_once_t));
    assert_non_null(table);

    for (n = 0; n < AGW_ONCE_SHARE; n++) {
        assert_int_equal(agw_once_use(table, digest_of(9, n), 1, 100, 50),
            AGW_ONCE_FIRST);
    }

    assert_int_equal(agw_once_use(table, digest_of(9, n), 1, 100, 50),
        AGW_ONCE_FULL);
    assert_int_equal(agw_once_use(table, digest_of(9, 0), 1, 100, 50),
        AGW_ONCE_AGAIN);
    assert_int_equal(agw_once_use(table, digest_of(9, n), 2, 100, 50),
        AGW_ONCE_FIRST);
    assert_int_equal(agw_once_use(table, digest_of(9, n + 1), 1, 200, 101),
        AGW_ONCE_FIRST);

    free(table);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(P8a_5_once),
        unit_case(P8a_5_no_room),
        unit_case(P8a_5_share),
    };

    return cmocka_run_group_tests_name("once", tests, NULL, NULL);
}
