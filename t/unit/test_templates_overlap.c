
/*
 * Templates of one server that match the same path.  The story: each location
 * decided by its own template, so that a rewrite to /a/x/B in the location of
 * "/a/<business_id>" let the token of a business "x" in, while
 * "/a/x/<business_id>" guards that path for B.
 */


#include "unit.h"

#include "agw_grammar.h"
#include "agw_template.h"


#define MOST    6                        /* segments of a path */
#define MANY    5                        /* templates of a server */
#define PATHS   2000


/* a path, or a template, of which the segment NULL is the business */

typedef struct {
    size_t       n;
    const char  *segments[MOST];
} model_t;


static const char *const  words[] = { "a", "b", "ab", "@" };


static agw_template_t
parsed(agw_str_t text)
{
    const char      *error;
    agw_template_t   template;

    unit_assert(agw_template_parse(&template, text, &error) == 0,
        "%.*s: %s", UNIT_ARG(text), error);

    return template;
}


/* the business that a location with the template `own` finds, or none */

static agw_str_t
reads(const agw_template_t *t, size_t n, const agw_template_t *own,
    agw_match_t how, agw_str_t path)
{
    agw_matched_t  matched;

    if (agw_templates_match(t, n, own, how, path, &matched) != AGW_OK) {
        matched.business_id.len = 0;
    }

    return matched.business_id;
}


static void
d6_the_most_specific_names_the_business(void **state)
{
    size_t          i, k;
    agw_str_t       id;
    agw_template_t  t[2];
    static const struct {
        const char  *templates[2];
        const char  *path;
        const char  *ids[2];             /* in the location of each */
    } rows[] = {
        { { "/a/<business_id>", "/a/x/<business_id>" }, "/a/x/B",
          { "", "B" } },
        { { "/a/<business_id>", "/a/x/<business_id>" }, "/a/x/B/c/d",
          { "", "B" } },
        { { "/a/<business_id>", "/a/x/<business_id>" }, "/a/x",
          { "x", "" } },
        { { "/a/<business_id>", "/a/x/<business_id>" }, "/a/x/x",
          { "x", "x" } },
        { { "/a/<business_id>", "/a/x/<business_id>" }, "/a/B/x",
          { "B", "" } },
        { { "/a/<business_id>", "/a/x/<business_id>" }, "/a/x/;",
          { "", "" } },
        { { "/<business_id>", "/a/b/c/<business_id>/d" }, "/a/b/c/B/d/e",
          { "", "B" } },
        { { "/<business_id>", "/a/b/c/<business_id>/d" }, "/a/b/c/B/e",
          { "a", "" } },
        { { "/a/<business_id>/y", "/a/x/y/<business_id>" }, "/a/x/y/B",
          { "", "B" } },

        /* a literal that is no identifier takes no business's place */

        { { "/a/<business_id>", "/a/@me/<business_id>" }, "/a/@me/B",
          { "", "B" } },

        /* neither is the more specific, however long their literals are */

        { { "/a/<business_id>/x", "/a/b/<business_id>" }, "/a/b/x",
          { "", "" } },
        { { "/a/<business_id>/x/y/z", "/a/b/<business_id>" }, "/a/b/x/y/z",
          { "", "" } },
        { { "/a/<business_id>/x", "/a/bbbbbbbb/<business_id>/y" },
          "/a/bbbbbbbb/x/y", { "", "" } },
        { { "/a/<business_id>/x", "/a/b/<business_id>" }, "/a/b/c",
          { "", "c" } },
        { { "/a/<business_id>/x", "/a/b/<business_id>" }, "/a/c/x",
          { "c", "" } },
        { { "/a/<business_id>/b", "/a/b/<business_id>" }, "/a/b/b",
          { "b", "b" } },

        /* one place: one business */

        { { "/a/<business_id>", "/a/<business_id>/x" }, "/a/B/x",
          { "B", "B" } },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        for (k = 0; k < 2; k++) {
            t[k] = parsed(unit_format("%s", rows[i].templates[k]));
        }

        for (k = 0; k < 2; k++) {
            id = reads(t, 2, &t[k], AGW_MATCH_PREFIX,
                       unit_format("%s", rows[i].path));

            unit_assert(agw_str_eq(id, unit_format("%s", rows[i].ids[k])),
                "%s by %s: \"%.*s\"", rows[i].path, rows[i].templates[k],
                UNIT_ARG(id));
        }
    }
}


static model_t
drawn(uint32_t *seed, size_t most)
{
    size_t   i;
    model_t  model;

    model.n = 1 + unit_random(seed) % most;

    for (i = 0; i < model.n; i++) {
        model.segments[i] = words[unit_random(seed) % UNIT_COUNT(words)];
    }

    return model;
}


static agw_str_t
written(const model_t *model)
{
    size_t     i;
    agw_str_t  text;

    text = unit_format("%s", "");

    for (i = 0; i < model->n; i++) {
        text = unit_cat(text, unit_format("/%s", model->segments[i]
                              ? model->segments[i] : "<business_id>"));
    }

    return text;
}


/* whether all that b matches is matched by a, too */

static int
covers(const model_t *a, const model_t *b)
{
    size_t  i;

    for (i = 0; i < a->n; i++) {
        if (i == b->n || (a->segments[i] != NULL
                          && a->segments[i] != b->segments[i]))
        {
            return 0;
        }
    }

    return 1;
}


/* the segment of the path where the template has the business, or NULL */

