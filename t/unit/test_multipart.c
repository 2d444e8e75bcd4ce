
/*
 * multipart/form-data (RFC 7578) as clients write it, and what else could be
 * read in two ways.  The story: a part that ends at one place for a gateway
 * and at another for the server behind it hides a parameter from one of them.
 */


#include "unit.h"

#include "agw_multipart.h"


#define CD      "Content-Disposition: form-data; "
#define NAME_A  CD "name=\"a\"\r\n"
#define PART_B  "\r\n--B\r\n" CD "name=\"b\"\r\n\r\n2\r\n--B--\r\n"


static agw_params_t  params;


static int
read_multipart(agw_str_t text, agw_str_t boundary)
{
    int           rc;
    size_t        i;
    agw_str_t     body, copy;
    agw_param_t  *p;

    body = unit_copy(text);
    copy = unit_copy(boundary);

    memset(&params, 0, sizeof(params));
    rc = agw_params_read_multipart(&params, body, copy);

    unit_assert_str(body, text);
    assert_null(params.json);

    for (i = 0; rc == 0 && i < params.count; i++) {
        p = &params.params[i];
        assert_int_equal(p->type, AGW_PARAM_TEXT);
        assert_true(p->name.data >= body.data
            && p->name.data + p->name.len <= body.data + body.len);
        assert_true(p->value.data >= body.data
            && p->value.data + p->value.len <= body.data + body.len);
    }

    return rc;
}


static void
holds(const char *name, agw_str_t value)
{
    agw_str_t  got;

    got = S("never set");

    assert_int_equal(agw_params_text(&params, name, &got), 0);
    unit_assert_str(got, value);
}


static void
accepts(agw_str_t text, agw_str_t boundary, size_t count)
{
    unit_assert(read_multipart(text, boundary) == 0, "refused: %.*s",
        UNIT_ARG(text));
    assert_int_equal(params.count, count);
}


static void
refuses(agw_str_t text)
{
    unit_assert(read_multipart(text, S("B")) == -1, "accepted: %.*s",
        UNIT_ARG(text));
}


/* one part with these header lines, and its value, before another part */

static agw_str_t
part(agw_str_t lines, agw_str_t value)
{
    return unit_cat(unit_cat(unit_format("--B\r\n"), lines),
        unit_cat(unit_cat(unit_format("\r\n"), value), S(PART_B)));
}


static void
has_value(agw_str_t lines, agw_str_t value)
{
    accepts(part(lines, value), S("B"), 2);
    holds("a", value);
    holds("b", S("2"));
}


static void
curl(void **state)
{
    (void) state;

    /* -F grant_type=client_credentials -F scope= */

    accepts(S("--------------------------3b94af014918b868\r\n"
              "Content-Disposition: form-data; name=\"grant_type\"\r\n"
              "\r\n"
              "client_credentials\r\n"
              "--------------------------3b94af014918b868\r\n"
              "Content-Disposition: form-data; name=\"scope\"\r\n"
              "\r\n"
              "\r\n"
              "--------------------------3b94af014918b868--\r\n"),
        S("------------------------3b94af014918b868"), 2);
    holds("grant_type", S("client_credentials"));
    holds("scope", S(""));

    /* -F 'a=v;type=text/plain' -F session_duration=60 */

    accepts(S("--------------------------7a902238a3dc2067\r\n"
              "Content-Disposition: form-data; name=\"a\"\r\n"
              "Content-Type: text/plain\r\n"
              "\r\n"
              "v\r\n"
              "--------------------------7a902238a3dc2067\r\n"
              "Content-Disposition: form-data; name=\"session_duration\"\r\n"
              "\r\n"
              "60\r\n"
              "--------------------------7a902238a3dc2067--\r\n"),
        S("------------------------7a902238a3dc2067"), 2);
    holds("a", S("v"));
    holds("session_duration", S("60"));
}


static void
python_requests(void **state)
{
    (void) state;

    /* files={"grant_type": (None, "client_credentials"), "scope": ...} */

    accepts(S("--8e142793cad815f1d252dc498449aacf\r\n"
              "Content-Disposition: form-data; name=\"grant_type\"\r\n"
              "\r\n"
              "client_credentials\r\n"
              "--8e142793cad815f1d252dc498449aacf\r\n"
              "Content-Disposition: form-data; name=\"scope\"\r\n"
              "\r\n"
              "\r\n"
              "--8e142793cad815f1d252dc498449aacf--\r\n"),
        S("8e142793cad815f1d252dc498449aacf"), 2);
    holds("grant_type", S("client_credentials"));
    holds("scope", S(""));
}


