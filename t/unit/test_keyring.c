
/*
 * The keys of a server.  A kid is looked up in a table, byte for byte, and
 * is never a path, a query or a pattern.
 */


#include "mint.h"

#include "agw_key_file.h"


/* how many of each kind, and the last text */

typedef struct {
    size_t       count[AGW_KEY_TAKEN + 1];
    const char  *text[AGW_KEY_TAKEN + 1];
} remarks_t;


static void
report(void *data, const agw_key_remark_t *remark)
{
    remarks_t  *remarks = data;

    assert_true(strlen(remark->text) > 4);
    assert_int_equal(remark->place, 0);

    remarks->count[remark->kind]++;
    remarks->text[remark->kind] = remark->text;
}


/* each secret is filled with one byte; a kid that is NULL is not given */

static int
load(agw_keyring_t *ring, int fill, const char *kid, int verify)
{
    int                rc;
    remarks_t          remarks;
    agw_key_source_t   source;

    memset(&source, 0, sizeof(source));
    source.bytes = mint_secret(fill);
    source.alg = S("HS256");
    source.verify = verify != 0;

    if (kid != NULL) {
        source.kid = unit_format("%s", kid);
    }

    memset(&remarks, 0, sizeof(remarks));
    rc = agw_key_file_load(ring, &source, report, &remarks);

    assert_in_range(rc + 1, 0, 1);
    assert_int_equal(remarks.count[AGW_KEY_ERROR], rc != 0);
    assert_int_equal(remarks.count[AGW_KEY_TAKEN], rc == 0);
    assert_int_equal(remarks.count[AGW_KEY_SKIPPED], 0);
    assert_int_equal(remarks.count[AGW_KEY_WARNING], 0);

    return rc;
}


static const agw_key_t *
find(const agw_keyring_t *ring, agw_str_t kid)
{
    return agw_keyring_find(ring, unit_copy(kid));
}


static size_t
tried_for(const agw_keyring_t *ring, const char *alg, int has_kid,
    const agw_key_t **keys)
{
    return agw_keyring_candidates(ring, unit_format("%s", alg), has_kid,
                                  keys);
}


static void
an_empty_ring(void **state)
{
    agw_keyring_t    *ring;
    const agw_key_t  *keys[AGW_KEYRING_TRIED];

    (void) state;

    ring = agw_keyring_create();
    assert_non_null(ring);

    assert_int_equal(agw_keyring_count(ring), 0);
    assert_null(agw_keyring_signer(ring));
    assert_int_equal(tried_for(ring, "HS256", 0, keys), 0);
    assert_int_equal(tried_for(ring, "HS256", 1, keys), 0);
    assert_null(find(ring, S("a")));
    assert_null(find(ring, S("")));

    agw_keyring_free(ring);
    agw_keyring_free(NULL);
}


static void
d3_first_without_verify_signs(void **state)
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
d3_two_keys_with_one_kid(void **state)
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
d3_one_secret_twice_has_one_kid(void **state)
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
    remarks_t               remarks;
    agw_keyring_t          *ring;
    agw_key_source_t        source;
    const agw_key_t        *key, *keys[AGW_KEYRING_TRIED];
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
        memset(&remarks, 0, sizeof(remarks));

        unit_assert(agw_key_file_load(ring, &source, report, &remarks) == -1,
            "row %zu", i);
        assert_int_equal(remarks.count[AGW_KEY_ERROR], 1);
        mint_assert_no_errors("agw_key_file_load");

        assert_int_equal(agw_keyring_count(ring), 1);
        assert_null(find(ring, S("b")));
        assert_int_equal(tried_for(ring, "HS256", 0, keys), 1);
        assert_ptr_equal(keys[0], key);
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


/* in the order of loading, and no more than four */

static void
d4_keys_for_a_token_without_a_kid(void **state)
{
    size_t            i, n;
    agw_keyring_t    *ring;
    const agw_key_t  *keys[AGW_KEYRING_TRIED];

    (void) state;

    ring = agw_keyring_create();

    for (i = 0; i < 8; i++) {
        assert_int_equal(load(ring, (int) ('a' + i), NULL, i % 2), 0);

        n = tried_for(ring, "HS256", 0, keys);
        assert_int_equal(n, i < 4 ? i + 1 : 4);

        while (n--) {
            assert_ptr_equal(keys[n], agw_keyring_key(ring, n));
        }

        assert_int_equal(tried_for(ring, "HS384", 0, keys), 0);
        assert_int_equal(tried_for(ring, "none", 0, keys), 0);
        assert_int_equal(tried_for(ring, "", 0, keys), 0);

        /* a raw secret is no JWK that lacks a kid */

        assert_int_equal(tried_for(ring, "HS256", 1, keys), 0);
    }

    agw_keyring_free(ring);
}


