
/* What is merged into one entry, or is taken in by it. */


#include "revoked.h"


#define SIZE      64
#define QUARTER   16


/* so many tokens of a partner, whose stamps end with last */

static void
add_tokens(agw_revoked_set_t *set, agw_str_t partner, unsigned count,
    int64_t last)
{
    unsigned  i;

    for (i = 0; i < count; i++) {
        assert_int_equal(add(set, AGW_REVOCATION_TOKEN, partner, numbered(i),
            last - count + 1 + i), AGW_REVOKED_SET_OK);
    }
}


/* past a quarter, one partner's are one entry, and nobody else notices */

static void
a_share_is_merged(void **state)
{
    unsigned            i;
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(SIZE);

    add(set, AGW_REVOCATION_TOKEN, S("q"), S("t"), 1);
    add(set, AGW_REVOCATION_BUSINESS, S("p"), S("b"), 2);
    add_tokens(set, S("p"), QUARTER, 100);

    assert_int_equal(lookup(set, S("p"), S("c"), S("x"), 3),
        AGW_LOOKUP_NOT_REVOKED);
    assert_int_equal(agw_revoked_set_count(set), QUARTER + 4);

    assert_int_equal(add(set, AGW_REVOCATION_OWNER, S("p"), S("o"), 90), 0);

    /* the older ones are refused, whatever they are for */

    for (i = 0; i < QUARTER; i++) {
        assert_int_equal(lookup(set, S("p"), S("c"), numbered(i), 50),
            AGW_LOOKUP_REVOKED);
    }

    assert_int_equal(lookup(set, S("p"), S("c"), S("x"), 99),
        AGW_LOOKUP_REVOKED);
    assert_int_equal(lookup_iat(set, S("p"), S("c"), S("x"), NOW + AHEAD),
        AGW_LOOKUP_REVOKED);

    /* the newer live, and others' */

    assert_int_equal(lookup(set, S("p"), S("o"), S("x"), 100),
        AGW_LOOKUP_NOT_REVOKED);
    assert_int_equal(lookup_iat(set, S("p"), S("c"), S("x"), NOW + AHEAD + 1),
        AGW_LOOKUP_NOT_REVOKED);
    assert_int_equal(lookup(set, S("q"), S("c"), S("x"), 0),
        AGW_LOOKUP_NOT_REVOKED);
    assert_int_equal(lookup(set, S("q"), S("c"), S("t"), 0),
        AGW_LOOKUP_REVOKED);
    assert_int_equal(lookup(set, S("r"), S("o"), S("x"), 0),
        AGW_LOOKUP_NOT_REVOKED);

    /* a business is not merged, and what was takes no room */

    assert_int_equal(lookup(set, S("r"), S("b"), S("x"), 1),
        AGW_LOOKUP_REVOKED);
    assert_int_equal(lookup(set, S("r"), S("b"), S("x"), 2),
        AGW_LOOKUP_NOT_REVOKED);

    sweep(set);
    assert_int_equal(agw_revoked_set_count(set), 4);
    is_in_order(set);
}


/* the time is the latest, also where its stamp is not the highest */

static void
a_merged_entry_has_the_latest_time(void **state)
{
    agw_revocation_t    entry;
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(SIZE);

    entry = entry_of(AGW_REVOCATION_TOKEN, S("p"), S("j"), 1);
    entry.time = NOW + 1000;
    agw_revoked_set_add(set, &entry);
    add_tokens(set, S("p"), QUARTER, 100);

    assert_int_equal(lookup_iat(set, S("p"), S("c"), S("x"),
        NOW + 1000 + AHEAD), AGW_LOOKUP_REVOKED);
    assert_int_equal(lookup_iat(set, S("p"), S("c"), S("x"),
        NOW + 1001 + AHEAD), AGW_LOOKUP_NOT_REVOKED);
    assert_int_equal(lookup(set, S("p"), S("c"), S("x"), 100),
        AGW_LOOKUP_NOT_REVOKED);

    /* not that of an entry that was gone before the others came */

    set = set_of(SIZE);

    agw_revoked_set_add(set, &entry);
    add(set, AGW_REVOCATION_BUSINESS, S("p"), S("b"), 50);
    agw_revoked_set_raise_floor(set, 1);
    sweep(set);
    add_tokens(set, S("p"), QUARTER + 1, 100);

    assert_int_equal(lookup_iat(set, S("p"), S("c"), S("x"), NOW + AHEAD),
        AGW_LOOKUP_REVOKED);
    assert_int_equal(lookup_iat(set, S("p"), S("c"), S("x"), NOW + AHEAD + 1),
        AGW_LOOKUP_NOT_REVOKED);
}


