
/*
 * All templates of a server against one path, in one pass: which business it
 * names, by which template, and whether another server could read it as the
 * path of one.
 */


#include "unit.h"

#include "agw_path.h"
#include "agw_template.h"


#define TEMPLATES  4

#define NONE       ((size_t) -1)
#define ANY        ((size_t) -2)


static agw_template_t  server[TEMPLATES];


static int
parse(void **state)
{
    size_t       i;
    const char  *error;
    static const agw_str_t  texts[TEMPLATES] = {
        agw_string("/v1/businesses/<business_id>"),
        agw_string("/v1/<business_id>"),
        agw_string("/v2/<business_id>/(a)"),
        agw_string("/v1/businesses/<business_id>/x"),
    };

    (void) state;

    for (i = 0; i < TEMPLATES; i++) {
        if (agw_template_parse(&server[i], texts[i], &error) != 0) {
            return -1;
        }
    }

    return 0;
}


static void
is(const char *path, size_t n, size_t which, agw_reason_t result,
    agw_reason_t reason, const char *id, const char *rest)
{
    agw_reason_t           got;
    agw_matched_t          matched;
    const agw_template_t  *own;

    own = which == ANY ? NULL
          : which == NONE ? &agw_no_template : &server[which];

    got = agw_templates_match(server, n, own, AGW_MATCH_PREFIX,
                              unit_format("%s", path), &matched);

    unit_assert(got == result && matched.reason == reason,
        "%s: %s, %s", path, agw_reason_info(got)->name,
        agw_reason_info(matched.reason)->name);

    assert_int_equal(matched.business_id.len, strlen(id));

    if (reason == AGW_OK) {
        unit_assert_str(matched.business_id, unit_format("%s", id));
        unit_assert_str(matched.rest, unit_format("%s", rest));
    }
}


static void
d6_which_template_names_the_business(void **state)
{
    (void) state;

    is("/v1/businesses/B/x/y", 1, 0, AGW_OK, AGW_OK, "B", "/x/y");
    is("/v1/businesses/B/x/y", 1, ANY, AGW_OK, AGW_OK, "B",
       "/x/y");
    is("/v1/businesses/B/x/y", 1, NONE, AGW_OK,
       AGW_NO_BUSINESS_IN_PATH, "", "");

    is("/v1/x/B/x/y", 2, 1, AGW_OK, AGW_OK, "x", "/B/x/y");
    is("/v1/businesses/B/x/y", 4, 3, AGW_OK, AGW_OK, "B", "/y");
    is("/v1/businesses/B/x/y", 2, ANY, AGW_OK, AGW_OK, "B",
       "/x/y");

    is("/v2/B/(a)", 3, 2, AGW_OK, AGW_OK, "B", "");
    is("/v2/B/(a)/", 3, 2, AGW_OK, AGW_OK, "B", "/");
    is("/v2/B/(a)", 3, 0, AGW_OK, AGW_NO_BUSINESS_IN_PATH, "", "");
    is("/v2/B/(a)", 3, ANY, AGW_OK, AGW_OK, "B", "");

    is("/docs", 3, ANY, AGW_OK, AGW_NO_BUSINESS_IN_PATH, "", "");
    is("", 3, ANY, AGW_OK, AGW_NO_BUSINESS_IN_PATH, "", "");
    is("/v1/businesses/B", 0, ANY, AGW_OK,
       AGW_NO_BUSINESS_IN_PATH, "", "");
}


/* such a template names no business, and leaves none to others */

static void
d6_a_segment_that_is_no_identifier(void **state)
{
    (void) state;

    is("/v1/businesses/;", 2, 0, AGW_OK, AGW_AMBIGUOUS_PATH, "", "");
    is("/v1/businesses/;", 2, 1, AGW_OK, AGW_AMBIGUOUS_PATH, "", "");
    is("/v1/businesses/;", 2, ANY, AGW_OK, AGW_AMBIGUOUS_PATH,
       "", "");
    is("/v1/businesses/;", 2, NONE, AGW_OK,
       AGW_NO_BUSINESS_IN_PATH, "", "");
    is("/v1/businesses/a;b", 1, 0, AGW_AMBIGUOUS_PATH, AGW_AMBIGUOUS_PATH,
       "", "");
}


/* also by a template that names no business here, and after another matched */

