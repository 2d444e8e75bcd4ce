
/*
 * JSON bodies: the members of one object are the parameters.  The story of
 * the repeated member: "grant\u005ftype" is "grant_type" to whoever decodes
 * before it compares, and another name to whoever does not.
 */


#include "unit.h"

#include "agw_params.h"


static int
read_json(agw_params_t *params, agw_str_t text)
{
    int  rc;

    memset(params, 0, sizeof(*params));
    rc = agw_params_read_json(params, unit_copy(text));

    if (rc != 0) {
        assert_null(params->json);
        return rc;
    }

    assert_non_null(params->json);
    assert_true(params->count <= AGW_PARAMS_MAX);
    assert_int_equal(params->count, json_object_size(params->json));

    return rc;
}


static void
refuses(agw_str_t text)
{
    agw_params_t  params;

    unit_assert(read_json(&params, text) == -1, "accepted: %.*s",
        UNIT_ARG(text));
}


static void
has(agw_str_t text, const char *name, agw_str_t value)
{
    agw_str_t     got;
    agw_params_t  params;

    got = S("never set");

    unit_assert(read_json(&params, text) == 0, "refused: %.*s",
        UNIT_ARG(text));
    assert_int_equal(agw_params_text(&params, name, &got), 0);
    unit_assert_str(got, value);
    agw_params_done(&params);
}


/* {"a": value}, where a is to be a text */

static int
text_of(const char *value)
{
    int           rc;
    agw_str_t     got;
    agw_params_t  params;

    unit_assert(read_json(&params, unit_format("{\"a\":%s}", value)) == 0,
        "refused: %s", value);
    rc = agw_params_text(&params, "a", &got);
    agw_params_done(&params);

    return rc;
}


static void
p1_4_members(void **state)
{
    (void) state;

    has(S("{\"grant_type\":\"client_credentials\"}"), "grant_type",
        S("client_credentials"));
    has(S(" \t\r\n{ \"a\" : \"1\" , \"b\" : \"2\" } \t\r\n"), "a", S("1"));
    has(S("{\"a\":\"1\",\"b\":\"2\"}"), "b", S("2"));
    has(S("{\"a\":\"caf\xc3\xa9\"}"), "a", S("caf\xc3\xa9"));
    has(S("{\"a\":\"caf\\u00e9\"}"), "a", S("caf\xc3\xa9"));
    has(S("{\"a\":\"\\ud83d\\ude00\"}"), "a", S("\xf0\x9f\x98\x80"));
    has(S("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}"), "a",
        S("\"\\/\b\f\n\r\t"));
    has(S("{\"grant\\u005ftype\":\"x\"}"), "grant_type", S("x"));
    has(S("{\"caf\\u00e9\":\"1\"}"), "caf\xc3\xa9", S("1"));

    /* nothing here is form-encoded */

    has(S("{\"a\":\"b+c%2B&d=e\"}"), "a", S("b+c%2B&d=e"));
    has(S("{\"%61\":\"1\"}"), "a", S(""));
    has(S("{\"a=1&b\":\"1\"}"), "b", S(""));
}


static void
p1_4_unknown_members_are_ignored(void **state)
{
    (void) state;

    has(S("{\"x\":null,\"y\":[1,{\"z\":2}],\"w\":1e3,\"v\":{},\"a\":\"1\"}"),
        "a", S("1"));
    has(S("{\"x\":{\"a\":\"2\"},\"a\":\"1\"}"), "a", S("1"));
    has(S("{\"x\":{\"a\":\"2\"}}"), "a", S(""));
    has(S("{\"x\":[\"a\",\"2\"]}"), "a", S(""));
    has(S("{\"\":\"2\",\"a\":\"1\"}"), "a", S("1"));
}


static void
p1_4_an_empty_value_is_an_absent_one(void **state)
{
    (void) state;

    has(S("{}"), "a", S(""));
    has(S("{\"b\":\"1\"}"), "a", S(""));
    has(S("{\"a\":\"\"}"), "a", S(""));
    has(S("{\"a\":\"\",\"b\":\"1\"}"), "b", S("1"));
}


