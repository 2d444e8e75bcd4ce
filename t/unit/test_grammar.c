
/*
 * The character sets of the RFCs, byte by byte, and UTF-8 against a slow and
 * separate reading of the same texts.
 */


#include <ctype.h>

#include "unit.h"

#include "agw_grammar.h"


static const char  alnum[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789";


static int
is_one_of(int b, const char *set)
{
    return b != 0 && strchr(set, b) != NULL;
}


/* a word of three bytes, of which the middle one varies */

static agw_str_t
around(unsigned char *word, int b)
{
    agw_str_t  s;

    word[0] = 'a';
    word[1] = (unsigned char) b;
    word[2] = 'z';

    s.len = 3;
    s.data = word;

    return s;
}


static void
d4_id_bytes(void **state)
{
    int            b, ok;
    agw_str_t      one;
    unsigned char  word[3];

    (void) state;

    for (b = 0; b < 256; b++) {
        ok = is_one_of(b, alnum) || is_one_of(b, "._~-");

        unit_assert(!agw_is_id(around(word, b)) == !ok, "byte %02x", b);

        one.len = 1;
        one.data = &word[1];
        unit_assert(!agw_is_id(one) == !ok, "byte %02x alone", b);
    }
}


static void
d4_id_length(void **state)
{
    (void) state;

    assert_false(agw_is_id(UNIT_NONE));
    assert_false(agw_is_id(S("")));
    assert_true(agw_is_id(unit_fill('a', 1)));
    assert_true(agw_is_id(unit_fill('a', 128)));
    assert_false(agw_is_id(unit_fill('a', 129)));
    assert_true(agw_is_id(S("0b5c8d5e-7a3f-4d8e-9c1a-2b3c4d5e6f70")));
    assert_false(agw_is_id(S("a\0")));
    assert_false(agw_is_id(S("\0")));
    assert_false(agw_is_id(S("a\n")));
}


static void
rfc6750_2_1_b64token(void **state)
{
    int            b, ok;
    unsigned char  word[3];

    (void) state;

    for (b = 0; b < 256; b++) {
        ok = is_one_of(b, alnum) || is_one_of(b, "-._~+/");

        unit_assert(!agw_is_b64token(around(word, b)) == !ok, "byte %02x", b);
    }

    assert_false(agw_is_b64token(UNIT_NONE));
    assert_false(agw_is_b64token(S("")));
    assert_false(agw_is_b64token(S("=")));
    assert_false(agw_is_b64token(S("==")));
    assert_false(agw_is_b64token(S("=a")));
    assert_false(agw_is_b64token(S("a=b")));
    assert_false(agw_is_b64token(S("a=b=")));
    assert_false(agw_is_b64token(S("a= ")));
    assert_false(agw_is_b64token(S("a ")));
    assert_false(agw_is_b64token(S(" a")));
    assert_true(agw_is_b64token(S("a")));
    assert_true(agw_is_b64token(S("a=")));
    assert_true(agw_is_b64token(S("a=====")));
    assert_true(agw_is_b64token(S("e30.e30.-_~+/09==")));
}


static void
rfc6749_3_3_scope(void **state)
{
    int            b, ok;
    unsigned char  word[3];

    (void) state;

    for (b = 0; b < 256; b++) {
        ok = b >= 0x20 && b <= 0x7e && b != '"' && b != '\\';

        unit_assert(!agw_is_scope(around(word, b)) == !ok, "byte %02x", b);
    }

    assert_false(agw_is_scope(UNIT_NONE));
    assert_false(agw_is_scope(S("")));
    assert_false(agw_is_scope(S(" ")));
    assert_false(agw_is_scope(S(" a")));
    assert_false(agw_is_scope(S("a ")));
    assert_false(agw_is_scope(S("a  b")));
    assert_false(agw_is_scope(S("a\tb")));
    assert_false(agw_is_scope(S("a\0")));
    assert_true(agw_is_scope(S("a")));
    assert_true(agw_is_scope(S("a b")));
    assert_true(agw_is_scope(S("a a")));
    assert_true(agw_is_scope(S("https://example.com/scope?x=1#y a:b !")));
    assert_true(agw_is_scope(unit_fill('a', 1024)));
    assert_false(agw_is_scope(unit_fill('a', 1025)));
}


/* decodes one sequence by its bit pattern, then looks at its value */

static int
is_utf8_slowly(const unsigned char *p, size_t len)
{
    size_t    n, i;
    uint32_t  c;

    while (len != 0) {
        if (p[0] < 0x80) {
            n = 1;
            c = p[0];

        } else if ((p[0] & 0xe0) == 0xc0) {
            n = 2;
            c = p[0] & 0x1f;

        } else if ((p[0] & 0xf0) == 0xe0) {
            n = 3;
            c = p[0] & 0x0f;

        } else if ((p[0] & 0xf8) == 0xf0) {
            n = 4;
            c = p[0] & 0x07;

        } else {
            return 0;
        }

        if (n > len) {
            return 0;
        }

        for (i = 1; i < n; i++) {
            if ((p[i] & 0xc0) != 0x80) {
                return 0;
            }

            c = c << 6 | (p[i] & 0x3f);
        }

        if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
            return 0;
        }

        /* only the shortest form is one */

        if (n != (c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4)) {
            return 0;
        }

        p += n;
        len -= n;
    }

    return 1;
}


