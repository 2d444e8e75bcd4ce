
/*
 * JSON parameters, of which one is a secret: whatever jansson had of them is
 * freed once, and wiped before that, whether the body is good or not.
 *
 * The story: the strings that were handed out were wiped, and the copies that
 * jansson's lexer had made of them were not.
 */


#include <malloc.h>
#include <stdlib.h>

static void spied_free(void *p);

/* this takes the place of the one in the library */

#define free spied_free
#include "../../src/core/agw_json.c"
#undef free

#include "unit.h"

#include "agw_params.h"


#define SECRET  "5f1e9c0b7a3d4e2f8c6b"


static size_t  freed, freed_with_secret, others;


static int
has_secret(const char *p, size_t len)
{
    size_t  i;

    for (i = 0; i + sizeof(SECRET) - 1 <= len; i++) {
        if (memcmp(p + i, SECRET, sizeof(SECRET) - 1) == 0) {
            return 1;
        }
    }

    return 0;
}


static void
spied_free(void *p)
{
    freed++;
    freed_with_secret += has_secret(p, malloc_usable_size(p));

    free(p);
}


/* jansson's allocator at other times, which nothing of a body may use */

static void *
other_malloc(size_t size)
{
    others++;

    return malloc(size);
}


static void
other_free(void *p)
{
    if (p != NULL) {
        others++;
        free(p);
    }
}


static int
watch(void **state)
{
    (void) state;

    json_set_alloc_funcs(other_malloc, other_free);

    freed = 0;
    freed_with_secret = 0;
    others = 0;

    return 0;
}


static int
unwatch(void **state)
{
    json_set_alloc_funcs(malloc, free);

    return unit_free_all(state);
}


static int
read_json(agw_params_t *params, agw_str_t text)
{
    memset(params, 0, sizeof(*params));

    return agw_params_read_json(params, unit_copy(text));
}


/* the spy sees what is not wiped */

static void
what_is_left_is_seen(void **state)
{
    char  *p;

    (void) state;

    p = malloc(64);
    assert_non_null(p);
    memset(p, 0, 64);
    memcpy(p + 20, SECRET, sizeof(SECRET) - 1);
    spied_free(p);

    assert_int_equal(freed, 1);
    assert_int_equal(freed_with_secret, 1);
}


static void
done_wipes(void **state)
{
    size_t                  i, before;
    agw_params_t            params;
    static const agw_str_t  texts[] = {
        agw_string("{\"client_secret\":\"" SECRET "\"}"),
        agw_string("{\"client_id\":\"a\",\"client_secret\":\"" SECRET "\","
                   "\"again\":\"x" SECRET "y\",\"n\":1,\"e\":\"\","
                   "\"o\":null}"),
        agw_string("{\"in\":{\"" SECRET "\":[\"" SECRET "\"]}}"),
        agw_string("{\"" SECRET "\":\"a name\"}"),
        agw_string("{\"escaped\":\"\\u0035" "f1e9c0b7a3d4e2f8c6b\"}"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        assert_int_equal(read_json(&params, texts[i]), 0);

        before = freed;
        agw_params_done(&params);

        unit_assert(freed > before, "text %zu: something is freed", i);
        unit_assert(freed_with_secret == 0, "text %zu: a secret is left", i);
        assert_int_equal(others, 0);
    }
}


static void
done_frees_once(void **state)
{
    agw_params_t  params;

    (void) state;

    assert_int_equal(read_json(&params, S("{\"a\":\"1\"}")), 0);

    agw_params_done(&params);
    assert_true(freed > 0);
    assert_int_equal(params.count, 0);
    assert_null(params.json);

    freed = 0;
    agw_params_done(&params);
    assert_int_equal(freed, 0);
    assert_int_equal(params.count, 0);
    assert_null(params.json);
}


static void
nothing_is_owed_after_a_refusal(void **state)
{
    size_t                  i;
    agw_str_t               text;
    agw_params_t            params;
    static const agw_str_t  texts[] = {
        agw_string(""), agw_string("[]"), agw_string("{"),
        agw_string("{\"a\":\"1\",\"a\":\"2\"}"),
        agw_string("{\"a\":\"" SECRET "\",\"a\":\"2\"}"),
        agw_string("{\"a\":\"" SECRET "\""),
        agw_string("{\"a\":\"" SECRET),
        agw_string("[\"" SECRET "\"]"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        assert_int_equal(read_json(&params, texts[i]), -1);
        assert_null(params.json);
        assert_int_equal(params.count, 0);

        freed = 0;
        agw_params_done(&params);
        assert_int_equal(freed, 0);
    }

    /* nor where the reader stopped half-way */

    text = S("{\"a\":\"" SECRET "\"");

    for (i = 0; i < AGW_PARAMS_MAX; i++) {
        text = unit_cat(text, unit_format(",\"p%zu\":%zu", i, i));
    }

    assert_int_equal(read_json(&params, unit_cat(text, S("}"))), -1);
    assert_null(params.json);

    freed = 0;
    agw_params_done(&params);
    assert_int_equal(freed, 0);

    assert_int_equal(freed_with_secret, 0);
    assert_int_equal(others, 0);
}


/* who comes next finds the allocator that was there */

static void
the_allocator_is_given_back(void **state)
{
    json_free_t    free_fn;
    agw_params_t   params;
    json_malloc_t  malloc_fn;

    (void) state;

    assert_int_equal(read_json(&params, S("{\"a\":\"1\"}")), 0);
    json_get_alloc_funcs(&malloc_fn, &free_fn);
    assert_true(malloc_fn == other_malloc && free_fn == other_free);

    agw_params_done(&params);
    json_get_alloc_funcs(&malloc_fn, &free_fn);
    assert_true(malloc_fn == other_malloc && free_fn == other_free);

    assert_int_equal(read_json(&params, S("{")), -1);
    json_get_alloc_funcs(&malloc_fn, &free_fn);
    assert_true(malloc_fn == other_malloc && free_fn == other_free);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(what_is_left_is_seen, watch, unwatch),
        cmocka_unit_test_setup_teardown(done_wipes, watch, unwatch),
        cmocka_unit_test_setup_teardown(done_frees_once, watch, unwatch),
        cmocka_unit_test_setup_teardown(nothing_is_owed_after_a_refusal,
            watch, unwatch),
        cmocka_unit_test_setup_teardown(the_allocator_is_given_back, watch,
            unwatch),
    };

    return cmocka_run_group_tests_name("params_wipe", tests, NULL, NULL);
}