static void
p1_4_names_are_exact(void **state)
{
    (void) state;

    has(S("{\"scop\":\"1\",\"scopes\":\"2\",\"scope\":\"3\",\"SCOPE\":\"4\","
        "\" scope\":\"5\",\"scope \":\"6\"}"), "scope", S("3"));
    has(S("{\"Scope\":\"1\"}"), "scope", S(""));
    has(S("{\"scope\":\"1\"}"), "", S(""));
}


static void
p1_5_a_text_is_a_string(void **state)
{
    size_t              i;
    static const char  *others[] = {
        "null", "true", "false", "0", "1", "-1", "60", "1.0", "1e3", "[]",
        "[\"v\"]", "{}", "{\"a\":\"v\"}", "9223372036854775807",
    };

    (void) state;

    assert_int_equal(text_of("\"v\""), 0);
    assert_int_equal(text_of("\"\""), 0);
    assert_int_equal(text_of("\"null\""), 0);
    assert_int_equal(text_of("\"1\""), 0);

    for (i = 0; i < UNIT_COUNT(others); i++) {
        unit_assert(text_of(others[i]) == -1, "a text: %s", others[i]);
    }
}


static void
p1_5_types_in_the_table(void **state)
{
    size_t        i;
    agw_params_t  params;
    static const struct {
        agw_str_t         value;
        int64_t           integer;
        agw_param_type_t  type;
    } wanted[] = {
        { agw_string("v"), 0, AGW_PARAM_TEXT },
        { agw_string(""), 0, AGW_PARAM_TEXT },
        { agw_string(""), 60, AGW_PARAM_INTEGER },
        { agw_string(""), INT64_MAX, AGW_PARAM_INTEGER },
        { agw_string(""), INT64_MIN, AGW_PARAM_INTEGER },
        { agw_string(""), 0, AGW_PARAM_OTHER },
        { agw_string(""), 0, AGW_PARAM_OTHER },
        { agw_string(""), 0, AGW_PARAM_OTHER },
        { agw_string(""), 0, AGW_PARAM_OTHER },
        { agw_string(""), 0, AGW_PARAM_OTHER },
        { agw_string(""), 0, AGW_PARAM_OTHER },
        { agw_string(""), 0, AGW_PARAM_OTHER },
    };

    (void) state;

    assert_int_equal(read_json(&params, S("{\"p0\":\"v\",\"p1\":\"\","
        "\"p2\":60,\"p3\":9223372036854775807,"
        "\"p4\":-9223372036854775808,\"p5\":null,\"p6\":true,"
        "\"p7\":false,\"p8\":60.0,\"p9\":6e1,\"p10\":[\"v\"],"
        "\"p11\":{\"p12\":\"v\"}}")), 0);
    assert_int_equal(params.count, UNIT_COUNT(wanted));

    for (i = 0; i < UNIT_COUNT(wanted); i++) {
        unit_assert_str(params.params[i].name, unit_format("p%zu", i));
        unit_assert_str(params.params[i].value, wanted[i].value);
        assert_int_equal(params.params[i].type, wanted[i].type);
        assert_true(params.params[i].integer == wanted[i].integer);
    }

    agw_params_done(&params);
}


