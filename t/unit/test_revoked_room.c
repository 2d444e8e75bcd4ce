
/* How many entries an index holds, and that it holds them again and again. */


#include "index.h"


static void
capacity_of_bytes(void **state)
{
    size_t        n;
    uint64_t      key[2] = { 0, 0 };
    agw_index_t  *index;

    (void) state;

    assert_int_equal(agw_index_capacity(0), 0);
    assert_int_equal(agw_index_capacity(sizeof(agw_index_t) - 1), 0);
    assert_int_equal(agw_index_capacity(index_bytes(1) - 1), 0);

    for (n = 1; n < 300; n++) {
        assert_int_equal(agw_index_capacity(index_bytes(n)), n);
        assert_int_equal(agw_index_capacity(index_bytes(n + 1) - 1), n);
    }

    /* every byte of the block is its own: the last of them, too */

    for (n = 1; n < 70; n++) {
        index = index_of(n);

        while (agw_index_count(index) < n) {
            assert_int_equal(add_cutoff(index, AGW_REVOKED_BUSINESS,
                numbered((unsigned) agw_index_count(index)), NOW), 0);
        }

        assert_int_equal(add_cutoff(index, AGW_REVOKED_BUSINESS, S("x"),
                                    NOW), AGW_INDEX_FULL);
        assert_int_equal(agw_index_size(index), n);
    }

    /* valid is what was made here */

    index = (agw_index_t *) unit_alloc(index_bytes(8));
    memset(index, 0, index_bytes(8));
    assert_false(agw_index_is_valid(index, index_bytes(8)));

    agw_index_create(index, index_bytes(8), key);
    assert_true(agw_index_is_valid(index, index_bytes(8)));
    assert_false(agw_index_is_valid(index, index_bytes(9)));

    index->layout++;
    assert_false(agw_index_is_valid(index, index_bytes(8)));
}


/* against a plain list, for a while: what was added is refused, else not */

static void
slots_are_used_again(void **state)
{
    unsigned           i, n, round;
    agw_index_t       *index;
    agw_revocation_t   entry;
    unsigned char      there[200];

    (void) state;

    index = index_of(250);
    memset(there, 0, sizeof(there));

    for (round = 0; round < 60; round++) {
        for (i = 0; i < 40; i++) {
            n = (round * 37 + i * 11) % 200;

            entry = token_entry(n % 2 ? S("p") : S("q"), UNIT_NONE,
                                numbered(n), NOW, NOW + round + 3);
            assert_int_equal(agw_index_add(index, &entry, NOW + round), 0);
            there[n] = (unsigned char) (round + 3);
        }

        agw_index_purge(index, NOW + round);

        for (n = 0; n < 200; n++) {
            unit_assert(is_refused(index, n % 2 ? S("p") : S("q"), UNIT_NONE,
                                   numbered(n), NOW) == (there[n] > round),
                        "round %u, %u", round, n);
        }
    }

    agw_index_purge(index, LATER + 3600);
    assert_int_equal(agw_index_count(index), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(capacity_of_bytes),
        unit_case(slots_are_used_again),
    };

    return cmocka_run_group_tests_name("index slots", tests, NULL, NULL);
}
