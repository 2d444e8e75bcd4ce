
/*
 * Paths that two readers could read in two ways (D6).  Each
 * row of hostile[] has been, somewhere, the way from one tenant to another:
 * the gateway saw business A, the upstream behind it business B.
 */


#include "unit.h"

#include "agw_path.h"


#define A   "/v1/businesses/A/"


static const agw_str_t  hostile[] = {

    /* not a path */

    agw_string(""), agw_string("a"), agw_string("v1/businesses/A"),
    agw_string("*"), agw_string("."), agw_string(".."), agw_string(" /"),
    agw_string("http://h/v1/businesses/A"), agw_string("h:443"),
    agw_string("%2fv1"), agw_string("%2f"), agw_string("\\v1"),
    agw_string("?"), agw_string("#"),

    /* empty segments */

    agw_string("//"), agw_string("///"), agw_string("//v1"),
    agw_string("/v1//"), agw_string("/v1//x"), agw_string(A "/"),
    agw_string(A "/x"), agw_string("//h/v1/businesses/A"),
    agw_string("/v1/businesses//A"), agw_string(A "x//"),

    /* dot segments */

    agw_string("/."), agw_string("/.."), agw_string("/./"),
    agw_string("/../"), agw_string(A "."), agw_string(A ".."),
    agw_string(A "./x"), agw_string(A "../B/x"), agw_string(A "x/.."),
    agw_string(A "../../../docs/x"), agw_string(A "..."),
    agw_string(A ".../x"), agw_string(A "....//x"), agw_string(A "..../x"),
    agw_string("/v1/businesses/../businesses/B"),

    /* and encoded, once, twice and three times */

    agw_string(A "%2e"), agw_string(A "%2E/x"), agw_string(A "%2e%2e/B"),
    agw_string(A "%2E%2e/B"), agw_string(A ".%2e/B"), agw_string(A "%2e./B"),
    agw_string(A "%252e"), agw_string(A "%252e%252e/B"),
    agw_string(A ".%252e/B"), agw_string(A "%252e./B"),
    agw_string(A "%25252e%25252e/B"), agw_string(A "%2525252e./B"),
    agw_string(A "%25%32%65%2e/B"), agw_string(A "%%32%65./B"),
    agw_string(A "%%32e%2e/B"), agw_string(A "%2%65%2e/B"),
    agw_string(A "%25%2532%2565./B"), agw_string(A "%2%2565./B"),

    /* dots with spaces, which some file systems cut off */

    agw_string(A "..%20/B"), agw_string(A "%20../B"), agw_string(A ".%20./B"),
    agw_string(A ".%20/B"), agw_string(A "%20./B"), agw_string(A ".. /B"),
    agw_string(A " ../B"), agw_string(A ". ./B"), agw_string(A "%20%2e%20"),
    agw_string(A "..%2520/B"), agw_string(A "%252e%2520%252e/B"),
    agw_string(A "..%20%20%20"), agw_string(A "..%20;x/B"),

    /* dots with parameters, which servlet containers cut off */

    agw_string(A "..;/B"), agw_string(A ".;/B"), agw_string(A "..;x=1/B"),
    agw_string(A "..;;/B"), agw_string(A "..%3b/B"), agw_string(A "..%3B/B"),
    agw_string(A "..%3bx=1/B"), agw_string(A "..%253b/B"),
    agw_string(A "..%25253b/B"), agw_string(A "%2e%2e;/B"),
    agw_string(A "%2e%2e%3b/B"), agw_string(A "%252e%252e%253b/B"),
    agw_string(A "..;"), agw_string(A ".;v=1"), agw_string(A "..;a;b/B"),

    /* dots before what could be a query or a fragment after decoding */

    agw_string(A "..%3f/B"), agw_string(A "..%3F"), agw_string(A "..%3fx"),
    agw_string(A "..%253f/B"), agw_string(A "..%25253f"),
    agw_string(A "..%23/B"), agw_string(A "..%23"), agw_string(A "..%2523"),
    agw_string(A "..%252523x"), agw_string(A ".%3fx"), agw_string(A ".%23x"),
    agw_string(A "..?x"), agw_string(A "..?/B"), agw_string(A "%2e%2e%23"),
    agw_string(A "..%20%3f"), agw_string(A "..%3b%3f%23"),

    /* a slash that was none in the raw path */

    agw_string(A "..%2fB/x"), agw_string(A "..%2FB/x"),
    agw_string(A "..%2f..%2f..%2fdocs/x"), agw_string(A "x%2fy"),
    agw_string(A "%2f"), agw_string(A "%2F%2F"), agw_string(A "x%2f"),
    agw_string(A "%252f"), agw_string(A "..%252fB"), agw_string(A "x%252Fy"),
    agw_string(A "%25252f"), agw_string(A "..%25252fB"),
    agw_string(A "%2525252f"), agw_string(A "%25%32%66"),
    agw_string(A "%25%32f"), agw_string(A "%252%66"), agw_string(A "%2%66"),
    agw_string(A "%%32f"), agw_string(A "%%32%66"), agw_string(A "%%32%46"),
    agw_string(A "%%%332f"), agw_string(A "%2%2566"),
    agw_string(A "x;y%2f..%2fB"), agw_string(A "x;%2f"),
    agw_string(A "x%3b%2f"), agw_string(A "x%3f%2f"),
    agw_string(A "x%23%2f"), agw_string(A "x%3f/..%2f"),
    agw_string("/v1/businesses/A%2fx"), agw_string("/v1%2fbusinesses/A/x"),

    /* a backslash */

    agw_string(A "..\\B"), agw_string(A "\\"), agw_string(A "x\\y"),
    agw_string("/\\v1"), agw_string("/\\\\h/v1"), agw_string(A "..%5cB"),
    agw_string(A "..%5CB"), agw_string(A "%5c"), agw_string(A "x%5cy"),
    agw_string(A "%255c"), agw_string(A "..%255cB"), agw_string(A "%25255c"),
    agw_string(A "%25%35%63"), agw_string(A "%%35c"), agw_string(A "%5%63"),
    agw_string(A "x;y%5c"), agw_string(A "x%3f%5c"), agw_string(A "\\..\\B"),

    /* NUL and other control bytes */

    agw_string(A "x%00"), agw_string(A "%00"), agw_string(A "..%00/B"),
    agw_string(A "x%00y"), agw_string(A "%2500"), agw_string(A "%252500"),
    agw_string(A "%25%30%30"), agw_string(A "%%300"), agw_string(A "%0%30"),
    agw_string(A "x\0y"), agw_string(A "\0"), agw_string(A "..\0"),
    agw_string(A "%0a"), agw_string(A "%0d%0a"), agw_string(A "%0D%0AX:y"),
    agw_string(A "%250d%250a"), agw_string(A "..%0d/B"),
    agw_string(A "..%09/B"), agw_string(A "%09"), agw_string(A "x\ty"),
    agw_string(A "x\ny"), agw_string(A "%7f"), agw_string(A "\x7f"),
    agw_string(A "%1f"), agw_string(A "%01"), agw_string(A "%257F"),
    agw_string(A "x;y%00"), agw_string(A "x%3f%0a"),

    /* what is not UTF-8: overlong '/', '.', '\', NUL; and others */

    agw_string(A "%c0%af"), agw_string(A "..%c0%afB"),
    agw_string(A "..%C0%AFB"), agw_string(A "%c0%ae%c0%ae/B"),
    agw_string(A "%c1%9c"), agw_string(A "%c0%80"),
    agw_string(A "%e0%80%af"), agw_string(A "%e0%80%ae"),
    agw_string(A "%f0%80%80%af"), agw_string(A "%f8%80%80%80%af"),
    agw_string(A "%fc%80%80%80%80%af"), agw_string(A "%25c0%25af"),
    agw_string(A "%2525c0%2525af"), agw_string(A "\xc0\xaf"),
    agw_string(A "..\xc0\xaf" "B"), agw_string(A "%c0\xaf"),
    agw_string(A "\xc0%af"), agw_string(A "%ff"), agw_string(A "%fe%ff"),
    agw_string(A "\xff"), agw_string(A "%80"), agw_string(A "%bf"),
    agw_string(A "%c3"), agw_string(A "%c3x"), agw_string(A "%c3/%a9"),
    agw_string(A "%e2%82"), agw_string(A "%f0%9f%98"),
    agw_string(A "%ed%a0%80"), agw_string(A "%ed%a0%bd%ed%b8%80"),
    agw_string(A "%f4%90%80%80"), agw_string(A "x;y%ff"),

    /* a raw '#' */

    agw_string("/#"), agw_string(A "#"), agw_string(A "x#y"),
    agw_string(A "x#"), agw_string(A "..#"), agw_string(A "#/../B"),
    agw_string("/#/v1/businesses/A"), agw_string(A "x;#"),
};