/* an oct JWK; a kid or an issuer that is NULL is not given */

static void
load_jwk(agw_keyring_t *ring, int fill, const char *alg, const char *kid,
    const char *issuer)
{
    agw_str_t          member;
    agw_key_source_t   source;

    member = kid ? unit_format("\"kid\":\"%s\",", kid) : S("");

    memset(&source, 0, sizeof(source));
    source.bytes = unit_format("{%.*s\"kty\":\"oct\",\"alg\":\"%s\","
        "\"k\":\"%.*s\"}", UNIT_ARG(member), alg,
        UNIT_ARG(mint_base64url(mint_secret(fill))));

    if (issuer != NULL) {
        source.issuer = unit_format("%s", issuer);
        source.verify = 1;
    }

    assert_int_equal(agw_key_file_load(ring, &source, NULL, NULL), 0);
}


static void
d4_keys_for_a_kid_that_no_key_has(void **state)
{
    agw_keyring_t    *ring;
    const agw_key_t  *keys[AGW_KEYRING_TRIED];

    (void) state;

    ring = agw_keyring_create();

    load_jwk(ring, '1', "HS256", "ours", NULL);
    load_jwk(ring, '2', "HS256", NULL, "a");
    load_jwk(ring, '3', "HS384", NULL, "a");
    load_jwk(ring, '4', "HS256", NULL, "b");
    load_jwk(ring, '5', "HS384", "named", "b");

    assert_int_equal(tried_for(ring, "HS256", 1, keys), 2);
    assert_ptr_equal(keys[0], agw_keyring_key(ring, 1));
    assert_ptr_equal(keys[1], agw_keyring_key(ring, 3));
    assert_int_equal(tried_for(ring, "HS384", 1, keys), 1);
    assert_ptr_equal(keys[0], agw_keyring_key(ring, 2));
    assert_int_equal(tried_for(ring, "HS512", 1, keys), 0);

    /* a second one of b, with a kid, and a second one of a, without */

    load_jwk(ring, '6', "HS256", "too", "b");
    assert_int_equal(tried_for(ring, "HS256", 1, keys), 1);
    assert_ptr_equal(keys[0], agw_keyring_key(ring, 1));
    load_jwk(ring, '7', "HS256", NULL, "a");
    assert_int_equal(tried_for(ring, "HS256", 1, keys), 0);

    /* our own are of one issuer */

    load_jwk(ring, '8', "HS512", NULL, NULL);
    assert_int_equal(tried_for(ring, "HS512", 1, keys), 1);
    load_jwk(ring, '9', "HS512", "x", NULL);
    assert_int_equal(tried_for(ring, "HS512", 1, keys), 0);
    assert_int_equal(tried_for(ring, "HS512", 0, keys), 2);

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
d4_bytes_that_draw_a_warning(void **state)
{
    size_t             i;
    remarks_t          remarks;
    agw_keyring_t     *ring;
    agw_key_source_t   source;
    static const struct {
        size_t     warnings;
        agw_str_t  head;
        agw_str_t  tail;
    } rows[] = {
        { 0, agw_string(""), agw_string("") },
        { 0, agw_string("\n"), agw_string("\nx") },
        { 1, agw_string(""), agw_string("\n") },
        { 1, agw_string(""), agw_string("\r\n") },
        { 1, agw_string("\xef\xbb\xbf"), agw_string("") },
        { 2, agw_string("\xef\xbb\xbf"), agw_string("\n") },
        { 0, agw_string("\xef\xbb"), agw_string("\xef\xbb\xbf") },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        ring = agw_keyring_create();

        memset(&source, 0, sizeof(source));
        source.bytes = unit_cat(rows[i].head, unit_cat(mint_secret('s'),
                                                       rows[i].tail));
        source.alg = S("HS256");

        memset(&remarks, 0, sizeof(remarks));
        assert_int_equal(agw_key_file_load(ring, &source, report, &remarks),
            0);
        unit_assert(remarks.count[AGW_KEY_WARNING] == rows[i].warnings,
            "row %zu", i);
        assert_string_equal(remarks.text[AGW_KEY_TAKEN], "a raw secret");

        agw_keyring_free(ring);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(an_empty_ring),
        unit_case(d3_first_without_verify_signs),
        unit_case(d3_two_keys_with_one_kid),
        unit_case(d3_one_secret_twice_has_one_kid),
        unit_case(a_bad_key_leaves_the_ring_as_it_was),
        unit_case(p8_4_kid_is_looked_up_exactly),
        unit_case(d4_keys_for_a_token_without_a_kid),
        unit_case(d4_keys_for_a_kid_that_no_key_has),
        unit_case(many_keys),
        unit_case(d4_bytes_that_draw_a_warning),
    };

    return cmocka_run_group_tests_name("keyring", tests, NULL, NULL);
}
