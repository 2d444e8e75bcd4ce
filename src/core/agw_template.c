
/*
 * A path matches a template byte for byte, or it does not match.  If it does
 * not, it is compared once more as the loosest server would read it.
 */


#include <stdlib.h>

#include "agw_grammar.h"
#include "agw_path.h"
#include "agw_template.h"


#define AGW_PLACEHOLDER  "<business_id>"


static const char *agw_template_literal(agw_str_t literal);
static void agw_template_read(const agw_template_t *template,
    agw_match_t how, agw_str_t path, agw_matched_t *matched);
static int agw_is_within(agw_str_t literal, agw_str_t longer);
static agw_reason_t agw_template_name(const agw_template_t *template,
    agw_str_t path, agw_matched_t *matched);
static agw_reason_t agw_template_weigh(const agw_template_t *template,
    agw_str_t path, agw_matched_t *matched);
static int agw_template_alike(const agw_template_t *template,
    agw_str_t decoded);
static int agw_take_alike(agw_str_t *path, agw_str_t literal);
static int agw_next_loose(agw_str_t *path, agw_str_t *segment);
static agw_str_t agw_segment_cut(agw_str_t segment);


const agw_template_t  agw_no_template;


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


/*
 * Returns NULL, or what is wrong with the literal part of a template.  It may
 * have only characters that are the same raw and decoded, so that one
 * comparison is enough for both.
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

        if (c == '/' && agw_is_dot_segment(agw_path_segment(literal, i + 1))) {
            return "it has a dot segment";
        }
    }

    return NULL;
}


agw_reason_t
agw_template_match(const agw_template_t *template, agw_match_t how,
    agw_str_t path, agw_str_t *business_id)
{
    agw_matched_t  matched;

    agw_template_read(template, how, path, &matched);

    if (matched.reason == AGW_OK) {
        *business_id = matched.business_id;
    }

    return matched.reason;
}


/* business_id and rest are also set if the segment is no identifier */

static void
agw_template_read(const agw_template_t *template, agw_match_t how,
    agw_str_t path, agw_matched_t *matched)
{
    agw_str_t  rest, id;

    matched->reason = AGW_NO_BUSINESS_IN_PATH;

    if (template->prefix.len == 0 || !agw_str_begins(path, template->prefix)) {
        return;
    }

    id = agw_path_segment(path, template->prefix.len);

    rest.data = id.data + id.len;
    rest.len = path.len - template->prefix.len - id.len;

    if (id.len == 0 || !agw_str_begins(rest, template->suffix)) {
        return;
    }

    rest.data += template->suffix.len;
    rest.len -= template->suffix.len;

    if (rest.len && (rest.data[0] != '/'
                     || (how == AGW_MATCH_WHOLE && rest.len > 1)))
    {
        return;
    }

    matched->business_id = id;
    matched->rest = rest;
    matched->reason = agw_is_id(id) && !agw_is_dot_segment(id)
                      ? AGW_OK : AGW_AMBIGUOUS_PATH;
}


int
agw_businesses_lie_below(const agw_template_t *template, agw_str_t path,
    agw_str_t business_id)
{
    agw_str_t  rest, id;

    if (path.len && path.data[path.len - 1] == '/') {
        path.len--;
    }

    if (path.len < template->prefix.len) {
        return template->prefix.data[path.len] == '/'
               && (path.len == 0
                   || memcmp(template->prefix.data, path.data, path.len)
                      == 0);
    }

    if (!agw_str_begins(path, template->prefix)) {
        return 0;
    }

    /* the business, and a part of the suffix that ends before a '/' */

    id = agw_path_segment(path, template->prefix.len);

    rest.data = id.data + id.len;
    rest.len = path.len - template->prefix.len - id.len;

    return id.len && !agw_str_eq(id, business_id)
           && rest.len < template->suffix.len
           && agw_str_begins(template->suffix, rest)
           && template->suffix.data[rest.len] == '/';
}


