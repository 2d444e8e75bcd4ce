
/*
 * An upstream may decode a path once, twice or not at all, may cut
 * parameters off its segments, and may then remove dot segments.  What could
 * be read differently by any of them is refused; the rest passes untouched.
 */


#include <stdlib.h>

#include "agw_grammar.h"
#include "agw_path.h"


#define AGW_PLACEHOLDER  "<business_id>"


static int agw_path_is_plain(agw_str_t path);
static agw_reason_t agw_path_check_decoded(agw_str_t path, size_t slashes);
static int agw_is_dot_segment(agw_str_t segment);
static int agw_is_dots(agw_str_t segment);
static agw_str_t agw_segment_cut(agw_str_t segment);
static int agw_template_alike(const agw_template_t *template,
    agw_str_t decoded);
static int agw_take_alike(agw_str_t *path, agw_str_t literal);
static int agw_next_loose(agw_str_t *path, agw_str_t *segment);
static agw_str_t agw_segment(agw_str_t path, size_t i);
static const char *agw_template_literal(agw_str_t literal);


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


int
agw_template_parse(agw_template_t *template, agw_str_t text,
    const char **error)
{
    size_t                  i;
    agw_str_t               rest;
    static const agw_str_t  placeholder = agw_string(AGW_PLACEHOLDER);

    if (text.len > 1 && text.data[text.len - 1] == '/'
        && text.data[text.len - 2] != '/')
    {
        text.len--;
    }

    rest = text;

    for (i = 0; i < text.len; i++) {
        rest.data = text.data + i;
        rest.len = text.len - i;

        if (agw_str_begins(rest, placeholder)) {
            break;
        }
    }

    if (i == text.len) {
        *error = "it has no segment " AGW_PLACEHOLDER;
        return -1;
    }

    template->prefix.data = text.data;
    template->prefix.len = i;

    template->suffix.data = rest.data + placeholder.len;
    template->suffix.len = rest.len - placeholder.len;

    if (i == 0 || text.data[0] != '/' || text.data[i - 1] != '/'
        || (template->suffix.len && template->suffix.data[0] != '/'))
    {
        *error = AGW_PLACEHOLDER " is not a whole segment of a path that "
                 "begins with \"/\"";
        return -1;
    }

    *error = agw_template_literal(template->prefix);

    if (*error == NULL) {
        *error = agw_template_literal(template->suffix);
    }

    return *error ? -1 : 0;
}


agw_reason_t
agw_template_match(const agw_template_t *template, agw_match_t how,
    agw_str_t path, agw_str_t *business_id)
{
    agw_str_t  rest, id;

    if (template->prefix.len == 0 || !agw_str_begins(path, template->prefix)) {
        return AGW_NO_BUSINESS_IN_PATH;
    }

    id = agw_segment(path, template->prefix.len);

    rest.data = id.data + id.len;
    rest.len = path.len - template->prefix.len - id.len;

    if (id.len == 0 || !agw_str_begins(rest, template->suffix)) {
        return AGW_NO_BUSINESS_IN_PATH;
    }

    rest.data += template->suffix.len;
    rest.len -= template->suffix.len;

    if (rest.len && (rest.data[0] != '/'
                     || (how == AGW_MATCH_WHOLE && rest.len > 1)))
    {
        return AGW_NO_BUSINESS_IN_PATH;
    }

    if (!agw_is_id(id) || agw_is_dots(id)) {
        return AGW_AMBIGUOUS_PATH;
    }

    *business_id = id;

    return AGW_OK;
}


agw_reason_t
agw_template_confused(const agw_template_t *template, agw_str_t path)
{
    int             alike;
    agw_str_t       decoded, id;
    unsigned char  *buf;

    if (agw_template_match(template, AGW_MATCH_PREFIX, path, &id) == AGW_OK) {
        return AGW_OK;
    }

    if (path.len == 0 || memchr(path.data, '%', path.len) == NULL) {
        return agw_template_alike(template, path) ? AGW_AMBIGUOUS_PATH
                                                  : AGW_OK;
    }

    buf = malloc(path.len);
    if (buf == NULL) {
        return AGW_INTERNAL_ERROR;
    }

    decoded.data = buf;
    decoded.len = agw_percent_decode_all(path, buf);

    alike = agw_template_alike(template, decoded);

    free(buf);

    return alike ? AGW_AMBIGUOUS_PATH : AGW_OK;
}


static int
agw_template_alike(const agw_template_t *template, agw_str_t decoded)
{
    agw_str_t  id;

    return agw_take_alike(&decoded, template->prefix)
           && agw_next_loose(&decoded, &id)
           && agw_take_alike(&decoded, template->suffix);
}


/* whether path begins with segments like those of literal, and takes them */

static int
agw_take_alike(agw_str_t *path, agw_str_t literal)
{
    agw_str_t  wanted, segment;

    while (agw_next_loose(&literal, &wanted)) {

        if (!agw_next_loose(path, &segment)
            || !agw_same_nocase(segment, wanted))
        {
            return 0;
        }
    }

    return 1;
}


/* takes the next segment that is not empty, as the loosest reader sees it */

static int
agw_next_loose(agw_str_t *path, agw_str_t *segment)
{
    agw_str_t  s;

    while (path->len) {
        s = agw_segment(*path, 0);

        path->data += s.len;
        path->len -= s.len;

        if (path->len) {
            path->data++;
            path->len--;
        }

        s = agw_segment_cut(s);

        while (s.len && (s.data[s.len - 1] == ' '
                         || s.data[s.len - 1] == '.'))
        {
            s.len--;
        }

        if (s.len) {
            *segment = s;
            return 1;
        }
    }

    return 0;
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


static int
agw_is_dot_segment(agw_str_t segment)
{
    return agw_is_dots(agw_segment_cut(segment));
}


/* dots and spaces alone, and one dot at least */

static int
agw_is_dots(agw_str_t segment)
{
    int     dot;
    size_t  i;

    dot = 0;

    for (i = 0; i < segment.len; i++) {

        if (segment.data[i] != '.' && segment.data[i] != ' ') {
            return 0;
        }

        dot |= (segment.data[i] == '.');
    }

    return dot;
}


/* a segment without its parameters (RFC 3986, section 3.3) */

static agw_str_t
agw_segment_cut(agw_str_t segment)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < segment.len; i++) {
        c = segment.data[i];

        if (c == ';' || c == '?' || c == '#') {
            break;
        }
    }

    segment.len = i;

    return segment;
}


/* what stands from i to the next '/' or the end; i is at most path.len */

static agw_str_t
agw_segment(agw_str_t path, size_t i)
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


/*
 * NULL, or what is wrong with a template's literal part.  It holds only
 * characters that are themselves raw and decoded, so that one comparison
 * serves for both.
 */

static const char *
agw_template_literal(agw_str_t literal)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < literal.len; i++) {
        c = literal.data[i];

        if (c == '<' || c == '>') {
            return "it has more than one " AGW_PLACEHOLDER;
        }

        if (c <= 0x20 || c >= 0x7f || strchr("\"#$%;?[\\]^`{|}", c)) {
            return "a literal segment takes letters, digits and "
                   "-._~!&'()*+,=:@ only";
        }

        if (c == '/' && i > 0 && literal.data[i - 1] == '/') {
            return "it has an empty segment";
        }

        if (c == '/' && agw_is_dot_segment(agw_segment(literal, i + 1))) {
            return "it has a dot segment";
        }
    }

    return NULL;
}
