
/*
 * An upstream may decode a path once, twice or not at all, may remove the
 * parameters of its segments, and may then resolve dot segments.  A path that
 * two servers could read in different ways is refused; any other is passed on
 * unchanged.
 *
 * Nearly all paths consist of letters, digits and "-._~", and none of their
 * segments begins with a dot: no server reads such a path in another way, and
 * agw_path_is_plain() accepts it.  Any other path is decoded until nothing is
 * left to decode, which is the most that a server can do.  It is accepted if
 * decoding made no new segment, and the decoded segments have nothing that
 * servers treat differently.
 */


#include <stdlib.h>

#include "agw_decoding.h"
#include "agw_grammar.h"
#include "agw_path.h"


static int agw_path_is_plain(agw_str_t path);
static agw_reason_t agw_path_check_spelling(agw_str_t path);
static agw_reason_t agw_path_check_segments(agw_str_t path, size_t slashes);
static size_t agw_scheme(agw_str_t uri);


agw_reason_t
agw_path_check(agw_str_t path)
{
    if (agw_path_is_plain(path)) {
        return AGW_OK;
    }

    if (path.len == 0 || memchr(path.data, '#', path.len) != NULL) {
        return AGW_AMBIGUOUS_PATH;
    }

    return agw_path_check_spelling(path);
}


agw_reason_t
agw_path_check_decoded(agw_str_t path)
{
    return agw_path_is_plain(path) ? AGW_OK : agw_path_check_spelling(path);
}


/*
 * Whether a path is plainly unambiguous, as nearly all are: it has unreserved
 * characters (RFC 3986, section 2.3) and slashes alone, no segment begins with
 * a dot, and only the last may be empty.
 */

static int
agw_path_is_plain(agw_str_t path)
{
    const unsigned char  *p, *end;

    if (path.len == 0 || path.data[0] != '/'
        || agw_span_path(path) != path.len)
    {
        return 0;
    }

    p = path.data;
    end = p + path.len;

    while (p != NULL && ++p < end) {

        if (*p == '/' || *p == '.') {
            return 0;
        }

        p = memchr(p, '/', (size_t) (end - p));
    }

    return 1;
}


/* all checks but the one for '#' */

static agw_reason_t
agw_path_check_spelling(agw_str_t path)
{
    size_t          i, slashes;
    agw_str_t       decoded;
    agw_reason_t    reason;
    unsigned char  *buf;

    if (path.len == 0 || path.data[0] != '/') {
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

    reason = AGW_INTERNAL_ERROR;

    if (agw_path_decode(path, &decoded, &buf) == 0) {
        reason = agw_path_check_segments(decoded, slashes);
    }

    free(buf);

    return reason;
}


/* slashes: their number in the path before it was decoded */

static agw_reason_t
agw_path_check_segments(agw_str_t path, size_t slashes)
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

        segment = agw_path_segment(path, i + 1);

        if (agw_is_dot_segment(segment)) {
            return AGW_AMBIGUOUS_PATH;
        }
    }

    return AGW_OK;
}


agw_reason_t
agw_path_check_after(agw_str_t path, agw_str_t name)
{
    int             dots;
    agw_str_t       rest, segment, decoded;
    unsigned char  *buf;

    if (!agw_str_begins(path, name)) {
        return AGW_OK;
    }

    rest.data = path.data + name.len;
    rest.len = path.len - name.len;

    if (rest.len && rest.data[0] == '/') {
        rest.data++;
        rest.len--;
    }

    segment = agw_path_segment(rest, 0);

    /* with any other first character it is no dot segment once decoded */

    if (segment.len == 0 || memchr(". %", segment.data[0], 3) == NULL) {
        return AGW_OK;
    }

    if (agw_path_decode(segment, &decoded, &buf) != 0) {
        return AGW_INTERNAL_ERROR;
    }

    dots = agw_is_dot_segment(agw_path_segment(decoded, 0));

    free(buf);

    return dots ? AGW_AMBIGUOUS_PATH : AGW_OK;
}


int
agw_path_decode(agw_str_t path, agw_str_t *decoded, unsigned char **buf)
{
    *decoded = path;
    *buf = NULL;

    if (path.len == 0 || memchr(path.data, '%', path.len) == NULL) {
        return 0;
    }

    *buf = malloc(path.len);
    if (*buf == NULL) {
        return -1;
    }

    decoded->data = *buf;
    decoded->len = agw_percent_decode_all(path, *buf);

    return 0;
}


agw_str_t
agw_path_segment(agw_str_t path, size_t i)
{
    agw_str_t             segment;
    const unsigned char  *slash;

    segment.data = path.data + i;
    segment.len = path.len - i;

    slash = segment.len ? memchr(segment.data, '/', segment.len) : NULL;

    if (slash != NULL) {
        segment.len = (size_t) (slash - segment.data);
    }

    return segment;
}


int
agw_is_dot_segment(agw_str_t segment)
{
    int            dot;
    size_t         i;
    unsigned char  c;

    dot = 0;

    for (i = 0; i < segment.len; i++) {
        c = segment.data[i];

        if (c == ';' || c == '?' || c == '#') {
            break;
        }

        if (c != '.' && c != ' ') {
            return 0;
        }

        dot |= (c == '.');
    }

    return dot;
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


agw_str_t
agw_path_of_uri(agw_str_t uri)
{
    size_t         i;
    agw_str_t      path;
    unsigned char  c;

    if (uri.len && uri.data[0] == '/') {
        return agw_path_of_target(uri);
    }

    path.data = NULL;
    path.len = 0;

    /* skip the authority (RFC 3986, section 3.2): it has other characters */

    for (i = agw_scheme(uri); i && i < uri.len; i++) {
        c = uri.data[i];

        if (c == '/') {
            path.data = uri.data + i;
            path.len = uri.len - i;

            return agw_path_of_target(path);
        }

        if (c <= 0x20 || c >= 0x7f || strchr("\"#<>?\\^`{|}", c) != NULL) {
            break;
        }
    }

    return path;
}


/* the length of "http://" or the like, or 0 */

static size_t
agw_scheme(agw_str_t uri)
{
    size_t                  i;
    static const agw_str_t  schemes[] = {
        agw_string("https://"), agw_string("http://")
    };
    agw_str_t               head;

    for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        head = uri;

        if (head.len > schemes[i].len) {
            head.len = schemes[i].len;
        }

        if (agw_same_nocase(head, schemes[i])) {
            return head.len;
        }
    }

    return 0;
}