static void
browsers(void **state)
{
    (void) state;

    accepts(S("------WebKitFormBoundary7MA4YWxkTrZu0gW\r\n"
              "Content-Disposition: form-data; name=\"a\"\r\n"
              "\r\n"
              "v\r\n"
              "------WebKitFormBoundary7MA4YWxkTrZu0gW--\r\n"),
        S("----WebKitFormBoundary7MA4YWxkTrZu0gW"), 1);
    holds("a", S("v"));

    accepts(S("-----------------------------9051914041544843365972754266\r\n"
              "Content-Disposition: form-data; name=\"a\"\r\n"
              "\r\n"
              "v\r\n"
              "-----------------------------9051914041544843365972754266"
              "--\r\n"),
        S("---------------------------9051914041544843365972754266"), 1);
    holds("a", S("v"));
}


static void
node_undici(void **state)
{
    (void) state;

    accepts(S("------formdata-undici-026309647678\r\n"
              "Content-Disposition: form-data; name=\"grant_type\"\r\n"
              "\r\n"
              "client_credentials\r\n"
              "------formdata-undici-026309647678\r\n"
              "Content-Disposition: form-data; name=\"scope\"\r\n"
              "\r\n"
              "a\r\nb\r\n"
              "------formdata-undici-026309647678--\r\n"),
        S("----formdata-undici-026309647678"), 2);
    holds("grant_type", S("client_credentials"));
    holds("scope", S("a\r\nb"));

    /* without an entry, and without the last line break */

    accepts(S("------formdata-undici-066412766013--\r\n"),
        S("----formdata-undici-066412766013"), 0);
    accepts(S("------formdata-undici-066412766013--"),
        S("----formdata-undici-066412766013"), 0);
}


static void
dotnet(void **state)
{
    (void) state;

    /* MultipartFormDataContent: the type first, the name a token */

    accepts(S("--6d8bd6d9-5a0e-4d05-9f9b-2f3f6f1f0a3c\r\n"
              "Content-Type: text/plain; charset=utf-8\r\n"
              "Content-Disposition: form-data; name=grant_type\r\n"
              "\r\n"
              "client_credentials\r\n"
              "--6d8bd6d9-5a0e-4d05-9f9b-2f3f6f1f0a3c--\r\n"),
        S("6d8bd6d9-5a0e-4d05-9f9b-2f3f6f1f0a3c"), 1);
    holds("grant_type", S("client_credentials"));
}


static void
rfc7578_values_are_bytes(void **state)
{
    size_t                  i;
    static const agw_str_t  values[] = {
        agw_string(""), agw_string("v"), agw_string("\r\n"),
        agw_string("\r\n\r\n"), agw_string("\r"), agw_string("\n"),
        agw_string("\r\r\n"), agw_string("v\r"), agw_string("\nv"),
        agw_string(" v "), agw_string("a=1&b=%41+c"), agw_string("\x01\x7f"),
        agw_string("caf\xc3\xa9"), agw_string("\xf0\x9f\x98\x80"),
        agw_string("--"), agw_string("x--B"),
        agw_string("x--B--\r\n"), agw_string("\r\n-B"), agw_string("\r\n--"),
        agw_string("\r\n--A"), agw_string("\r\n--b"), agw_string("\n--B"),
        agw_string("\r--B"), agw_string("\r\n --B"), agw_string("\r\n---B"),
        agw_string("\r\n-\r\n-B"), agw_string("\r\n--\r\n--\r\n"),
        agw_string("Content-Disposition: form-data; name=\"x\""),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(values); i++) {
        has_value(S(NAME_A), values[i]);
    }

    accepts(S("--bound-1\r\n" NAME_A "\r\n1\r\n--bound\r\n--bound-\r\n"
              "--bound-2\r\n--bound-1--"), S("bound-1"), 1);
    holds("a", S("1\r\n--bound\r\n--bound-\r\n--bound-2"));
}


