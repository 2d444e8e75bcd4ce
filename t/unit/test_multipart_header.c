
/*
 * The header lines of a part (RFC 7578, sections 4.2, 4.7 and 4.8).  The
 * story: a line that one reader folds into the one before it, decodes or
 * passes over, and another does not, gives a part two names or two values.
 */


#include "unit.h"

#include "agw_multipart.h"


#define CD  "Content-Disposition: form-data; "


static agw_params_t  params;


static int
read_part(agw_str_t lines)
{
    agw_str_t  body;

    body = unit_cat(unit_cat(unit_format("--B\r\n"), lines),
        S("\r\nv\r\n--B\r\n" CD "name=\"z\"\r\n\r\n2\r\n--B--\r\n"));

    memset(&params, 0, sizeof(params));

    return agw_params_read_multipart(&params, body, S("B"));
}


static void
has_name(agw_str_t lines, const char *name)
{
    agw_str_t  got;

    unit_assert(read_part(lines) == 0, "refused: %.*s", UNIT_ARG(lines));
    assert_int_equal(params.count, 2);
    assert_int_equal(agw_params_text(&params, name, &got), 0);
    unit_assert_str(got, S("v"));
    assert_int_equal(agw_params_text(&params, "z", &got), 0);
    unit_assert_str(got, S("2"));
}


static void
refuses_all(const agw_str_t *lines, size_t count)
{
    size_t  i;

    for (i = 0; i < count; i++) {
        unit_assert(read_part(lines[i]) == -1, "accepted: %.*s",
            UNIT_ARG(lines[i]));
    }

    has_name(S(CD "name=\"a\"\r\n"), "a");
}


static void
rfc7578_4_2_disposition(void **state)
{
    static const agw_str_t  bad[] = {

        /* none, two */

        agw_string(""), agw_string("Content-Type: text/plain\r\n"),
        agw_string(CD "name=\"a\"\r\n" CD "name=\"a\"\r\n"),
        agw_string(CD "name=\"a\"\r\n" CD "name=\"b\"\r\n"),
        agw_string(CD "name=\"\"\r\n" CD "name=\"b\"\r\n"),
        agw_string(CD "name=\"a\"\r\ncontent-disposition:form-data\r\n"),
        agw_string("X-" CD "name=\"a\"\r\n"),

        /* of another type, or of none */

        agw_string("Content-Disposition: attachment; name=\"a\"\r\n"),
        agw_string("Content-Disposition: form-dat; name=\"a\"\r\n"),
        agw_string("Content-Disposition: form-data2; name=\"a\"\r\n"),
        agw_string("Content-Disposition: form-data, name=\"a\"\r\n"),
        agw_string("Content-Disposition: form-data name=\"a\"\r\n"),
        agw_string("Content-Disposition: \"form-data\"; name=\"a\"\r\n"),
        agw_string("Content-Disposition: ; name=\"a\"\r\n"),
        agw_string("Content-Disposition: name=\"a\"\r\n"),
        agw_string("Content-Disposition:\r\n"),
        agw_string("Content-Disposition: \r\n"),
        agw_string("Content-Disposition: form-data\r\n"),
        agw_string("Content-Disposition: form-data;\r\n"),
        agw_string("Content-Disposition: form-data; \r\n"),
    };

    (void) state;

    refuses_all(bad, UNIT_COUNT(bad));

    has_name(S("Content-Disposition:form-data;name=\"a\"\r\n"), "a");
    has_name(S("content-disposition: form-data; name=\"a\"\r\n"), "a");
    has_name(S("CONTENT-DISPOSITION:  FORM-DATA ;  NAME=\"a\"  \r\n"), "a");
    has_name(S("Content-Type: text/plain\r\n" CD "name=\"a\"\r\n"), "a");
    has_name(S(CD "name=\"a\"\r\nContent-Type: text/plain; charset=x\r\n"
               "Content-Length: 1\r\nX-Y: z\r\nX:\r\n"), "a");
}