static void
p1_4_repeated_member(void **state)
{
    size_t                  i;
    static const agw_str_t  texts[] = {
        agw_string("{\"a\":\"1\",\"a\":\"2\"}"),
        agw_string("{\"a\":\"1\",\"a\":\"1\"}"),
        agw_string("{\"a\":\"1\",\"b\":\"2\",\"a\":null}"),
        agw_string("{\"a\":null,\"a\":\"1\"}"),
        agw_string("{\"a\":\"\",\"a\":\"\"}"),
        agw_string("{\"\":1,\"\":2}"),

        /* compared after unescaping */

        agw_string("{\"grant_type\":\"client_credentials\","
                   "\"grant\\u005ftype\":\"x\"}"),
        agw_string("{\"grant\\u005ftype\":\"x\","
                   "\"grant_type\":\"client_credentials\"}"),
        agw_string("{\"grant\\u005Ftype\":1,\"grant\\u005ftype\":2}"),
        agw_string("{\"\xc3\xa9\":1,\"\\u00e9\":2}"),
        agw_string("{\"/\":1,\"\\/\":2}"),

        /* known or not, at any depth */

        agw_string("{\"grant_type\":\"client_credentials\",\"x\":1,\"x\":2}"),
        agw_string("{\"x\":{\"a\":1,\"a\":2}}"),
        agw_string("{\"x\":{\"a\":1,\"\\u0061\":2}}"),
        agw_string("{\"x\":[[{\"a\":1,\"a\":2}]]}"),
        agw_string("{\"a\":\"1\",\"x\":{\"y\":{\"z\":{\"a\":1,\"a\":2}}}}"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        refuses(texts[i]);
    }

    has(S("{\"a\":\"1\",\"A\":\"2\",\"x\":{\"a\":\"3\"},\"%61\":\"4\","
        "\"\\\\u0061\":\"5\"}"), "a", S("1"));
}


static void
p1_4_count(void **state)
{
    size_t        i, n;
    agw_str_t     text, value;
    agw_params_t  params;

    (void) state;

    for (n = 0; n <= 130; n++) {
        text = S("{");

        for (i = 0; i < n; i++) {
            text = unit_cat(text, unit_format("%s\"p%zu\":\"v%zu\"",
                i ? "," : "", i, i));
        }

        text = unit_cat(text, S("}"));

        if (n > 64) {
            refuses(text);

        } else {
            assert_int_equal(read_json(&params, text), 0);
            assert_int_equal(params.count, n);

            for (i = 0; i < n; i++) {
                assert_int_equal(agw_params_text(&params, (const char *)
                    unit_format("p%zu%c", i, 0).data, &value), 0);
                unit_assert_str(value, unit_format("v%zu", i));
            }

            agw_params_done(&params);
        }

        unit_free_all(NULL);
    }

    /* members of members are none */

    text = S("{\"x\":{\"p\":1");

    for (i = 0; i < 100; i++) {
        text = unit_cat(text, unit_format(",\"p%zu\":1", i));
    }

    has(unit_cat(text, S("},\"a\":\"1\"}")), "a", S("1"));
}


static void
p1_5_malformed(void **state)
{
    size_t                  i;
    agw_params_t            params;
    static const agw_str_t  texts[] = {

        /* not an object */

        agw_string(""), agw_string(" "), agw_string("[]"),
        agw_string("[{\"a\":\"1\"}]"), agw_string("\"a\""), agw_string("1"),
        agw_string("null"), agw_string("true"), agw_string("a=1"),

        /* cut short, or lenient */

        agw_string("{"), agw_string("{\"a\""), agw_string("{\"a\":\"1\""),
        agw_string("{\"a\":\"1\",}"), agw_string("{'a':'1'}"),
        agw_string("{a:1}"), agw_string("{\"a\":\"1\"/**/}"),
        agw_string("{\"a\":\"\n\"}"), agw_string("{\"a\":01}"),

        /* trailing bytes */

        agw_string("{\"a\":\"1\"}x"), agw_string("{\"a\":\"1\"}{}"),
        agw_string("{\"a\":\"1\"} {\"b\":\"2\"}"),
        agw_string("{\"a\":\"1\"}\0"), agw_string("{\"a\":\"1\"}}"),
        agw_string("x{\"a\":\"1\"}"), agw_string("\0{\"a\":\"1\"}"),

        /* BOM, UTF-16 */

        agw_string("\xef\xbb\xbf{\"a\":\"1\"}"),
        agw_string("{\"a\":\"1\"}\xef\xbb\xbf"),
        agw_string("\xff\xfe{\0}\0"), agw_string("\0{\0}"),

        /* NUL */

        agw_string("{\"a\":\"\\u0000\"}"), agw_string("{\"a\\u0000b\":1}"),
        agw_string("{\"a\":\"b\0\"}"), agw_string("{\"a\0\":1}"),
        agw_string("{\"a\":1\0}"), agw_string("{\"x\":[\"\\u0000\"]}"),

        /* not UTF-8 */

        agw_string("{\"a\":\"\xff\"}"), agw_string("{\"\xff\":1}"),
        agw_string("{\"a\":\"\xc0\xaf\"}"), agw_string("{\"a\":\"\\ud800\"}"),
        agw_string("{\"a\":\"\xed\xa0\x80\"}"),

        /* past 64 bits */

        agw_string("{\"a\":9223372036854775808}"),
        agw_string("{\"a\":-9223372036854775809}"),
        agw_string("{\"a\":1e400}"),
    };

    (void) state;

    assert_int_equal(read_json(&params, UNIT_NONE), -1);

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        refuses(texts[i]);
    }
}


