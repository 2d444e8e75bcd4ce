
/* How much a set holds, and who reserves room in it. */


#include "revoked.h"


#define SIZE      64
#define QUARTER   16


/* a set without any room, of businesses that no partner revoked */

static agw_revoked_set_t *
full_set(void)
{
    unsigned            i;
    agw_revoked_set_t  *set;

    set = set_of(SIZE);

    for (i = 0; i < SIZE; i++) {
        assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE,
            numbered(i), i + 1), AGW_REVOKED_SET_OK);
    }

    return set;
}


static void
capacity_of_bytes(void **state)
{
    size_t              n;
    agw_revoked_set_t  *set;

    (void) state;

    assert_int_equal(agw_revoked_set_capacity(0), 0);
    assert_int_equal(agw_revoked_set_capacity(set_bytes(0) - 1), 0);
    assert_int_equal(agw_revoked_set_capacity(set_bytes(1) - 1), 0);

    for (n = 1; n < 300; n++) {
        assert_int_equal(agw_revoked_set_capacity(set_bytes(n)), n);
        assert_int_equal(agw_revoked_set_capacity(set_bytes(n + 1) - 1), n);
    }

    /* every byte of the block is its own: the last of them, too */

    for (n = 1; n < 70; n++) {
        set = set_of(n);

        while (agw_revoked_set_count(set) < n) {
            assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE,
                numbered((unsigned) agw_revoked_set_count(set)), 1), 0);
        }

        assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE, S("x"),
            1), AGW_REVOKED_SET_FULL);
        assert_int_equal(agw_revoked_set_size(set), n);
        is_in_order(set);
    }
}


static void
valid_is_what_was_made_here(void **state)
{
    const uint64_t      key[2] = { 0, 0 };
    agw_revoked_set_t  *set;

    (void) state;

    set = (agw_revoked_set_t *) unit_alloc(set_bytes(8));
    memset(set, 0, set_bytes(8));
    assert_false(agw_revoked_set_is_valid(set, set_bytes(8)));

    agw_revoked_set_create(set, set_bytes(8), key);
    assert_true(agw_revoked_set_is_valid(set, set_bytes(8)));
    assert_false(agw_revoked_set_is_valid(set, set_bytes(9)));
    assert_false(agw_revoked_set_is_valid(set, set_bytes(8) + 1));

    set->layout++;
    assert_false(agw_revoked_set_is_valid(set, set_bytes(8)));
    set->layout--;

    set->table.slot_size += 8;
    assert_false(agw_revoked_set_is_valid(set, set_bytes(8)));
    set->table.slot_size -= 8;

    set->magic = 0;
    assert_false(agw_revoked_set_is_valid(set, set_bytes(8)));
}


/* a partner that has no entry needs an account; then one slot for each */

static void
an_account_for_each_partner(void **state)
{
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(SIZE);

    add(set, AGW_REVOCATION_TOKEN, S("p"), S("a"), 1);
    assert_int_equal(agw_revoked_set_count(set), 2);
    add(set, AGW_REVOCATION_TOKEN, S("p"), S("b"), 2);
    add(set, AGW_REVOCATION_OWNER, S("p"), S("b"), 3);
    assert_int_equal(agw_revoked_set_count(set), 4);
    add(set, AGW_REVOCATION_BUSINESS, S("p"), S("b"), 4);
    assert_int_equal(agw_revoked_set_count(set), 5);
    assert_int_equal(account_of(set, S("p"))->businesses, 1);

    add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE, S("c"), 5);
    add(set, AGW_REVOCATION_PARTNER, S("q"), UNIT_NONE, 6);
    assert_int_equal(agw_revoked_set_count(set), 7);

    is_in_order(set);
}


/*
 * The quarter was checked, and then used: one partner's revocations of
 * businesses that were on their way together took all the room there was, and
 * others' tokens were refused for it.
 */