static void
rfc7578_4_2_name(void **state)
{
    static const agw_str_t  bad[] = {
        agw_string(CD "nam=\"a\"\r\n"), agw_string(CD "name\r\n"),
        agw_string(CD "name=\r\n"), agw_string(CD "name= \r\n"),
        agw_string(CD "name=;\r\n"), agw_string(CD "name =\"a\"\r\n"),
        agw_string(CD "name= \"a\"\r\n"), agw_string(CD "xname=\"a\"\r\n"),

        /* quotes */

        agw_string(CD "name=\"\r\n"), agw_string(CD "name=\"a\r\n"),
        agw_string(CD "name=a\"\r\n"), agw_string(CD "name=a\"b\"\r\n"),
        agw_string(CD "name=\"a\"b\r\n"), agw_string(CD "name=\"a\"\"b\"\r\n"),
        agw_string(CD "name=\"a\" b\r\n"), agw_string(CD "name=a b\r\n"),
        agw_string(CD "name=\"\"\"\r\n"),

        /* two spellings of one name */

        agw_string(CD "name=\"a%22b\"\r\n"), agw_string(CD "name=\"%61\"\r\n"),
        agw_string(CD "name=\"a%\"\r\n"), agw_string(CD "name=%61\r\n"),
        agw_string(CD "name=\"a\\\"b\"\r\n"), agw_string(CD "name=\"\\a\"\r\n"),
        agw_string(CD "name=\"a\\\\b\"\r\n"), agw_string(CD "name=\"a\\\"\r\n"),
        agw_string(CD "name=a\\b\r\n"),

        /* neither a token nor quoted (RFC 9110, section 5.6.2) */

        agw_string(CD "name=a,b\r\n"), agw_string(CD "name=a=b\r\n"),
        agw_string(CD "name=a/b\r\n"), agw_string(CD "name=(a)\r\n"),
        agw_string(CD "name=\xc3\xa9\r\n"),

        /* RFC 7578, section 4.2: name* is not to be used */

        agw_string(CD "name*=UTF-8''a\r\n"),
        agw_string(CD "name*=\"UTF-8''a\"\r\n"),
        agw_string(CD "name*0=\"a\"\r\n"),
        agw_string(CD "name=\"a\"; name*=UTF-8''b\r\n"),
        agw_string(CD "name*=UTF-8''b; name=\"a\"\r\n"),
    };

    (void) state;

    refuses_all(bad, UNIT_COUNT(bad));

    has_name(S(CD "name=a\r\n"), "a");
    has_name(S(CD "name=grant_type\r\n"), "grant_type");
    has_name(S(CD "name=a   \r\n"), "a");
    has_name(S(CD "name=\"a b\"\r\n"), "a b");
    has_name(S(CD "name=\"a;b=c\"\r\n"), "a;b=c");
    has_name(S(CD "name=\"a; filename=b\"\r\n"), "a; filename=b");
    has_name(S(CD "name=\"\xc3\xa9\"\r\n"), "\xc3\xa9");
    has_name(S(CD "name=\"\"\r\n"), "");
}


static void
rfc7578_4_2_a_file(void **state)
{
    static const agw_str_t  bad[] = {
        agw_string(CD "name=\"a\"; filename=\"f\"\r\n"),
        agw_string(CD "name=\"a\"; filename=\"\"\r\n"),
        agw_string(CD "name=\"a\"; filename=f\r\n"),
        agw_string(CD "name=\"a\";filename=\"f\"\r\n"),
        agw_string(CD "name=a; filename=f\r\n"),
        agw_string(CD "name=a;filename=f\r\n"),
        agw_string(CD "filename=\"f\"; name=\"a\"\r\n"),
        agw_string(CD "filename=\"f\"\r\n"),
        agw_string(CD "name=\"a\"; filename*=UTF-8''f\r\n"),
        agw_string(CD "name=\"a\"; FILENAME=\"f\"\r\n"),
        agw_string(CD "name=\"a\"; filename\r\n"),

        /* nor any other parameter */

        agw_string(CD "name=\"a\"; name=\"a\"\r\n"),
        agw_string(CD "name=\"a\"; name=\"b\"\r\n"),
        agw_string(CD "name=\"a\"; x=y\r\n"),
        agw_string(CD "x=y; name=\"a\"\r\n"),
        agw_string(CD "name=\"a\";\r\n"), agw_string(CD "name=\"a\"; \r\n"),
        agw_string(CD "; name=\"a\"\r\n"),
    };

    (void) state;

    refuses_all(bad, UNIT_COUNT(bad));
}


