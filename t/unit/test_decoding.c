
/*
 * The two decodings of '%': that of a path, as often as it can be, since
 * nobody knows how many readers will each decode once; and that of a form,
 * once, where a '%' that means nothing is an error.
 */


#include <ctype.h>

#include "unit.h"

#include "agw_decoding.h"


/* one escape at a time, the last one first, until there is none */

static agw_str_t
decode_slowly(agw_str_t s)
{
    char            hex[3];
    size_t          i;
    unsigned char  *p;

    s = unit_copy(s);
    p = (unsigned char *) s.data;
    hex[2] = '\0';

    for (i = s.len; i-- > 0; /* void */) {

        if (p[i] != '%' || s.len - i < 3 || !isxdigit(p[i + 1])
            || !isxdigit(p[i + 2]))
        {
            continue;
        }

        hex[0] = (char) p[i + 1];
        hex[1] = (char) p[i + 2];
        p[i] = (unsigned char) strtoul(hex, NULL, 16);

        memmove(&p[i + 1], &p[i + 3], s.len - i - 3);
        s.len -= 2;
        i = s.len;
    }

    return s;
}


static agw_str_t
percent_decode(agw_str_t s)
{
    agw_str_t       text;
    unsigned char  *out;

    s = unit_copy(s);
    out = unit_alloc(s.len);

    text.len = agw_percent_decode_all(s, out);
    text.data = out;
    assert_true(text.len <= s.len);

    /* the same in place */

    assert_int_equal(agw_percent_decode_all(s, (unsigned char *) s.data),
        text.len);
    s.len = text.len;
    unit_assert_str(s, text);

    return text;
}


static void
d6_percent_decode(void **state)
{
    size_t  i;
    static const struct {
        agw_str_t  text;
        agw_str_t  wanted;
    } rows[] = {
        { agw_string(""), agw_string("") },
        { agw_string("abc"), agw_string("abc") },
        { agw_string("%41"), agw_string("A") },
        { agw_string("x%41y"), agw_string("xAy") },
        { agw_string("%2f%2F%5c%5C"), agw_string("//\\\\") },
        { agw_string("%fF%Ff"), agw_string("\xff\xff") },
        { agw_string("%00"), agw_string("\0") },
        { agw_string("a+b"), agw_string("a+b") },
        { agw_string("%25"), agw_string("%") },
        { agw_string("%2525"), agw_string("%") },
        { agw_string("50%25"), agw_string("50%") },
        { agw_string("%2541"), agw_string("A") },
        { agw_string("%252525252f"), agw_string("/") },
        { agw_string("%25%34%31"), agw_string("A") },
        { agw_string("%25%2534%2531"), agw_string("A") },
        { agw_string("%%41"), agw_string("%A") },
        { agw_string("%%341"), agw_string("A") },
        { agw_string("%%32f"), agw_string("/") },
        { agw_string("%2%66"), agw_string("/") },
        { agw_string("%%32%66"), agw_string("/") },
        { agw_string("%%%332%66"), agw_string("/") },
        { agw_string("%%25%332f"), agw_string("/") },
        { agw_string("%%%32%35%32f"), agw_string("%/") },
        { agw_string("%4%31"), agw_string("A") },
        { agw_string("%"), agw_string("%") },
        { agw_string("%%"), agw_string("%%") },
        { agw_string("%4"), agw_string("%4") },
        { agw_string("a%"), agw_string("a%") },
        { agw_string("a%4"), agw_string("a%4") },
        { agw_string("%zz%4g%g4%u0041"), agw_string("%zz%4g%g4%u0041") },
        { agw_string("% 41%+1%-1%0x"), agw_string("% 41%+1%-1%0x") },
        { agw_string("%25zz%254g"), agw_string("%zz%4g") },
    };

    (void) state;

    assert_int_equal(
        agw_percent_decode_all(UNIT_NONE, (unsigned char *) ""), 0);

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        unit_assert_str(decode_slowly(rows[i].text), rows[i].wanted);
        unit_assert_str(percent_decode(rows[i].text), rows[i].wanted);
    }
}