static void
rfc2046_5_1_1_boundary_is_a_prefix(void **state)
{
    (void) state;

    refuses(S("--B\r\n" NAME_A "\r\n1\r\n--BX" PART_B));
    refuses(S("--B\r\n" NAME_A "\r\n1\r\n--BX\r\n" PART_B));
    refuses(S("--B\r\n" NAME_A "\r\n1\r\n--B-\r\n" PART_B));
    refuses(S("--B\r\n" NAME_A "\r\n1\r\n--B--X" PART_B));
    refuses(S("--BX\r\n" NAME_A "\r\n1" PART_B));
    refuses(S("--B \r\n" NAME_A "\r\n1" PART_B));
    refuses(S("--B\t\r\n" NAME_A "\r\n1" PART_B));
    refuses(S("--B\r\r\n" NAME_A "\r\n1" PART_B));
    refuses(S("--B-\r\n" NAME_A "\r\n1" PART_B));
    refuses(S("--B--\r\n" NAME_A "\r\n1" PART_B));
}


static void
p1_5_boundaries(void **state)
{
    agw_str_t  text;

    (void) state;

    text = S("--B\r\n" NAME_A "\r\n1" PART_B);
    accepts(text, S("B"), 2);

    assert_int_equal(read_multipart(text, S("")), -1);
    assert_int_equal(read_multipart(text, UNIT_NONE), -1);
    assert_int_equal(read_multipart(text, S("b")), -1);
    assert_int_equal(read_multipart(text, S("A")), -1);
    assert_int_equal(read_multipart(text, S("BB")), -1);
    assert_int_equal(read_multipart(text, S("--B")), -1);
    assert_int_equal(read_multipart(text, S("B\r\n")), -1);
    assert_int_equal(read_multipart(text, unit_fill('B', 8192)), -1);
    assert_int_equal(read_multipart(S("----"), S("")), -1);
    assert_int_equal(read_multipart(S("--\r\n" NAME_A "\r\n1\r\n----"),
        S("")), -1);

    /* of any length and any bytes: what it may be is the header's matter */

    accepts(unit_format("--%070d\r\n" NAME_A "\r\n1\r\n--%070d--", 1, 1),
        unit_format("%070d", 1), 1);
    accepts(S("--'()+_,-./:=? x\r\n" NAME_A "\r\n1\r\n--'()+_,-./:=? x--"),
        S("'()+_,-./:=? x"), 1);
    accepts(S("----\r\n" NAME_A "\r\n1\r\n------\r\n"), S("--"), 1);
}


