
/* What a set refuses: kinds, stamps and times, the floor. */


#include "revoked.h"


static void
a_token_and_no_other(void **state)
{
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(16);

    assert_int_equal(lookup(set, S("p"), S("b"), S("j"), 4),
        AGW_LOOKUP_NOT_REVOKED);
    assert_int_equal(add(set, AGW_REVOCATION_TOKEN, S("p"), S("j"), 5), 0);

    assert_int_equal(lookup(set, S("p"), S("b"), S("j"), 4),
        AGW_LOOKUP_REVOKED);
    assert_int_equal(lookup(set, S("p"), S("b"), S("J"), 4),
        AGW_LOOKUP_NOT_REVOKED);
    assert_int_equal(lookup(set, S("p"), S("b"), S("j2"), 4),
        AGW_LOOKUP_NOT_REVOKED);
    assert_int_equal(lookup(set, S("p"), S("b"), S(""), 4),
        AGW_LOOKUP_NOT_REVOKED);

    /* whatever its business, seq and iat are said to be */

    assert_int_equal(lookup(set, S("p"), S(""), S("j"), 4), AGW_LOOKUP_REVOKED);

    assert_int_equal(lookup(set, S("p"), S("x"), S("j"), 9),
        AGW_LOOKUP_REVOKED);
    assert_int_equal(lookup_iat(set, S("p"), S("b"), S("j"), NOW + 9999),
        AGW_LOOKUP_REVOKED);

    /* nor any other of that partner, which was cut off at no time */

    assert_int_equal(lookup_iat(set, S("p"), S("b"), S("x"), 0),
        AGW_LOOKUP_NOT_REVOKED);

    /* another partner's token of the same jti, and ids that run together */

    assert_int_equal(lookup(set, S("q"), S("b"), S("j"), 4),
        AGW_LOOKUP_NOT_REVOKED);
    assert_int_equal(add(set, AGW_REVOCATION_TOKEN, S("ab"), S("c"), 6), 0);
    assert_int_equal(lookup(set, S("a"), S(""), S("bc"), 4),
        AGW_LOOKUP_NOT_REVOKED);
    assert_int_equal(lookup(set, S("ab"), S(""), S("c"), 4),
        AGW_LOOKUP_REVOKED);

    is_in_order(set);
}


/* whom an entry of "p" and "b" refuses, of those with an older seq */

static void
kinds(void **state)
{
    size_t              i, k;
    agw_revoked_set_t  *set;

    static const struct {
        agw_revocation_kind_t   kind;
        int             refused[6];
    } cases[] = {
        { AGW_REVOCATION_OWNER, { 1, 0, 0, 0, 0, 0 } },
        { AGW_REVOCATION_BUSINESS, { 1, 0, 0, 1, 0, 0 } },
        { AGW_REVOCATION_PARTNER, { 1, 1, 1, 0, 0, 0 } },
    };

    const agw_str_t  tokens[6][2] = {
        { S("p"), S("b") }, { S("p"), S("c") }, { S("p"), S("") },
        { S("q"), S("b") }, { S("q"), S("") }, { S("b"), S("p") },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(cases); i++) {
        set = set_of(16);

        assert_int_equal(add(set, cases[i].kind, S("p"), S("b"), 5), 0);

        for (k = 0; k < UNIT_COUNT(tokens); k++) {
            unit_assert(lookup(set, tokens[k][0], tokens[k][1], S("j"), 4)
                == (cases[i].refused[k] ? AGW_LOOKUP_REVOKED
                                        : AGW_LOOKUP_NOT_REVOKED),
                "kind %d, token %zu", cases[i].kind, k);

            /* a jti that is called as the business, and the partner */

            unit_assert(lookup(set, tokens[k][0], S("z"), S("b"), 5)
                == AGW_LOOKUP_NOT_REVOKED,
                "kind %d, token %zu", cases[i].kind, k);
        }

        is_in_order(set);
    }
}


/* issued before the entry: seq is less than its stamp */

static void
seq_against_stamp(void **state)
{
    size_t                      i;
    agw_revoked_set_t          *set;
    static const agw_revocation_kind_t  kinds[] = {
        AGW_REVOCATION_OWNER, AGW_REVOCATION_BUSINESS, AGW_REVOCATION_PARTNER
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(kinds); i++) {
        set = set_of(16);

        add(set, kinds[i], S("p"), S("b"), 50);

        assert_int_equal(lookup(set, S("p"), S("b"), S("j"), 0), 1);
        assert_int_equal(lookup(set, S("p"), S("b"), S("j"), 49), 1);
        assert_int_equal(lookup(set, S("p"), S("b"), S("j"), 50), 0);
        assert_int_equal(lookup(set, S("p"), S("b"), S("j"), 51), 0);

        add(set, kinds[i], S("p"), S("b"), AGW_STAMP_MAX);

        assert_int_equal(lookup(set, S("p"), S("b"), S("j"),
            AGW_STAMP_MAX - 1), 1);
        assert_int_equal(lookup(set, S("p"), S("b"), S("j"), AGW_STAMP_MAX), 0);
    }
}


