
/*
 * Templates: the literal path whose one <business_id> says which business a
 * URL is about.  A template that matches too little opens a door; one that
 * takes the wrong segment opens the neighbour's.
 */


#include "unit.h"

#include "agw_template.h"


static void
d3_refused_templates(void **state)
{
    size_t                  i;
    const char             *error;
    agw_template_t          template;
    static const agw_str_t  texts[] = {

        /* no business, or two */

        agw_string(""), agw_string("/"), agw_string("/v1/businesses"),
        agw_string("/v1/businesses/"), agw_string("/v1/{business_id}"),
        agw_string("/v1/<business>"), agw_string("/v1/<businessid>"),
        agw_string("/v1/<BUSINESS_ID>"), agw_string("/v1/<business_id"),
        agw_string("/v1/business_id>"), agw_string("/v1/< business_id >"),
        agw_string("/<business_id>/<business_id>"),
        agw_string("/v1/<business_id>/x/<business_id>"),
        agw_string("/v1/<business_id><business_id>"),

        /* part of a segment */

        agw_string("/v1/x<business_id>"), agw_string("/v1/<business_id>x"),
        agw_string("/v1/x<business_id>y"), agw_string("/v1/<business_id>.json"),
        agw_string("/v1/~<business_id>"), agw_string("/<business_id>;v=1"),
        agw_string("/v1/<<business_id>>"), agw_string("/<business_id> "),
        agw_string("/v1/ <business_id>"),
        agw_string("/<business_id>x/<business_id>"),
        agw_string("/<business_id>/x<business_id>"),

        /* relative */

        agw_string("<business_id>"), agw_string("<business_id>/"),
        agw_string("v1/<business_id>"), agw_string("./<business_id>"),
        agw_string(" /v1/<business_id>"), agw_string("~/v1/<business_id>"),
        agw_string("http://h/v1/<business_id>"),

        /* empty segments */

        agw_string("//<business_id>"), agw_string("//v1/<business_id>"),
        agw_string("/v1//<business_id>"), agw_string("/v1/<business_id>//"),
        agw_string("/v1/<business_id>//x"),
        agw_string("/v1/<business_id>/x//"),

        /* dot segments */

        agw_string("/./<business_id>"), agw_string("/../<business_id>"),
        agw_string("/v1/../<business_id>"), agw_string("/<business_id>/."),
        agw_string("/<business_id>/.."), agw_string("/<business_id>/../x"),
        agw_string("/<business_id>/x/./y"), agw_string("/<business_id>/.../"),

        /* what a literal path does not have */

        agw_string("/v%31/<business_id>"), agw_string("/%<business_id>"),
        agw_string("/<business_id>/50%"), agw_string("/%2e/<business_id>"),
        agw_string("/v1/<business_id>?x"), agw_string("/v1?/<business_id>"),
        agw_string("/v1/<business_id>/x?"), agw_string("/v1/<business_id>#"),
        agw_string("/v1#/<business_id>"), agw_string("/<business_id>/#x"),
    };

    (void) state;

    assert_int_equal(agw_template_parse(&template, UNIT_NONE, &error), -1);

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        error = NULL;
        unit_assert(agw_template_parse(&template, unit_copy(texts[i]),
            &error) == -1, "accepted: %.*s", UNIT_ARG(texts[i]));
        unit_assert(error != NULL && strlen(error) > 10, "no text: %.*s",
            UNIT_ARG(texts[i]));
    }
}


static void
d3_templates(void **state)
{
    size_t           i;
    agw_str_t        text;
    const char      *error;
    agw_template_t   template;
    static const struct {
        agw_str_t  text;
        agw_str_t  prefix;
        agw_str_t  suffix;
    } rows[] = {
        { agw_string("/<business_id>"), agw_string("/"), agw_string("") },
        { agw_string("/v1/businesses/<business_id>"),
          agw_string("/v1/businesses/"), agw_string("") },
        { agw_string("/v1/platform/<business_id>/oauth2/token"),
          agw_string("/v1/platform/"), agw_string("/oauth2/token") },
        { agw_string("/<business_id>/x"), agw_string("/"),
          agw_string("/x") },
        { agw_string("/a.b/..c/~d-e_f/<business_id>/g.h"),
          agw_string("/a.b/..c/~d-e_f/"), agw_string("/g.h") },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        text = unit_copy(rows[i].text);
        memset(&template, 0xa5, sizeof(template));
        assert_int_equal(agw_template_parse(&template, text, &error), 0);
        unit_assert_str(template.prefix, rows[i].prefix);
        unit_assert_str(template.suffix, rows[i].suffix);

        /* a final slash makes no other template; both borrow from the text */

        text = unit_cat(rows[i].text, S("/"));
        memset(&template, 0xa5, sizeof(template));
        assert_int_equal(agw_template_parse(&template, text, &error), 0);
        unit_assert_str(template.prefix, rows[i].prefix);
        unit_assert_str(template.suffix, rows[i].suffix);
        assert_ptr_equal(template.prefix.data, text.data);
    }
}