static void
p1_5_malformed(void **state)
{
    size_t                  i;
    static const agw_str_t  texts[] = {
        agw_string(""), agw_string("-"), agw_string("--"), agw_string("--B"),
        agw_string("--B-"), agw_string("--B\r"), agw_string("--B\r\n"),
        agw_string("B--"), agw_string("a=1&b=2"), agw_string("{}"),

        /* before the first delimiter, behind the last */

        agw_string("\r\n--B\r\n" NAME_A "\r\n1" PART_B),
        agw_string(" --B\r\n" NAME_A "\r\n1" PART_B),
        agw_string("preamble\r\n--B\r\n" NAME_A "\r\n1" PART_B),
        agw_string("--B\r\n" NAME_A "\r\n1" PART_B "epilogue"),
        agw_string("--B\r\n" NAME_A "\r\n1" PART_B "\r\n"),
        agw_string("--B\r\n" NAME_A "\r\n1" PART_B " "),
        agw_string("--B\r\n" NAME_A "\r\n1" PART_B "\0"),
        agw_string("--B\r\n" NAME_A "\r\n1\r\n--B-- \r\n"),
        agw_string("--B\r\n" NAME_A "\r\n1\r\n--B--\n"),
        agw_string("--B\r\n" NAME_A "\r\n1\r\n--B--\r"),
        agw_string("--B--\r\n--B--"), agw_string("--B----"),
        agw_string("--B\r\n--B--"), agw_string("--B\r\n\r\n--B--\r\n"),

        /* the last delimiter is missing */

        agw_string("--B\r\n" NAME_A "\r\n1"),
        agw_string("--B\r\n" NAME_A "\r\n1\r\n--B"),
        agw_string("--B\r\n" NAME_A "\r\n1\r\n--B\r\n"),
        agw_string("--B\r\n" NAME_A "\r\n1--B--\r\n"),
        agw_string("--B\r\n" NAME_A "--B--\r\n"),

        /* other line breaks */

        agw_string("--B\n" CD "name=\"a\"\n\n1\n--B--\n"),
        agw_string("--B\r" CD "name=\"a\"\r\r1\r--B--\r"),
        agw_string("--B\n" NAME_A "\r\n1" PART_B),
        agw_string("--B\r\n" CD "name=\"a\"\n\r\n1" PART_B),
        agw_string("--B\r\n" CD "name=\"a\"\r\r\n1" PART_B),
        agw_string("--B\r\n" NAME_A "\r\n1\n--B--\r\n"),
        agw_string("--B\r\n" NAME_A "\n1\r\n--B--\r\n"),
        agw_string("--B\r\n" NAME_A "\r\n1\r--B--\r\n"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        refuses(texts[i]);
    }

    assert_int_equal(read_multipart(UNIT_NONE, S("B")), -1);
}


static void
p1_5_truncated_at_every_length(void **state)
{
    int        rc;
    size_t     i;
    agw_str_t  text;

    (void) state;

    text = S("--B\r\nContent-Type: text/plain\r\n" NAME_A "\r\n1\r\n"
             "--B\r\n" CD "name=c\r\n\r\n\r\n" PART_B);

    for (i = 0; i <= text.len; i++) {
        rc = read_multipart((agw_str_t) { i, text.data }, S("B"));

        /* the line break behind the last delimiter may be missing */

        unit_assert(rc == (i == text.len || i == text.len - 2 ? 0 : -1),
            "%zu of %zu: %d", i, text.len, rc);
    }
}


static void
p1_4_repeated_part(void **state)
{
    size_t                  i;
    agw_str_t               line;
    static const agw_str_t  twins[] = {
        agw_string("name=\"b\""), agw_string("name=b"),
        agw_string("name=\"b\"  "), agw_string("NAME=b"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(twins); i++) {
        line = unit_format(CD "%.*s\r\n", UNIT_ARG(twins[i]));

        refuses(part(line, S("1")));
        refuses(part(line, S("2")));
        refuses(part(line, S("")));
    }

    refuses(S("--B\r\n" CD "name=\"\"\r\n\r\n1\r\n"
              "--B\r\n" CD "name=\"\"\r\n\r\n1\r\n--B--"));

    accepts(part(S(CD "name=\"B\"\r\n"), S("1")), S("B"), 2);
    accepts(part(S(CD "name=\"bb\"\r\n"), S("1")), S("B"), 2);
    accepts(part(S(CD "name=\" b\"\r\n"), S("1")), S("B"), 2);
    accepts(part(S(CD "name=\"\"\r\n"), S("1")), S("B"), 2);
    holds("b", S("2"));
}


static void
p1_4_count(void **state)
{
    size_t     i, n;
    agw_str_t  text;

    (void) state;

    for (n = 0; n <= 70; n++) {
        text = S("");

        for (i = 0; i < n; i++) {
            text = unit_cat(text, unit_format("--B\r\n" CD "name=\"p%zu\""
                "\r\n\r\nv%zu\r\n", i, i));
        }

        text = unit_cat(text, S("--B--\r\n"));

        if (n > 64) {
            refuses(text);

        } else {
            accepts(text, S("B"), n);

            for (i = 0; i < n; i++) {
                holds((const char *) unit_format("p%zu%c", i, 0).data,
                    unit_format("v%zu", i));
            }
        }

        unit_free_all(NULL);
    }
}


static void
p1_5_nul_and_utf8(void **state)
{
    size_t                  i;
    static const agw_str_t  bad[] = {
        agw_string("\0"), agw_string("v\0"), agw_string("\0v"),
        agw_string("\xff"), agw_string("\xc3"), agw_string("v\x80"),
        agw_string("\xc0\xaf"), agw_string("\xed\xa0\x80"),
        agw_string("\xf4\x90\x80\x80"), agw_string("\xe2\x82"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(bad); i++) {
        refuses(part(S(NAME_A), bad[i]));
        refuses(part(unit_cat(unit_cat(unit_format(CD "name=\""), bad[i]),
            S("\"\r\n")), S("1")));
        refuses(part(unit_cat(unit_cat(unit_format(CD "name="), bad[i]),
            S("\r\n")), S("1")));
    }

    accepts(part(S(CD "name=\"caf\xc3\xa9\"\r\n"), S("1")), S("B"), 2);
    holds("caf\xc3\xa9", S("1"));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(curl),
        unit_case(python_requests),
        unit_case(browsers),
        unit_case(node_undici),
        unit_case(dotnet),
        unit_case(rfc7578_values_are_bytes),
        unit_case(rfc2046_5_1_1_boundary_is_a_prefix),
        unit_case(p1_5_boundaries),
        unit_case(p1_5_malformed),
        unit_case(p1_5_truncated_at_every_length),
        unit_case(p1_4_repeated_part),
        unit_case(p1_4_count),
        unit_case(p1_5_nul_and_utf8),
    };

    return cmocka_run_group_tests_name("multipart", tests, NULL, NULL);
}