/* without a seq that is believed: iat, which may be ahead of the clock */

static void
iat_against_time(void **state)
{
    size_t                      i;
    agw_revocation_t            entry;
    agw_revoked_set_t          *set;
    static const agw_revocation_kind_t  kinds[] = {
        AGW_REVOCATION_OWNER, AGW_REVOCATION_BUSINESS, AGW_REVOCATION_PARTNER
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(kinds); i++) {
        set = set_of(16);

        entry = entry_of(kinds[i], S("p"), S("b"), 50);
        agw_revoked_set_add(set, &entry);

        assert_int_equal(lookup_iat(set, S("p"), S("b"), S("j"), 0), 1);
        assert_int_equal(lookup_iat(set, S("p"), S("b"), S("j"), -9), 1);
        assert_int_equal(lookup_iat(set, S("p"), S("b"), S("j"), NOW), 1);
        assert_int_equal(lookup_iat(set, S("p"), S("b"), S("j"), NOW + AHEAD),
            1);
        assert_int_equal(lookup_iat(set, S("p"), S("b"), S("j"),
            NOW + AHEAD + 1), 0);

        /* times that do not fit refuse too many, never too few */

        entry.time = -5;
        agw_revoked_set_add(set, &entry);
        assert_int_equal(lookup_iat(set, S("p"), S("b"), S("j"), NOW), 1);

        entry.time = (int64_t) UINT32_MAX + 9;
        entry.stamp++;
        agw_revoked_set_add(set, &entry);
        assert_int_equal(lookup_iat(set, S("p"), S("b"), S("j"), INT64_MAX), 1);
    }
}


/* of two entries the later stamp and the later time, in either order */

static void
repeated_entries_raise(void **state)
{
    size_t                      i;
    uint64_t                    generation;
    agw_revocation_t            entry;
    agw_revoked_set_t          *set;
    static const agw_revocation_kind_t  kinds[] = {
        AGW_REVOCATION_OWNER, AGW_REVOCATION_BUSINESS, AGW_REVOCATION_PARTNER
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(kinds); i++) {
        set = set_of(16);

        entry = entry_of(kinds[i], S("p"), S("b"), 50);
        agw_revoked_set_add(set, &entry);
        generation = agw_revoked_set_generation(set);

        /* as it is, and earlier: nothing has changed */

        agw_revoked_set_add(set, &entry);
        entry.stamp = 40;
        entry.time = NOW - 100;
        agw_revoked_set_add(set, &entry);

        assert_true(agw_revoked_set_generation(set) == generation);
        assert_int_equal(lookup(set, S("p"), S("b"), S("j"), 49), 1);
        assert_int_equal(lookup_iat(set, S("p"), S("b"), S("j"), NOW + AHEAD),
            1);

        /* an earlier stamp with a later time, as of a clock that stepped */

        entry.time = NOW + 7;
        agw_revoked_set_add(set, &entry);

        assert_true(agw_revoked_set_generation(set) != generation);
        generation = agw_revoked_set_generation(set);

        assert_int_equal(lookup(set, S("p"), S("b"), S("j"), 50), 0);
        assert_int_equal(lookup_iat(set, S("p"), S("b"), S("j"),
            NOW + 7 + AHEAD), 1);

        /* a later stamp with an earlier time */

        entry.stamp = 60;
        entry.time = NOW - 100;
        agw_revoked_set_add(set, &entry);

        assert_true(agw_revoked_set_generation(set) != generation);
        assert_int_equal(lookup(set, S("p"), S("b"), S("j"), 59), 1);
        assert_int_equal(lookup(set, S("p"), S("b"), S("j"), 60), 0);
        assert_int_equal(lookup_iat(set, S("p"), S("b"), S("j"),
            NOW + 7 + AHEAD), 1);
        assert_int_equal(agw_revoked_set_count(set),
            kinds[i] == AGW_REVOCATION_PARTNER ? 1 : 2);

        is_in_order(set);
    }
}


