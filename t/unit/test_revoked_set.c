
/* Revoked tokens and cut-offs: what is refused, and what has room. */


#include "index.h"


static void
a_token_and_no_other(void **state)
{
    agw_index_t  *index;

    (void) state;

    index = index_of(16);

    assert_int_equal(is_refused(index, S("p"), S("b"), S("j"), NOW), 0);
    assert_int_equal(add_token(index, S("p"), S("b"), S("j"), NOW), 0);

    assert_int_equal(is_refused(index, S("p"), S("b"), S("j"), NOW), 1);
    assert_int_equal(is_refused(index, S("p"), S("b"), S("J"), NOW), 0);
    assert_int_equal(is_refused(index, S("p"), S("b"), S("j2"), NOW), 0);
    assert_int_equal(is_refused(index, S("p"), S("b"), S(""), NOW), 0);

    /* whatever its business and iat are said to be: the jti is the token */

    assert_int_equal(is_refused(index, S("p"), S(""), S("j"), NOW + 9), 1);
    assert_int_equal(is_refused(index, S("p"), S("x"), S("j"), 0), 1);

    /* another partner's token of the same jti, and ids that run together */

    assert_int_equal(is_refused(index, S("q"), S("b"), S("j"), NOW), 0);
    assert_int_equal(add_token(index, S("ab"), S(""), S("c"), NOW), 0);
    assert_int_equal(is_refused(index, S("a"), S(""), S("bc"), NOW), 0);
    assert_int_equal(is_refused(index, S("ab"), S(""), S("c"), NOW), 1);
}


static void
a_cutoff_at_and_before(void **state)
{
    size_t                      i;
    agw_str_t                   p, b;
    agw_index_t                *index;
    static const agw_revoked_t  kinds[] = {
        AGW_REVOKED_BUSINESS, AGW_REVOKED_PARTNER
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(kinds); i++) {
        index = index_of(16);
        p = i == 0 ? S("p") : S("id");
        b = i == 0 ? S("id") : S("b");

        assert_int_equal(add_cutoff(index, kinds[i], S("id"), NOW), 0);

        assert_int_equal(is_refused(index, p, b, S("j"), 0), 1);
        assert_int_equal(is_refused(index, p, b, S("j"), NOW - 1), 1);
        assert_int_equal(is_refused(index, p, b, S("j"), NOW), 1);
        assert_int_equal(is_refused(index, p, b, S("j"), NOW + 1), 0);

        /* others, and an id of the other kind */

        assert_int_equal(is_refused(index, S("o"), S("o"), S("j"), NOW), 0);
        assert_int_equal(is_refused(index, S("o"), S(""), S("j"), NOW), 0);
        assert_int_equal(is_refused(index, b, p, S("j"), NOW), 0);
        assert_int_equal(is_refused(index, S("o"), S("o"), S("id"), NOW), 0);
    }
}


static void
a_partners_cutoff_ends_its_tokens_without_a_business(void **state)
{
    agw_index_t  *index;

    (void) state;

    index = index_of(16);

    add_cutoff(index, AGW_REVOKED_PARTNER, S("p"), NOW);

    assert_int_equal(is_refused(index, S("p"), UNIT_NONE, S("j"), NOW), 1);
    assert_int_equal(is_refused(index, S("q"), UNIT_NONE, S("j"), NOW), 0);
}


static void
times_only_grow(void **state)
{
    uint64_t           generation;
    agw_index_t       *index;
    agw_revocation_t   entry;

    (void) state;

    index = index_of(16);

    add_cutoff(index, AGW_REVOKED_BUSINESS, S("b"), NOW);
    generation = agw_index_generation(index);

    /* earlier, and as it is: nothing has changed */

    add_cutoff(index, AGW_REVOKED_BUSINESS, S("b"), NOW - 100);
    add_cutoff(index, AGW_REVOKED_BUSINESS, S("b"), NOW);

    assert_int_equal(is_refused(index, S("p"), S("b"), S("j"), NOW), 1);
    assert_true(agw_index_generation(index) == generation);
    assert_int_equal(agw_index_count(index), 1);

    /* later */

    add_cutoff(index, AGW_REVOKED_BUSINESS, S("b"), NOW + 5);

    assert_int_equal(is_refused(index, S("p"), S("b"), S("j"), NOW + 5), 1);
    assert_int_equal(is_refused(index, S("p"), S("b"), S("j"), NOW + 6), 0);
    assert_true(agw_index_generation(index) != generation);
    assert_int_equal(agw_index_count(index), 1);

    /* a shorter life does not shorten it, a longer one does lengthen it */

    entry = cutoff_entry(AGW_REVOKED_BUSINESS, S("b"), NOW, NOW + 1);
    agw_index_add(index, &entry, NOW);
    agw_index_purge(index, LATER - 1);
    assert_int_equal(agw_index_count(index), 1);

    entry.expires_at = LATER + 10;
    agw_index_add(index, &entry, NOW);
    agw_index_purge(index, LATER + 9);
    assert_int_equal(agw_index_count(index), 1);
    agw_index_purge(index, LATER + 10);
    assert_int_equal(agw_index_count(index), 0);
}


