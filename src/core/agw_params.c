
/*
 * Parameters of a form, decoded where they stand.
 */


#include "agw_grammar.h"
#include "agw_params.h"


static int agw_form_pair(agw_param_t *param, unsigned char *p, size_t len);
static int agw_params_repeated(const agw_params_t *params);


int
agw_params_read_form(agw_params_t *params, unsigned char *body, size_t len)
{
    size_t          n;
    unsigned char  *amp;

    params->count = 0;

    while (len > 0) {
        amp = memchr(body, '&', len);
        n = amp ? (size_t) (amp - body) : len;

        if (n > 0) {
            if (params->count == AGW_PARAMS_MAX
                || agw_form_pair(&params->params[params->count], body, n) != 0)
            {
                return -1;
            }

            params->count++;
        }

        n += (amp != NULL);
        body += n;
        len -= n;
    }

    return agw_params_repeated(params) ? -1 : 0;
}


agw_str_t
agw_params_get(const agw_params_t *params, const char *name)
{
    size_t            i;
    agw_str_t         wanted;
    static const agw_str_t  absent = agw_string("");

    wanted.data = (const unsigned char *) name;
    wanted.len = strlen(name);

    for (i = 0; i < params->count; i++) {
        if (agw_str_eq(params->params[i].name, wanted)) {
            return params->params[i].value;
        }
    }

    return absent;
}


int
agw_duration_parse(agw_str_t text, int64_t *seconds)
{
    size_t   i;
    int64_t  n;

    if (text.len == 0 || text.len > 10 || text.data[0] == '0') {
        return -1;
    }

    n = 0;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return -1;
        }

        n = n * 10 + (text.data[i] - '0');
    }

    *seconds = n;

    return 0;
}


static int
agw_form_pair(agw_param_t *param, unsigned char *p, size_t len)
{
    agw_str_t       name, value;
    unsigned char  *equals;

    equals = memchr(p, '=', len);

    name.data = p;
    name.len = equals ? (size_t) (equals - p) : len;

    value.data = p + len;
    value.len = 0;

    if (equals != NULL) {
        value.data = equals + 1;
        value.len = len - name.len - 1;
    }

    if (agw_form_decode(name, (unsigned char *) name.data, &name.len) != 0
        || agw_form_decode(value, (unsigned char *) value.data, &value.len)
           != 0)
    {
        return -1;
    }

    if (!agw_is_utf8(name) || memchr(name.data, '\0', name.len) != NULL
        || !agw_is_utf8(value) || memchr(value.data, '\0', value.len) != NULL)
    {
        return -1;
    }

    param->name = name;
    param->value = value;

    return 0;
}


static int
agw_params_repeated(const agw_params_t *params)
{
    size_t  i, j;

    for (i = 1; i < params->count; i++) {
        for (j = 0; j < i; j++) {
            if (agw_str_eq(params->params[i].name, params->params[j].name)) {
                return 1;
            }
        }
    }

    return 0;
}