static void
businesses_on_their_way(void **state)
{
    unsigned            i;
    agw_revocation_t    entry;
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(SIZE);

    for (i = 0; i < QUARTER; i++) {
        assert_int_equal(reserve(set, AGW_REVOCATION_BUSINESS, S("p"), 7), 0);
    }

    assert_int_equal(reserve(set, AGW_REVOCATION_BUSINESS, S("p"), 7),
        AGW_REVOKED_SET_SHARE_USED);
    assert_int_equal(reserve(set, AGW_REVOCATION_BUSINESS, S("q"), 8), 0);

    /* what died with its process does not count for ever */

    agw_revoked_set_release_all(set, 7);
    agw_revoked_set_release_all(set, 8);
    assert_int_equal(reserve(set, AGW_REVOCATION_BUSINESS, S("p"), 7), 0);
    agw_revoked_set_release_all(set, 7);

    /* one that the store had told of before counts once it is known whose */

    for (i = 0; i < QUARTER; i++) {
        add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE, numbered(i), i + 1);
        add(set, AGW_REVOCATION_BUSINESS, S("p"), numbered(i), i + 1);
    }

    assert_int_equal(reserve(set, AGW_REVOCATION_BUSINESS, S("p"), 7),
        AGW_REVOKED_SET_SHARE_USED);

    /* and to revoke it again needs no more */

    entry = entry_of(AGW_REVOCATION_BUSINESS, S("p"), numbered(0), 99);
    assert_int_equal(agw_revoked_set_reserve(set, &entry, 7), 0);
}


/* businesses are never merged: only who revokes too many is refused */

static void
a_share_of_businesses(void **state)
{
    unsigned            i;
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(SIZE);

    for (i = 0; i < QUARTER; i++) {
        assert_int_equal(reserve(set, AGW_REVOCATION_BUSINESS, S("p"), 7), 0);
        release(set, AGW_REVOCATION_BUSINESS, S("p"), 7);
        assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, S("p"), numbered(i),
            i + 1), 0);
    }

    assert_int_equal(reserve(set, AGW_REVOCATION_BUSINESS, S("p"), 7),
        AGW_REVOKED_SET_SHARE_USED);

    /* its tokens, and others' businesses, do find room */

    assert_int_equal(reserve(set, AGW_REVOCATION_TOKEN, S("p"), 7), 0);
    assert_int_equal(reserve(set, AGW_REVOCATION_OWNER, S("p"), 7), 0);
    assert_int_equal(reserve(set, AGW_REVOCATION_PARTNER, S("p"), 7), 0);
    assert_int_equal(reserve(set, AGW_REVOCATION_BUSINESS, S("q"), 7), 0);
    agw_revoked_set_release_all(set, 7);

    /* what the store has is taken all the same */

    assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, S("p"), S("x"), 20), 0);
    is_in_order(set);

    /* those that are gone no longer count */

    agw_revoked_set_raise_floor(set, 2);
    sweep(set);
    assert_int_equal(reserve(set, AGW_REVOCATION_BUSINESS, S("p"), 7), 0);
}


/* nothing is taken where only a slot of its own would do, and none is merged */

static void
a_full_set_changes_nothing(void **state)
{
    size_t              i;
    uint64_t            generation;
    unsigned char      *before;
    agw_revocation_t    entry;
    agw_revoked_set_t  *set;

    const agw_revocation_t  entries[] = {
        entry_of(AGW_REVOCATION_TOKEN, S("p"), S("j"), 99),
        entry_of(AGW_REVOCATION_OWNER, S("p"), S("b"), 99),
        entry_of(AGW_REVOCATION_PARTNER, S("p"), UNIT_NONE, 99),
        entry_of(AGW_REVOCATION_BUSINESS, UNIT_NONE, S("b"), 99),
        entry_of(AGW_REVOCATION_BUSINESS, S("p"), S("b"), 99),
    };

    (void) state;

    set = full_set();
    generation = agw_revoked_set_generation(set);
    before = unit_alloc(set_bytes(SIZE));
    memcpy(before, set, set_bytes(SIZE));

    for (i = 0; i < UNIT_COUNT(entries); i++) {
        assert_int_equal(agw_revoked_set_add(set, &entries[i]),
            AGW_REVOKED_SET_FULL);
        assert_int_equal(agw_revoked_set_reserve(set, &entries[i], 0),
            AGW_REVOKED_SET_FULL);
        assert_memory_equal(before, set, set_bytes(SIZE));
    }

    assert_true(agw_revoked_set_generation(set) == generation);

    for (i = 0; i < SIZE; i++) {
        assert_int_equal(lookup(set, S("p"), numbered((unsigned) i), S("j"), 0),
            AGW_LOOKUP_REVOKED);
    }

    /* what is there already can grow */

    entry = entry_of(AGW_REVOCATION_BUSINESS, UNIT_NONE, numbered(7), 99);
    assert_int_equal(agw_revoked_set_add(set, &entry), AGW_REVOKED_SET_OK);

    /* and what has gone makes room */

    agw_revoked_set_raise_floor(set, 1);
    sweep(set);
    assert_int_equal(agw_revoked_set_add(set, &entries[4]),
        AGW_REVOKED_SET_FULL);
    assert_int_equal(agw_revoked_set_add(set, &entries[2]),
        AGW_REVOKED_SET_OK);
    is_in_order(set);
}