static void
generation_tells_of_every_entry(void **state)
{
    unsigned      i;
    uint64_t      before;
    agw_index_t  *index;

    (void) state;

    index = index_of(64);

    /* 0 is what a token begins with that was never looked up */

    assert_true(agw_index_generation(index) != 0);

    for (i = 0; i < 20; i++) {
        before = agw_index_generation(index);
        add_token(index, S("p"), S("b"), numbered(i), NOW);
        assert_true(agw_index_generation(index) > before);
    }

    before = agw_index_generation(index);
    add_token(index, S("p"), S("b"), numbered(3), NOW);
    agw_index_purge(index, NOW);
    assert_true(agw_index_generation(index) == before);
}


static void
cutoff_is_the_latest_of_both(void **state)
{
    int64_t       cutoff;
    agw_index_t  *index;

    (void) state;

    index = index_of(16);

    assert_int_equal(agw_index_cutoff(index, S("p"), S("b"), &cutoff), 0);
    assert_true(cutoff == -1);

    add_cutoff(index, AGW_REVOKED_BUSINESS, S("b"), NOW);
    add_cutoff(index, AGW_REVOKED_PARTNER, S("p"), NOW + 3);
    add_cutoff(index, AGW_REVOKED_PARTNER, S("q"), NOW - 3);

    assert_int_equal(agw_index_cutoff(index, S("p"), S("b"), &cutoff), 0);
    assert_true(cutoff == NOW + 3);
    assert_int_equal(agw_index_cutoff(index, S("q"), S("b"), &cutoff), 0);
    assert_true(cutoff == NOW);
    assert_int_equal(agw_index_cutoff(index, S("q"), S(""), &cutoff), 0);
    assert_true(cutoff == NOW - 3);
    assert_int_equal(agw_index_cutoff(index, S("o"), S("o"), &cutoff), 0);
    assert_true(cutoff == -1);
}


static void
a_full_index_evicts_nothing(void **state)
{
    unsigned           i;
    uint64_t           generation;
    agw_index_t       *index;
    agw_revocation_t   entry;

    (void) state;

    index = index_of(32);

    for (i = 0; i < 32; i++) {
        assert_int_equal(add_cutoff(index, AGW_REVOKED_BUSINESS, numbered(i),
                                    NOW), AGW_INDEX_OK);
    }

    generation = agw_index_generation(index);
    entry = cutoff_entry(AGW_REVOKED_PARTNER, S("p"), NOW, LATER);

    assert_int_equal(agw_index_admits(index, &entry, NOW), AGW_INDEX_FULL);
    assert_int_equal(agw_index_add(index, &entry, NOW), AGW_INDEX_FULL);
    assert_int_equal(add_token(index, S("p"), S("b"), S("j"), NOW),
                     AGW_INDEX_FULL);
    assert_true(agw_index_generation(index) == generation);

    for (i = 0; i < 32; i++) {
        assert_int_equal(is_refused(index, S("p"), numbered(i), S("j"), NOW),
                         1);
    }

    /* what is there already can grow */

    entry = cutoff_entry(AGW_REVOKED_BUSINESS, numbered(7), NOW + 4, LATER);
    assert_int_equal(agw_index_admits(index, &entry, NOW), AGW_INDEX_OK);
    assert_int_equal(agw_index_add(index, &entry, NOW), AGW_INDEX_OK);

    /* and what has expired makes room */

    entry = cutoff_entry(AGW_REVOKED_PARTNER, S("p"), NOW, LATER + 9);
    assert_int_equal(agw_index_admits(index, &entry, LATER), AGW_INDEX_OK);
    assert_int_equal(agw_index_add(index, &entry, LATER), AGW_INDEX_OK);
    assert_int_equal(agw_index_count(index), 1);
}


/* a partner's first token takes two slots: one of them counts */

static void
a_token_in_the_last_slot(void **state)
{
    unsigned      i;
    agw_index_t  *index;

    (void) state;

    index = index_of(8);

    for (i = 0; i < 7; i++) {
        add_cutoff(index, AGW_REVOKED_BUSINESS, numbered(i), NOW);
    }

    assert_int_equal(add_token(index, S("p"), S("b"), S("j"), NOW),
                     AGW_INDEX_FULL);
    assert_int_equal(agw_index_count(index), 7);
    assert_int_equal(is_refused(index, S("p"), S("b"), S("j"), NOW), 0);
    assert_int_equal(add_cutoff(index, AGW_REVOKED_PARTNER, S("p"), NOW),
                     AGW_INDEX_OK);
}


