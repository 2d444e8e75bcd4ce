
/* RFC 8414, section 2; RFC 8707, section 2: issuers and their resources. */


#include "unit.h"

#include "agw_url.h"


static void
rfc8414_2_issuers(void **state)
{
    size_t     i;
    agw_str_t  origin, path;
    static const struct {
        agw_str_t  url, origin, path;
    } good[] = {
        { agw_string("https://a"), agw_string("https://a"), agw_string("") },
        { agw_string("https://a/"), agw_string("https://a"),
          agw_string("/") },
        { agw_string("https://a:8443/b/c"), agw_string("https://a:8443"),
          agw_string("/b/c") },
        { agw_string("https://a//"), agw_string("https://a"),
          agw_string("//") },
    };
    static const agw_str_t  bad[] = {
        agw_string(""), agw_string("https://"), agw_string("https:///x"),
        agw_string("http://a"), agw_string("HTTPS://a"),
        agw_string("https:/a"), agw_string("https://a?"),
        agw_string("https://a/#x"), agw_string("https://b@a"),
        agw_string("https://a b"), agw_string("https://a/\x7f"),
        agw_string("https://a/\"x"), agw_string("https://a\\x"),
        agw_string("https://a/<x>"), agw_string("https://a\xc3\xa9"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(good); i++) {
        assert_int_equal(agw_url_split(unit_copy(good[i].url), &origin,
            &path), 0);
        unit_assert_str(origin, good[i].origin);
        unit_assert_str(path, good[i].path);
    }

    for (i = 0; i < UNIT_COUNT(bad); i++) {
        unit_assert(agw_url_split(unit_copy(bad[i]), &origin, &path) == -1,
            "row %zu", i);
    }
}


static void
rfc8707_2_resources(void **state)
{
    size_t                  i;
    agw_str_t               path, origin;
    static const agw_str_t  bad[] = {
        agw_string(""), agw_string("https://api.example"),
        agw_string("https://api.example.com"),
        agw_string("https://api.example.com/x"),
        agw_string("https://api.example:443/x"),
        agw_string("https://api.exampl/xx"),
        agw_string("http://api.example/xx"),
        agw_string("https://api.example?/x"),
        agw_string("https://api.example/x?"),
        agw_string("https://api.example/x?y=z"),
        agw_string("https://api.example/x#"),
        agw_string("https://api.example/x y"),
        agw_string("https://api.example/\x01"),
        agw_string("https://api.example/\xc3\xa9"),
        agw_string("https://x@api.example/"), agw_string("/x"),
        agw_string(" https://api.example/x"),
    };

    (void) state;

    origin = unit_copy(S("https://api.example"));

    assert_int_equal(agw_url_resource(unit_copy(S("https://api.example/")),
        origin, &path), 0);
    unit_assert_str(path, S("/"));
    assert_int_equal(agw_url_resource(
        unit_copy(S("HTTPS://Api.Example/V1/%2f;x//y")), origin, &path), 0);
    unit_assert_str(path, S("/V1/%2f;x//y"));

    for (i = 0; i < UNIT_COUNT(bad); i++) {
        unit_assert(agw_url_resource(unit_copy(bad[i]), origin, &path) == -1,
            "row %zu", i);
    }

    assert_int_equal(agw_url_resource(S("/x"), UNIT_NONE, &path), -1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(rfc8414_2_issuers),
        unit_case(rfc8707_2_resources),
    };

    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