/* what is reserved for a business, nobody else gets */

static void
reserved_slots_are_not_taken(void **state)
{
    unsigned            i;
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(SIZE);

    add(set, AGW_REVOCATION_PARTNER, S("p"), UNIT_NONE, 1);

    for (i = 0; i < 10; i++) {
        assert_int_equal(reserve(set, AGW_REVOCATION_BUSINESS, S("p"), i), 0);
    }

    is_in_order(set);

    for (i = 0; i < SIZE - 11; i++) {
        assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE,
            numbered(i), 2), 0);
    }

    assert_int_equal(agw_revoked_set_count(set), SIZE - 10);
    assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE, S("x"), 2),
        AGW_REVOKED_SET_FULL);
    assert_int_equal(reserve(set, AGW_REVOCATION_BUSINESS, S("p"), 3),
        AGW_REVOKED_SET_FULL);
    is_in_order(set);

    /* who reserved it is certain of it */

    for (i = 0; i < 5; i++) {
        release(set, AGW_REVOCATION_BUSINESS, S("p"), i);
        assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, S("p"),
            unit_format("held%u", i), 3), 0);
    }

    /* released, or left by who died, it is anybody's */

    release(set, AGW_REVOCATION_BUSINESS, S("p"), 5);
    agw_revoked_set_release_all(set, 6);
    is_in_order(set);

    assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE, S("x"), 4),
        0);
    assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE, S("y"), 4),
        0);
    assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE, S("z"), 4),
        AGW_REVOKED_SET_FULL);
    assert_int_equal(agw_revoked_set_count(set), SIZE - 3);
    is_in_order(set);
}


/* nothing is released that a process has not reserved */

static void
processes(void **state)
{
    unsigned            i;
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(SIZE);

    assert_int_equal(reserve(set, AGW_REVOCATION_BUSINESS, S("p"),
        AGW_REVOKED_PROCESSES - 1), AGW_REVOKED_SET_OK);
    assert_int_equal(reserve(set, AGW_REVOCATION_TOKEN, S("p"),
        AGW_REVOKED_PROCESSES), AGW_REVOKED_SET_FULL);
    assert_int_equal(reserve(set, AGW_REVOCATION_TOKEN, S("p"), (unsigned) -1),
        AGW_REVOKED_SET_FULL);

    release(set, AGW_REVOCATION_BUSINESS, S("p"), AGW_REVOKED_PROCESSES);
    release(set, AGW_REVOCATION_BUSINESS, S("p"), 0);
    agw_revoked_set_release_all(set, AGW_REVOKED_PROCESSES);
    agw_revoked_set_release_all(set, 0);
    assert_int_equal(set->reserved_slots, 1);
    assert_int_equal(set->reserved_writes, 1);

    /* all was released, and then once more by who did not know */

    agw_revoked_set_release_all(set, AGW_REVOKED_PROCESSES - 1);
    release(set, AGW_REVOCATION_BUSINESS, S("p"), AGW_REVOKED_PROCESSES - 1);
    assert_int_equal(set->reserved_slots, 0);
    assert_int_equal(set->reserved_writes, 0);
    is_in_order(set);

    /* no process reserves more than it can count */

    for (i = 0; i < UINT16_MAX; i++) {
        assert_int_equal(reserve(set, AGW_REVOCATION_TOKEN, S("p"), 1), 0);
    }

    assert_int_equal(reserve(set, AGW_REVOCATION_TOKEN, S("p"), 1),
        AGW_REVOKED_SET_FULL);
    assert_int_equal(reserve(set, AGW_REVOCATION_TOKEN, S("p"), 2), 0);
    is_in_order(set);
}


/* tokens with reserved room find it, be it in their account */

static void
reserved_tokens_find_room(void **state)
{
    unsigned            i;
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(SIZE);

    for (i = 0; i < 20; i++) {
        assert_int_equal(reserve(set, AGW_REVOCATION_TOKEN, S("p"), 1), 0);
        assert_int_equal(reserve(set, AGW_REVOCATION_OWNER, S("q"), 2), 0);
    }

    for (i = 0; i < SIZE - 2; i++) {
        assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE,
            numbered(i), 2), 0);
    }

    assert_int_equal(reserve(set, AGW_REVOCATION_TOKEN, S("p"), 1), 0);
    assert_int_equal(reserve(set, AGW_REVOCATION_TOKEN, S("r"), 1),
        AGW_REVOKED_SET_FULL);

    for (i = 0; i < 20; i++) {
        release(set, AGW_REVOCATION_TOKEN, S("p"), 1);
        assert_int_equal(add(set, AGW_REVOCATION_TOKEN, S("p"), numbered(i),
            10 + i), 0);
        release(set, AGW_REVOCATION_OWNER, S("q"), 2);
        assert_int_equal(add(set, AGW_REVOCATION_OWNER, S("q"), numbered(i),
            10 + i), 0);
        is_in_order(set);
    }

    assert_int_equal(lookup(set, S("p"), S("b"), S("x"), 28),
        AGW_LOOKUP_REVOKED);
    assert_int_equal(lookup(set, S("p"), S("b"), S("x"), 29),
        AGW_LOOKUP_NOT_REVOKED);
    assert_int_equal(lookup(set, S("r"), S("b"), S("x"), 2),
        AGW_LOOKUP_NOT_REVOKED);
}