static const char *
business(const model_t *template, const model_t *path)
{
    size_t  i;

    if (!covers(template, path)) {
        return NULL;
    }

    for (i = 0; template->segments[i] != NULL; i++) { /* void */ }

    return path->segments[i];
}


/* what the location of template k may read, by the words of the rule */

static const char *
expected(const model_t *t, size_t n, size_t k, const model_t *path)
{
    size_t       i;
    const char  *id, *other;

    id = business(&t[k], path);

    if (id == NULL || strcmp(id, "@") == 0) {
        return "";
    }

    for (i = 0; i < n; i++) {
        other = business(&t[i], path);

        if (other != NULL && other != id
            && (covers(&t[k], &t[i]) || !covers(&t[i], &t[k])))
        {
            return "";
        }
    }

    return id;
}


/* all locations of a drawn server read a drawn path */

static size_t
one_business(const model_t *m, const agw_template_t *t, size_t n,
    const model_t *path)
{
    size_t       k, found;
    agw_str_t    text, id, whole, first;
    const char  *wanted;

    found = 0;
    first.len = 0;
    first.data = NULL;
    text = written(path);

    for (k = 0; k < n; k++) {
        id = reads(t, n, &t[k], AGW_MATCH_PREFIX, text);
        whole = reads(t, n, &t[k], AGW_MATCH_WHOLE, text);

        wanted = expected(m, n, k, path);

        unit_assert(agw_str_eq(id, unit_format("%s", wanted)),
            "%.*s by %.*s is \"%.*s\", not \"%s\"", UNIT_ARG(text),
            UNIT_ARG(written(&m[k])), UNIT_ARG(id), wanted);

        unit_assert(whole.len == 0 || agw_str_eq(whole, id),
            "%.*s whole by %.*s", UNIT_ARG(text), UNIT_ARG(written(&m[k])));

        if (id.len == 0) {
            continue;
        }

        unit_assert(first.len == 0 || agw_str_eq(first, id),
            "%.*s is of \"%.*s\" and of \"%.*s\"", UNIT_ARG(text),
            UNIT_ARG(first), UNIT_ARG(id));

        first = id;
        found++;
    }

    return found;
}


static void
d6_no_path_is_of_two_businesses(void **state)
{
    size_t           i, k, n, once, twice;
    model_t          m[MANY], path;
    uint32_t         seed;
    agw_template_t   t[MANY];

    (void) state;

    seed = 3986;
    once = 0;
    twice = 0;

    for (i = 0; i < PATHS; i++) {
        n = 2 + unit_random(&seed) % (MANY - 1);

        for (k = 0; k < n; k++) {
            m[k] = drawn(&seed, MOST - 2);
            m[k].segments[unit_random(&seed) % m[k].n] = NULL;
            t[k] = parsed(written(&m[k]));
        }

        for (k = 0; k < 20; k++) {
            path = drawn(&seed, MOST);

            switch (one_business(m, t, n, &path)) {

            case 0:
                break;

            case 1:
                once++;
                break;

            default:
                twice++;
            }
        }
    }

    unit_assert(once > PATHS / 10 && twice > PATHS / 10, "%zu, %zu", once,
                twice);
}


/* whether two templates differ in no segment that both have as a literal */

static int
may_meet(const model_t *a, const model_t *b)
{
    size_t  i;

    for (i = 0; i < a->n && i < b->n; i++) {
        if (a->segments[i] != NULL && b->segments[i] != NULL
            && a->segments[i] != b->segments[i])
        {
            return 0;
        }
    }

    return 1;
}


static agw_overlap_t
overlap(const model_t *a, const model_t *b)
{
    size_t  i, k;

    for (i = 0; a->segments[i] != NULL; i++) { /* void */ }
    for (k = 0; b->segments[k] != NULL; k++) { /* void */ }

    if (i >= k || !may_meet(a, b)) {
        return AGW_OVERLAP_NONE;
    }

    if (covers(a, b)) {
        return strcmp(b->segments[i], "@") ? AGW_OVERLAP_SPECIFIC
                                           : AGW_OVERLAP_NONE;
    }

    return a->segments[k] != b->segments[i] ? AGW_OVERLAP_AMBIGUOUS
                                            : AGW_OVERLAP_NONE;
}


static void
d6_how_two_templates_overlap(void **state)
{
    size_t          i, k, seen[3];
    model_t         m[2];
    uint32_t        seed;
    agw_overlap_t   got, wanted;
    agw_template_t  t[2];

    (void) state;

    seed = 6570;
    memset(seen, 0, sizeof(seen));

    for (i = 0; i < 10 * PATHS; i++) {

        for (k = 0; k < 2; k++) {
            m[k] = drawn(&seed, MOST - 2);
            m[k].segments[unit_random(&seed) % m[k].n] = NULL;
            t[k] = parsed(written(&m[k]));
        }

        got = agw_templates_overlap(&t[0], &t[1]);
        wanted = overlap(&m[0], &m[1]);

        unit_assert(got == wanted, "%.*s and %.*s: %d, not %d",
            UNIT_ARG(written(&m[0])), UNIT_ARG(written(&m[1])), got, wanted);

        seen[got]++;
    }

    for (i = 0; i < UNIT_COUNT(seen); i++) {
        unit_assert(seen[i] > PATHS / 20, "%zu of %zu", seen[i], i);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d6_the_most_specific_names_the_business),
        unit_case(d6_no_path_is_of_two_businesses),
        unit_case(d6_how_two_templates_overlap),
    };

    return cmocka_run_group_tests_name("templates_overlap", tests, NULL, NULL);
}
