
/*
 * JSON from strangers.  Each text here has been read in two ways by two
 * parsers somewhere; what is refused cannot be.
 */


#include "unit.h"

#include "agw_json.h"


static json_t *
reads(agw_str_t text)
{
    const char  *fault;

    return agw_json_object(text, &fault);
}


static void
accepts(agw_str_t text)
{
    json_t  *object;

    object = reads(unit_copy(text));

    unit_assert(object != NULL, "refused: %.*s", UNIT_ARG(text));
    assert_true(json_is_object(object));

    json_decref(object);
}


static void
refuses(agw_str_t text)
{
    json_t  *object;

    object = reads(unit_copy(text));

    if (object != NULL) {
        json_decref(object);
        fail_msg("accepted: %.*s", UNIT_ARG(text));
    }
}


static void
rfc8259_objects(void **state)
{
    size_t                  i;
    static const agw_str_t  texts[] = {
        agw_string("{}"),
        agw_string(" \t\r\n{ } \t\r\n"),
        agw_string("{\"a\":1}"),
        agw_string("{\"a\":1,\"A\":2,\"aa\":3,\"\":4}"),
        agw_string("{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":1}]}"),
        agw_string("{\"a\":[true,false,null,1,-1,1.5,1e2,\"\",[],{}]}"),
        agw_string("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"}"),
        agw_string("{\"a\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}"),
        agw_string("{\"a\":\"\\ud83d\\ude00\"}"),
        agw_string("{\"\xc3\xa9\":1,\"e\":2}"),
        agw_string("{\"a\":9007199254740991}"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        accepts(texts[i]);
    }
}


static void
rfc8259_not_an_object(void **state)
{
    size_t                  i;
    static const agw_str_t  texts[] = {
        agw_string(""), agw_string(" "), agw_string("[]"),
        agw_string("[{}]"), agw_string("[{\"a\":1}]"), agw_string("\"a\""),
        agw_string("1"), agw_string("true"), agw_string("null"),
        agw_string("{"), agw_string("}"), agw_string("{\"a\""),
        agw_string("{\"a\":"), agw_string("{\"a\":1"), agw_string("{\"a\":\""),
    };

    (void) state;

    refuses(UNIT_NONE);

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        refuses(texts[i]);
    }
}