static void
rfc7578_4_7_transfer_encoding(void **state)
{
    size_t                  i;
    agw_str_t               line;
    static const agw_str_t  bad[] = {
        agw_string("base64"), agw_string("BASE64"),
        agw_string("quoted-printable"), agw_string("Quoted-Printable"),
        agw_string("x-uuencode"), agw_string("gzip"), agw_string(""),
        agw_string("7bit, base64"), agw_string("7bit; base64"),
        agw_string("8bit base64"), agw_string("\"binary\""),
        agw_string("7bi"), agw_string("7bitx"),
    };
    static const agw_str_t  good[] = {
        agw_string("7bit"), agw_string("8bit"), agw_string("binary"),
        agw_string("7BIT"), agw_string("Binary"), agw_string("   8bit"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(bad); i++) {
        line = unit_format("Content-Transfer-Encoding: %.*s\r\n",
            UNIT_ARG(bad[i]));

        unit_assert(read_part(unit_cat(S(CD "name=\"a\"\r\n"), line)) == -1,
            "accepted: %.*s", UNIT_ARG(line));
        unit_assert(read_part(unit_cat(line, S(CD "name=\"a\"\r\n"))) == -1,
            "accepted: %.*s", UNIT_ARG(line));
    }

    for (i = 0; i < UNIT_COUNT(good); i++) {
        has_name(unit_format(CD "name=\"a\"\r\n"
            "content-TRANSFER-encoding:%.*s\r\n", UNIT_ARG(good[i])), "a");
    }

    assert_int_equal(read_part(S(CD "name=\"a\"\r\n"
        "Content-Transfer-Encoding: 7bit\r\n"
        "Content-Transfer-Encoding: base64\r\n")), -1);
}


/* a reader that looks for delimiters first has a="" and c="x" in the first */

static void
rfc2046_5_1_1_delimiter_in_a_part(void **state)
{
    size_t                  i;
    static const agw_str_t  bad[] = {
        agw_string("--B\r\n" CD "name=a\r\n\r\n"
                   "--B\r\n" CD "name=c\r\n\r\nx\r\n--B--"),
        agw_string("--B\r\n" CD "name=a\r\n\r\n--B--\r\n\r\n--B--"),
        agw_string("--B\r\n" CD "name=a\r\n\r\n--B\r\n--B--"),
        agw_string("--B\r\n" CD "name=a\r\n\r\n--BX\r\n--B--"),
        agw_string("--B\r\n" CD "name=a\r\n--B: x\r\n\r\n1\r\n--B--"),
        agw_string("--B\r\n--B: x\r\n" CD "name=a\r\n\r\n1\r\n--B--"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(bad); i++) {
        memset(&params, 0, sizeof(params));
        unit_assert(agw_params_read_multipart(&params, unit_copy(bad[i]),
            S("B")) == -1, "accepted: %.*s", UNIT_ARG(bad[i]));
    }

    memset(&params, 0, sizeof(params));
    assert_int_equal(agw_params_read_multipart(&params, S("--a:b\r\n"
        CD "name=a\r\n--a:b\r\nX: y\r\n\r\n1\r\n--a:b--"), S("a:b")), -1);
}


static void
p1_5_header_lines(void **state)
{
    size_t                  i, n;
    agw_str_t               line;
    unsigned char          *p;
    static const agw_str_t  bad[] = {

        /* no colon, no name */

        agw_string("X\r\n" CD "name=\"a\"\r\n"),
        agw_string(CD "name=\"a\"\r\nX\r\n"),
        agw_string(CD "name=\"a\"\r\n \r\n"),
        agw_string(CD "name=\"a\"\r\n: x\r\n"),
        agw_string(CD "name=\"a\"\r\n:\r\n"),
        agw_string("Content-Disposition form-data; name=\"a\"\r\n"),

        /* folded (RFC 822) */

        agw_string("Content-Disposition: form-data;\r\n name=\"a\"\r\n"),
        agw_string(CD "name=\"a\"\r\n ; filename=\"f\"\r\n"),
        agw_string(CD "name=\"a\"\r\n\t; filename=\"f\"\r\n"),
        agw_string(CD "name=\"a\"\r\n\t; filename=\"f:\"\r\n"),
        agw_string(CD "name=\"a\"\r\nContent-Type: text/plain;\r\n"
                      " charset=utf-8\r\n"),
        agw_string(CD "name=\"a\"\r\n ; filename=\"b:c\"\r\n"),
        agw_string(CD "name=\"a\"\r\n ;x=\":\"; name=\"b\"\r\n"),
        agw_string(" X: y\r\n" CD "name=\"a\"\r\n"),

        /* a name that is none, and that one reader trims (RFC 9112, 5.1) */

        agw_string(CD "name=\"a\"\r\nContent-Transfer-Encoding : base64\r\n"),
        agw_string(CD "name=\"a\"\r\nContent-Disposition : x\r\n"),
        agw_string(CD "name=\"a\"\r\nX Y: z\r\n"),
        agw_string(CD "name=\"a\"\r\n(X): y\r\n"),
        agw_string(CD "name=\"a\"\r\nX\xff: y\r\n"),

        /* another line break within */

        agw_string("X: y\n" CD "name=\"a\"\r\n"),
        agw_string(CD "name=\"a\"\nX: y\r\n"),
        agw_string(CD "name=\"a\"\rX: y\r\n"),
        agw_string(CD "name=\"a\nb\"\r\n"),
    };

    (void) state;

    refuses_all(bad, UNIT_COUNT(bad));

    /* control bytes, in any line, anywhere */

    line = S(CD "name=\"a\"\r\nX: y\r\n");

    for (n = 0; n < 256; n++) {
        if (n >= 0x20 && n != 0x7f) {
            continue;
        }

        for (i = 0; i < line.len; i++) {
            if (line.data[i] == '\r' || line.data[i] == '\n') {
                continue;
            }

            p = (unsigned char *) unit_copy(line).data;
            p[i] = (unsigned char) n;

            unit_assert(read_part((agw_str_t) { line.len, p }) == -1,
                "accepted: %02zx at %zu", n, i);
        }

        unit_free_all(NULL);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(rfc7578_4_2_disposition),
        unit_case(rfc7578_4_2_name),
        unit_case(rfc7578_4_2_a_file),
        unit_case(rfc7578_4_7_transfer_encoding),
        unit_case(rfc2046_5_1_1_delimiter_in_a_part),
        unit_case(p1_5_header_lines),
    };

    return cmocka_run_group_tests_name("multipart_header", tests, NULL, NULL);
}
