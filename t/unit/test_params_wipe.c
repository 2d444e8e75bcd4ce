
/*
 * The end of JSON parameters: their strings, of which one is a secret, are
 * freed once, and wiped before that.
 */


#include "unit.h"

#include <jansson.h>

#include "agw_params.h"


#define SECRET  "5f1e9c0b7a3d4e2f8c6b"


/* jansson's blocks, with their length before them */

typedef union {
    size_t       len;
    max_align_t  align;
} block_t;


static size_t  freed, freed_with_secret;


static void *
watched_malloc(size_t len)
{
    block_t  *block;

    block = calloc(1, sizeof(block_t) + len);

    if (block == NULL) {
        return NULL;
    }

    block->len = len;

    return block + 1;
}


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
watched_free(void *p)
{
    block_t  *block;

    if (p == NULL) {
        return;
    }

    block = (block_t *) p - 1;

    freed++;
    freed_with_secret += has_secret(p, block->len);

    free(block);
}


static int
watch(void **state)
{
    (void) state;

    json_set_alloc_funcs(watched_malloc, watched_free);

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
    int  rc;

    memset(params, 0, sizeof(*params));
    rc = agw_params_read_json(params, unit_copy(text));

    freed = 0;
    freed_with_secret = 0;

    return rc;
}


static void
done_wipes(void **state)
{
    agw_params_t  params;

    (void) state;

    /* the watch sees what is not wiped */

    assert_int_equal(read_json(&params, S("{\"a\":\"" SECRET "\"}")), 0);
    json_decref(params.json);
    assert_int_equal(freed_with_secret, 1);

    assert_int_equal(read_json(&params, S("{\"client_id\":\"a\","
        "\"client_secret\":\"" SECRET "\",\"again\":\"x" SECRET "y\","
        "\"n\":1,\"e\":\"\",\"o\":null}")), 0);
    assert_int_equal(params.count, 6);

    agw_params_done(&params);
    assert_true(freed > 6);
    assert_int_equal(freed_with_secret, 0);
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
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        assert_int_equal(read_json(&params, texts[i]), -1);
        assert_null(params.json);
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
    agw_params_done(&params);
    assert_int_equal(freed, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(done_wipes, watch, unwatch),
        cmocka_unit_test_setup_teardown(done_frees_once, watch, unwatch),
        cmocka_unit_test_setup_teardown(nothing_is_owed_after_a_refusal,
            watch, unwatch),
    };

    return cmocka_run_group_tests_name("params_wipe", tests, NULL, NULL);
}
