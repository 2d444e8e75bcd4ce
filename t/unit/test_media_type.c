
/*
 * Content-Type (P1.5).  The story: a proxy that finds one boundary in the
 * header, and a server behind it that finds another, read two bodies in one.
 */


#include "unit.h"

#include "agw_multipart.h"


#define B35  "01234567890123456789012345678901234"
#define B70  B35 B35


static int
within(agw_str_t part, agw_str_t whole)
{
    return part.len == 0
           || (part.data >= whole.data
               && part.data + part.len <= whole.data + whole.len);
}


static void
has(agw_str_t text, agw_str_t type, agw_str_t boundary)
{
    agw_str_t  value, t, b;

    value = unit_copy(text);
    t = S("never set");
    b = S("never set");

    agw_media_type_parse(value, &t, &b);

    unit_assert(agw_str_eq(t, type) && agw_str_eq(b, boundary),
        "\"%.*s\": \"%.*s\", \"%.*s\"", UNIT_ARG(text), UNIT_ARG(t),
        UNIT_ARG(b));
    assert_true(within(t, value));
    assert_true(within(b, value));
}


static void
has_boundary(agw_str_t parameters, agw_str_t boundary)
{
    has(unit_cat(S("multipart/form-data;"), parameters),
        S("multipart/form-data"), boundary);
}


static void
p1_5_type(void **state)
{
    (void) state;

    has(S("application/json"), S("application/json"), S(""));
    has(S("Application/JSON"), S("Application/JSON"), S(""));
    has(S("application/json;charset=utf-8"), S("application/json"), S(""));
    has(S("application/json; charset=utf-8"), S("application/json"), S(""));
    has(S("application/json ; charset=utf-8"), S("application/json"), S(""));
    has(S("application/json;"), S("application/json"), S(""));
    has(S("application/json;;;"), S("application/json"), S(""));
    has(S("a"), S("a"), S(""));
    has(S("a/b/c"), S("a/b/c"), S(""));

    /* what is no type does not become one */

    has(S("application/json, text/plain"), S("application/json, text/plain"),
        S(""));
    has(S("application/json charset=utf-8"),
        S("application/json charset=utf-8"), S(""));
    has(S("\"application/json\""), S("\"application/json\""), S(""));
    has(S("\"application/json;\""), S("\"application/json;\""), S(""));
    has(S("application/json\0;"), S("application/json\0"), S(""));
}


static void
p1_5_white_space(void **state)
{
    (void) state;

    has(S(" \t application/json \t "), S("application/json"), S(""));
    has(S("\tapplication/json\t;\tboundary=b\t"), S("application/json"),
        S("b"));
    has(S(" a/b ; c=d ; boundary=b ; e=f "), S("a/b"), S("b"));
    has_boundary(S("boundary=b"), S("b"));
    has_boundary(S("  \t  boundary=b  \t  "), S("b"));
    has_boundary(S(" boundary=\"b\" "), S("b"));

    /* a line break is no white space here, and none round a '=' (RFC 9110) */

    has(S("\napplication/json\r"), S("\napplication/json\r"), S(""));
    has_boundary(S(" boundary =b"), S(""));
    has_boundary(S(" boundary\t=b"), S(""));
    has_boundary(S("\r\nboundary=b"), S(""));
}


static void
p1_5_empty(void **state)
{
    (void) state;

    has(S(""), S(""), S(""));
    has(S(" "), S(""), S(""));
    has(S(" \t \t"), S(""), S(""));
    has(S(";"), S(""), S(""));
    has(S(" ; ;; "), S(""), S(""));
    has(S(";boundary=b"), S(""), S("b"));
    has(S("boundary=b"), S("boundary=b"), S(""));
    has(S("boundary=b;boundary=c"), S("boundary=b"), S("c"));
    has_boundary(S(""), S(""));
    has_boundary(S("boundary="), S(""));
    has_boundary(S("boundary=;"), S(""));
    has_boundary(S("boundary= "), S(""));
    has_boundary(S("boundary"), S(""));
    has_boundary(S("boundary=\"\""), S(""));
    has_boundary(S("=b"), S(""));
}


static void
p1_5_name_of_any_case(void **state)
{
    (void) state;

    has_boundary(S("BOUNDARY=b"), S("b"));
    has_boundary(S("Boundary=bB"), S("bB"));
    has_boundary(S("bOUNDARy=\"bB\""), S("bB"));

    has_boundary(S("xboundary=b"), S(""));
    has_boundary(S("boundaryx=b"), S(""));
    has_boundary(S("boundar=b"), S(""));
    has_boundary(S("boundary*=b"), S(""));
    has_boundary(S("boundary*0=b"), S(""));
    has_boundary(S("\"boundary\"=b"), S(""));
    has_boundary(S("boundary:b"), S(""));
}


static void
p1_5_parameters_in_any_order(void **state)
{
    (void) state;

    has_boundary(S("boundary=b;charset=utf-8"), S("b"));
    has_boundary(S("charset=utf-8;boundary=b"), S("b"));
    has_boundary(S("charset=utf-8; boundary=b; x"), S("b"));
    has_boundary(S("a;;b=;=;;boundary=b;;"), S("b"));
    has_boundary(S("charset=\"utf-8\"; boundary=b; q=\";\""), S("b"));

    /* within quotes there are no parameters */

    has_boundary(S("x=\";boundary=c\";boundary=b"), S("b"));
    has_boundary(S("x=\"; boundary=c; \""), S(""));
    has_boundary(S("boundary=b;x=\"; boundary=c\""), S("b"));

    /* nor behind a quote without an end */

    has_boundary(S("x=\"; boundary=b"), S(""));
}


