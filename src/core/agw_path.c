
/*
 * An upstream may decode a path once, twice or not at all, may cut
 * parameters off its segments, and may then remove dot segments.  What could
 * be read differently by any of them is refused; the rest passes untouched.
 */


#include <stdlib.h>

#include "agw_grammar.h"
#include "agw_path.h"
#include "agw_segment.h"


static int agw_path_is_plain(agw_str_t path);
static agw_reason_t agw_path_check_decoded(agw_str_t path, size_t slashes);


agw_reason_t
agw_path_check(agw_str_t path)
{
    size_t          i, slashes;
    agw_str_t       decoded;
    agw_reason_t    reason;
    unsigned char  *buf;

    if (agw_path_is_plain(path)) {
        return AGW_OK;
    }

    if (path.len == 0 || path.data[0] != '/'
        || memchr(path.data, '#', path.len) != NULL)
    {
        return AGW_AMBIGUOUS_PATH;
    }

    slashes = 0;

    for (i = 0; i < path.len; i++) {

        if (path.data[i] != '/') {
            continue;
        }

        if (i > 0 && path.data[i - 1] == '/') {
            return AGW_AMBIGUOUS_PATH;
        }

        slashes++;
    }

    if (memchr(path.data, '%', path.len) == NULL) {
        return agw_path_check_decoded(path, slashes);
    }

    buf = malloc(path.len);
    if (buf == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    decoded.data = buf;
    decoded.len = agw_percent_decode_all(path, buf);

    reason = agw_path_check_decoded(decoded, slashes);

    free(buf);

    return reason;
}


agw_str_t
agw_path_of_target(agw_str_t target)
{
    const unsigned char  *query;

    query = target.len ? memchr(target.data, '?', target.len) : NULL;

    if (query != NULL) {
        target.len = (size_t) (query - target.data);
    }

    return target;
}


/*
 * Whether it is one of those that nobody could read in two ways, as nearly
 * all are: segments of unreserved characters (RFC 3986, section 2.3) that do
 * not begin with a dot, and are empty at the end alone.
 */

static int
agw_path_is_plain(agw_str_t path)
{
    size_t     n;
    agw_str_t  rest;

    rest = path;

    while (rest.len && rest.data[0] == '/') {
        rest.data++;
        rest.len--;

        n = agw_unreserved(rest);

        if (n == 0 || rest.data[0] == '.') {
            break;
        }

        rest.data += n;
        rest.len -= n;
    }

    return path.len != 0 && rest.len == 0;
}


/* slashes is how many the path had before it was decoded */

static agw_reason_t
agw_path_check_decoded(agw_str_t path, size_t slashes)
{
    size_t     i;
    agw_str_t  segment;

    if (agw_has_control(path) || !agw_is_utf8(path)
        || memchr(path.data, '\\', path.len) != NULL)
    {
        return AGW_AMBIGUOUS_PATH;
    }

    for (i = 0; i < path.len; i += segment.len + 1) {

        /* path[i] is a '/' in each round */

        if (slashes-- == 0) {
            return AGW_AMBIGUOUS_PATH;
        }

        segment = agw_segment(path, i + 1);

        if (agw_is_dot_segment(segment)) {
            return AGW_AMBIGUOUS_PATH;
        }
    }

    return AGW_OK;
}