typedef struct {
    agw_str_t     path;
    agw_reason_t  prefix;            /* AGW_MATCH_PREFIX */
    agw_reason_t  whole;             /* AGW_MATCH_WHOLE */
    agw_str_t     id;                /* where there is AGW_OK */
} match_t;


/* in place of a reason: any but AGW_OK */

#define NOT_OK   AGW_REASONS
#define NONE     AGW_NO_BUSINESS_IN_PATH
#define BAD      AGW_AMBIGUOUS_PATH


static void
is(const agw_template_t *template, agw_match_t how, agw_str_t path,
    agw_reason_t wanted, agw_str_t id)
{
    agw_str_t     got;
    agw_reason_t  reason;

    path = unit_copy(path);
    memset(&got, 0, sizeof(got));
    reason = agw_template_match(template, how, path, &got);

    unit_assert(wanted == NOT_OK ? reason != AGW_OK : reason == wanted,
        "\"%.*s\", %s: %s", UNIT_ARG(path),
        how == AGW_MATCH_PREFIX ? "prefix" : "whole",
        agw_reason_info(reason)->name);

    if (reason == AGW_OK) {
        unit_assert_str(got, id);
        assert_true(got.data >= path.data
            && got.data + got.len <= path.data + path.len);
    }
}


static void
match(const char *text, const match_t *rows, size_t count)
{
    size_t           i;
    const char      *error;
    agw_template_t   template;

    assert_int_equal(agw_template_parse(&template, unit_format("%s", text),
        &error), 0);

    for (i = 0; i < count; i++) {
        is(&template, AGW_MATCH_PREFIX, rows[i].path, rows[i].prefix,
            rows[i].id);
        is(&template, AGW_MATCH_WHOLE, rows[i].path, rows[i].whole,
            rows[i].id);
    }
}


#define ID(path, prefix, whole, id)                                           \
    { agw_string(path), prefix, whole, agw_string(id) }


static void
p4_3_the_business_and_what_is_below(void **state)
{
    static const match_t  rows[] = {
        ID("/v1/businesses/A", AGW_OK, AGW_OK, "A"),
        ID("/v1/businesses/A/", AGW_OK, AGW_OK, "A"),
        ID("/v1/businesses/A/x", AGW_OK, NONE, "A"),
        ID("/v1/businesses/A/x/", AGW_OK, NONE, "A"),
        ID("/v1/businesses/A/x/y/B", AGW_OK, NONE, "A"),
        ID("/v1/businesses/A/B", AGW_OK, NONE, "A"),
        ID("/v1/businesses/businesses/B", AGW_OK, NONE, "businesses"),
        ID("/v1/businesses/a.b_c~d-e", AGW_OK, AGW_OK, "a.b_c~d-e"),
        ID("/v1/businesses/..c", AGW_OK, AGW_OK, "..c"),
        ID("/v1/businesses/AB/x", AGW_OK, NONE, "AB"),

        ID("", NONE, NONE, ""),
        ID("/", NONE, NONE, ""),
        ID("/v1", NONE, NONE, ""),
        ID("/v1/businesses", NONE, NONE, ""),
        ID("/v1/businesses/", NONE, NONE, ""),
        ID("/v1/businessesX/A", NONE, NONE, ""),
        ID("/v1/businessesX", NONE, NONE, ""),
        ID("/v1/Businesses/A", NONE, NONE, ""),
        ID("/V1/businesses/A", NONE, NONE, ""),
        ID("/v2/businesses/A", NONE, NONE, ""),
        ID("/x/v1/businesses/A", NONE, NONE, ""),
        ID("v1/businesses/A", NONE, NONE, ""),
        ID("/v1/business%65s/A", NONE, NONE, ""),
        ID("/v1/businesses;v=1/A", NONE, NONE, ""),
        ID("/v1/businesses%2fA", NONE, NONE, ""),
        ID("//v1/businesses/A", NONE, NONE, ""),
    };

    (void) state;

    match("/v1/businesses/<business_id>", rows, UNIT_COUNT(rows));
    match("/v1/businesses/<business_id>/", rows, UNIT_COUNT(rows));
}


