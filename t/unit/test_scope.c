
/* Scopes are sets of words: a word is there as a whole, or it is not. */


#include "unit.h"

#include "agw_claims.h"


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


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(words_in_order),
        unit_case(the_empty_scope_has_no_word),
        unit_case(rfc6749_3_3_whole_words),
        unit_case(no_word_is_in_no_scope),
    };

    return cmocka_run_group_tests_name("scope", tests, NULL, NULL);
}
