
/*
 * Paths: one that passes has, decoded as often as it can be, no byte and no
 * segment that an upstream could take for a way out; and a template finds
 * only an identifier in it.
 */


#include <stdlib.h>

#include "agw_grammar.h"
#include "agw_path.h"
#include "agw_template.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t           i, n, slashes;
    agw_str_t        path, id;
    const char      *error;
    unsigned char   *s;
    agw_template_t   template;
    agw_str_t        text = agw_string("/b/<business_id>");

    path.len = size;
    path.data = data;

    if (agw_path_check(path) != AGW_OK) {
        return 0;
    }

    if (agw_template_parse(&template, text, &error) != 0
        || (agw_template_match(&template, AGW_MATCH_PREFIX, path, &id)
            == AGW_OK && (!agw_is_id(id) || id.data != data + 3
                          || memcmp(data, "/b/", 3) != 0)))
    {
        abort();
    }

    for (i = 0, slashes = 0; i < size; i++) {
        slashes += data[i] == '/';
    }

    s = malloc(size + 2);
    path.len = agw_percent_decode_all(path, s);
    path.data = s;

    if (!agw_is_utf8(path) || agw_has_control(path)
        || memchr(s, '\\', path.len) != NULL)
    {
        abort();
    }

    s[path.len] = '/';
    s[path.len + 1] = '\0';

    for (i = 0; i < path.len; i++) {
        if (s[i] != '/') {
            continue;
        }

        slashes--;

        /* "/..", and what ends it for one reader or another; "//" */

        n = strspn((char *) &s[i + 1], ". ");

        if ((memchr(&s[i + 1], '.', n) != NULL
             && strchr("/;?#", s[i + 1 + n]) != NULL)
            || (i + 1 < path.len && s[i + 1] == '/'))
        {
            abort();
        }
    }

    if (slashes != 0) {
        abort();
    }

    free(s);

    return 0;
}