static void
d6_percent_decode_agrees_with_the_slow_reading(void **state)
{
    size_t             i, n;
    uint32_t           seed;
    agw_str_t          s;
    unsigned char      text[24];
    static const char  alphabet[] = "%%%%22335566fFeEcCaA/.g";

    (void) state;

    seed = 3986;

    for (i = 0; i < 100000; i++) {
        s.len = unit_random(&seed) % sizeof(text);
        s.data = text;

        for (n = 0; n < s.len; n++) {
            text[n] = (unsigned char)
                alphabet[unit_random(&seed) % (sizeof(alphabet) - 1)];
        }

        unit_assert(agw_str_eq(percent_decode(s), decode_slowly(s)),
            "%.*s", UNIT_ARG(s));
        unit_free_all(NULL);
    }
}


/*
 * "%252525...", a megabyte: where the work is quadratic, this takes minutes,
 * and a path of 8 KB costs what a thousand others do.
 */

static void
d6_percent_decode_deep(void **state)
{
    size_t     i;
    agw_str_t  s;

    (void) state;

    s = unit_cat(unit_cat(S("%"), unit_repeat(S("25"), 500000)), S("2f"));
    s = unit_cat(s, s);

    for (i = 0; i < 3; i++) {
        unit_assert_str(percent_decode(s), S("//"));
    }
}


static int
form_decode(agw_str_t s, agw_str_t *text)
{
    int             rc;
    size_t          len;
    agw_str_t       place;
    unsigned char  *out;

    s = unit_copy(s);
    out = unit_alloc(s.len);

    rc = agw_form_decode(s, out, &len);
    text->len = rc == 0 ? len : 0;
    text->data = out;

    place = unit_copy(s);
    assert_int_equal(agw_form_decode(place, (unsigned char *) place.data,
        &len), rc);

    if (rc == 0) {
        place.len = len;
        unit_assert_str(place, *text);
    }

    return rc;
}


static void
rfc6749_b_form_decode(void **state)
{
    size_t                  i;
    agw_str_t               text;
    static const agw_str_t  bad[] = {
        agw_string("%"), agw_string("a%"), agw_string("%4"),
        agw_string("a%4"), agw_string("%zz"), agw_string("%4g"),
        agw_string("%g4"), agw_string("%%41"), agw_string("%41%"),
        agw_string("% 1"), agw_string("%+1"), agw_string("100% sure"),
    };

    (void) state;

    assert_int_equal(form_decode(S("a+b%2Bc%20d%2b"), &text), 0);
    unit_assert_str(text, S("a b+c d+"));

    /* RFC 6749, appendix B: its own example */

    assert_int_equal(form_decode(S("+%25%26%2B%C2%A3%E2%82%AC"), &text), 0);
    unit_assert_str(text, S(" %&+\xc2\xa3\xe2\x82\xac"));

    assert_int_equal(form_decode(S("%2541"), &text), 0);
    unit_assert_str(text, S("%41"));

    assert_int_equal(form_decode(S(""), &text), 0);
    unit_assert_str(text, S(""));

    assert_int_equal(form_decode(S("%00"), &text), 0);
    unit_assert_str(text, S("\0"));

    for (i = 0; i < UNIT_COUNT(bad); i++) {
        unit_assert(form_decode(bad[i], &text) == -1, "%.*s",
            UNIT_ARG(bad[i]));
    }
}


/* all pairs of bytes after a '%' */

static void
rfc3986_2_1_hex_digits(void **state)
{
    int            a, b, hex;
    size_t         len;
    agw_str_t      s;
    unsigned char  text[3], out[3];

    (void) state;

    s.len = sizeof(text);
    s.data = text;
    text[0] = '%';

    for (a = 0; a < 256; a++) {
        for (b = 0; b < 256; b++) {
            text[1] = (unsigned char) a;
            text[2] = (unsigned char) b;
            hex = isxdigit(a) && isxdigit(b);

            unit_assert(agw_percent_decode_all(s, out)
                == (hex ? 1u : 3u), "%02x %02x", a, b);
            unit_assert(agw_form_decode(s, out, &len) == (hex ? 0 : -1),
                "%02x %02x", a, b);
            unit_assert(!hex || (len == 1 && out[0] == (unsigned char)
                (16 * (isdigit(a) ? a - '0' : tolower(a) - 'a' + 10)
                 + (isdigit(b) ? b - '0' : tolower(b) - 'a' + 10))),
                "%02x %02x", a, b);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d6_percent_decode),
        unit_case(d6_percent_decode_agrees_with_the_slow_reading),
        unit_case(d6_percent_decode_deep),
        unit_case(rfc6749_b_form_decode),
        unit_case(rfc3986_2_1_hex_digits),
    };

    return cmocka_run_group_tests_name("decoding", tests, NULL, NULL);
}