static void
d6_business_segment(void **state)
{
    static const match_t  rows[] = {
        ID("/b/A%20", BAD, BAD, ""),
        ID("/b/A%42", BAD, BAD, ""),
        ID("/b/%41", BAD, BAD, ""),
        ID("/b/A%2fx", BAD, BAD, ""),
        ID("/b/A%2f..%2fB", BAD, BAD, ""),
        ID("/b/A;v=1", BAD, BAD, ""),
        ID("/b/A;", BAD, BAD, ""),
        ID("/b/A b", BAD, BAD, ""),
        ID("/b/ A", BAD, BAD, ""),
        ID("/b/A?x", BAD, BAD, ""),
        ID("/b/A#x", BAD, BAD, ""),
        ID("/b/A\\", BAD, BAD, ""),
        ID("/b/A+B", BAD, BAD, ""),
        ID("/b/A:B", BAD, BAD, ""),
        ID("/b/A,B", BAD, BAD, ""),
        ID("/b/A@B", BAD, BAD, ""),
        ID("/b/caf\xc3\xa9", BAD, BAD, ""),
        ID("/b/A\0", BAD, BAD, ""),
        ID("/b/A\n", BAD, BAD, ""),
        ID("/b/%", BAD, BAD, ""),
        ID("/b/A%20/x", BAD, NOT_OK, ""),
        ID("/b/A;v=1/x", BAD, NOT_OK, ""),

        /* ids by their characters, but no businesses */

        ID("/b/.", NOT_OK, NOT_OK, ""),
        ID("/b/..", NOT_OK, NOT_OK, ""),
        ID("/b/...", NOT_OK, NOT_OK, ""),
        ID("/b/./x", NOT_OK, NOT_OK, ""),
        ID("/b/../x", NOT_OK, NOT_OK, ""),
        ID("/b//", NOT_OK, NOT_OK, ""),
        ID("/b//x", NOT_OK, NOT_OK, ""),
        ID("/b//A", NOT_OK, NOT_OK, ""),
    };

    (void) state;

    match("/b/<business_id>", rows, UNIT_COUNT(rows));
}


static void
d6_business_length(void **state)
{
    agw_str_t        path, id;
    const char      *error;
    agw_template_t   template;

    (void) state;

    assert_int_equal(agw_template_parse(&template,
        S("/b/<business_id>/t"), &error), 0);

    id = unit_fill('a', 128);
    path = unit_cat(unit_cat(S("/b/"), id), S("/t"));
    is(&template, AGW_MATCH_PREFIX, path, AGW_OK, id);
    is(&template, AGW_MATCH_WHOLE, path, AGW_OK, id);

    id = unit_fill('a', 129);
    path = unit_cat(unit_cat(S("/b/"), id), S("/t"));
    is(&template, AGW_MATCH_PREFIX, path, BAD, id);
    is(&template, AGW_MATCH_WHOLE, path, BAD, id);
}