static void
generation_tells_of_every_entry(void **state)
{
    unsigned            i;
    uint64_t            before;
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(128);

    /* 0 is what a token begins with that was never looked up */

    assert_true(agw_revoked_set_generation(set) != 0);

    for (i = 0; i < 20; i++) {
        before = agw_revoked_set_generation(set);
        add(set, (agw_revocation_kind_t) (1 + i % 4), numbered(i), S("x"),
            i + 1);
        assert_true(agw_revoked_set_generation(set) > before);
    }

    before = agw_revoked_set_generation(set);
    agw_revoked_set_raise_floor(set, 0);
    assert_int_equal(reserve(set, AGW_REVOCATION_TOKEN, S("new"), 1), 0);
    release(set, AGW_REVOCATION_TOKEN, S("new"), 1);
    assert_true(agw_revoked_set_generation(set) == before);

    agw_revoked_set_raise_floor(set, 3);
    assert_true(agw_revoked_set_generation(set) > before);

    before = agw_revoked_set_generation(set);
    agw_revoked_set_raise_floor(set, 3);
    agw_revoked_set_raise_floor(set, 2);
    sweep(set);
    assert_true(agw_revoked_set_generation(set) == before);
    assert_true(agw_revoked_set_floor(set) == 3);
}


static void
stamp_is_the_highest(void **state)
{
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(16);

    assert_true(agw_revoked_set_stamp(set) == 0);
    add(set, AGW_REVOCATION_TOKEN, S("p"), S("j"), 50);
    assert_true(agw_revoked_set_stamp(set) == 50);
    add(set, AGW_REVOCATION_TOKEN, S("p"), S("k"), 40);
    assert_true(agw_revoked_set_stamp(set) == 50);

    /* also of one that took no room, and for good */

    add(set, AGW_REVOCATION_PARTNER, S("p"), UNIT_NONE, 60);
    add(set, AGW_REVOCATION_OWNER, S("p"), S("b"), 60);
    assert_true(agw_revoked_set_stamp(set) == 60);

    /* a floor is a stamp that was given, and so is what the store says */

    agw_revoked_set_raise_floor(set, 70);
    sweep(set);
    assert_true(agw_revoked_set_stamp(set) == 70);

    agw_revoked_set_raise_stamp(set, 80);
    assert_true(agw_revoked_set_stamp(set) == 80);
    agw_revoked_set_raise_stamp(set, 75);
    assert_true(agw_revoked_set_stamp(set) == 80);
}


static void
older_than_the_floor(void **state)
{
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(16);

    agw_revoked_set_raise_floor(set, 50);

    assert_int_equal(lookup(set, S("p"), S("b"), S("j"), 49),
        AGW_LOOKUP_BELOW_FLOOR);
    assert_int_equal(lookup(set, S("p"), S("b"), S("j"), 0),
        AGW_LOOKUP_BELOW_FLOOR);
    assert_int_equal(lookup(set, S("p"), S("b"), S("j"), 50),
        AGW_LOOKUP_NOT_REVOKED);

    /* iat knows of no floor */

    assert_int_equal(lookup_iat(set, S("p"), S("b"), S("j"), 0),
        AGW_LOOKUP_NOT_REVOKED);

    /* it never falls */

    agw_revoked_set_raise_floor(set, 40);
    assert_true(agw_revoked_set_floor(set) == 50);
    assert_int_equal(lookup(set, S("p"), S("b"), S("j"), 49),
        AGW_LOOKUP_BELOW_FLOOR);
}


/* what is not above the floor goes, with accounts; what is above it stays */

static void
sweep_takes_what_is_not_above_the_floor(void **state)
{
    unsigned            i;
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(400);

    for (i = 0; i < 40; i++) {
        add(set, AGW_REVOCATION_TOKEN, numbered(i), S("j"), 10 * i + 1);
        add(set, AGW_REVOCATION_OWNER, numbered(i), S("b"), 10 * i + 2);
        add(set, AGW_REVOCATION_BUSINESS, numbered(i), numbered(i), 10 * i + 3);
        add(set, AGW_REVOCATION_PARTNER, numbered(i), UNIT_NONE, 10 * i + 4);

        /* the cut-off has taken the place of both */

        sweep(set);
        assert_int_equal(agw_revoked_set_count(set), 2 * (i + 1));
    }

    for (i = 0; i < 40; i++) {
        agw_revoked_set_raise_floor(set, 10 * i + 3);
        sweep(set);
        is_in_order(set);

        /* the business is gone, the account still is a cut-off */

        assert_int_equal(agw_revoked_set_count(set), 2 * (40 - i) - 1);
        assert_int_equal(lookup(set, numbered(i), UNIT_NONE, S("j"),
            10 * i + 3), AGW_LOOKUP_REVOKED);

        agw_revoked_set_raise_floor(set, 10 * i + 4);
        sweep(set);
        is_in_order(set);

        assert_int_equal(agw_revoked_set_count(set), 2 * (39 - i));
        assert_int_equal(lookup(set, numbered(i), UNIT_NONE, S("j"),
            10 * i + 3), AGW_LOOKUP_BELOW_FLOOR);
        assert_int_equal(lookup(set, numbered(i), UNIT_NONE, S("j"),
            10 * i + 4), AGW_LOOKUP_NOT_REVOKED);
    }
}


