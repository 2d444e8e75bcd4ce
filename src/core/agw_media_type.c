
/*
 * One parameter is of interest; the others are passed over.
 */


#include "agw_grammar.h"
#include "agw_media_type.h"


#define AGW_BOUNDARY_MAX  70


static agw_str_t agw_trim(agw_str_t s);
static agw_str_t agw_parameter(agw_str_t *rest);


void
agw_media_type_parse(agw_str_t value, agw_str_t *type, agw_str_t *boundary)
{
    size_t                  seen;
    agw_str_t               rest, parameter;
    static const agw_str_t  name = agw_string("boundary=");

    rest = value;
    seen = 0;

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

    if (seen != 1 || boundary->len > AGW_BOUNDARY_MAX
        || (boundary->len
            && (memchr(boundary->data, '"', boundary->len) != NULL
                || memchr(boundary->data, '\\', boundary->len) != NULL)))
    {
        boundary->len = 0;
    }
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

    rest->data += i;
    rest->len -= i;

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
