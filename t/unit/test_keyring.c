
/*
 * The keys of a server.  A kid is looked up in a table, byte for byte, and
 * is never a path, a query or a pattern.
 */


#include "mint.h"

#include "agw_keyring.h"


/* each secret is filled with one byte; a kid that is NULL is not given */

static int
load(agw_keyring_t *ring, int fill, const char *kid, int verify)
{
    int                rc;
    const char        *error, *warning;
    agw_key_source_t   source;

    memset(&source, 0, sizeof(source));
    source.bytes = mint_secret(fill);
    source.verify = verify != 0;

    if (kid != NULL) {
        source.kid = unit_format("%s", kid);
    }

    error = NULL;
    warning = "not set";
    rc = agw_keyring_load(ring, &source, &error, &warning);

    if (rc != 0) {
        assert_int_equal(rc, -1);
        unit_assert(error != NULL && strlen(error) > 10, "no error text");

    } else {
        unit_assert(warning == NULL, "%s", warning);
    }

    return rc;
}


static const agw_key_t *
find(const agw_keyring_t *ring, agw_str_t kid)
{
    kid = unit_copy(kid);

    return agw_keyring_find(ring, &kid);
}


static void
an_empty_ring(void **state)
{
    agw_keyring_t  *ring;

    (void) state;

    ring = agw_keyring_create();
    assert_non_null(ring);

    assert_int_equal(agw_keyring_count(ring), 0);
    assert_null(agw_keyring_signer(ring));
    assert_null(agw_keyring_find(ring, NULL));
    assert_null(find(ring, S("a")));
    assert_null(find(ring, S("")));

    agw_keyring_free(ring);
    agw_keyring_free(NULL);
}


static void
design_3_first_without_verify_signs(void **state)
{
    agw_keyring_t  *ring;

    (void) state;

    ring = agw_keyring_create();

    assert_int_equal(load(ring, '1', "next", 1), 0);
    assert_null(agw_keyring_signer(ring));

    assert_int_equal(load(ring, '2', "now", 0), 0);
    assert_ptr_equal(agw_keyring_signer(ring), agw_keyring_key(ring, 1));

    assert_int_equal(load(ring, '3', "later", 0), 0);
    assert_int_equal(load(ring, '4', "old", 1), 0);
    assert_int_equal(agw_keyring_count(ring), 4);
    assert_ptr_equal(agw_keyring_signer(ring), agw_keyring_key(ring, 1));

    unit_assert_str(agw_key_kid(agw_keyring_key(ring, 0)), S("next"));
    unit_assert_str(agw_key_kid(agw_keyring_key(ring, 1)), S("now"));
    unit_assert_str(agw_key_kid(agw_keyring_key(ring, 2)), S("later"));
    unit_assert_str(agw_key_kid(agw_keyring_key(ring, 3)), S("old"));

    agw_keyring_free(ring);
}


static void
design_3_two_keys_with_one_kid(void **state)
{
    size_t            i;
    const agw_key_t  *first, *second;
    agw_keyring_t    *ring;

    (void) state;

    ring = agw_keyring_create();
    assert_int_equal(load(ring, '1', "a", 1), 0);
    assert_int_equal(load(ring, '2', "b", 0), 0);

    first = agw_keyring_key(ring, 0);
    second = agw_keyring_key(ring, 1);

    for (i = 0; i < 3; i++) {
        assert_int_equal(load(ring, '3', "a", 0), -1);
        assert_int_equal(load(ring, '3', "b", 1), -1);
        assert_int_equal(load(ring, '1', "a", 1), -1);

        assert_int_equal(agw_keyring_count(ring), 2);
        assert_ptr_equal(agw_keyring_key(ring, 0), first);
        assert_ptr_equal(agw_keyring_key(ring, 1), second);
        assert_ptr_equal(find(ring, S("a")), first);
        assert_ptr_equal(find(ring, S("b")), second);
        assert_ptr_equal(agw_keyring_signer(ring), second);
    }

    /* other bytes are another kid */

    assert_int_equal(load(ring, '3', "A", 0), 0);
    assert_int_equal(load(ring, '3', "a.", 0), 0);
    assert_int_equal(agw_keyring_count(ring), 4);

    agw_keyring_free(ring);
}


static void
design_3_one_secret_twice_has_one_kid(void **state)
{
    agw_keyring_t  *ring;

    (void) state;

    ring = agw_keyring_create();
    assert_int_equal(load(ring, '1', NULL, 0), 0);
    assert_int_equal(load(ring, '1', NULL, 1), -1);
    assert_int_equal(load(ring, '2', NULL, 1), 0);
    assert_int_equal(agw_keyring_count(ring), 2);

    agw_keyring_free(ring);
}


