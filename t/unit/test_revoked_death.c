
/*
 * A process dies in the middle of a change: readers go on meanwhile, and
 * the next change puts the index in order, without losing an entry.
 */


#include "index.h"


#define ENTRIES   12


static agw_index_t *
filled(void)
{
    unsigned      i;
    agw_index_t  *index;

    index = index_of(32);

    for (i = 0; i < ENTRIES; i++) {
        assert_int_equal(add_token(index, i % 2 ? S("p") : S("q"), S("b"),
                                   numbered(i), NOW), AGW_INDEX_OK);
    }

    return index;
}


static void
all_are_there(const agw_index_t *index)
{
    unsigned  i;

    for (i = 0; i < ENTRIES; i++) {
        unit_assert(is_refused(index, i % 2 ? S("p") : S("q"), S("b"),
                               numbered(i), NOW) == 1, "entry %u", i);
    }
}


/* counts are right where all goes when all has expired, and all fits again */

static void
is_in_order(agw_index_t *index)
{
    unsigned  i;

    all_are_there(index);

    agw_index_purge(index, LATER);
    assert_int_equal(agw_index_count(index), 0);

    for (i = 0; i < 32; i++) {
        assert_int_equal(add_cutoff(index, AGW_REVOKED_BUSINESS, numbered(i),
                                    NOW), AGW_INDEX_OK);
    }

    assert_int_equal(add_cutoff(index, AGW_REVOKED_BUSINESS, S("x"), NOW),
                     AGW_INDEX_FULL);
}


/* before it did anything */

static void
at_once(void **state)
{
    agw_index_t  *index;

    (void) state;

    index = filled();

    agw_slots_begin(index);
    all_are_there(index);

    add_cutoff(index, AGW_REVOKED_BUSINESS, S("c"), NOW);
    assert_int_equal(index->changing, 0);
    assert_int_equal(agw_index_count(index), ENTRIES + 3);
    assert_int_equal(is_refused(index, S("p"), S("c"), S("j"), NOW), 1);

    is_in_order(index);
}


/* with slots that it took and never linked */

static void
with_slots_taken(void **state)
{
    unsigned      n;
    agw_slot_t   *slot;
    agw_index_t  *index;

    (void) state;

    index = filled();

    agw_slots_begin(index);

    for (n = 0; n < 5; n++) {
        slot = agw_slot(index, agw_slots_take(index));
        slot->kind = n % 2 ? AGW_REVOKED_TOKEN : AGW_SLOT_TALLY;
        slot->tally = 1;
        slot->expires_at = LATER;
        slot->tokens = 9;
    }

    all_are_there(index);
    agw_index_purge(index, NOW);

    assert_int_equal(agw_index_count(index), ENTRIES + 2);
    is_in_order(index);
}


/* a tally linked, and not yet its first token */

static void
with_an_empty_tally(void **state)
{
    uint32_t      n;
    agw_slot_t   *slot;
    agw_index_t  *index;

    (void) state;

    index = filled();

    agw_slots_begin(index);

    n = agw_slots_take(index);
    slot = agw_slot(index, n);
    slot->kind = AGW_SLOT_TALLY;
    slot->id = agw_siphash(index->key, S("r"));
    agw_slots_link(index, n);

    assert_int_equal(add_token(index, S("r"), S("b"), S("j"), NOW), 0);
    assert_int_equal(is_refused(index, S("r"), S("b"), S("j"), NOW), 1);
    assert_int_equal(agw_slot(index, n)->tokens, 1);
    assert_int_equal(agw_index_count(index), ENTRIES + 4);

    is_in_order(index);
}


/* counted, and never linked: the share is not spent by it */

static void
with_a_count_too_high(void **state)
{
    uint32_t           n;
    agw_index_t       *index;
    agw_revocation_t   entry;

    (void) state;

    index = filled();

    agw_slots_begin(index);

    n = agw_slots_find(index, AGW_SLOT_TALLY,
                       agw_siphash(index->key, S("p")));
    assert_int_equal(agw_slot(index, n)->tokens, ENTRIES / 2);
    agw_slot(index, n)->tokens = 32;

    entry = token_entry(S("p"), S("b"), S("j"), NOW, LATER);
    assert_int_equal(agw_index_admits(index, &entry, NOW), AGW_INDEX_OK);
    assert_int_equal(agw_slot(index, n)->tokens, ENTRIES / 2);

    is_in_order(index);
}


/* in a sweep: some are unlinked, and nobody has them */