static void
a_quarter_for_one_partner(void **state)
{
    unsigned           i;
    agw_index_t       *index;
    agw_revocation_t   entry;

    (void) state;

    index = index_of(64);

    for (i = 0; i < 16; i++) {
        entry = token_entry(S("p"), S("b"), numbered(i), NOW, LATER);
        assert_int_equal(agw_index_admits(index, &entry, NOW), AGW_INDEX_OK);
        assert_int_equal(agw_index_add(index, &entry, NOW), AGW_INDEX_OK);
    }

    entry = token_entry(S("p"), S("b"), S("more"), NOW, LATER);
    assert_int_equal(agw_index_admits(index, &entry, NOW),
                     AGW_INDEX_SHARE_SPENT);

    /* one that is there, another partner, and a cut-off do find room */

    entry.jti = numbered(3);
    assert_int_equal(agw_index_admits(index, &entry, NOW), AGW_INDEX_OK);

    entry = token_entry(S("q"), S("b"), S("more"), NOW, LATER);
    assert_int_equal(agw_index_admits(index, &entry, NOW), AGW_INDEX_OK);

    entry = cutoff_entry(AGW_REVOKED_BUSINESS, S("b"), NOW, LATER);
    assert_int_equal(agw_index_admits(index, &entry, NOW), AGW_INDEX_OK);

    /* what the store has is taken all the same */

    entry = token_entry(S("p"), S("b"), S("more"), NOW, LATER);
    assert_int_equal(agw_index_add(index, &entry, NOW), AGW_INDEX_OK);

    /* expired ones no longer count */

    entry.jti = S("again");
    entry.expires_at = LATER + 5;
    assert_int_equal(agw_index_admits(index, &entry, LATER), AGW_INDEX_OK);
    assert_int_equal(agw_index_count(index), 0);
}


static void
a_cutoff_absorbs_tokens(void **state)
{
    size_t                      k, left;
    agw_str_t                   id;
    agw_index_t                *index;
    agw_revocation_t            entry;
    static const agw_revoked_t  kinds[] = {
        AGW_REVOKED_BUSINESS, AGW_REVOKED_PARTNER
    };

    (void) state;

    for (k = 0; k < UNIT_COUNT(kinds); k++) {
        index = index_of(64);
        id = k == 0 ? S("b") : S("p");

        add_token(index, S("p"), S("b"), S("before"), NOW - 1);
        add_token(index, S("p"), S("b"), S("at"), NOW);
        add_token(index, S("p"), S("b"), S("after"), NOW + 1);
        add_token(index, S("q"), S("c"), S("other"), NOW - 1);

        /* of the store: no iat is known, nor a business */

        add_token(index, S("p"), UNIT_NONE, S("row"), 0);

        entry = token_entry(S("p"), S("b"), S("long"), NOW - 1, LATER + 1);
        agw_index_add(index, &entry, NOW);

        add_cutoff(index, kinds[k], id, NOW);
        agw_index_purge(index, NOW);

        /* 4 tokens, 2 tallies and the cut-off: two are covered by it */

        left = agw_index_count(index);
        unit_assert(left == 7, "%zu are left", left);

        assert_int_equal(is_refused(index, S("p"), S("b"), S("before"),
                                    NOW - 1), 1);
        assert_int_equal(is_refused(index, S("p"), S("b"), S("at"), NOW), 1);
        assert_int_equal(is_refused(index, S("p"), S("b"), S("after"),
                                    NOW + 1), 1);
        assert_int_equal(is_refused(index, S("p"), S("b"), S("long"),
                                    NOW - 1), 1);
        assert_int_equal(is_refused(index, S("p"), S("b"), S("row"),
                                    NOW + 7), 1);
        assert_int_equal(is_refused(index, S("q"), S("c"), S("other"),
                                    NOW - 1), 1);

        /* the longest lived outlives the cut-off */

        agw_index_purge(index, LATER);
        assert_int_equal(agw_index_count(index), 2);
        assert_int_equal(is_refused(index, S("p"), S("b"), S("long"),
                                    NOW - 1), 1);
    }
}


static void
purge_takes_what_has_expired(void **state)
{
    unsigned           i;
    agw_index_t       *index;
    agw_revocation_t   entry;

    (void) state;

    index = index_of(400);

    for (i = 0; i < 100; i++) {
        entry = token_entry(S("p"), S("b"), numbered(i), NOW, NOW + i + 1);
        assert_int_equal(agw_index_add(index, &entry, NOW), AGW_INDEX_OK);
    }

    for (i = 0; i < 100; i++) {
        agw_index_purge(index, NOW + i);
        assert_int_equal(agw_index_count(index), 100 - i + 1);
        assert_int_equal(is_refused(index, S("p"), S("b"), numbered(i), NOW),
                         1);

        if (i > 0) {
            assert_int_equal(is_refused(index, S("p"), S("b"),
                                        numbered(i - 1), NOW), 0);
        }
    }

    /* the last takes the slot that counted with it */

    agw_index_purge(index, NOW + 100);
    assert_int_equal(agw_index_count(index), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(a_token_and_no_other),
        unit_case(a_cutoff_at_and_before),
        unit_case(a_partners_cutoff_ends_its_tokens_without_a_business),
        unit_case(times_only_grow),
        unit_case(generation_tells_of_every_entry),
        unit_case(cutoff_is_the_latest_of_both),
        unit_case(a_full_index_evicts_nothing),
        unit_case(a_token_in_the_last_slot),
        unit_case(a_quarter_for_one_partner),
        unit_case(a_cutoff_absorbs_tokens),
        unit_case(purge_takes_what_has_expired),
    };

    return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