static void
p2_token_endpoint(void **state)
{
    static const match_t  rows[] = {
        ID("/v1/platform/A/oauth2/token", AGW_OK, AGW_OK, "A"),
        ID("/v1/platform/A/oauth2/token/", AGW_OK, AGW_OK, "A"),
        ID("/v1/platform/A/oauth2/token/x", AGW_OK, NONE, "A"),
        ID("/v1/platform/A/oauth2/token//", AGW_OK, NOT_OK, "A"),
        ID("/v1/platform/oauth2/oauth2/token", AGW_OK, AGW_OK, "oauth2"),

        ID("/v1/platform/A/oauth2/tokenX", NONE, NONE, ""),
        ID("/v1/platform/A/oauth2/token.json", NONE, NONE, ""),
        ID("/v1/platform/A/oauth2/token;v=1", NONE, NONE, ""),
        ID("/v1/platform/A/oauth2/token%2f", NONE, NONE, ""),
        ID("/v1/platform/A/oauth2/toke", NONE, NONE, ""),
        ID("/v1/platform/A/oauth2/Token", NONE, NONE, ""),
        ID("/v1/platform/A/oauth2", NONE, NONE, ""),
        ID("/v1/platform/A/", NONE, NONE, ""),
        ID("/v1/platform/A", NONE, NONE, ""),
        ID("/v1/platform/oauth2/token", NONE, NONE, ""),
        ID("/v1/platform/oauth2/token/", NONE, NONE, ""),
        ID("/v1/platform//oauth2/token", NOT_OK, NOT_OK, ""),
        ID("/v1/platform/A/B/oauth2/token", NONE, NONE, ""),
        ID("/v1/platform/A%2fB/oauth2/tokens", NONE, NONE, ""),
        ID("/v1/platform/A/x/oauth2/token", NONE, NONE, ""),
        ID("/v1/platform/A%2fB/oauth2/token", BAD, BAD, ""),
        ID("/v1/platform/A;/oauth2/token/", BAD, BAD, ""),
        ID("/v1/platform/../oauth2/token", NOT_OK, NOT_OK, ""),
    };

    (void) state;

    match("/v1/platform/<business_id>/oauth2/token", rows, UNIT_COUNT(rows));
    match("/v1/platform/<business_id>/oauth2/token/", rows,
        UNIT_COUNT(rows));
}


/* what is not set matches nothing */

static void
no_template(void **state)
{
    size_t                  i;
    agw_template_t          none;
    static const agw_str_t  paths[] = {
        agw_string(""), agw_string("/"), agw_string("A"), agw_string("/A"),
        agw_string("A/x"), agw_string("/A/x"),
    };

    (void) state;

    memset(&none, 0, sizeof(none));

    for (i = 0; i < UNIT_COUNT(paths); i++) {
        is(&none, AGW_MATCH_PREFIX, paths[i], NOT_OK, S(""));
        is(&none, AGW_MATCH_WHOLE, paths[i], NOT_OK, S(""));
    }
}


static agw_reason_t
confused_with(const agw_template_t *template, agw_str_t path)
{
    agw_matched_t  matched;

    return agw_templates_match(template, 1, &agw_no_template,
                               AGW_MATCH_PREFIX, path, &matched);
}


/*
 * The story: a catch-all location beside the guarded one forwarded
 * /v1;x/businesses/B to an upstream that cuts parameters off.
 */

static void
d6_read_as_a_business(void **state)
{
    size_t          i;
    const char     *error;
    agw_template_t  template;
    static const agw_str_t  confused[] = {
        agw_string("/v1;x/businesses/B"), agw_string("/v1;x/businesses/B/y"),
        agw_string("/v1/businesses;x/B/y"), agw_string("/v1/Businesses/B/y"),
        agw_string("/V1/BUSINESSES/B"), agw_string("/v1/businesses%3bx/B"),
        agw_string("/v1/businesses%253Bx/B"),
        agw_string("/v1%3fx/businesses/B"), agw_string("/v1%23/businesses/B"),
        agw_string("/v1/businesses%20/B"), agw_string("/v1/businesses./B"),
        agw_string("/v1/%62usinesses/B"), agw_string("/v1/%2562usinesses/B"),
        agw_string("/;/v1/businesses/B"), agw_string("/v1/;a/businesses/B"),
        agw_string("/v1/businesses/;/B"), agw_string("/v1/businesses/B;x"),
        agw_string("/v1/businesses/B%20/y"), agw_string("/v1/businesses/%42"),
    };
    static const agw_str_t  plain[] = {
        agw_string("/"), agw_string("/docs/a;v=1"), agw_string("/v1"),
        agw_string("/v1/businesses"), agw_string("/v1/businesses/"),
        agw_string("/v1/businesses;x/"), agw_string("/v1/businesses/;"),
        agw_string("/v1/businesses/B"), agw_string("/v1/businesses/B/"),
        agw_string("/v1/businesses/B/c;v=1"), agw_string("/x/v1/businesses/B"),
        agw_string("/v1/business/B"), agw_string("/v1/businessesx/B"),
        agw_string("/v1x/businesses/B"), agw_string("/v2/businesses/B"),
        agw_string("/businesses/B"), agw_string("/v1/businesses%2x/B"),
    };

    (void) state;

    assert_int_equal(agw_template_parse(&template,
        S("/v1/businesses/<business_id>"), &error), 0);

    for (i = 0; i < UNIT_COUNT(confused); i++) {
        unit_assert(confused_with(&template, unit_copy(confused[i]))
            == AGW_AMBIGUOUS_PATH, "plain: %.*s", UNIT_ARG(confused[i]));
    }

    for (i = 0; i < UNIT_COUNT(plain); i++) {
        unit_assert(confused_with(&template, unit_copy(plain[i]))
            == AGW_OK, "confused: %.*s", UNIT_ARG(plain[i]));
    }

    assert_int_equal(agw_template_parse(&template,
        S("/v1/platform/<business_id>/oauth2/token"), &error), 0);

    assert_int_equal(confused_with(&template,
        S("/v1/platform/B;x/oauth2/token")), AGW_AMBIGUOUS_PATH);
    assert_int_equal(confused_with(&template,
        S("/v1/platform/B/oauth2;x/Token/")), AGW_AMBIGUOUS_PATH);
    assert_int_equal(confused_with(&template,
        S("/v1/platform/B/oauth2/token/")), AGW_OK);
    assert_int_equal(confused_with(&template,
        S("/v1/platform/B;x/oauth2")), AGW_OK);
}


