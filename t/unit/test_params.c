
/*
 * Form bodies (RFC 6749, appendix B), and the table they are read into.  The
 * story of the repeated parameter: two readers of one body, of whom one
 * takes the first value and one the last.
 */


#include "unit.h"

#include "agw_params.h"


static int
read_form(agw_params_t *params, agw_str_t text)
{
    int             rc;
    size_t          i;
    agw_param_t    *p;
    unsigned char  *body;

    body = (unsigned char *) unit_copy(text).data;
    memset(params, 0, sizeof(*params));
    rc = agw_params_read_form(params, body, text.len);

    if (rc == 0) {
        assert_true(params->count <= AGW_PARAMS_MAX);
        assert_null(params->json);

        for (i = 0; i < params->count; i++) {
            p = &params->params[i];
            assert_int_equal(p->type, AGW_PARAM_TEXT);
            assert_true(p->name.len == 0 || (p->name.data >= body
                && p->name.data + p->name.len <= body + text.len));
            assert_true(p->value.len == 0 || (p->value.data >= body
                && p->value.data + p->value.len <= body + text.len));
        }
    }

    return rc;
}


static void
holds(const agw_params_t *params, const char *name, agw_str_t value)
{
    agw_str_t  got;

    got = S("never set");

    assert_int_equal(agw_params_text(params, name, &got), 0);
    unit_assert_str(got, value);
}


static void
has(agw_str_t text, const char *name, agw_str_t value)
{
    agw_params_t  params;

    unit_assert(read_form(&params, text) == 0, "refused: %.*s",
        UNIT_ARG(text));
    holds(&params, name, value);
    agw_params_done(&params);
}


static void
refuses(agw_str_t text)
{
    agw_params_t  params;

    unit_assert(read_form(&params, text) == -1, "accepted: %.*s",
        UNIT_ARG(text));
}


static void
rfc6749_b_pairs(void **state)
{
    (void) state;

    has(S("grant_type=client_credentials"), "grant_type",
        S("client_credentials"));
    has(S("a=1&b=2&c=3"), "a", S("1"));
    has(S("a=1&b=2&c=3"), "b", S("2"));
    has(S("a=1&b=2&c=3"), "c", S("3"));
    has(S("a=b=c"), "a", S("b=c"));
    has(S("a=="), "a", S("="));
    has(S("a=1;b=2"), "a", S("1;b=2"));
    has(S("a=1?b=2#c"), "a", S("1?b=2#c"));
    has(S("%61=%62"), "a", S("b"));
    has(S("a=b+c%2Bd%26e%3Df"), "a", S("b c+d&e=f"));
    has(S("a%3Db=c"), "a=b", S("c"));
    has(S("a%26b=c"), "a&b", S("c"));
    has(S("a+b=c"), "a b", S("c"));
    has(S("a=%2541"), "a", S("%41"));
    has(S("a=caf%C3%A9"), "a", S("caf\xc3\xa9"));
    has(S("a=caf\xc3\xa9"), "a", S("caf\xc3\xa9"));
    has(S("caf%c3%a9=1"), "caf\xc3\xa9", S("1"));
}


static void
p1_4_an_empty_value_is_an_absent_one(void **state)
{
    (void) state;

    has(S("a=&b=2"), "a", S(""));
    has(S("a&b=2"), "a", S(""));
    has(S("a&b=2"), "b", S("2"));
    has(S("b=2"), "a", S(""));
    has(S(""), "a", S(""));
    has(UNIT_NONE, "a", S(""));
}


static void
p1_4_names_are_exact(void **state)
{
    (void) state;

    has(S("scope=1"), "scop", S(""));
    has(S("scope=1"), "scopes", S(""));
    has(S("scope=1"), "Scope", S(""));
    has(S("scope=1"), "", S(""));
    has(S("scop=1&scopes=2&scope=3&SCOPE=4&+scope=5&scope+=6"), "scope",
        S("3"));
}


static void
separators_alone(void **state)
{
    agw_params_t  params;

    (void) state;

    assert_int_equal(read_form(&params, S("")), 0);
    assert_int_equal(params.count, 0);
    assert_int_equal(read_form(&params, UNIT_NONE), 0);
    assert_int_equal(params.count, 0);
    assert_int_equal(read_form(&params, S("&")), 0);
    assert_int_equal(params.count, 0);
    assert_int_equal(read_form(&params, unit_fill('&', 8192)), 0);
    assert_int_equal(params.count, 0);

    has(S("&&a=1&&b=2&&"), "a", S("1"));
    has(S("&&a=1&&b=2&&"), "b", S("2"));
    has(S("=x&a=1"), "a", S("1"));
    has(S("a=1&=x"), "a", S("1"));
    has(S("="), "a", S(""));
}