static void
p1_5_depth(void **state)
{
    size_t  n;

    (void) state;

    for (n = 1; n <= 40; n++) {
        agw_str_t  text;

        text = unit_cat(unit_cat(S("{\"a\":\"1\",\"x\":"),
            unit_repeat(S("["), n - 1)), unit_cat(S("1"),
            unit_cat(unit_repeat(S("]"), n - 1), S("}"))));

        if (n <= 16) {
            has(text, "a", S("1"));

        } else {
            refuses(text);
        }
    }

    refuses(unit_repeat(S("{\"a\":"), 8192));
}


/* what agw_params_duration() says of {"session_duration": value}, or -2 */

static int
duration_of(const char *value, int64_t *seconds)
{
    int           rc;
    agw_params_t  params;

    if (read_json(&params, unit_format("{\"session_duration\":%s,\"x\":7}",
            value)) != 0)
    {
        return -2;
    }

    rc = agw_params_duration(&params, "session_duration", seconds);
    agw_params_done(&params);

    return rc;
}


static void
p3_2_session_duration(void **state)
{
    size_t   i;
    int64_t  seconds;
    static const struct {
        const char  *text;
        int64_t      seconds;
    } good[] = {
        { "1", 1 }, { "60", 60 }, { "3600", 3600 },
        { "2147483648", 2147483648 }, { "4294967297", 4294967297 },
        { "9999999999", 9999999999 }, { "60 ", 60 }, { "\t60", 60 },
        { "\"1\"", 1 }, { "\"3600\"", 3600 },
        { "\"9999999999\"", 9999999999 }, { "\"\\u0036\\u0030\"", 60 },
    };
    static const char  *bad[] = {
        "null", "true", "false", "[]", "[60]", "{}", "{\"seconds\":60}",
        "60.0", "60.5", "1e3", "1E3", "6e1", "1e-1", "0.0", "1.0e1",
        "0", "-0", "-1", "-60", "10000000000", "99999999999",
        "4294967296000", "9223372036854775807", "-9223372036854775808",
        "\"0\"", "\"00\"", "\"01\"", "\"-1\"", "\"+1\"", "\"1e3\"",
        "\"1.0\"", "\" 1\"", "\"1 \"", "\"1\\n\"", "\"10000000000\"",
        "\"9223372036854775808\"", "\"0x10\"", "\"1h\"", "\"null\"",
        "\"\\uff11\"", "\"\\\"1\\\"\"",
    };
    static const char  *unread[] = {
        "+1", "01", "00", "1.", ".5", "0x10", "1_000", "1e", "NaN",
        "Infinity", "9223372036854775808", "-9223372036854775809",
        "18446744073709551617", "99999999999999999999", "1e400", "",
        "\"1\\u0000\"",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(good); i++) {
        seconds = -1;
        unit_assert(duration_of(good[i].text, &seconds) == 1, "refused: %s",
            good[i].text);
        assert_true(seconds == good[i].seconds);
    }

    for (i = 0; i < UNIT_COUNT(bad); i++) {
        unit_assert(duration_of(bad[i], &seconds) == -1, "accepted: %s",
            bad[i]);
    }

    for (i = 0; i < UNIT_COUNT(unread); i++) {
        unit_assert(duration_of(unread[i], &seconds) == -2, "read: %s",
            unread[i]);
    }

    seconds = -7;
    assert_int_equal(duration_of("\"\"", &seconds), 0);
    assert_true(seconds == -7);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(p1_4_members),
        unit_case(p1_4_unknown_members_are_ignored),
        unit_case(p1_4_an_empty_value_is_an_absent_one),
        unit_case(p1_4_names_are_exact),
        unit_case(p1_5_a_text_is_a_string),
        unit_case(p1_5_types_in_the_table),
        unit_case(p1_4_repeated_member),
        unit_case(p1_4_count),
        unit_case(p1_5_malformed),
        unit_case(p1_5_depth),
        unit_case(p3_2_session_duration),
    };

    return cmocka_run_group_tests_name("params_json", tests, NULL, NULL);
}