static void
rfc8259_trailing_garbage(void **state)
{
    size_t                  i;
    static const agw_str_t  texts[] = {
        agw_string("{}x"), agw_string("{}{}"), agw_string("{} {}"),
        agw_string("{},"), agw_string("{}]"), agw_string("{}}"),
        agw_string("{}\""), agw_string("{}\0"), agw_string("{}\0x"),
        agw_string("{}//"), agw_string("{}\xef\xbb\xbf"),
        agw_string("{}\x0b"), agw_string("{}\xc2\xa0"),
        agw_string("x{}"), agw_string("\0{}"), agw_string("){}"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        refuses(texts[i]);
    }
}


static void
rfc8259_lenient_spellings(void **state)
{
    size_t                  i;
    static const agw_str_t  texts[] = {
        agw_string("{\"a\":01}"), agw_string("{\"a\":+1}"),
        agw_string("{\"a\":.5}"), agw_string("{\"a\":1.}"),
        agw_string("{\"a\":0x10}"), agw_string("{\"a\":1e}"),
        agw_string("{\"a\":-}"), agw_string("{\"a\":- 1}"),
        agw_string("{\"a\":NaN}"), agw_string("{\"a\":Infinity}"),
        agw_string("{\"a\":nul}"), agw_string("{\"a\":True}"),
        agw_string("{'a':1}"), agw_string("{a:1}"), agw_string("{1:1}"),
        agw_string("{\"a\":'b'}"), agw_string("{\"a\":1,}"),
        agw_string("{,\"a\":1}"), agw_string("{\"a\":1,,\"b\":2}"),
        agw_string("{\"a\" 1}"), agw_string("{\"a\"=1}"),
        agw_string("{\"a\":1;\"b\":2}"), agw_string("{\"a\":[1,]}"),
        agw_string("{/**/\"a\":1}"), agw_string("{\"a\":1//\n}"),
        agw_string("{\"a\":\"\\x41\"}"), agw_string("{\"a\":\"\\u41\"}"),
        agw_string("{\"a\":\"\\\"}"), agw_string("{\"a\":\"\n\"}"),
        agw_string("{\"a\":\"\t\"}"), agw_string("{\"a\":\"\x1f\"}"),
        agw_string("{\"a\n\":1}"), agw_string("{\"a\":1 2}"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        refuses(texts[i]);
    }
}


static void
p8_6_duplicate_members(void **state)
{
    size_t                  i;
    static const agw_str_t  texts[] = {
        agw_string("{\"a\":1,\"a\":2}"),
        agw_string("{\"a\":1,\"a\":1}"),
        agw_string("{\"a\":1,\"b\":2,\"a\":null}"),
        agw_string("{\"\":1,\"\":2}"),
        agw_string("{\"a\":1,\"\\u0061\":2}"),
        agw_string("{\"\\u0061\":1,\"\\u0061\":2}"),
        agw_string("{\"/\":1,\"\\/\":2}"),
        agw_string("{\"\xc3\xa9\":1,\"\\u00e9\":2}"),
        agw_string("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"),
        agw_string("{\"x\":{\"a\":1,\"a\":2}}"),
        agw_string("{\"x\":[{\"a\":1,\"a\":2}]}"),
        agw_string("{\"x\":[1,[2,{\"y\":{\"a\":1,\"a\":2}}]]}"),
        agw_string("{\"x\":{\"a\":1},\"x\":{\"b\":1}}"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        refuses(texts[i]);
    }
}


/* the object itself is the first level */

static agw_str_t
nested(agw_str_t open, agw_str_t close, size_t depth)
{
    return unit_cat(unit_cat(S("{\"a\":"), unit_repeat(open, depth - 1)),
        unit_cat(S("1"), unit_cat(unit_repeat(close, depth - 1), S("}"))));
}


static void
p8_15_depth(void **state)
{
    size_t                  i;
    static const agw_str_t  kinds[][2] = {
        { agw_string("["), agw_string("]") },
        { agw_string("{\"a\":"), agw_string("}") },
        { agw_string("[{\"a\":"), agw_string("}]") },
    };

    (void) state;

    for (i = 0; i < 2; i++) {
        accepts(nested(kinds[i][0], kinds[i][1], 15));
        accepts(nested(kinds[i][0], kinds[i][1], 16));
        refuses(nested(kinds[i][0], kinds[i][1], 17));
        refuses(nested(kinds[i][0], kinds[i][1], 18));
        refuses(nested(kinds[i][0], kinds[i][1], 1000));
    }

    /* both kinds: 1 + 2 * 7 = 15, and 17 */

    accepts(nested(kinds[2][0], kinds[2][1], 8));
    refuses(nested(kinds[2][0], kinds[2][1], 9));

    /* depth is not length, nor the number of brackets */

    accepts(unit_cat(unit_cat(S("{\"a\":["), unit_repeat(S("[],{},"), 200)),
        S("\"[[[[[[[[[[[[[[[[[[[[\"]}")));

    /* nor is it a way to run out of stack */

    refuses(unit_cat(S("{\"a\":"), unit_repeat(S("["), 1000000)));
    refuses(unit_repeat(S("{\"a\":"), 100000));
}


static void
p8_16_nul(void **state)
{
    size_t                  i;
    static const agw_str_t  texts[] = {
        agw_string("{\"a\":\"\\u0000\"}"),
        agw_string("{\"a\":\"x\\u0000y\"}"),
        agw_string("{\"\\u0000\":1}"),
        agw_string("{\"a\\u0000\":1}"),
        agw_string("{\"a\":1,\"a\\u0000b\":2}"),
        agw_string("{\"x\":[{\"a\":\"\\u0000\"}]}"),
        agw_string("{\"a\":\"\0\"}"),
        agw_string("{\"a\0\":1}"),
        agw_string("{\0}"),
        agw_string("{\"a\":1\0}"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        refuses(texts[i]);
    }
}


static void
p8_16_invalid_utf8(void **state)
{
    size_t                  i;
    static const agw_str_t  bad[] = {
        agw_string("\x80"), agw_string("\xc0\x80"), agw_string("\xc0\xaf"),
        agw_string("\xc1\xbf"), agw_string("\xe0\x80\xaf"),
        agw_string("\xed\xa0\x80"), agw_string("\xed\xa0\xbd\xed\xb8\x80"),
        agw_string("\xf0\x80\x80\xaf"), agw_string("\xf4\x90\x80\x80"),
        agw_string("\xf8\x88\x80\x80\x80"), agw_string("\xfe"),
        agw_string("\xff"), agw_string("\xc3"), agw_string("\xe2\x82"),
        agw_string("\\ud800"), agw_string("\\udc00"),
        agw_string("\\ud83d\\u0041"), agw_string("\\ude00\\ud83d"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(bad); i++) {
        refuses(unit_format("{\"a\":\"%.*s\"}", UNIT_ARG(bad[i])));
        refuses(unit_format("{\"%.*s\":1}", UNIT_ARG(bad[i])));
        refuses(unit_format("{\"x\":[{\"a\":\"%.*s\"}]}", UNIT_ARG(bad[i])));
    }
}


static void
p8_16_utf16_and_bom(void **state)
{
    size_t                  i;
    static const agw_str_t  texts[] = {
        agw_string("\xef\xbb\xbf{}"),
        agw_string("\xef\xbb\xbf{\"a\":1}"),
        agw_string(" \xef\xbb\xbf{}"),
        agw_string("{\0}\0"),
        agw_string("\0{\0}"),
        agw_string("\xff\xfe{\0}\0"),
        agw_string("\xfe\xff\0{\0}"),
        agw_string("{\0\0\0}\0\0\0"),
        agw_string("\0\0\0{\0\0\0}"),
        agw_string("\xff\xfe\0\0{\0\0\0}\0\0\0"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        refuses(texts[i]);
    }
}


/* -3 where the whole text was refused, which is fine for what is no time */

static int
read_time(const char *value, int64_t *out)
{
    int      rc;
    json_t  *object;

    object = reads(unit_format("{\"t\":%s,\"T\":7}", value));

    if (object == NULL) {
        return -3;
    }

    rc = agw_json_time(object, "t", out);
    json_decref(object);

    return rc;
}


static void
d4_times(void **state)
{
    size_t   i;
    int64_t  t;
    static const struct {
        const char  *text;
        int64_t      value;
    } good[] = {
        { "0", 0 },
        { "1", 1 },
        { "1700000000", 1700000000 },
        { "4294967296", 4294967296 },
        { "9007199254740990", 9007199254740990 },
        { "9007199254740991", 9007199254740991 },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(good); i++) {
        t = -1;
        unit_assert(read_time(good[i].text, &t) == 1, "%s", good[i].text);
        assert_true(t == good[i].value);
    }
}


static void
p8_9_not_times(void **state)
{
    int                 rc;
    size_t              i;
    int64_t             t;
    static const char  *range[] = {
        "9007199254740992", "9007199254740993", "9223372036854775807",
        "-1", "-9007199254740991", "-9223372036854775808",
    };
    static const char  *bad[] = {
        "1.0", "1.5", "1e3", "1E3", "1e0", "0.0", "-0.0", "1700000000.0",
        "9007199254740991.0", "\"1\"", "\"\"", "\"1700000000\"", "true",
        "false", "null", "[]", "[1]", "{}",
    };
    static const char  *huge[] = {
        "9223372036854775808", "-9223372036854775809",
        "18446744073709551616", "99999999999999999999999999", "1e400",
        "-1e400", "18446744073709551617",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(bad); i++) {
        unit_assert(read_time(bad[i], &t) == -1, "%s", bad[i]);
    }

    for (i = 0; i < UNIT_COUNT(range); i++) {
        unit_assert(read_time(range[i], &t) == AGW_JSON_RANGE, "%s", range[i]);
    }

    for (i = 0; i < UNIT_COUNT(huge); i++) {
        rc = read_time(huge[i], &t);
        unit_assert(rc == -1 || rc == -3, "%s: %d", huge[i], rc);
    }
}


static void
members_by_exact_name(void **state)
{
    int64_t    t;
    json_t    *object;
    agw_str_t  s;

    (void) state;

    object = reads(S("{\"S\":\"upper\",\"s\":\"lower\",\"T\":7,"
        "\"ss\":\"two\",\"e\":\"\"}"));
    assert_non_null(object);

    assert_int_equal(agw_json_string(object, "s", &s), 1);
    unit_assert_str(s, S("lower"));
    assert_int_equal(agw_json_string(object, "e", &s), 1);
    assert_int_equal(s.len, 0);
    assert_int_equal(agw_json_string(object, "", &s), 0);
    assert_int_equal(agw_json_string(object, "sss", &s), 0);
    assert_int_equal(agw_json_string(object, "E", &s), 0);

    assert_int_equal(agw_json_time(object, "t", &t), 0);
    assert_int_equal(agw_json_time(object, "TT", &t), 0);
    assert_int_equal(agw_json_time(object, "T", &t), 1);
    assert_int_equal(t, 7);

    json_decref(object);
}


static void
strings_are_strings(void **state)
{
    size_t              i;
    json_t             *object;
    agw_str_t           s;
    static const char  *bad[] = {
        "1", "1.5", "0", "true", "false", "null", "[]", "[\"a\"]", "{}",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(bad); i++) {
        object = reads(unit_format("{\"s\":%s}", bad[i]));
        assert_non_null(object);
        unit_assert(agw_json_string(object, "s", &s) == -1, "%s", bad[i]);
        json_decref(object);
    }

    object = reads(
        S("{\"s\":\"\\u0041\\\"\\\\\\n\xc3\xa9\\u00e9\"}"));
    assert_non_null(object);
    assert_int_equal(agw_json_string(object, "s", &s), 1);
    unit_assert_str(s, S("A\"\\\n\xc3\xa9\xc3\xa9"));
    json_decref(object);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(rfc8259_objects),
        unit_case(rfc8259_not_an_object),
        unit_case(rfc8259_trailing_garbage),
        unit_case(rfc8259_lenient_spellings),
        unit_case(p8_6_duplicate_members),
        unit_case(p8_15_depth),
        unit_case(p8_16_nul),
        unit_case(p8_16_invalid_utf8),
        unit_case(p8_16_utf16_and_bom),
        unit_case(d4_times),
        unit_case(p8_9_not_times),
        unit_case(members_by_exact_name),
        unit_case(strings_are_strings),
    };

    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
