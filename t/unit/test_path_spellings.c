
/*
 * The other spellings of a path (design, section 6): one that nginx changed,
 * in which "%23" has become '#'; what remains of one after a location's name;
 * and the one in a Destination.
 */


#include "unit.h"

#include "agw_path.h"


static void
decoded_is(agw_str_t path, agw_reason_t wanted)
{
    unit_assert(agw_path_check_decoded(unit_copy(path)) == wanted,
        "\"%.*s\"", UNIT_ARG(path));
}


/* a '#' is a character like others, and hides none of the other rules */

static void
d6_a_decoded_path(void **state)
{
    size_t                  i;
    static const agw_str_t  plain[] = {
        agw_string("/"), agw_string("/a"), agw_string("/a/b/"),
        agw_string("/#"), agw_string("/a#b"), agw_string("/a#"),
        agw_string("/#a"), agw_string("/a#/b"), agw_string("/##"),
        agw_string("/#.."), agw_string("/#../b"), agw_string("/a#..b"),
        agw_string("/a b#\xc3\xa9"), agw_string("/a?b#c"),
        agw_string("/a#%25"), agw_string("/a;#"), agw_string("/%2523"),
    };
    static const agw_str_t  hostile[] = {
        agw_string(""), agw_string("#"), agw_string("a#"),
        agw_string("/..#"), agw_string("/.#"), agw_string("/..#/b"),
        agw_string("/..#x"), agw_string("/..%23"), agw_string("/ ..#"),
        agw_string("/..;#"), agw_string("/..#;"), agw_string("/a#/../b"),
        agw_string("/#/../b"), agw_string("/a#/."), agw_string("/a#/%2e%2e"),
        agw_string("/a#//b"), agw_string("//#"), agw_string("/a#%2fb"),
        agw_string("/a#%2f../b"), agw_string("/a#\\b"), agw_string("/a#%5cb"),
        agw_string("/a#\n"), agw_string("/a#%00"), agw_string("/a#\0"),
        agw_string("/a#\xff"), agw_string("/a#%c0%af"),
        agw_string("/\xc3#\xa9"),
    };

    (void) state;

    decoded_is(UNIT_NONE, AGW_AMBIGUOUS_PATH);

    for (i = 0; i < UNIT_COUNT(plain); i++) {
        decoded_is(plain[i], AGW_OK);
        decoded_is(unit_cat(S("/x"), plain[i]), AGW_OK);
    }

    for (i = 0; i < UNIT_COUNT(hostile); i++) {
        decoded_is(hostile[i], AGW_AMBIGUOUS_PATH);

        if (hostile[i].len && hostile[i].data[0] == '/') {
            decoded_is(unit_cat(hostile[i], S("/x")), AGW_AMBIGUOUS_PATH);
            decoded_is(unit_cat(S("/#"), hostile[i]), AGW_AMBIGUOUS_PATH);
        }
    }
}


/* without a '#' the two checks are one */

static void
d6_a_decoded_path_is_a_path(void **state)
{
    size_t             i, n;
    uint32_t           seed;
    agw_str_t          path;
    unsigned char      text[12];
    static const char  alphabet[] = "./%25fFeE;?\\ a";

    (void) state;

    seed = 23;

    for (i = 0; i < 100000; i++) {
        path.len = 1 + unit_random(&seed) % (sizeof(text) - 1);
        path.data = text;
        text[0] = '/';

        for (n = 1; n < path.len; n++) {
            text[n] = (unsigned char)
                alphabet[unit_random(&seed) % (sizeof(alphabet) - 1)];
        }

        unit_assert(agw_path_check(path) == agw_path_check_decoded(path),
            "\"%.*s\"", UNIT_ARG(path));
    }
}


