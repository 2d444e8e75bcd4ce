
/*
 * multipart/form-data as clients write it: each part is a delimiter, header
 * lines, an empty line and a value, and nothing stands between the parts.
 *
 * Written by hand, because nginx has no such parser, and because it is strict:
 * what RFC 2046 allows and no client writes is refused, so that no other
 * program can read the body in another way.  Names and values are borrowed from
 * the body: no secret is copied.
 */


#include "agw_grammar.h"
#include "agw_multipart.h"


#define AGW_BOUNDARY_MAX  70


/* the position of the parser */

typedef struct {
    const unsigned char  *pos;
    const unsigned char  *end;
} agw_cursor_t;


static int agw_is_boundary(agw_str_t s);
static agw_str_t agw_trim(agw_str_t s);
static agw_str_t agw_parameter(agw_str_t *rest);
static int agw_multipart_part(agw_cursor_t *in, agw_str_t boundary,
    agw_param_t *param);
static int agw_multipart_header(agw_str_t line, agw_param_t *param);
static int agw_multipart_disposition(agw_str_t value, agw_param_t *param);
static int agw_multipart_name(agw_cursor_t *in, agw_str_t *name);
static int agw_is_token(agw_str_t s);
static int agw_take(agw_cursor_t *in, const char *text);
static int agw_take_line(agw_cursor_t *in, agw_str_t *line);
static int agw_take_delimiter(agw_cursor_t *in, agw_str_t boundary);
static void agw_skip_space(agw_cursor_t *in);
static agw_str_t agw_cut(const char *text);


void
agw_media_type_parse(agw_str_t value, agw_str_t *type, agw_str_t *boundary)
{
    int                     escaped;
    size_t                  seen;
    agw_str_t               rest, parameter;
    static const agw_str_t  name = agw_string("boundary=");

    rest = value;
    seen = 0;

    /* with an escaped quote, parsers differ on where the string ends */

    escaped = value.len && memchr(value.data, '\\', value.len) != NULL;

    *type = agw_parameter(&rest);

    boundary->data = value.data;
    boundary->len = 0;

    while (rest.len) {
        parameter = agw_parameter(&rest);

        if (parameter.len < name.len) {
            continue;
        }

        value.data = parameter.data + name.len;
        value.len = parameter.len - name.len;

        parameter.len = name.len;

        if (agw_same_nocase(parameter, name)) {
            *boundary = value;
            seen++;
        }
    }

    if (boundary->len > 2 && boundary->data[0] == '"'
        && boundary->data[boundary->len - 1] == '"')
    {
        boundary->data++;
        boundary->len -= 2;
    }

    if (seen != 1 || escaped || !agw_is_boundary(*boundary)) {
        boundary->len = 0;
    }
}


/* RFC 2046, section 5.1.1: bchars, the last of which is not a space */

static int
agw_is_boundary(agw_str_t s)
{
    size_t         i;
    unsigned char  c;

    if (s.len == 0 || s.len > AGW_BOUNDARY_MAX || s.data[s.len - 1] == ' ') {
        return 0;
    }

    for (i = 0; i < s.len; i++) {
        c = s.data[i];

        if ((c < '0' || c > '9') && (c < 'A' || c > 'Z')
            && (c < 'a' || c > 'z')
            && (c == '\0' || strchr("'()+_,-./:=? ", c) == NULL))
        {
            return 0;
        }
    }

    return 1;
}


/* takes all before the next ';' that is not quoted, and that ';' */

static agw_str_t
agw_parameter(agw_str_t *rest)
{
    int        quoted;
    size_t     i;
    agw_str_t  parameter;

    quoted = 0;

    for (i = 0; i < rest->len; i++) {

        if (rest->data[i] == '"') {
            quoted = !quoted;

        } else if (rest->data[i] == ';' && !quoted) {
            break;
        }
    }

    parameter.data = rest->data;
    parameter.len = i;

    i += (i < rest->len);

    if (i > 0) {
        rest->data += i;
        rest->len -= i;
    }

    return agw_trim(parameter);
}


static agw_str_t
agw_trim(agw_str_t s)
{
    while (s.len && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }

    while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t')) {
        s.len--;
    }

    return s;
}


int
agw_params_read_multipart(agw_params_t *params, agw_str_t body,
    agw_str_t boundary)
{
    agw_param_t   param;
    agw_cursor_t  in;

    in.pos = body.data;
    in.end = body.data + body.len;

    if (boundary.len == 0 || !agw_take_delimiter(&in, boundary)) {
        return -1;
    }

    /* after a delimiter, "--" ends the body, a line break begins a part */

    while (!agw_take(&in, "--")) {

        if (!agw_take(&in, "\r\n")
            || agw_multipart_part(&in, boundary, &param) != 0
            || agw_params_add(params, &param) != 0)
        {
            return -1;
        }
    }

    (void) agw_take(&in, "\r\n");

    return in.pos == in.end ? 0 : -1;
}


/* leaves the cursor after the delimiter that ends the part */

