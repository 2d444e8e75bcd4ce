
/*
 * The table of parameters, and the readers of forms, which are decoded in
 * place, and of JSON, which jansson parses.
 */


#include "agw_decoding.h"
#include "agw_grammar.h"
#include "agw_json.h"
#include "agw_params.h"


#define AGW_DURATION_MAX  INT64_C(9999999999)


static int agw_form_pair(agw_params_t *params, unsigned char *p, size_t len);
static int agw_json_members(agw_params_t *params, agw_str_t body);
static int agw_json_member(agw_params_t *params, const char *name,
    json_t *value);
static const agw_param_t *agw_params_find(const agw_params_t *params,
    agw_str_t name);
static int agw_duration_parse(agw_str_t text, int64_t *seconds);


int
agw_params_read_form(agw_params_t *params, unsigned char *body, size_t len)
{
    size_t          n;
    unsigned char  *amp;

    while (len > 0) {
        amp = memchr(body, '&', len);
        n = amp ? (size_t) (amp - body) : len;

        if (n > 0 && agw_form_pair(params, body, n) != 0) {
            return -1;
        }

        n += (amp != NULL);
        body += n;
        len -= n;
    }

    return 0;
}


/* jansson makes copies of what it parses, also if it fails */

int
agw_params_read_json(agw_params_t *params, agw_str_t body)
{
    int                   rc;
    agw_json_allocator_t  former;

    agw_json_wiping_begin(&former);
    rc = agw_json_members(params, body);
    agw_json_wiping_end(&former);

    if (rc != 0) {
        agw_params_done(params);
    }

    return rc;
}


void
agw_params_done(agw_params_t *params)
{
    agw_json_allocator_t  former;

    if (params->json != NULL) {
        agw_json_wiping_begin(&former);
        json_decref(params->json);
        agw_json_wiping_end(&former);
    }

    params->json = NULL;
    params->count = 0;
}


int
agw_params_add(agw_params_t *params, const agw_param_t *param)
{
    if (params->count == AGW_PARAMS_MAX
        || agw_params_find(params, param->name) != NULL
        || !agw_is_utf8(param->name) || !agw_is_utf8(param->value)
        || (param->name.len
            && memchr(param->name.data, '\0', param->name.len) != NULL)
        || (param->value.len
            && memchr(param->value.data, '\0', param->value.len) != NULL))
    {
        return -1;
    }

    params->params[params->count++] = *param;

    return 0;
}


int
agw_params_text(const agw_params_t *params, const char *name,
    agw_str_t *value)
{
    agw_str_t           wanted;
    const agw_param_t  *param;

    wanted.data = (const unsigned char *) name;
    wanted.len = strlen(name);

    param = agw_params_find(params, wanted);

    *value = param ? param->value : agw_empty;

    return (param == NULL || param->type == AGW_PARAM_TEXT) ? 0 : -1;
}


int
agw_params_duration(const agw_params_t *params, const char *name,
    int64_t *seconds)
{
    agw_str_t           wanted;
    const agw_param_t  *param;

    wanted.data = (const unsigned char *) name;
    wanted.len = strlen(name);

    param = agw_params_find(params, wanted);

    if (param == NULL) {
        return 0;
    }

    switch (param->type) {

    case AGW_PARAM_TEXT:

        if (param->value.len == 0) {
            return 0;
        }

        return agw_duration_parse(param->value, seconds) == 0 ? 1 : -1;

    case AGW_PARAM_INTEGER:

        if (param->integer < 1 || param->integer > AGW_DURATION_MAX) {
            return -1;
        }

        *seconds = param->integer;

        return 1;

    default:
        return -1;
    }
}


static int
agw_form_pair(agw_params_t *params, unsigned char *p, size_t len)
{
    agw_param_t     param;
    unsigned char  *equals;

    memset(&param, 0, sizeof(agw_param_t));

    equals = memchr(p, '=', len);

    param.name.data = p;
    param.name.len = equals ? (size_t) (equals - p) : len;

    param.value.data = equals ? equals + 1 : p + len;
    param.value.len = equals ? len - param.name.len - 1 : 0;

    if (agw_form_decode(param.name, p, &param.name.len) != 0
        || agw_form_decode(param.value, (unsigned char *) param.value.data,
                           &param.value.len)
           != 0)
    {
        return -1;
    }

    return agw_params_add(params, &param);
}


static int
agw_json_members(agw_params_t *params, agw_str_t body)
{
    void        *iter;
    const char  *fault;

    params->json = agw_json_object(body, &fault);

    if (params->json == NULL) {
        return fault == agw_json_no_memory ? AGW_PARAMS_NO_MEMORY : -1;
    }

    for (iter = json_object_iter(params->json);
         iter != NULL;
         iter = json_object_iter_next(params->json, iter))
    {
        if (agw_json_member(params, json_object_iter_key(iter),
                            json_object_iter_value(iter))
            != 0)
        {
            return -1;
        }
    }

    return 0;
}


static int
agw_json_member(agw_params_t *params, const char *name, json_t *value)
{
    agw_param_t  param;

    memset(&param, 0, sizeof(agw_param_t));

    param.name.data = (const unsigned char *) name;
    param.name.len = strlen(name);

    switch (json_typeof(value)) {

    case JSON_STRING:
        param.type = AGW_PARAM_TEXT;
        param.value.data = (const unsigned char *) json_string_value(value);
        param.value.len = json_string_length(value);
        break;

    case JSON_INTEGER:
        param.type = AGW_PARAM_INTEGER;
        param.integer = json_integer_value(value);
        break;

    default:
        param.type = AGW_PARAM_OTHER;
        break;
    }

    return agw_params_add(params, &param);
}


static const agw_param_t *
agw_params_find(const agw_params_t *params, agw_str_t name)
{
    size_t  i;

    for (i = 0; i < params->count; i++) {
        if (agw_str_eq(params->params[i].name, name)) {
            return &params->params[i];
        }
    }

    return NULL;
}


static int
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
