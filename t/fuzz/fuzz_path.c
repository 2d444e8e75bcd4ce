
/*
 * Paths: one that passes has, decoded as often as it can be, no byte and no
 * segment that an upstream could take for a way out; what remains after a
 * name has none either, where both checks pass; a template finds only an
 * identifier in it, and all templates of a server the same one.  A Destination
 * is a path, or refused.
 */


#include <stdlib.h>

#include "agw_decoding.h"
#include "agw_grammar.h"
#include "agw_path.h"
#include "agw_template.h"


#define assert_that(condition)                                                \
    do {                                                                      \
        if (!(condition)) {                                                   \
            abort();                                                          \
        }                                                                     \
    } while (0)


static void template_finds_an_id(agw_str_t path);
static void templates_find_one_id(agw_str_t path);
static void nothing_leads_out(agw_str_t path, size_t slashes);
static int has_dot_segment(agw_str_t path);
static void rest_is_plain(agw_str_t path, size_t n);
static void destination_is_a_path(agw_str_t uri);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t        i, slashes;
    agw_str_t     path;
    agw_reason_t  raw, decoded;

    path.len = size;
    path.data = data;

    destination_is_a_path(path);

    raw = agw_path_check(path);
    decoded = agw_path_check_decoded(path);

    /* the one character by which they differ */

    assert_that(raw == decoded
                || (decoded == AGW_OK && memchr(data, '#', size) != NULL));

    if (decoded != AGW_OK) {
        return 0;
    }

    template_finds_an_id(path);
    templates_find_one_id(path);

    for (i = 0, slashes = 0; i < size; i++) {
        slashes += data[i] == '/';
    }

    nothing_leads_out(path, slashes);

    for (i = 0; i <= size && i < 64; i++) {
        rest_is_plain(path, i);
    }

    return 0;
}


static void
template_finds_an_id(agw_str_t path)
{
    agw_str_t        id;
    agw_reason_t     reason;
    const char      *error;
    agw_template_t   template;
    agw_str_t        text = agw_string("/b/<business_id>");

    assert_that(agw_template_parse(&template, text, &error) == 0);

    reason = agw_template_match(&template, AGW_MATCH_PREFIX, path, &id);

    assert_that(reason != AGW_OK
                || (agw_is_id(id) && id.data == path.data + 3
                    && memcmp(path.data, "/b/", 3) == 0));

    /* it is in a business, or one lies in it, or neither */

    assert_that(reason != AGW_OK
                || !agw_businesses_lie_below(&template, path, id));
}


static void
templates_find_one_id(agw_str_t path)
{
    size_t           i;
    agw_str_t        id;
    const char      *error;
    agw_matched_t    matched;
    agw_template_t   t[4];
    static const agw_str_t  texts[] = {
        agw_string("/<business_id>"), agw_string("/b/<business_id>"),
        agw_string("/b/b/<business_id>/b"), agw_string("/<business_id>/b/b"),
    };

    for (i = 0; i < 4; i++) {
        assert_that(agw_template_parse(&t[i], texts[i], &error) == 0);
    }

    id.len = 0;
    id.data = NULL;

    for (i = 0; i < 4; i++) {
        agw_templates_match(t, 4, &t[i], AGW_MATCH_PREFIX, path, &matched);

        if (matched.reason != AGW_OK) {
            continue;
        }

        assert_that(id.len == 0 || agw_str_eq(id, matched.business_id));

        id = matched.business_id;
    }
}


static void
nothing_leads_out(agw_str_t path, size_t slashes)
{
    size_t          i;
    agw_str_t       decoded;
    unsigned char  *s;

    s = malloc(path.len + 1);
    decoded.len = agw_percent_decode_all(path, s);
    decoded.data = s;

    assert_that(agw_is_utf8(decoded) && !agw_has_control(decoded)
                && memchr(s, '\\', decoded.len) == NULL);

    for (i = 0; i < decoded.len; i++) {
        slashes -= s[i] == '/';

        assert_that(s[i] != '/' || i + 1 == decoded.len || s[i + 1] != '/');
    }

    assert_that(slashes == 0 && !has_dot_segment(decoded));

    free(s);
}


/* "/..", and what ends it for one reader or another */

static int
has_dot_segment(agw_str_t path)
{
    size_t  i, n, dots;

    for (i = 0; i < path.len; i++) {
        if (path.data[i] != '/') {
            continue;
        }

        for (n = i + 1, dots = 0; n < path.len; n++) {
            if (path.data[n] != '.' && path.data[n] != ' ') {
                break;
            }

            dots += path.data[n] == '.';
        }

        if (dots && (n == path.len
                     || memchr("/;?#", path.data[n], 4) != NULL))
        {
            return 1;
        }
    }

    return 0;
}


/* behind "/", as nginx would put it, is what remains after n bytes */

static void
rest_is_plain(agw_str_t path, size_t n)
{
    agw_str_t       name, moved;
    unsigned char  *s;

    name.data = path.data;
    name.len = n;

    if (agw_path_check_after(path, name) != AGW_OK) {
        return;
    }

    s = malloc(path.len - n + 1);
    s[0] = '/';
    memcpy(s + 1, path.data + n, path.len - n);

    moved.data = s;
    moved.len = path.len - n + 1;
    moved.len = agw_percent_decode_all(moved, s);

    assert_that(!has_dot_segment(moved));

    free(s);
}


static void
destination_is_a_path(agw_str_t uri)
{
    agw_str_t  path;

    path = agw_path_of_uri(uri);

    assert_that(path.len == 0
                || (path.data[0] == '/' && path.data >= uri.data
                    && path.data + path.len <= uri.data + uri.len
                    && memchr(path.data, '?', path.len) == NULL));
}