/* what a cut-off refuses already takes no room */

static void
covered_entries_are_absorbed(void **state)
{
    agw_revocation_t    entry;
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(SIZE);

    add_tokens(set, S("p"), 5, 50);
    add(set, AGW_REVOCATION_OWNER, S("p"), S("b"), 60);
    add(set, AGW_REVOCATION_BUSINESS, S("p"), S("b"), 61);
    add(set, AGW_REVOCATION_PARTNER, S("p"), UNIT_NONE, 62);
    sweep(set);

    assert_int_equal(agw_revoked_set_count(set), 2);
    is_in_order(set);

    /* those that are read again */

    add_tokens(set, S("p"), 5, 50);
    add(set, AGW_REVOCATION_OWNER, S("p"), S("b"), 62);
    assert_int_equal(agw_revoked_set_count(set), 2);

    /* one with a later stamp, and one with a later time, do take room */

    add(set, AGW_REVOCATION_TOKEN, S("p"), S("x"), 63);
    entry = entry_of(AGW_REVOCATION_TOKEN, S("p"), S("y"), 10);
    entry.time = NOW + 1;
    agw_revoked_set_add(set, &entry);
    assert_int_equal(agw_revoked_set_count(set), 4);

    /* a cut-off of an earlier time refuses not all that they do */

    entry = entry_of(AGW_REVOCATION_PARTNER, S("p"), UNIT_NONE, 99);
    agw_revoked_set_add(set, &entry);
    sweep(set);
    assert_int_equal(agw_revoked_set_count(set), 4);

    entry.time = NOW + 1;
    agw_revoked_set_add(set, &entry);
    sweep(set);
    assert_int_equal(agw_revoked_set_count(set), 2);

    /* a token whose seq is known to be older than the cut-off */

    entry = entry_of(AGW_REVOCATION_TOKEN, S("p"), S("z"), 120);
    entry.time = 0;
    entry.seq = 98;
    entry.seq_known = 1;
    agw_revoked_set_add(set, &entry);
    assert_int_equal(agw_revoked_set_count(set), 2);

    entry.seq = 99;
    agw_revoked_set_add(set, &entry);
    assert_int_equal(agw_revoked_set_count(set), 3);
    assert_int_equal(lookup(set, S("p"), S("b"), S("z"), 99),
        AGW_LOOKUP_REVOKED);

    is_in_order(set);
}


/* one that was merged, is not removed yet, and is revoked again */

static void
a_merged_entry_that_is_raised(void **state)
{
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(SIZE);

    add_tokens(set, S("p"), QUARTER + 1, 100);
    assert_int_equal(add(set, AGW_REVOCATION_TOKEN, S("p"), numbered(3), 120),
        0);
    sweep(set);

    /* the cut-off is as it was, and the token is revoked */

    assert_int_equal(agw_revoked_set_count(set), 2);
    assert_int_equal(lookup(set, S("p"), S("b"), numbered(3), 119),
        AGW_LOOKUP_REVOKED);
    assert_int_equal(lookup(set, S("p"), S("b"), numbered(4), 100),
        AGW_LOOKUP_NOT_REVOKED);

    /* and again: then it is merged with its own stamp */

    add_tokens(set, S("p"), QUARTER + 1, 119);
    sweep(set);
    assert_int_equal(agw_revoked_set_count(set), 1);
    assert_int_equal(lookup(set, S("p"), S("b"), S("x"), 119),
        AGW_LOOKUP_REVOKED);
    assert_int_equal(lookup(set, S("p"), S("b"), S("x"), 120),
        AGW_LOOKUP_NOT_REVOKED);

    is_in_order(set);
}


/* where there is no room, the partner with the most gives it */

static void
the_largest_is_merged(void **state)
{
    unsigned            i;
    agw_str_t           partner;
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(SIZE);

    for (i = 0; i < 9; i++) {
        add_tokens(set, numbered(i), i == 4 ? 7 : 6, 100);
    }

    assert_int_equal(agw_revoked_set_count(set), SIZE);
    assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE, S("b"), 101),
        0);
    is_in_order(set);

    for (i = 0; i < 9; i++) {
        partner = numbered(i);

        assert_int_equal(lookup(set, partner, S("c"), S("x"), 0),
            i == 4 ? AGW_LOOKUP_REVOKED : AGW_LOOKUP_NOT_REVOKED);
        assert_int_equal(lookup(set, partner, S("c"), numbered(2), 0),
            AGW_LOOKUP_REVOKED);
    }

    sweep(set);
    assert_int_equal(agw_revoked_set_count(set), SIZE - 7 + 1);
}