static const agw_str_t  ordinary[] = {
    agw_string("/"), agw_string("/v1"), agw_string("/v1/"),
    agw_string("/v1/businesses/A"), agw_string(A), agw_string(A "x"),
    agw_string(A "x/"), agw_string(A "x/y/z"),
    agw_string(A "a%20b"), agw_string(A "a b"), agw_string(A "%20"),
    agw_string(A "%20%20"), agw_string(A "%2520"), agw_string(A " "),
    agw_string(A "caf%C3%A9"), agw_string(A "caf%c3%a9"),
    agw_string(A "caf\xc3\xa9"), agw_string(A "caf%25C3%25A9"),
    agw_string(A "caf\xc3%A9"), agw_string(A "%E2%82%AC"),
    agw_string(A "%F0%9F%98%80"), agw_string(A "\xf0\x9f\x98\x80"),
    agw_string(A "x;v=1"), agw_string(A "x;v=1/y;w=2"), agw_string(A ";v=1"),
    agw_string(A "x%3bv=1"), agw_string(A "50%25"), agw_string(A "50%2525"),
    agw_string(A "50%"), agw_string(A "%"), agw_string(A "%%"),
    agw_string(A "%zz"), agw_string(A "100%25%20sure"), agw_string(A "%2"),
    agw_string(A "%25zz"), agw_string(A "%252"), agw_string(A "%u002f"),
    agw_string(A "a.b"), agw_string(A "..c"), agw_string(A "c.."),
    agw_string(A "...c"), agw_string(A "c..."), agw_string(A ".c"),
    agw_string(A "c."), agw_string(A "a..b"), agw_string(A ".c."),
    agw_string(A "..c/x"), agw_string(A ".%20c"), agw_string(A "..%20c"),
    agw_string(A "%2ec"), agw_string(A "%2e%2ec"), agw_string(A "c%2e%2e"),
    agw_string(A "..x;y"), agw_string(A ";.."), agw_string(A "x;.."),
    agw_string(A "x;../y"), agw_string(A "%3b.."), agw_string(A "x%3f.."),
    agw_string(A "x%23.."), agw_string(A ".-."), agw_string(A ".%25."),
    agw_string(A "..%"), agw_string(A ".._"), agw_string(A "..&x"),
    agw_string("/.well-known/oauth-authorization-server"),
    agw_string("/v1/.hidden"), agw_string(A "a%3fb"), agw_string(A "a%23b"),
    agw_string(A "a?b"), agw_string(A "a:b@c,d=e+f&g$h!i*j(k)l'm"),
    agw_string(A "a%2Bb%26c%3Dd"), agw_string(A "~user/a_b-c.d"),
    agw_string(A "\"<>[]^`{|}"), agw_string(A "%22%3C%3E%7B%7D"),
    agw_string(A "2026-11-22T10:00:00Z"), agw_string(A "%E3%80%82"),
    agw_string("/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z"),
};