/*
 * The story: the sweep went round a set of few entries more than once, found
 * one that it had just removed, and removed it again: the worker crashed.
 */

static void
sweep_of_few_entries(void **state)
{
    unsigned            i, n;
    agw_revoked_set_t  *set;

    (void) state;

    for (n = 0; n < 5; n++) {
        set = set_of(3000);

        for (i = 0; i < n; i++) {
            add(set, AGW_REVOCATION_TOKEN, S("p"), numbered(i), i + 1);
        }

        agw_revoked_set_raise_floor(set, 5);
        assert_int_equal(agw_revoked_set_sweep(set), 0);
        assert_int_equal(agw_revoked_set_count(set), 0);
        assert_int_equal(agw_revoked_set_sweep(set), 0);
        is_in_order(set);
    }
}


/*
 * The story: an account is looked at before its entries, which came later;
 * it stayed when they went, until the floor was raised again.
 */

static void
accounts_go_with_their_last_entry(void **state)
{
    unsigned            i;
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(64);

    for (i = 0; i < 16; i++) {
        add(set, AGW_REVOCATION_TOKEN, numbered(i), S("j"), 2 * i + 1);
        add(set, AGW_REVOCATION_BUSINESS, numbered(i), numbered(i), 2 * i + 2);
    }

    assert_int_equal(agw_revoked_set_count(set), 48);

    agw_revoked_set_raise_floor(set, 31);
    sweep(set);
    assert_int_equal(agw_revoked_set_count(set), 2);

    agw_revoked_set_raise_floor(set, 32);
    sweep(set);
    assert_int_equal(agw_revoked_set_count(set), 0);
    is_in_order(set);
}


/* some thousands at a time, and each slot that was used when it began */

static void
sweep_is_done_in_slices(void **state)
{
    unsigned            i, slices, size;
    agw_revoked_set_t  *set;

    (void) state;

    size = 30000;
    set = set_of(2 * size);

    for (i = 0; i < size; i++) {
        assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE,
            unit_format("b%u", i), i + 1), 0);
    }

    agw_revoked_set_raise_floor(set, size / 2);

    /* others come in the midst of it */

    for (slices = 1; agw_revoked_set_sweep(set); slices++) {
        assert_true(agw_revoked_set_count(set) > size / 2);

        for (i = 0; i < 10; i++) {
            add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE,
                unit_format("more%u-%u", slices, i), 2 * size);
        }
    }

    assert_in_range(slices, size / 5000, size / 1000);
    assert_int_equal(agw_revoked_set_count(set),
        size / 2 + 10 * (slices - 1));

    /* where there is nothing to do, nothing is done */

    assert_int_equal(agw_revoked_set_sweep(set), 0);

    /* a floor that is raised in the midst of it */

    agw_revoked_set_raise_floor(set, size / 2 + 1);
    assert_int_equal(agw_revoked_set_sweep(set), 1);
    agw_revoked_set_raise_floor(set, size);
    sweep(set);

    assert_int_equal(agw_revoked_set_count(set), 10 * (slices - 1));
    is_in_order(set);
}


/* wherever it is mapped */

static void
a_set_that_is_elsewhere(void **state)
{
    unsigned            i;
    agw_revoked_set_t  *set, *copy;

    (void) state;

    set = set_of(60);

    for (i = 0; i < 40; i++) {
        add(set, AGW_REVOCATION_TOKEN, numbered(i % 3), numbered(i), i + 1);
    }

    copy = (agw_revoked_set_t *) unit_alloc(set_bytes(60));
    memcpy(copy, set, set_bytes(60));
    memset(set, 0xff, set_bytes(60));

    assert_true(agw_revoked_set_is_valid(copy, set_bytes(60)));

    for (i = 0; i < 40; i++) {
        assert_int_equal(lookup(copy, numbered(i % 3), UNIT_NONE, numbered(i),
            i), AGW_LOOKUP_REVOKED);
    }

    add(copy, AGW_REVOCATION_TOKEN, S("p"), S("x"), 100);
    assert_int_equal(lookup(copy, S("p"), UNIT_NONE, S("x"), 1),
        AGW_LOOKUP_REVOKED);
    is_in_order(copy);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(a_token_and_no_other),
        unit_case(kinds),
        unit_case(seq_against_stamp),
        unit_case(iat_against_time),
        unit_case(repeated_entries_raise),
        unit_case(generation_tells_of_every_entry),
        unit_case(stamp_is_the_highest),
        unit_case(older_than_the_floor),
        unit_case(sweep_takes_what_is_not_above_the_floor),
        unit_case(sweep_of_few_entries),
        unit_case(accounts_go_with_their_last_entry),
        unit_case(sweep_is_done_in_slices),
        unit_case(a_set_that_is_elsewhere),
    };

    return cmocka_run_group_tests_name("revoked set", tests, NULL, NULL);
}