static void
rfc3629_utf8(void **state)
{
    size_t  i;
    static const struct {
        int        ok;
        agw_str_t  text;
    } rows[] = {
        { 1, agw_string("") },
        { 1, agw_string("plain") },
        { 1, agw_string("\0") },
        { 1, agw_string("\x7f") },
        { 1, agw_string("\xc2\x80") },
        { 1, agw_string("\xc3\xa9") },
        { 1, agw_string("\xdf\xbf") },
        { 1, agw_string("\xe0\xa0\x80") },
        { 1, agw_string("\xed\x9f\xbf") },
        { 1, agw_string("\xee\x80\x80") },
        { 1, agw_string("\xef\xbf\xbf") },
        { 1, agw_string("\xf0\x90\x80\x80") },
        { 1, agw_string("\xf4\x8f\xbf\xbf") },
        { 0, agw_string("\x80") },
        { 0, agw_string("\xbf") },
        { 0, agw_string("a\x80") },
        { 0, agw_string("\xc0\x80") },                  /* overlong NUL */
        { 0, agw_string("\xc0\xaf") },                  /* overlong '/' */
        { 0, agw_string("\xc1\xbf") },
        { 0, agw_string("\xe0\x80\xaf") },
        { 0, agw_string("\xe0\x9f\xbf") },
        { 0, agw_string("\xf0\x80\x80\xaf") },
        { 0, agw_string("\xf0\x8f\xbf\xbf") },
        { 0, agw_string("\xf8\x80\x80\x80\xaf") },
        { 0, agw_string("\xfc\x80\x80\x80\x80\xaf") },
        { 0, agw_string("\xed\xa0\x80") },              /* surrogates */
        { 0, agw_string("\xed\xbf\xbf") },
        { 0, agw_string("\xed\xa0\xbd\xed\xb8\x80") },
        { 0, agw_string("\xf4\x90\x80\x80") },          /* 110000 */
        { 0, agw_string("\xf5\x80\x80\x80") },
        { 0, agw_string("\xfe") },
        { 0, agw_string("\xff") },
        { 0, agw_string("\xc3") },                      /* truncated */
        { 0, agw_string("\xe2\x82") },
        { 0, agw_string("\xf0\x9f\x98") },
        { 0, agw_string("\xc3" "a") },
        { 0, agw_string("\xe2\x82" "a") },
        { 0, agw_string("\xf0\x9f\x98" "a") },
        { 0, agw_string("\xc3\xa9\xa9") },
    };

    (void) state;

    assert_true(agw_is_utf8(UNIT_NONE));

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        unit_assert(!agw_is_utf8(unit_copy(rows[i].text)) == !rows[i].ok,
            "row %zu", i);
    }
}


/* every lead byte with every second one, and the edges of the rest */

static void
rfc3629_utf8_agrees_with_the_slow_reading(void **state)
{
    int                         a, b;
    size_t                      i, j, n;
    agw_str_t                   s;
    unsigned char               p[4];
    static const unsigned char  edges[] = {
        0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2,
        0xe0, 0xf0, 0xff,
    };

    (void) state;

    s.data = p;

    for (a = 0; a < 256; a++) {
        for (b = 0; b < 256; b++) {
            for (i = 0; i < sizeof(edges); i++) {
                for (j = 0; j < sizeof(edges); j++) {
                    p[0] = (unsigned char) a;
                    p[1] = (unsigned char) b;
                    p[2] = edges[i];
                    p[3] = edges[j];

                    for (n = 2; n <= 4; n++) {
                        s.len = n;
                        unit_assert(!agw_is_utf8(s) == !is_utf8_slowly(p, n),
                            "%02x %02x %02x %02x, %zu bytes", a, b, p[2],
                            p[3], n);
                    }
                }
            }
        }
    }
}


static void
d6_control_bytes(void **state)
{
    int            b;
    unsigned char  word[3];

    (void) state;

    for (b = 0; b < 256; b++) {
        unit_assert(!agw_has_control(around(word, b))
            == !(b < 0x20 || b == 0x7f), "byte %02x", b);
    }

    assert_false(agw_has_control(UNIT_NONE));
    assert_true(agw_has_control(S("\r")));
    assert_true(agw_has_control(S("abc\n")));
    assert_true(agw_has_control(S("\0abc")));
}


static void
rfc9110_11_1_scheme_case(void **state)
{
    int            a, b;
    agw_str_t      s, t;
    unsigned char  x, y;

    (void) state;

    assert_true(agw_same_nocase(S("Bearer"), S("bEARER")));
    assert_true(agw_same_nocase(UNIT_NONE, S("")));
    assert_false(agw_same_nocase(S("Bearer"), S("Beare")));
    assert_false(agw_same_nocase(S("Beare"), S("Bearer")));
    assert_false(agw_same_nocase(S("Bearer"), S("Bearer\0")));

    s.len = t.len = 1;
    s.data = &x;
    t.data = &y;

    for (a = 0; a < 256; a++) {
        for (b = 0; b < 256; b++) {
            x = (unsigned char) a;
            y = (unsigned char) b;

            unit_assert(!agw_same_nocase(s, t)
                == !(a == b || (a < 128 && b < 128 && isalpha(a)
                                && isalpha(b) && tolower(a) == tolower(b))),
                "%02x and %02x", a, b);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d4_id_bytes),
        unit_case(d4_id_length),
        unit_case(rfc6750_2_1_b64token),
        unit_case(rfc6749_3_3_scope),
        unit_case(rfc3629_utf8),
        unit_case(rfc3629_utf8_agrees_with_the_slow_reading),
        unit_case(d6_control_bytes),
        unit_case(rfc9110_11_1_scheme_case),
    };

    return cmocka_run_group_tests_name("grammar", tests, NULL, NULL);
}