static void
d6_confused_with_any_template(void **state)
{
    (void) state;

    is("/v1/Businesses/B", 2, 1, AGW_AMBIGUOUS_PATH, AGW_OK, "Businesses",
       "/B");
    is("/v1/Businesses/B", 2, NONE, AGW_AMBIGUOUS_PATH,
       AGW_NO_BUSINESS_IN_PATH, "", "");
    is("/V2/B/(A)", 3, 0, AGW_AMBIGUOUS_PATH, AGW_NO_BUSINESS_IN_PATH, "",
       "");
    is("/v2/B/%2528a%29", 3, 0, AGW_AMBIGUOUS_PATH, AGW_NO_BUSINESS_IN_PATH,
       "", "");
    is("/V2/B/(A)", 2, 0, AGW_OK, AGW_NO_BUSINESS_IN_PATH, "", "");
}


/* an endpoint's own is not among those of the server */

static void
d6_the_whole_path_of_an_endpoint(void **state)
{
    size_t           i;
    const char      *error;
    agw_reason_t     reason;
    agw_matched_t    matched;
    agw_template_t   own;
    static const struct {
        agw_str_t     path;
        agw_reason_t  reason;
    } rows[] = {
        { agw_string("/v1/B/token"), AGW_OK },
        { agw_string("/v1/B/token/"), AGW_OK },
        { agw_string("/v1/B/token/x"), AGW_NO_BUSINESS_IN_PATH },
        { agw_string("/v1/businesses/token"), AGW_AMBIGUOUS_PATH },
        { agw_string("/v1/businesses/token/"), AGW_AMBIGUOUS_PATH },
        { agw_string("/v2/B/(a)"), AGW_NO_BUSINESS_IN_PATH },
    };

    (void) state;

    assert_int_equal(agw_template_parse(&own,
        unit_format("/v1/<business_id>/token"), &error), 0);

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        reason = agw_templates_match(server, 3, &own, AGW_MATCH_WHOLE,
                                     unit_copy(rows[i].path), &matched);

        unit_assert(reason == AGW_OK && matched.reason == rows[i].reason
            && (matched.business_id.len != 0) == (rows[i].reason == AGW_OK),
            "%.*s", UNIT_ARG(rows[i].path));
    }
}


/*
 * The rest is all that is left to check: what agw_path_check() says of it, it
 * says of the path.
 */

static void
d6_only_the_rest_is_to_check(void **state)
{
    size_t         i, k;
    agw_str_t      path;
    agw_reason_t   rest;
    agw_matched_t  matched;
    static const char *const  heads[] = {
        "/v1/businesses/B", "/v1/businesses/.x", "/v1/businesses/a..",
        "/v1/businesses/~", "/v2/B/(a)", "/v2/-/(a)",
    };
    static const char *const  rests[] = {
        "", "/", "/a", "/a/", "/a/b.c", "/.a", "/a;v=1", "/%20", "/%c3%a9",
        "/%", "/%zz", "/+", "/a%3fb", "/...x",
        "//", "//a", "/a//b", "/.", "/..", "/../..", "/a/..", "/%2e%2e/B",
        "/%252e.", "/..;", "/. ", "/%2f", "/a%252fb", "/#", "/a#b", "/\\",
        "/%5c", "/%00", "/\x7f", "/%c3", "/\xff", "/%c0%ae", "/..%23",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(heads); i++) {
        for (k = 0; k < UNIT_COUNT(rests); k++) {
            path = unit_format("%s%s", heads[i], rests[k]);

            agw_templates_match(server, TEMPLATES, NULL, AGW_MATCH_PREFIX,
                                path, &matched);

            assert_int_equal(matched.reason, AGW_OK);
            unit_assert_str(matched.rest, unit_format("%s", rests[k]));

            rest = matched.rest.len ? agw_path_check(matched.rest) : AGW_OK;

            unit_assert(agw_path_check(path) == rest, "%.*s: the rest: %s",
                        UNIT_ARG(path), agw_reason_info(rest)->name);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d6_which_template_names_the_business),
        unit_case(d6_a_segment_that_is_no_identifier),
        unit_case(d6_confused_with_any_template),
        unit_case(d6_the_whole_path_of_an_endpoint),
        unit_case(d6_only_the_rest_is_to_check),
    };

    return cmocka_run_group_tests_name("templates", tests, parse, NULL);
}
