
/* Scopes are sets of words: a word is there as a whole, or it is not. */


#include "unit.h"

#include "agw_scope.h"


static void
words_in_order(void **state)
{
    size_t                  i, n;
    agw_str_t               scope, word;
    static const agw_str_t  words[] = {
        agw_string("a"), agw_string("bc"), agw_string("https://x/y?z#w"),
        agw_string("a"), agw_string("business_access"),
    };

    (void) state;

    for (n = 1; n <= UNIT_COUNT(words); n++) {
        scope = words[0];

        for (i = 1; i < n; i++) {
            scope = unit_cat(unit_cat(scope, S(" ")), words[i]);
        }

        scope = unit_copy(scope);

        for (i = 0; i < n; i++) {
            assert_int_equal(agw_scope_next(&scope, &word), 1);
            unit_assert_str(word, words[i]);
        }

        assert_int_equal(agw_scope_next(&scope, &word), 0);
        assert_int_equal(agw_scope_next(&scope, &word), 0);
    }
}


static void
the_empty_scope_has_no_word(void **state)
{
    agw_str_t  scope, word;

    (void) state;

    scope = UNIT_NONE;
    assert_int_equal(agw_scope_next(&scope, &word), 0);

    scope = unit_copy(S(""));
    assert_int_equal(agw_scope_next(&scope, &word), 0);
}


static void
rfc6749_3_3_whole_words(void **state)
{
    size_t                  i;
    agw_str_t               word;
    static const agw_str_t  with[] = {
        agw_string("read"), agw_string("read a"), agw_string("a read"),
        agw_string("a read b"), agw_string("reads read"),
        agw_string("rea read"), agw_string("read read"),
    };
    static const agw_str_t  without[] = {
        agw_string(""), agw_string("a"), agw_string("rea"),
        agw_string("reads"), agw_string("xread"), agw_string("READ"),
        agw_string("Read"), agw_string("re ad"), agw_string("r e a d"),
        agw_string("read:x"), agw_string("x:read"), agw_string("read_ _read"),
        agw_string("reads xread"), agw_string("a reads b"),
    };

    (void) state;

    word = unit_copy(S("read"));

    for (i = 0; i < UNIT_COUNT(with); i++) {
        unit_assert(agw_scope_has(unit_copy(with[i]), word), "row %zu", i);
    }

    for (i = 0; i < UNIT_COUNT(without); i++) {
        unit_assert(!agw_scope_has(unit_copy(without[i]), word), "row %zu",
            i);
    }

    assert_false(agw_scope_has(UNIT_NONE, word));
}


/* what is no word is in no scope, however much it looks like a part */

static void
no_word_is_in_no_scope(void **state)
{
    (void) state;

    assert_false(agw_scope_has(S("a b"), UNIT_NONE));
    assert_false(agw_scope_has(S("a b"), S("")));
    assert_false(agw_scope_has(S(""), S("")));
    assert_false(agw_scope_has(S("a b"), S(" ")));
    assert_false(agw_scope_has(S("a b"), S("a b")));
    assert_false(agw_scope_has(S("a b c"), S("b c")));
    assert_false(agw_scope_has(S("a b"), S("a ")));
    assert_false(agw_scope_has(S("a b"), S(" b")));
}


static void
p4_2_each_of_the_words(void **state)
{
    (void) state;

    assert_true(agw_scope_has_all(S("a b c"), UNIT_NONE));
    assert_true(agw_scope_has_all(UNIT_NONE, UNIT_NONE));
    assert_true(agw_scope_has_all(unit_copy(S("a b c")), unit_copy(S("c a"))));
    assert_true(agw_scope_has_all(S("a b"), S("a a b")));
    assert_false(agw_scope_has_all(UNIT_NONE, S("a")));
    assert_false(agw_scope_has_all(S("a b"), S("a c")));
    assert_false(agw_scope_has_all(S("a b"), S("c a")));
    assert_false(agw_scope_has_all(S("ab"), S("a b")));
}


/*
 * Every set of words asked for, by every configuration, by every list: what is
 * granted is in all of them, and nothing of what was allowed is left out.
 */

static void
p2_6_what_is_asked_for_and_allowed(void **state)
{
    int                     allowed;
    size_t                  i, j, k, l, n;
    agw_str_t               got;
    agw_scope_limits_t      limits;
    static const agw_str_t  words[] = {
        agw_string("read"), agw_string("write"), agw_string("reads"),
    };
    static const agw_str_t  sets[] = {
        agw_string(""), agw_string("read"), agw_string("write"),
        agw_string("read write"), agw_string("write read"),
        agw_string("reads"), agw_string("reads write read"),
        agw_string("business_access"), agw_string("business_access read"),
    };

    (void) state;

    n = 0;

    for (i = 0; i < UNIT_COUNT(sets); i++) {
        for (j = 0; j < UNIT_COUNT(sets) - 2; j++) {
            for (k = 0; k <= UNIT_COUNT(sets); k++) {
                memset(&limits, 0, sizeof(limits));
                limits.configured = unit_copy(sets[j]);
                limits.limited = k < UNIT_COUNT(sets);
                limits.listed = limits.limited ? unit_copy(sets[k])
                                               : UNIT_NONE;
                limits.business = 1;

                got.data = unit_alloc(AGW_SCOPE_GRANT_SIZE(sets[j].len));
                got.len = agw_scope_grant(sets[i], &limits,
                    (unsigned char *) got.data);

                assert_true(got.len <= AGW_SCOPE_GRANT_SIZE(sets[j].len));
                assert_true(agw_scope_has(got, S(AGW_BUSINESS_ACCESS)));

                allowed = 1;

                for (l = 0; l < UNIT_COUNT(words); l++) {
                    int  asked, may;

                    asked = agw_scope_has(sets[i], words[l]);
                    may = agw_scope_has(sets[j], words[l])
                        && (!limits.limited
                            || agw_scope_has(sets[k], words[l]));

                    allowed &= !asked || may;

                    assert_int_equal(agw_scope_has(got, words[l]),
                        may && (asked || sets[i].len == 0));
                }

                assert_int_equal(agw_scope_may_ask(sets[i], &limits),
                    allowed);

                /* a partner token never has business_access */

                limits.business = 0;
                assert_int_equal(agw_scope_may_ask(sets[i], &limits),
                    allowed
                    && !agw_scope_has(sets[i], S(AGW_BUSINESS_ACCESS)));

                n += (size_t) allowed;
            }
        }
    }

    assert_true(n > 100);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(words_in_order),
        unit_case(the_empty_scope_has_no_word),
        unit_case(rfc6749_3_3_whole_words),
        unit_case(no_word_is_in_no_scope),
        unit_case(p4_2_each_of_the_words),
        unit_case(p2_6_what_is_asked_for_and_allowed),
    };

    return cmocka_run_group_tests_name("scope", tests, NULL, NULL);
}