/* collections in which businesses lie, or what is theirs */

static void
d6_templates_below_a_path(void **state)
{
    int              below, own;
    size_t           i, k;
    const char      *error;
    agw_template_t   t[3];
    static const agw_str_t  texts[] = {
        agw_string("/v1/businesses/<business_id>"),
        agw_string("/v1/businesses/<business_id>/a/b"),
        agw_string("/<business_id>"),
    };
    static const struct {
        agw_str_t    path;
        const char  *below;              /* of each text: y, n, or b: B's */
    } rows[] = {
        { agw_string("/"), "yyy" },
        { agw_string("/v1"), "yyn" },
        { agw_string("/v1/"), "yyn" },
        { agw_string("/v1/businesses"), "yyn" },
        { agw_string("/v1/businesses/"), "yyn" },
        { agw_string("/v1/businesses/B"), "nbn" },
        { agw_string("/v1/businesses/B/"), "nbn" },
        { agw_string("/v1/businesses/B/a"), "nbn" },
        { agw_string("/v1/businesses/B/a/"), "nbn" },
        { agw_string("/v1/businesses/C"), "nyn" },
        { agw_string("/v1/businesses/C/a/"), "nyn" },
        { agw_string("/v1/businesses/B/a/b"), "nnn" },
        { agw_string("/v1/businesses/B/a/b/"), "nnn" },
        { agw_string("/v1/businesses/B/a/bc"), "nnn" },
        { agw_string("/v1/businesses/B/ab"), "nnn" },
        { agw_string("/v1/businesses/B/b"), "nnn" },
        { agw_string("/v1/business"), "nnn" },
        { agw_string("/v1/businessesx"), "nnn" },
        { agw_string("/v1x"), "nnn" },
        { agw_string("/v"), "nnn" },
        { agw_string("/V1"), "nnn" },
        { agw_string("/v2/"), "nnn" },
        { agw_string("v1"), "nnn" },
        { agw_string("//"), "nnn" },
    };

    (void) state;

    for (k = 0; k < UNIT_COUNT(texts); k++) {
        assert_int_equal(agw_template_parse(&t[k], texts[k], &error), 0);

        for (i = 0; i < UNIT_COUNT(rows); i++) {
            below = agw_businesses_lie_below(&t[k], unit_copy(rows[i].path),
                                             UNIT_NONE);
            own = agw_businesses_lie_below(&t[k], unit_copy(rows[i].path),
                                           S("B"));

            unit_assert(below == (rows[i].below[k] != 'n')
                && own == (rows[i].below[k] == 'y'),
                "\"%.*s\" and \"%.*s\"", UNIT_ARG(texts[k]),
                UNIT_ARG(rows[i].path));
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d6_read_as_a_business),
        unit_case(d3_refused_templates),
        unit_case(d3_templates),
        unit_case(p4_3_the_business_and_what_is_below),
        unit_case(d6_business_segment),
        unit_case(d6_business_length),
        unit_case(p2_token_endpoint),
        unit_case(d6_templates_below_a_path),
        unit_case(no_template),
    };

    return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
