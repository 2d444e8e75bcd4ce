
/*
 * One parameter is of interest; the others are passed over.
 */


#include "agw_grammar.h"
#include "agw_media_type.h"


#define AGW_BOUNDARY_MAX  70


static int agw_is_boundary(agw_str_t s);
static agw_str_t agw_trim(agw_str_t s);
static agw_str_t agw_parameter(agw_str_t *rest);


void
agw_media_type_parse(agw_str_t value, agw_str_t *type, agw_str_t *boundary)
{
    int                     escaped;
    size_t                  seen;
    agw_str_t               rest, parameter;
    static const agw_str_t  name = agw_string("boundary=");

    rest = value;
    seen = 0;

    /* a quote that is escaped ends where no reader would guess */

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


/* RFC 2046, section 5.1.1: bchars, of which the last is no space */

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


/* takes what stands before the next ';' that is not quoted, and the ';' */

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