static void
p1_4_repeated(void **state)
{
    size_t                  i;
    static const agw_str_t  texts[] = {
        agw_string("a=1&a=2"), agw_string("a=1&a=1"), agw_string("a=1&b&a=2"),
        agw_string("a=1&&a=2"), agw_string("a&a"), agw_string("a=&a="),
        agw_string("a&a=1"), agw_string("a=1&a"),

        /* compared after decoding */

        agw_string("a=1&%61=2"), agw_string("%61=1&a=2"),
        agw_string("%61=1&%61=2"), agw_string("a+b=1&a%20b=2"),
        agw_string("%C3%A9=1&%c3%a9=2"), agw_string("\xc3\xa9=1&%C3%a9=2"),
        agw_string("grant_type=client_credentials&grant%5ftype=x"),

        /* known or not */

        agw_string("unknown=1&unknown=2"),
        agw_string("grant_type=client_credentials&x=1&y=2&x=3"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        refuses(texts[i]);
    }

    has(S("a=1&A=2&aa=3&%2561=4"), "a", S("1"));
    has(S("a=1&A=2&aa=3&%2561=4"), "%61", S("4"));
}


static void
p1_5_malformed(void **state)
{
    size_t                  i;
    static const agw_str_t  texts[] = {
        agw_string("a=%"), agw_string("a=%4"), agw_string("a=%zz"),
        agw_string("a=%4&b=1"), agw_string("a=%%41"), agw_string("%=1"),
        agw_string("%4=1"), agw_string("%zz"), agw_string("a=100%"),
        agw_string("a=%u0041"), agw_string("a=%4&1=b"), agw_string("a=%=1"),
        agw_string("b=1&a=%"),

        /* NUL */

        agw_string("a=%00"), agw_string("a=b%00c"), agw_string("%00=a"),
        agw_string("a%00b=c"), agw_string("a=b\0c"), agw_string("a\0=c"),
        agw_string("\0"), agw_string("a=1&\0"), agw_string("a=1\0&b=2"),

        /* not UTF-8 */

        agw_string("a=%ff"), agw_string("a=\xff"), agw_string("\xff=a"),
        agw_string("%ff=a"), agw_string("a=%c3"), agw_string("%c3=%a9"),
        agw_string("a=%c3&%a9=b"), agw_string("a=%c0%af"),
        agw_string("a=%ed%a0%80"), agw_string("a=%f4%90%80%80"),
        agw_string("a=%e2%82"), agw_string("a=1&b=%80"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        refuses(texts[i]);
    }
}


static void
p1_4_count(void **state)
{
    size_t        i, n;
    agw_str_t     text;
    agw_params_t  params;

    (void) state;

    for (n = 1; n <= 130; n++) {
        text = S("p0=v0");

        for (i = 1; i < n; i++) {
            text = unit_cat(text, unit_format("&p%zu=v%zu", i, i));
        }

        if (n > 64) {
            refuses(text);
            refuses(unit_cat(S("&"), text));

        } else {
            assert_int_equal(read_form(&params, text), 0);
            assert_int_equal(params.count, n);

            for (i = 0; i < n; i++) {
                holds(&params, (const char *)
                    unit_format("p%zu%c", i, 0).data,
                    unit_format("v%zu", i));
            }
        }

        unit_free_all(NULL);
    }
}


/* the rules of the table, whoever fills it */

static void
p1_4_add(void **state)
{
    size_t                  i;
    agw_param_t             param;
    agw_params_t            params;
    static const agw_str_t  bad[] = {
        agw_string("a"), agw_string("\0"), agw_string("b\0"),
        agw_string("\0b"), agw_string("\xff"), agw_string("b\xc3"),
        agw_string("\xed\xa0\x80"), agw_string("\xc0\x80"),
    };

    (void) state;

    memset(&params, 0, sizeof(params));
    memset(&param, 0, sizeof(param));

    param.name = S("a");
    param.value = S("1");
    assert_int_equal(agw_params_add(&params, &param), 0);

    for (i = 0; i < UNIT_COUNT(bad); i++) {
        param.name = unit_copy(bad[i]);
        param.value = S("2");
        assert_int_equal(agw_params_add(&params, &param), -1);

        /* the first is no bad value, only a name that is taken */

        if (i > 0) {
            param.name = S("b");
            param.value = unit_copy(bad[i]);
            assert_int_equal(agw_params_add(&params, &param), -1);
        }
    }

    assert_int_equal(params.count, 1);
    holds(&params, "a", S("1"));
    holds(&params, "b", S(""));

    /* neither is a name that only begins alike, nor no name at all */

    param.value = S("3");
    param.name = S("ab");
    assert_int_equal(agw_params_add(&params, &param), 0);
    param.name = UNIT_NONE;
    assert_int_equal(agw_params_add(&params, &param), 0);
    assert_int_equal(agw_params_add(&params, &param), -1);
    param.name = S("");
    assert_int_equal(agw_params_add(&params, &param), -1);
    assert_int_equal(params.count, 3);
}


static void
p1_4_text_of_the_three_types(void **state)
{
    agw_str_t     value;
    agw_params_t  params;

    (void) state;

    memset(&params, 0, sizeof(params));
    params.count = 3;
    params.params[0].name = S("text");
    params.params[0].value = S("v");
    params.params[1].name = S("integer");
    params.params[1].type = AGW_PARAM_INTEGER;
    params.params[2].name = S("other");
    params.params[2].type = AGW_PARAM_OTHER;

    holds(&params, "text", S("v"));
    holds(&params, "absent", S(""));
    assert_int_equal(agw_params_text(&params, "integer", &value), -1);
    assert_int_equal(agw_params_text(&params, "other", &value), -1);
}


/* a form is its caller's: it is neither freed nor wiped here */

static void
done_leaves_the_body_alone(void **state)
{
    agw_str_t     body;
    agw_params_t  params;

    (void) state;

    body = unit_copy(S("a=1&b=2"));
    memset(&params, 0, sizeof(params));

    assert_int_equal(agw_params_read_form(&params,
        (unsigned char *) body.data, body.len), 0);

    agw_params_done(&params);
    assert_int_equal(params.count, 0);
    assert_null(params.json);
    agw_params_done(&params);
    assert_int_equal(params.count, 0);

    unit_assert_str(body, S("a=1&b=2"));

    memset(&params, 0, sizeof(params));
    agw_params_done(&params);
    assert_int_equal(params.count, 0);
}


/* the text as it came, whatever reader would have refused it before */

static int
duration_of(agw_str_t text, int64_t *seconds)
{
    agw_params_t  params;

    memset(&params, 0, sizeof(params));
    params.count = 2;
    params.params[0].name = S("session_duratio");
    params.params[0].value = S("7");
    params.params[1].name = S("session_duration");
    params.params[1].value = text;

    return agw_params_duration(&params, "session_duration", seconds);
}


static void
p3_2_session_duration(void **state)
{
    size_t                  i;
    int64_t                 seconds;
    static const struct {
        agw_str_t  text;
        int64_t    seconds;
    } good[] = {
        { agw_string("1"), 1 },
        { agw_string("9"), 9 },
        { agw_string("10"), 10 },
        { agw_string("3600"), 3600 },
        { agw_string("2147483648"), 2147483648 },
        { agw_string("4294967297"), 4294967297 },
        { agw_string("9999999999"), 9999999999 },
    };
    static const agw_str_t  bad[] = {
        agw_string("0"), agw_string("00"), agw_string("01"),
        agw_string("03600"), agw_string("10000000000"),
        agw_string("99999999999"), agw_string("18446744073709555216"),
        agw_string("+1"), agw_string("-1"), agw_string("1e3"),
        agw_string("1E3"), agw_string("1.0"), agw_string("1."),
        agw_string("1,000"), agw_string("1_000"), agw_string("0x10"),
        agw_string("0e1"), agw_string(" 1"), agw_string("1 "),
        agw_string("1\n"), agw_string("1\0"), agw_string("\0"),
        agw_string("\0" "1"), agw_string("1h"), agw_string("60s"),
        agw_string("a"), agw_string("1a"), agw_string("null"),
        agw_string("true"), agw_string("\"1\""), agw_string("/"),
        agw_string("1/"), agw_string("1:"), agw_string(":"),
        agw_string("\xef\xbc\x91"), agw_string("\xd9\xa1"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(good); i++) {
        seconds = -1;
        unit_assert(duration_of(unit_copy(good[i].text), &seconds) == 1,
            "refused: %.*s", UNIT_ARG(good[i].text));
        assert_true(seconds == good[i].seconds);
    }

    for (i = 0; i < UNIT_COUNT(bad); i++) {
        unit_assert(duration_of(unit_copy(bad[i]), &seconds) == -1,
            "accepted: %.*s", UNIT_ARG(bad[i]));
    }
}


static void
p3_2_an_empty_session_duration_is_an_absent_one(void **state)
{
    int64_t       seconds;
    agw_params_t  params;

    (void) state;

    memset(&params, 0, sizeof(params));
    seconds = -7;

    assert_int_equal(duration_of(unit_copy(S("")), &seconds), 0);
    assert_int_equal(duration_of(UNIT_NONE, &seconds), 0);
    assert_int_equal(agw_params_duration(&params, "session_duration",
        &seconds), 0);

    assert_int_equal(read_form(&params, S("session_duration=&a=60")), 0);
    assert_int_equal(agw_params_duration(&params, "session_duration",
        &seconds), 0);
    assert_int_equal(agw_params_duration(&params, "b", &seconds), 0);

    assert_true(seconds == -7);

    assert_int_equal(agw_params_duration(&params, "a", &seconds), 1);
    assert_true(seconds == 60);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(rfc6749_b_pairs),
        unit_case(p1_4_an_empty_value_is_an_absent_one),
        unit_case(p1_4_names_are_exact),
        unit_case(separators_alone),
        unit_case(p1_4_repeated),
        unit_case(p1_5_malformed),
        unit_case(p1_4_count),
        unit_case(p1_4_add),
        unit_case(p1_4_text_of_the_three_types),
        unit_case(done_leaves_the_body_alone),
        unit_case(p3_2_session_duration),
        unit_case(p3_2_an_empty_session_duration_is_an_absent_one),
    };

    return cmocka_run_group_tests_name("params", tests, NULL, NULL);
}