/* the story: room for two was short by more than merging gave, which it did */

static void
what_does_not_help_is_not_merged(void **state)
{
    unsigned            i;
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(SIZE);

    for (i = 0; i < SIZE - 2; i++) {
        add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE, numbered(i), 5);
    }

    add(set, AGW_REVOCATION_TOKEN, S("p"), S("j"), 6);

    assert_int_equal(reserve(set, AGW_REVOCATION_BUSINESS, S("q"), 0),
        AGW_REVOKED_SET_FULL);
    assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, S("q"), S("b"), 7),
        AGW_REVOKED_SET_FULL);
    assert_int_equal(lookup(set, S("p"), S("c"), S("x"), 0),
        AGW_LOOKUP_NOT_REVOKED);
    assert_null(account_of(set, S("q")));

    /* for one it helps */

    assert_int_equal(add(set, AGW_REVOCATION_PARTNER, S("q"), UNIT_NONE, 7),
        AGW_REVOKED_SET_OK);
    assert_int_equal(lookup(set, S("p"), S("c"), S("x"), 0),
        AGW_LOOKUP_REVOKED);
    is_in_order(set);
}


/* a partner that is known finds room in its own entry, if in no other */

static void
an_account_stands_for_its_entries(void **state)
{
    unsigned            i;
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(SIZE);

    add(set, AGW_REVOCATION_PARTNER, S("p"), UNIT_NONE, 1);

    for (i = 0; i < SIZE - 1; i++) {
        add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE, numbered(i), 5);
    }

    assert_int_equal(add(set, AGW_REVOCATION_TOKEN, S("p"), S("j"), 10), 0);
    assert_int_equal(lookup(set, S("p"), S("c"), S("j"), 9),
        AGW_LOOKUP_REVOKED);
    assert_int_equal(lookup(set, S("p"), S("c"), S("x"), 9),
        AGW_LOOKUP_REVOKED);
    assert_int_equal(lookup(set, S("p"), S("c"), S("x"), 10),
        AGW_LOOKUP_NOT_REVOKED);
    assert_int_equal(lookup(set, S("q"), S("c"), S("x"), 0),
        AGW_LOOKUP_NOT_REVOKED);

    assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, S("p"), S("b"), 11),
        AGW_REVOKED_SET_FULL);

    is_in_order(set);
}


/* however many are merged, none is waited for; and room is made of them */

static void
a_large_merge_is_done_in_slices(void **state)
{
    unsigned            i, size;
    agw_revoked_set_t  *set;

    (void) state;

    size = 40000;
    set = set_of(size);

    for (i = 0; i < size; i++) {
        assert_int_equal(add(set, AGW_REVOCATION_TOKEN,
            i % 2 ? S("p") : S("q"), unit_format("j%u", i), i + 1), 0);
    }

    /* both were merged once, and are nearly large enough again */

    assert_true(account_of(set, S("p"))->stamp >= size / 2);
    assert_true(account_of(set, S("q"))->stamp >= size / 2);
    assert_true(agw_revoked_set_count(set) > size - 100);
    assert_int_equal(agw_revoked_set_sweep(set), 1);
    is_in_order(set);

    for (i = 0; i < size; i++) {
        assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE,
            unit_format("b%u", i), size + 1),
            i < size - 2 ? AGW_REVOKED_SET_OK : AGW_REVOKED_SET_FULL);
    }

    for (i = 0; i < size; i++) {
        assert_int_equal(lookup(set, i % 2 ? S("p") : S("q"), UNIT_NONE,
            unit_format("j%u", i), i), AGW_LOOKUP_REVOKED);
    }

    assert_int_equal(agw_revoked_set_sweep(set), 0);
    is_in_order(set);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(a_share_is_merged),
        unit_case(a_merged_entry_has_the_latest_time),
        unit_case(covered_entries_are_absorbed),
        unit_case(a_merged_entry_that_is_raised),
        unit_case(the_largest_is_merged),
        unit_case(what_does_not_help_is_not_merged),
        unit_case(an_account_stands_for_its_entries),
        unit_case(a_large_merge_is_done_in_slices),
    };

    return cmocka_run_group_tests_name("revoked merge", tests, NULL, NULL);
}