static int
agw_multipart_part(agw_cursor_t *in, agw_str_t boundary, agw_param_t *param)
{
    agw_str_t             line;
    const unsigned char  *start;

    memset(param, 0, sizeof(agw_param_t));

    for ( ;; ) {

        /* a parser that looks for delimiters first would find one here */

        if (agw_take_delimiter(in, boundary) || !agw_take_line(in, &line)) {
            return -1;
        }

        if (line.len == 0) {
            break;
        }

        if (agw_multipart_header(line, param) != 0) {
            return -1;
        }
    }

    if (param->name.data == NULL || agw_take_delimiter(in, boundary)) {
        return -1;
    }

    for (start = in->pos; in->pos < in->end; in->pos++) {
        param->value.data = start;
        param->value.len = (size_t) (in->pos - start);

        if (agw_take(in, "\r\n")) {

            if (agw_take_delimiter(in, boundary)) {
                return 0;
            }

            in->pos -= 2;
        }
    }

    return -1;
}


/* RFC 7578, sections 4.2, 4.7 and 4.8: other headers are ignored */

static int
agw_multipart_header(agw_str_t line, agw_param_t *param)
{
    agw_str_t             name, value;
    const unsigned char  *colon;

    colon = memchr(line.data, ':', line.len);

    if (colon == NULL || agw_has_control(line)) {
        return -1;
    }

    name.data = line.data;
    name.len = (size_t) (colon - line.data);

    /* a token: so no folded line, and no space before the colon */

    if (!agw_is_token(name)) {
        return -1;
    }

    value.data = colon + 1;
    value.len = line.len - name.len - 1;

    while (value.len && value.data[0] == ' ') {
        value.data++;
        value.len--;
    }

    if (agw_same_nocase(name, agw_cut("Content-Disposition"))) {
        return agw_multipart_disposition(value, param);
    }

    if (agw_same_nocase(name, agw_cut("Content-Transfer-Encoding"))) {
        return (agw_same_nocase(value, agw_cut("7bit"))
                || agw_same_nocase(value, agw_cut("8bit"))
                || agw_same_nocase(value, agw_cut("binary"))) ? 0 : -1;
    }

    return 0;
}


/* form-data; name="..." and nothing more: with a filename it is a file */

static int
agw_multipart_disposition(agw_str_t value, agw_param_t *param)
{
    agw_str_t     type;
    agw_cursor_t  in;

    if (param->name.data != NULL) {
        return -1;
    }

    type.data = value.data;

    for (type.len = 0; type.len < value.len; type.len++) {
        if (value.data[type.len] == ';' || value.data[type.len] == ' ') {
            break;
        }
    }

    if (!agw_same_nocase(type, agw_cut("form-data"))) {
        return -1;
    }

    in.pos = value.data + type.len;
    in.end = value.data + value.len;

    agw_skip_space(&in);

    if (!agw_take(&in, ";")) {
        return -1;
    }

    agw_skip_space(&in);

    if ((size_t) (in.end - in.pos) < 5) {
        return -1;
    }

    type.data = in.pos;
    type.len = 5;
    in.pos += 5;

    if (!agw_same_nocase(type, agw_cut("name="))
        || agw_multipart_name(&in, &param->name) != 0)
    {
        return -1;
    }

    agw_skip_space(&in);

    return in.pos == in.end ? 0 : -1;
}


/*
 * A name is quoted, or a token.  One with a '%' or '\' is refused: clients
 * write such names in different ways, and no parameter has one.
 */

static int
agw_multipart_name(agw_cursor_t *in, agw_str_t *name)
{
    int  quoted;

    quoted = agw_take(in, "\"");

    for (name->data = in->pos; in->pos < in->end; in->pos++) {

        if (*in->pos == '"' || (!quoted && (*in->pos == ' '
                                            || *in->pos == ';')))
        {
            break;
        }

        if (*in->pos == '%' || *in->pos == '\\') {
            return -1;
        }
    }

    name->len = (size_t) (in->pos - name->data);

    if (quoted) {
        return agw_take(in, "\"") ? 0 : -1;
    }

    return agw_is_token(*name) ? 0 : -1;
}


/* RFC 9110, section 5.6.2 */

static int
agw_is_token(agw_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if (s.data[i] <= ' ' || s.data[i] >= 0x7f
            || memchr("\"(),/:;<=>?@[\\]{}", s.data[i], 17) != NULL)
        {
            return 0;
        }
    }

    return s.len != 0;
}


/* whether text is at the cursor, which then moves past it */

static int
agw_take(agw_cursor_t *in, const char *text)
{
    size_t  len;

    len = strlen(text);

    if ((size_t) (in->end - in->pos) < len
        || memcmp(in->pos, text, len) != 0)
    {
        return 0;
    }

    in->pos += len;

    return 1;
}


static int
agw_take_line(agw_cursor_t *in, agw_str_t *line)
{
    for (line->data = in->pos; in->pos < in->end; in->pos++) {
        line->len = (size_t) (in->pos - line->data);

        if (agw_take(in, "\r\n")) {
            return 1;
        }
    }

    return 0;
}


/* the caller has checked the line break before the delimiter */

static int
agw_take_delimiter(agw_cursor_t *in, agw_str_t boundary)
{
    if ((size_t) (in->end - in->pos) < boundary.len + 2
        || memcmp(in->pos, "--", 2) != 0
        || memcmp(in->pos + 2, boundary.data, boundary.len) != 0)
    {
        return 0;
    }

    in->pos += boundary.len + 2;

    return 1;
}


static void
agw_skip_space(agw_cursor_t *in)
{
    while (in->pos < in->end && *in->pos == ' ') {
        in->pos++;
    }
}


static agw_str_t
agw_cut(const char *text)
{
    agw_str_t  s;

    s.data = (const unsigned char *) text;
    s.len = strlen(text);

    return s;
}