static void
is(agw_str_t path, agw_reason_t wanted)
{
    agw_reason_t  reason;

    reason = agw_path_check(unit_copy(path));

    unit_assert(reason == wanted, "\"%.*s\": %s", UNIT_ARG(path),
        agw_reason_info(reason)->name);
}


static void
d6_hostile_paths(void **state)
{
    size_t  i;

    (void) state;

    is(UNIT_NONE, AGW_AMBIGUOUS_PATH);

    for (i = 0; i < UNIT_COUNT(hostile); i++) {
        is(hostile[i], AGW_AMBIGUOUS_PATH);
    }
}


/* what is hostile stays so with more path, of any kind, before and after */

static void
d6_hostile_paths_in_company(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < UNIT_COUNT(hostile); i++) {
        if (hostile[i].len == 0 || hostile[i].data[0] != '/') {
            continue;
        }

        is(unit_cat(S("/x"), hostile[i]), AGW_AMBIGUOUS_PATH);
        is(unit_cat(S("/caf%C3%A9;v=1/50%25"), hostile[i]),
            AGW_AMBIGUOUS_PATH);
        is(unit_cat(hostile[i], S("/x")), AGW_AMBIGUOUS_PATH);
        is(unit_cat(hostile[i], S("/%20/y/")), AGW_AMBIGUOUS_PATH);
    }
}


static void
d6_ordinary_paths(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < UNIT_COUNT(ordinary); i++) {
        is(ordinary[i], AGW_OK);

        if (ordinary[i].data[ordinary[i].len - 1] != '/') {
            is(unit_cat(ordinary[i], S("/")), AGW_OK);
            is(unit_cat(ordinary[i], S("/x")), AGW_OK);
        }
    }
}


/* every byte, raw and encoded up to six times, within a segment */