agw_overlap_t
agw_templates_overlap(const agw_template_t *a, const agw_template_t *b)
{
    agw_str_t  literal, between, id, tail;

    if (a->prefix.len >= b->prefix.len
        || !agw_str_begins(b->prefix, a->prefix))
    {
        return AGW_OVERLAP_NONE;
    }

    /* what stands where a has its business, and what before that of b */

    literal = agw_path_segment(b->prefix, a->prefix.len);

    between.data = literal.data + literal.len;
    between.len = b->prefix.len - a->prefix.len - literal.len;

    if (agw_is_within(a->suffix, between)) {
        return agw_is_id(literal) ? AGW_OVERLAP_SPECIFIC : AGW_OVERLAP_NONE;
    }

    if (!agw_str_begins(a->suffix, between)) {
        return AGW_OVERLAP_NONE;
    }

    /* a has a literal where b has its business */

    id = agw_path_segment(a->suffix, between.len);

    tail.data = id.data + id.len;
    tail.len = a->suffix.len - between.len - id.len;

    return !agw_str_eq(id, literal)
           && (agw_is_within(tail, b->suffix)
               || agw_is_within(b->suffix, tail))
           ? AGW_OVERLAP_AMBIGUOUS : AGW_OVERLAP_NONE;
}


/* whether the segments of literal are the first of the longer one */

static int
agw_is_within(agw_str_t literal, agw_str_t longer)
{
    return agw_str_begins(longer, literal)
           && (longer.len == literal.len || longer.data[literal.len] == '/');
}


/* the path is decoded once, and only if a template does not match it */

agw_reason_t
agw_templates_match(const agw_template_t *templates, size_t n,
    const agw_template_t *own, agw_match_t how, agw_str_t path,
    agw_matched_t *matched)
{
    size_t          i;
    agw_str_t       decoded;
    agw_reason_t    reason, own_reason, result;
    unsigned char  *buf;

    memset(matched, 0, sizeof(agw_matched_t));
    matched->reason = AGW_NO_BUSINESS_IN_PATH;

    if (own != NULL) {
        agw_template_read(own, how, path, matched);
    }

    own_reason = matched->reason;
    result = AGW_OK;
    decoded.len = 0;
    buf = NULL;

    for (i = 0; i < n; i++) {

        if (own == NULL) {
            reason = agw_template_name(&templates[i], path, matched);

        } else if (&templates[i] == own) {
            reason = own_reason;

        } else {
            reason = agw_template_weigh(&templates[i], path, matched);
        }

        if (reason == AGW_OK) {
            continue;
        }

        if (decoded.len == 0 && agw_path_decode(path, &decoded, &buf) != 0) {
            return AGW_INTERNAL_ERROR;
        }

        if (agw_template_alike(&templates[i], decoded)) {
            result = AGW_AMBIGUOUS_PATH;
        }
    }

    if (buf != NULL) {
        free(buf);
    }

    if (matched->reason != AGW_OK) {
        matched->business_id.len = 0;
    }

    return result;
}


/*
 * Of all templates, the first that matches names the business, unless another
 * finds that the segment is no identifier.
 */

static agw_reason_t
agw_template_name(const agw_template_t *template, agw_str_t path,
    agw_matched_t *matched)
{
    agw_matched_t  other;

    agw_template_read(template, AGW_MATCH_PREFIX, path, &other);

    if (other.reason == AGW_AMBIGUOUS_PATH
        || (other.reason == AGW_OK
            && matched->reason == AGW_NO_BUSINESS_IN_PATH))
    {
        *matched = other;
    }

    return other.reason;
}


/*
 * Another template, once the location's own has read the path.  If what it
 * matches ends before the own business, the own template is more specific: it
 * has a literal where the other has its business.  Then there is nothing to
 * confuse, and AGW_OK is returned, whether that literal is an identifier or
 * not.
 */

static agw_reason_t
agw_template_weigh(const agw_template_t *template, agw_str_t path,
    agw_matched_t *matched)
{
    agw_matched_t  other;

    agw_template_read(template, AGW_MATCH_PREFIX, path, &other);

    if (other.reason == AGW_NO_BUSINESS_IN_PATH || matched->reason != AGW_OK) {
        return other.reason;
    }

    if (other.rest.data < matched->business_id.data) {
        return AGW_OK;
    }

    if (!agw_str_eq(other.business_id, matched->business_id)) {
        matched->reason = AGW_AMBIGUOUS_PATH;
    }

    return other.reason;
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


/* takes the next segment that is not empty, as the loosest server reads it */

static int
agw_next_loose(agw_str_t *path, agw_str_t *segment)
{
    agw_str_t  s;

    while (path->len) {
        s = agw_path_segment(*path, 0);

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