static void
rfc2046_5_1_1_quoted(void **state)
{
    (void) state;

    has_boundary(S("boundary=\"b\""), S("b"));
    has_boundary(S("boundary=\"a:b\""), S("a:b"));
    has_boundary(S("x=\"a;boundary=c\"; boundary=\"a?b\""), S("a?b"));

    /* no bchars, or a space at the end */

    has_boundary(S("boundary=\"a;b\""), S(""));
    has_boundary(S("boundary=\";\""), S(""));
    has_boundary(S("boundary=\"a;boundary=b\""), S(""));
    has_boundary(S("boundary=\"a \""), S(""));
    has_boundary(S("boundary=\"a\x01\""), S(""));
    has_boundary(S("boundary=\"\xff\""), S(""));

    /* where the quotes end is anybody's guess */

    has_boundary(S("x=\"a\\\";boundary=evil;y=\\\"b\""), S(""));

    has_boundary(S("boundary=\"gc0pJq0M:08jU534c0p\""),
        S("gc0pJq0M:08jU534c0p"));
    has_boundary(S("boundary=\"simple boundary\""), S("simple boundary"));
    has_boundary(S("boundary=\"'()+_,-./:=?\"; charset=utf-8"),
        S("'()+_,-./:=?"));
    has_boundary(S("boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW"),
        S("----WebKitFormBoundary7MA4YWxkTrZu0gW"));
    has_boundary(S("boundary=a=b"), S("a=b"));

    /* two readers would unquote these in two ways */

    has_boundary(S("boundary=\""), S(""));
    has_boundary(S("boundary=\"b"), S(""));
    has_boundary(S("boundary=b\""), S(""));
    has_boundary(S("boundary=\"b\"c"), S(""));
    has_boundary(S("boundary=a\"b\""), S(""));
    has_boundary(S("boundary=a\"b\"c"), S(""));
    has_boundary(S("boundary=\"a\"\"b\""), S(""));
    has_boundary(S("boundary=\"a\" \"b\""), S(""));
    has_boundary(S("boundary=\"\"\""), S(""));
    has_boundary(S("boundary=\"a\\b\""), S(""));
    has_boundary(S("boundary=\"a\\\"b\""), S(""));
    has_boundary(S("boundary=a\\b"), S(""));
    has_boundary(S("boundary=\"a;b"), S(""));
}


static void
p1_4_repeated_boundary(void **state)
{
    (void) state;

    has_boundary(S("boundary=b;boundary=c"), S(""));
    has_boundary(S("boundary=b;boundary=b"), S(""));
    has_boundary(S("boundary=b; BOUNDARY=\"b\""), S(""));
    has_boundary(S("boundary=b;x=y;boundary=c;z"), S(""));
    has_boundary(S("boundary=b;boundary="), S(""));
    has_boundary(S("boundary=;boundary=b"), S(""));
    has_boundary(S("boundary=;boundary="), S(""));
    has_boundary(S("boundary=b;boundary=c;boundary=d"), S(""));
    has_boundary(S("boundary=\"b\";boundary=\""), S(""));
}


static void
rfc2046_5_1_1_length(void **state)
{
    size_t  i;

    (void) state;

    has_boundary(S("boundary=" B70), S(B70));
    has_boundary(S("boundary=\"" B70 "\""), S(B70));
    has_boundary(S("boundary=" B70 "0"), S(""));
    has_boundary(S("boundary=\"" B70 "0\""), S(""));
    has_boundary(S("boundary=\"" B70 ";\""), S(""));
    has_boundary(S("boundary=\"" B70 "0\"; x=\"" B70 B70 "\""), S(""));
    has_boundary(S("x=" B70 B70 "; boundary=" B70), S(B70));
    has_boundary(unit_cat(S("boundary="), unit_fill('b', 8192)), S(""));

    for (i = 1; i <= 70; i++) {
        has_boundary(unit_cat(S("boundary="), unit_fill('b', i)),
            unit_fill('b', i));
    }
}


/* nothing is read that is not there, whatever ends the value */

static void
truncated_at_every_length(void **state)
{
    size_t     i;
    agw_str_t  text, value, type, boundary;

    (void) state;

    text = S(" a/b;c=\"d;\\\";boundary=\"x;y\"; BOUNDARY=z;;");

    for (i = 0; i <= text.len; i++) {
        value.data = text.data;
        value.len = i;
        value = unit_copy(value);

        agw_media_type_parse(value, &type, &boundary);

        assert_true(within(type, value));
        assert_true(within(boundary, value));
        assert_true(boundary.len <= 70);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(p1_5_type),
        unit_case(p1_5_white_space),
        unit_case(p1_5_empty),
        unit_case(p1_5_name_of_any_case),
        unit_case(p1_5_parameters_in_any_order),
        unit_case(rfc2046_5_1_1_quoted),
        unit_case(p1_4_repeated_boundary),
        unit_case(rfc2046_5_1_1_length),
        unit_case(truncated_at_every_length),
    };

    return cmocka_run_group_tests_name("media_type", tests, NULL, NULL);
}