static void
a_bad_key_leaves_the_ring_as_it_was(void **state)
{
    size_t                  i;
    const char             *error, *warning;
    agw_keyring_t          *ring;
    agw_key_source_t        source;
    const agw_key_t        *key;
    static const agw_str_t  bad[] = {
        agw_string(""), agw_string("short"),
        agw_string("{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"),
        agw_string("-----BEGIN PUBLIC KEY-----\nAAAAAAAAAAAAAAAAAAAAAAAAA"),
    };

    (void) state;

    ring = agw_keyring_create();
    assert_int_equal(load(ring, '1', "a", 0), 0);
    key = agw_keyring_key(ring, 0);

    for (i = 0; i < UNIT_COUNT(bad); i++) {
        memset(&source, 0, sizeof(source));
        source.bytes = bad[i];
        source.kid = S("b");
        error = NULL;

        unit_assert(agw_keyring_load(ring, &source, &error, &warning) == -1,
            "row %zu", i);
        assert_non_null(error);
        mint_assert_no_errors("agw_keyring_load");

        assert_int_equal(agw_keyring_count(ring), 1);
        assert_null(find(ring, S("b")));
        assert_ptr_equal(agw_keyring_find(ring, NULL), key);
    }

    assert_int_equal(load(ring, '2', "b", 0), 0);

    agw_keyring_free(ring);
}


static void
p8_4_kid_is_looked_up_exactly(void **state)
{
    size_t                  i;
    agw_keyring_t          *ring;
    static const agw_str_t  others[] = {
        agw_string(""), agw_string("KEY-1"), agw_string("key"),
        agw_string("key-"), agw_string("key-12"), agw_string("key-1 "),
        agw_string(" key-1"), agw_string("key-1\0"), agw_string("key-1\n"),
        agw_string("\0"), agw_string("key%2d1"), agw_string("./key-1"),
        agw_string("../../../../dev/null"), agw_string("*"),
        agw_string("key-_"), agw_string("%"), agw_string("key-1' OR '1'='1"),
        agw_string("\xef\xbb\xbf" "key-1"), agw_string("key-3"),
    };

    (void) state;

    ring = agw_keyring_create();
    assert_int_equal(load(ring, '1', "key-1", 0), 0);

    /* with one key and with two */

    do {
        for (i = 0; i < UNIT_COUNT(others); i++) {
            unit_assert(find(ring, others[i]) == NULL, "row %zu", i);
        }

        assert_null(find(ring, UNIT_NONE));
        assert_null(find(ring, unit_repeat(S("key-1"), 2000)));
        assert_ptr_equal(find(ring, S("key-1")), agw_keyring_key(ring, 0));

    } while (agw_keyring_count(ring) == 1
             && load(ring, '2', "key-2", 1) == 0);

    assert_int_equal(agw_keyring_count(ring), 2);
    assert_ptr_equal(find(ring, S("key-2")), agw_keyring_key(ring, 1));

    agw_keyring_free(ring);
}


static void
p8_4_no_kid_only_with_one_key(void **state)
{
    agw_keyring_t  *ring;

    (void) state;

    ring = agw_keyring_create();

    assert_int_equal(load(ring, '1', "a", 1), 0);
    assert_ptr_equal(agw_keyring_find(ring, NULL), agw_keyring_key(ring, 0));

    /* a second one that could not even sign is enough to be in doubt */

    assert_int_equal(load(ring, '2', "b", 1), 0);
    assert_null(agw_keyring_find(ring, NULL));

    assert_int_equal(load(ring, '3', "c", 0), 0);
    assert_null(agw_keyring_find(ring, NULL));

    agw_keyring_free(ring);
}


static void
many_keys(void **state)
{
    int             i;
    char            kid[16];
    agw_keyring_t  *ring;

    (void) state;

    ring = agw_keyring_create();

    for (i = 0; i < 200; i++) {
        snprintf(kid, sizeof(kid), "kid-%d", i);
        assert_int_equal(load(ring, 'a' + i % 26, kid, i != 150), 0);
    }

    assert_int_equal(agw_keyring_count(ring), 200);
    assert_ptr_equal(agw_keyring_signer(ring), agw_keyring_key(ring, 150));

    for (i = 0; i < 200; i++) {
        assert_ptr_equal(find(ring, unit_format("kid-%d", i)),
            agw_keyring_key(ring, (size_t) i));
    }

    assert_null(find(ring, S("kid-200")));

    agw_keyring_free(ring);
}


/* it is part of the secret: an editor put it there, and openssl does not */

static void
design_4_final_newline_draws_a_warning(void **state)
{
    size_t             i;
    const char        *error, *warning;
    agw_keyring_t     *ring;
    agw_key_source_t   source;
    static const struct {
        int        warned;
        agw_str_t  tail;
    } rows[] = {
        { 0, agw_string("") },
        { 0, agw_string("\nx") },
        { 1, agw_string("\n") },
        { 1, agw_string("\r\n") },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        ring = agw_keyring_create();

        memset(&source, 0, sizeof(source));
        source.bytes = unit_cat(mint_secret('s'), rows[i].tail);

        warning = "not set";
        assert_int_equal(agw_keyring_load(ring, &source, &error, &warning),
            0);
        unit_assert(!warning == !rows[i].warned, "row %zu", i);
        assert_true(warning == NULL || strcmp(warning, "not set") != 0);

        agw_keyring_free(ring);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(an_empty_ring),
        unit_case(design_3_first_without_verify_signs),
        unit_case(design_3_two_keys_with_one_kid),
        unit_case(design_3_one_secret_twice_has_one_kid),
        unit_case(a_bad_key_leaves_the_ring_as_it_was),
        unit_case(p8_4_kid_is_looked_up_exactly),
        unit_case(p8_4_no_kid_only_with_one_key),
        unit_case(many_keys),
        unit_case(design_4_final_newline_draws_a_warning),
    };

    return cmocka_run_group_tests_name("keyring", tests, NULL, NULL);
}
