
/*
 * Multipart bodies, whose boundary comes from the first bytes, and values
 * and header lines between good ones: what is read stands in the body, has
 * no name twice, no NUL and only UTF-8, and a value ends where its delimiter
 * begins.  So does a Content-Type that a boundary was found in.
 */


#include <stdlib.h>

#include "agw_grammar.h"
#include "agw_multipart.h"


#define CD  "Content-Disposition: form-data; name="


static int
within(agw_str_t part, agw_str_t whole)
{
    return part.data >= whole.data
           && part.data + part.len <= whole.data + whole.len;
}


/* whether a line of text, but for the first, begins with the delimiter */

static int
has_delimiter(agw_str_t text, agw_str_t boundary)
{
    size_t     i;
    agw_str_t  rest;

    for (i = 0; i + 4 <= text.len; i++) {
        rest.data = text.data + i + 4;
        rest.len = text.len - i - 4;

        if (memcmp(text.data + i, "\r\n--", 4) == 0
            && agw_str_begins(rest, boundary))
        {
            return 1;
        }
    }

    return 0;
}


static int
has_nul(agw_str_t s)
{
    return s.len != 0 && memchr(s.data, '\0', s.len) != NULL;
}


static int
read_body(agw_params_t *params, agw_str_t body, agw_str_t boundary)
{
    size_t        i, j;
    agw_str_t     value;
    agw_param_t  *p;

    memset(params, 0, sizeof(agw_params_t));

    if (agw_params_read_multipart(params, body, boundary) != 0) {
        return -1;
    }

    /* it begins with the delimiter, and ends with the last one */

    if (boundary.len == 0 || body.len < boundary.len + 4
        || memcmp(body.data, "--", 2) != 0
        || memcmp(body.data + 2, boundary.data, boundary.len) != 0
        || params->count > AGW_PARAMS_MAX || params->json != NULL)
    {
        abort();
    }

    for (i = 0, p = params->params; i < params->count; i++) {
        for (j = 0; j < i; j++) {
            if (agw_str_eq(p[i].name, p[j].name)) {
                abort();
            }
        }

        /* with the line break before it */

        value.data = p[i].value.data - 2;
        value.len = p[i].value.len + 2;

        if (p[i].type != AGW_PARAM_TEXT || has_nul(p[i].name)
            || has_nul(p[i].value) || !agw_is_utf8(p[i].name)
            || !agw_is_utf8(p[i].value) || !within(p[i].name, body)
            || !within(p[i].value, body) || agw_has_control(p[i].name)
            || has_delimiter(value, boundary)
            || (i > 0 && p[i].name.data < p[i - 1].value.data))
        {
            abort();
        }
    }

    agw_params_done(params);

    return 0;
}


/* the text as the value of a part: it is read as it is, or refused */

static void
read_value(agw_str_t text)
{
    int                     rc;
    agw_str_t               body;
    agw_params_t            params;
    unsigned char          *p;
    static const char       start[] = "--B\r\n" CD "a\r\n\r\n";
    static const char       end[] = "\r\n--B--\r\n";
    static const agw_str_t  boundary = agw_string("B");

    body.len = sizeof(start) - 1 + text.len + sizeof(end) - 1;
    body.data = p = malloc(body.len);

    memcpy(p, start, sizeof(start) - 1);
    memcpy(p + sizeof(start) - 1, text.data, text.len);
    memcpy(p + sizeof(start) - 1 + text.len, end, sizeof(end) - 1);

    /* agw_params_done() forgets the count, not the table */

    rc = read_body(&params, body, boundary);

    /* the value, with the line break before it */

    body.data += sizeof(start) - 3;
    body.len = text.len + 2;

    if (!has_delimiter(body, boundary)
        && ((rc == 0) != (agw_is_utf8(text) && !has_nul(text))
            || (rc == 0 && !agw_str_eq(params.params[0].value, text))))
    {
        abort();
    }

    free(p);
}


/* the text as header lines behind a good one: the name stays */

static void
read_lines(agw_str_t text)
{
    agw_str_t               body;
    agw_params_t            params;
    unsigned char          *p;
    static const char       start[] = "--B\r\n" CD "a\r\n";
    static const char       end[] = "\r\n\r\nv\r\n--B--\r\n";
    static const agw_str_t  name = agw_string("a"), boundary = agw_string("B");

    body.len = sizeof(start) - 1 + text.len + sizeof(end) - 1;
    body.data = p = malloc(body.len);

    memcpy(p, start, sizeof(start) - 1);
    memcpy(p + sizeof(start) - 1, text.data, text.len);
    memcpy(p + sizeof(start) - 1 + text.len, end, sizeof(end) - 1);

    if (read_body(&params, body, boundary) == 0
        && !agw_str_eq(params.params[0].name, name))
    {
        abort();
    }

    free(p);
}


static void
read_type(agw_str_t text)
{
    agw_str_t  type, boundary;

    agw_media_type_parse(text, &type, &boundary);

    if (!within(type, text) || !within(boundary, text) || boundary.len > 70
        || (boundary.len && memchr(boundary.data, '"', boundary.len)))
    {
        abort();
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          len;
    agw_str_t       text, boundary;
    agw_params_t    params;
    unsigned char  *body;

    text.len = size;
    text.data = data;

    read_value(text);
    read_lines(text);
    read_type(text);

    if (size == 0) {
        return 0;
    }

    /* one byte of length, the boundary, the body */

    len = data[0] % 71;
    len = len < size - 1 ? len : size - 1;

    boundary.data = data + 1;
    boundary.len = len;

    text.len = size - 1 - len;
    text.data = body = malloc(text.len + 1);
    memcpy(body, data + 1 + len, text.len);

    (void) read_body(&params, text, boundary);

    free(body);

    return 0;
}