/* the story: a write that failed left an account, until the next purge */

static void
an_account_that_nothing_came_of(void **state)
{
    unsigned            i;
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(SIZE);

    assert_int_equal(reserve(set, AGW_REVOCATION_TOKEN, S("p"), 1), 0);
    assert_int_equal(reserve(set, AGW_REVOCATION_OWNER, S("p"), 2), 0);
    assert_int_equal(agw_revoked_set_count(set), 1);

    release(set, AGW_REVOCATION_TOKEN, S("p"), 1);
    assert_int_equal(agw_revoked_set_count(set), 1);
    release(set, AGW_REVOCATION_OWNER, S("p"), 2);
    assert_int_equal(agw_revoked_set_count(set), 0);
    is_in_order(set);

    /* not while entries leave that name it, though it is forgotten */

    for (i = 0; i <= QUARTER; i++) {
        add(set, AGW_REVOCATION_TOKEN, S("q"), numbered(i), 1);
    }

    assert_int_not_equal(set->merged_count, 0);
    agw_revoked_set_raise_floor(set, 1);
    assert_int_equal(reserve(set, AGW_REVOCATION_TOKEN, S("q"), 1), 0);
    release(set, AGW_REVOCATION_TOKEN, S("q"), 1);
    is_in_order(set);
    sweep(set);
    assert_int_equal(agw_revoked_set_count(set), 0);
    is_in_order(set);

    /* a reserved one outlives the sweep, and one of who died does not */

    assert_int_equal(reserve(set, AGW_REVOCATION_TOKEN, S("p"), 1), 0);
    agw_revoked_set_raise_floor(set, 2);
    sweep(set);
    assert_int_equal(agw_revoked_set_count(set), 1);

    agw_revoked_set_release_all(set, 1);
    agw_revoked_set_raise_floor(set, 3);
    sweep(set);
    assert_int_equal(agw_revoked_set_count(set), 0);
    is_in_order(set);
}


/* against a plain list, for a while */

static void
slots_are_used_again(void **state)
{
    int64_t             round, there[200];
    unsigned            i, n;
    agw_str_t           partner;
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(900);
    memset(there, 0, sizeof(there));

    for (round = 1; round < 60; round++) {
        for (i = 0; i < 40; i++) {
            n = ((unsigned) round * 37 + i * 11) % 200;
            partner = n % 2 ? S("p") : S("q");
            assert_int_equal(add(set, AGW_REVOCATION_TOKEN, partner,
                numbered(n), 2 * round), 0);
            there[n] = 2 * round;
        }

        agw_revoked_set_raise_floor(set, 2 * (round - 3));
        sweep(set);
        is_in_order(set);

        for (n = 0; n < 200; n++) {
            partner = n % 2 ? S("p") : S("q");
            unit_assert(lookup(set, partner, UNIT_NONE, numbered(n), 2 * round)
                == (there[n] > (round > 3 ? 2 * (round - 3) : 0)
                    ? AGW_LOOKUP_REVOKED : AGW_LOOKUP_NOT_REVOKED),
                "round %d, %u", (int) round, n);
        }
    }

    agw_revoked_set_raise_floor(set, 200);
    sweep(set);
    assert_int_equal(agw_revoked_set_count(set), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(capacity_of_bytes),
        unit_case(valid_is_what_was_made_here),
        unit_case(an_account_for_each_partner),
        unit_case(a_share_of_businesses),
        unit_case(businesses_on_their_way),
        unit_case(a_full_set_changes_nothing),
        unit_case(reserved_slots_are_not_taken),
        unit_case(processes),
        unit_case(reserved_tokens_find_room),
        unit_case(an_account_that_nothing_came_of),
        unit_case(slots_are_used_again),
    };

    return cmocka_run_group_tests_name("revoked room", tests, NULL, NULL);
}