static void
d6_what_remains_after_a_name(void **state)
{
    size_t  i;
    static const struct {
        agw_str_t     path;
        agw_str_t     name;
        agw_reason_t  reason;
    } rows[] = {
        { agw_string("/docs../x"), agw_string("/docs"), AGW_AMBIGUOUS_PATH },
        { agw_string("/docs.."), agw_string("/docs"), AGW_AMBIGUOUS_PATH },
        { agw_string("/docs."), agw_string("/docs"), AGW_AMBIGUOUS_PATH },
        { agw_string("/docs./x"), agw_string("/docs"), AGW_AMBIGUOUS_PATH },
        { agw_string("/docs.../x"), agw_string("/docs"), AGW_AMBIGUOUS_PATH },
        { agw_string("/docs..;/x"), agw_string("/docs"), AGW_AMBIGUOUS_PATH },
        { agw_string("/docs..;v"), agw_string("/docs"), AGW_AMBIGUOUS_PATH },
        { agw_string("/docs..?x"), agw_string("/docs"), AGW_AMBIGUOUS_PATH },
        { agw_string("/docs..#/x"), agw_string("/docs"), AGW_AMBIGUOUS_PATH },
        { agw_string("/docs.. /x"), agw_string("/docs"), AGW_AMBIGUOUS_PATH },
        { agw_string("/docs ../x"), agw_string("/docs"), AGW_AMBIGUOUS_PATH },
        { agw_string("/docs%2e%2E"), agw_string("/docs"),
          AGW_AMBIGUOUS_PATH },
        { agw_string("/docs%252e./x"), agw_string("/docs"),
          AGW_AMBIGUOUS_PATH },
        { agw_string("/docs%2e%2e%2fx"), agw_string("/docs"),
          AGW_AMBIGUOUS_PATH },
        { agw_string("/docs%20%2e/x"), agw_string("/docs"),
          AGW_AMBIGUOUS_PATH },
        { agw_string("/docs/../x"), agw_string("/docs"),
          AGW_AMBIGUOUS_PATH },
        { agw_string("/docs/.."), agw_string("/docs/"), AGW_AMBIGUOUS_PATH },
        { agw_string("/docs//.."), agw_string("/docs/"),
          AGW_AMBIGUOUS_PATH },
        { agw_string("/.."), agw_string(""), AGW_AMBIGUOUS_PATH },
        { agw_string("/.."), agw_string("/"), AGW_AMBIGUOUS_PATH },
        { agw_string("/x.."), agw_string("/x."), AGW_AMBIGUOUS_PATH },

        { agw_string("/docs"), agw_string("/docs"), AGW_OK },
        { agw_string("/docs/"), agw_string("/docs"), AGW_OK },
        { agw_string("/docs/x"), agw_string("/docs/"), AGW_OK },
        { agw_string("/docsx"), agw_string("/docs"), AGW_OK },
        { agw_string("/docs..x"), agw_string("/docs"), AGW_OK },
        { agw_string("/docs.x/.."), agw_string("/docs"), AGW_OK },
        { agw_string("/docs;.."), agw_string("/docs"), AGW_OK },
        { agw_string("/docs-../x"), agw_string("/docs"), AGW_OK },
        { agw_string("/docs x"), agw_string("/docs"), AGW_OK },
        { agw_string("/docs "), agw_string("/docs"), AGW_OK },
        { agw_string("/docs%"), agw_string("/docs"), AGW_OK },
        { agw_string("/docs%2"), agw_string("/docs"), AGW_OK },
        { agw_string("/docs%2ex"), agw_string("/docs"), AGW_OK },
        { agw_string("/docs\0.."), agw_string("/docs"), AGW_OK },
        { agw_string("/docs"), agw_string("/docs../"), AGW_OK },
        { agw_string("/Docs../x"), agw_string("/docs"), AGW_OK },
        { agw_string("/other../x"), agw_string("/docs"), AGW_OK },
        { agw_string("/"), agw_string(""), AGW_OK },
    };

    (void) state;

    assert_int_equal(agw_path_check_after(UNIT_NONE, UNIT_NONE), AGW_OK);
    assert_int_equal(agw_path_check_after(UNIT_NONE, S("/a")), AGW_OK);

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        unit_assert(agw_path_check_after(unit_copy(rows[i].path),
            unit_copy(rows[i].name)) == rows[i].reason,
            "\"%.*s\" after \"%.*s\"", UNIT_ARG(rows[i].path),
            UNIT_ARG(rows[i].name));
    }
}


/* the authority ends where its readers agree that it does, or has no path */

static void
rfc4918_10_3_path_of_a_destination(void **state)
{
    size_t  i;
    static const struct {
        agw_str_t  uri;
        agw_str_t  path;
    } rows[] = {
        { agw_string("/"), agw_string("/") },
        { agw_string("/a/b"), agw_string("/a/b") },
        { agw_string("/a?b/c"), agw_string("/a") },
        { agw_string("//h/a"), agw_string("//h/a") },
        { agw_string("/a#b"), agw_string("/a#b") },
        { agw_string("http://h/a/b"), agw_string("/a/b") },
        { agw_string("https://h/"), agw_string("/") },
        { agw_string("HTTPS://h:443/a?b"), agw_string("/a") },
        { agw_string("https://u:p@h/a"), agw_string("/a") },
        { agw_string("https://[::1]:8/a"), agw_string("/a") },
        { agw_string("https:///a"), agw_string("/a") },
        { agw_string("https://h//a"), agw_string("//a") },
        { agw_string("https://h/a#b"), agw_string("/a#b") },

        { agw_string(""), agw_string("") },
        { agw_string("*"), agw_string("") },
        { agw_string("a/b"), agw_string("") },
        { agw_string("?/a"), agw_string("") },
        { agw_string("#/a"), agw_string("") },
        { agw_string(" /a"), agw_string("") },
        { agw_string("h/a"), agw_string("") },
        { agw_string("h:443/a"), agw_string("") },
        { agw_string("https"), agw_string("") },
        { agw_string("https:"), agw_string("") },
        { agw_string("https:/"), agw_string("") },
        { agw_string("https:/h/a"), agw_string("") },
        { agw_string("https://"), agw_string("") },
        { agw_string("https://h"), agw_string("") },
        { agw_string("https://h?x=/a"), agw_string("") },
        { agw_string("https://h#/a"), agw_string("") },
        { agw_string("https://h\\/a"), agw_string("") },
        { agw_string("https://h /a"), agw_string("") },
        { agw_string("https://h\t/a"), agw_string("") },
        { agw_string("https://h\0/a"), agw_string("") },
        { agw_string("https://h\x7f/a"), agw_string("") },
        { agw_string("https://h\xc3\xa9/a"), agw_string("") },
        { agw_string("httpsx://h/a"), agw_string("") },
        { agw_string("ftp://h/a"), agw_string("") },
        { agw_string("file:///a"), agw_string("") },
    };

    (void) state;

    assert_int_equal(agw_path_of_uri(UNIT_NONE).len, 0);

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        unit_assert_str(agw_path_of_uri(unit_copy(rows[i].uri)),
            rows[i].path);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d6_a_decoded_path),
        unit_case(d6_a_decoded_path_is_a_path),
        unit_case(d6_what_remains_after_a_name),
        unit_case(rfc4918_10_3_path_of_a_destination),
    };

    return cmocka_run_group_tests_name("path spellings", tests, NULL, NULL);
}