static void
d6_every_byte(void **state)
{
    int           b, times;
    agw_str_t     spelling;
    agw_reason_t  wanted;

    (void) state;

    for (b = 0; b < 256; b++) {
        wanted = (b < 0x20 || b >= 0x7f || b == '\\' || b == '/')
            ? AGW_AMBIGUOUS_PATH : AGW_OK;

        spelling = unit_format("%02x", b);

        for (times = 0; times < 6; times++) {
            is(unit_format("/a/x%%%.*sy", UNIT_ARG(spelling)), wanted);
            spelling = unit_cat(S("25"), spelling);
        }

        if (b == '#') {
            wanted = AGW_AMBIGUOUS_PATH;
        }

        if (b == '/') {
            wanted = AGW_OK;
        }

        is(unit_cat(unit_cat(S("/a/x"), unit_fill(b, 1)), S("y")), wanted);
    }
}


static void
d6_deeply_encoded(void **state)
{
    size_t     n;
    agw_str_t  more;

    (void) state;

    for (n = 0; n < 4000; n = n * 2 + 1) {
        more = unit_repeat(S("25"), n);

        is(unit_format("/a/%%%.*s2f", UNIT_ARG(more)), AGW_AMBIGUOUS_PATH);
        is(unit_format("/a/%%%.*s5c", UNIT_ARG(more)), AGW_AMBIGUOUS_PATH);
        is(unit_format("/a/%%%.*s00", UNIT_ARG(more)), AGW_AMBIGUOUS_PATH);
        is(unit_format("/a/.%%%.*s2e", UNIT_ARG(more)), AGW_AMBIGUOUS_PATH);
        is(unit_format("/a/..%%%.*s3b", UNIT_ARG(more)), AGW_AMBIGUOUS_PATH);
        is(unit_format("/a/x%%%.*sff", UNIT_ARG(more)), AGW_AMBIGUOUS_PATH);
        is(unit_format("/a/x%%%.*s2e", UNIT_ARG(more)), AGW_OK);
        is(unit_format("/a/x%%%.*s25", UNIT_ARG(more)), AGW_OK);
    }
}


static void
d6_long_paths(void **state)
{
    agw_str_t  path;

    (void) state;

    path = unit_repeat(S("/x"), 50000);
    is(path, AGW_OK);
    is(unit_cat(path, S("/")), AGW_OK);
    is(unit_cat(path, S("/..")), AGW_AMBIGUOUS_PATH);
    is(unit_cat(path, S("//")), AGW_AMBIGUOUS_PATH);

    path = unit_cat(S("/"), unit_repeat(S("%20"), 50000));
    is(path, AGW_OK);
    is(unit_cat(path, S(".")), AGW_AMBIGUOUS_PATH);
    is(unit_cat(path, S(".x")), AGW_OK);

    is(unit_cat(S("/"), unit_fill('.', 100000)), AGW_AMBIGUOUS_PATH);
    is(unit_fill('/', 100000), AGW_AMBIGUOUS_PATH);
    is(unit_cat(S("/"), unit_fill('%', 100000)), AGW_OK);
}


static void
rfc3986_3_path_of_target(void **state)
{
    size_t  i;
    static const struct {
        agw_str_t  target;
        agw_str_t  path;
    } rows[] = {
        { agw_string(""), agw_string("") },
        { agw_string("/"), agw_string("/") },
        { agw_string("/a/b"), agw_string("/a/b") },
        { agw_string("/a?b"), agw_string("/a") },
        { agw_string("/a?"), agw_string("/a") },
        { agw_string("?a"), agw_string("") },
        { agw_string("/a?b?c"), agw_string("/a") },
        { agw_string("/a?b/../c#d"), agw_string("/a") },
        { agw_string("/a/?"), agw_string("/a/") },
        { agw_string("/a%3fb"), agw_string("/a%3fb") },
        { agw_string("/a;b?c"), agw_string("/a;b") },
        { agw_string("/a\0b?c"), agw_string("/a\0b") },
    };

    (void) state;

    assert_int_equal(agw_path_of_target(UNIT_NONE).len, 0);

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        unit_assert_str(agw_path_of_target(unit_copy(rows[i].target)),
            rows[i].path);
    }

    /* a '#' does not hide behind a query, nor end the path */

    is(agw_path_of_target(S("/a#b?c")), AGW_AMBIGUOUS_PATH);
    is(agw_path_of_target(S("/a#?c")), AGW_AMBIGUOUS_PATH);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d6_hostile_paths),
        unit_case(d6_hostile_paths_in_company),
        unit_case(d6_ordinary_paths),
        unit_case(d6_every_byte),
        unit_case(d6_deeply_encoded),
        unit_case(d6_long_paths),
        unit_case(rfc3986_3_path_of_target),
    };

    return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
