
/*
 * What a token request asks for: a scope, within what is configured and what
 * the store lists; and a resource, by its URL and the templates of a server.
 * What is granted is in all that allows it.
 */


#include <stdlib.h>

#include "agw_grammar.h"
#include "agw_scope.h"
#include "agw_template.h"
#include "agw_url.h"


/* the next line of the input, as a block of its own length */

static agw_str_t
line_of(const uint8_t **data, size_t *size)
{
    size_t          len, used;
    agw_str_t       line;
    const uint8_t  *end;
    unsigned char  *copy;

    end = *size ? memchr(*data, '\n', *size) : NULL;
    len = end ? (size_t) (end - *data) : *size;
    used = end ? len + 1 : len;

    copy = malloc(len);
    if (len) {
        memcpy(copy, *data, len);
    }

    *data += used;
    *size -= used;

    line.data = copy;
    line.len = len;

    return line;
}


static void
check_scope(agw_str_t asked, agw_str_t configured, agw_str_t listed)
{
    int                 may;
    agw_str_t           got, left, word;
    agw_scope_limits_t  limits;

    if ((asked.len && !agw_is_scope(asked))
        || (configured.len && !agw_is_scope(configured)))
    {
        return;
    }

    memset(&limits, 0, sizeof(limits));

    limits.configured = configured;
    limits.listed = listed;
    limits.limited = agw_is_scope(listed);
    limits.business = 1;

    may = agw_scope_may_ask(asked, &limits);

    got.data = malloc(AGW_SCOPE_GRANT_SIZE(configured.len));
    got.len = agw_scope_grant(asked, &limits, (unsigned char *) got.data);

    if (got.len > AGW_SCOPE_GRANT_SIZE(configured.len)
        || (got.len <= AGW_SCOPE_MAX && !agw_is_scope(got)))
    {
        abort();
    }

    left = got;

    if (!agw_scope_next(&left, &word)
        || word.len != sizeof(AGW_BUSINESS_ACCESS) - 1)
    {
        abort();
    }

    while (agw_scope_next(&left, &word)) {
        if (!agw_scope_has(configured, word)
            || (asked.len && !agw_scope_has(asked, word))
            || (limits.limited && !agw_scope_has(listed, word)))
        {
            abort();
        }
    }

    if (may && !agw_scope_has_all(got, asked)) {
        abort();
    }

    free((void *) got.data);
}


static void
check_resource(agw_str_t issuer, agw_str_t resource)
{
    agw_str_t             origin, path, rest, id;
    agw_matched_t         matched;
    const char           *error;
    agw_template_t        templates[2];
    static agw_str_t      texts[] = {
        agw_string("/v1/<business_id>"),
        agw_string("/v1/<business_id>/reports"),
    };

    if (agw_url_split(issuer, &origin, &path) != 0) {
        return;
    }

    if (origin.len + path.len != issuer.len) {
        abort();
    }

    if (agw_url_resource(resource, origin, &path) != 0) {
        return;
    }

    rest.data = resource.data + origin.len;
    rest.len = resource.len - origin.len;

    if (!agw_str_eq(path, rest) || path.len == 0 || path.data[0] != '/') {
        abort();
    }

    if (agw_template_parse(&templates[0], texts[0], &error) != 0
        || agw_template_parse(&templates[1], texts[1], &error) != 0)
    {
        abort();
    }

    if (agw_templates_match(templates, 2, NULL, AGW_MATCH_WHOLE, path,
                            &matched)
        != AGW_OK
        || matched.reason != AGW_OK || matched.rest.len > 1)
    {
        return;
    }

    /* one template has the whole path, but for a final slash */

    if (!agw_is_id(matched.business_id)
        || ((agw_template_match(&templates[0], AGW_MATCH_WHOLE, path, &id)
             != AGW_OK || !agw_str_eq(id, matched.business_id))
            && (agw_template_match(&templates[1], AGW_MATCH_WHOLE, path, &id)
                != AGW_OK || !agw_str_eq(id, matched.business_id))))
    {
        abort();
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t     i;
    agw_str_t  lines[5];

    for (i = 0; i < 5; i++) {
        lines[i] = line_of(&data, &size);
    }

    check_scope(lines[0], lines[1], lines[2]);
    check_resource(lines[3], lines[4]);

    for (i = 0; i < 5; i++) {
        free((void *) lines[i].data);
    }

    return 0;
}