static void
in_a_sweep(void **state)
{
    uint32_t           i, k, n, *chains;
    agw_slot_t        *slot;
    agw_index_t       *index;
    agw_revocation_t   entry;

    (void) state;

    /* k are unlinked, the last one with its count, and its mark or without */

    for (k = 1; k < 4; k++) {
        index = filled();

        for (i = 0; i < 3; i++) {
            entry = token_entry(S("p"), S("b"), numbered(100 + i), NOW,
                                NOW + 1);
            assert_int_equal(agw_index_add(index, &entry, NOW), 0);
        }

        agw_slots_begin(index);
        chains = (uint32_t *) agw_slot(index, index->capacity + 1);

        for (i = 0, n = 0; i < index->heads && n < k; i++) {
            uint32_t  *link = &chains[i];

            while (*link != 0 && n < k) {
                slot = agw_slot(index, *link);

                if (slot->expires_at != NOW + 1) {
                    link = &slot->next;
                    continue;
                }

                agw_slot(index, slot->tally)->tokens--;
                *link = slot->next;

                if (n++ % 2 == 0) {
                    slot->kind = 0;
                    slot->tally = 0;
                }
            }
        }

        assert_int_equal(n, k);
        all_are_there(index);

        agw_index_purge(index, NOW);
        assert_int_equal(agw_index_count(index), ENTRIES + 2 + 3 - k);

        is_in_order(index);
    }
}


/* with all that is spare on no chain at all, and with a wrong count */

static void
with_no_spare_slot(void **state)
{
    agw_index_t  *index;

    (void) state;

    index = filled();

    agw_index_purge(index, NOW);
    agw_slots_begin(index);
    index->free = 0;
    index->spare = 0;

    assert_int_equal(add_cutoff(index, AGW_REVOKED_PARTNER, S("x"), NOW),
                     AGW_INDEX_OK);
    assert_int_equal(agw_index_count(index), ENTRIES + 3);

    is_in_order(index);
}


/* who puts it in order may die too, at any slot */

static void
while_it_is_put_in_order(void **state)
{
    unsigned      i, upto;
    agw_index_t  *index;

    (void) state;

    for (upto = 0; upto < ENTRIES + 2; upto++) {
        index = filled();

        agw_slots_begin(index);
        index->free = 0;
        index->spare = 32 - index->fresh;

        for (i = 1; i <= upto; i++) {
            agw_slot(index, i)->tokens |= 0x80000000u;
        }

        all_are_there(index);
        agw_index_purge(index, NOW);
        assert_int_equal(agw_index_count(index), ENTRIES + 2);

        is_in_order(index);
    }
}


/* a reader that stood on a slot looks again */

static void
readers_are_told(void **state)
{
    uint64_t      purges;
    agw_index_t  *index;

    (void) state;

    index = filled();
    purges = index->purges;

    agw_slots_begin(index);
    agw_index_purge(index, NOW);

    assert_true(index->purges != purges);
    is_in_order(index);
}


/*
 * The story: a worker died between publishing an entry and telling of it.
 * The entry was found to be there when its row was read again, and nothing
 * was told; who had asked before went on with a token that was revoked.
 */

static void
before_it_told_of_an_entry(void **state)
{
    uint64_t           generation;
    agw_index_t       *index;
    agw_revocation_t   token, cutoff;

    (void) state;

    token = token_entry(S("p"), S("b"), S("j"), NOW, LATER);
    cutoff = cutoff_entry(AGW_REVOKED_BUSINESS, S("b"), NOW, LATER);

    index = filled();
    generation = agw_index_generation(index);

    assert_int_equal(agw_index_add(index, &token, NOW), AGW_INDEX_OK);
    index->generation = generation;
    index->changing = 1;

    assert_int_equal(agw_index_add(index, &token, NOW), AGW_INDEX_OK);
    assert_true(agw_index_generation(index) > generation);

    generation = agw_index_generation(index);

    assert_int_equal(agw_index_add(index, &cutoff, NOW), AGW_INDEX_OK);
    cutoff.cutoff++;
    assert_int_equal(agw_index_add(index, &cutoff, NOW), AGW_INDEX_OK);
    index->generation = generation;
    index->changing = 1;

    assert_int_equal(agw_index_add(index, &cutoff, NOW), AGW_INDEX_OK);
    assert_true(agw_index_generation(index) > generation);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(at_once),
        unit_case(with_slots_taken),
        unit_case(with_an_empty_tally),
        unit_case(with_a_count_too_high),
        unit_case(in_a_sweep),
        unit_case(with_no_spare_slot),
        unit_case(while_it_is_put_in_order),
        unit_case(readers_are_told),
        unit_case(before_it_told_of_an_entry),
    };

    return cmocka_run_group_tests_name("index death", tests, NULL, NULL);
}
