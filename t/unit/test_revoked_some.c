
/* Several entries that are added together, as they are read from a store. */


#include "revoked.h"


/* each as if it were added alone, also those that others of them change */

static void
several_at_once(void **state)
{
    size_t              i, n;
    agw_revocation_t    entries[100];
    agw_revoked_set_t  *set, *other;

    (void) state;

    n = sizeof(entries) / sizeof(entries[0]);
    set = set_of(300);
    other = set_of(300);

    for (i = 0; i < n; i++) {
        entries[i] = entry_of((agw_revocation_kind_t) (1 + i % 4),
            numbered((unsigned) i % 7), numbered((unsigned) i % 30),
            (int64_t) (1 + i * 37 % n));

        assert_int_equal(agw_revoked_set_add(other, &entries[i]),
            AGW_REVOKED_SET_OK);
    }

    assert_int_equal(agw_revoked_set_add_some(set, entries, n),
        AGW_REVOKED_SET_OK);
    assert_int_equal(agw_revoked_set_count(set), agw_revoked_set_count(other));
    assert_int_equal(agw_revoked_set_stamp(set), agw_revoked_set_stamp(other));
    is_in_order(set);

    for (i = 0; i < 7 * 30 * n; i++) {
        agw_str_t  partner, id;
        int64_t    seq;

        partner = numbered((unsigned) (i % 7));
        id = numbered((unsigned) (i / 7 % 30));
        seq = (int64_t) (i / 210);

        assert_int_equal(lookup(set, partner, id, id, seq),
            lookup(other, partner, id, id, seq));
    }

    assert_int_equal(agw_revoked_set_add_some(set, entries, 0),
        AGW_REVOKED_SET_OK);
}


/* that of a business cannot be merged */

static void
several_of_which_one_has_no_room(void **state)
{
    size_t              i;
    agw_revocation_t    entries[5];
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(4);

    for (i = 0; i < 5; i++) {
        entries[i] = entry_of(AGW_REVOCATION_BUSINESS, UNIT_NONE,
            numbered((unsigned) i), 9);
    }

    assert_int_equal(agw_revoked_set_add_some(set, entries, 5),
        AGW_REVOKED_SET_FULL);

    for (i = 0; i < 4; i++) {
        assert_int_equal(lookup(set, S("p"), numbered((unsigned) i), S("j"),
            8), AGW_LOOKUP_REVOKED);
    }

    is_in_order(set);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(several_at_once),
        unit_case(several_of_which_one_has_no_room),
    };

    return cmocka_run_group_tests_name("revoked some", tests, NULL, NULL);
}
