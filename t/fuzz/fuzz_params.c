
/*
 * Form and JSON bodies: what is read has no name twice, no NUL, and only
 * UTF-8, and a duration is one.
 */


#include <stdlib.h>

#include "agw_grammar.h"
#include "agw_params.h"


static void
check_duration(const agw_params_t *params, const char *name)
{
    int      rc;
    int64_t  seconds;

    seconds = -7;
    rc = agw_params_duration(params, name, &seconds);

    if ((rc == 1) ? (seconds < 1 || seconds > 9999999999)
                  : (seconds != -7 || (rc != 0 && rc != -1)))
    {
        abort();
    }
}


static void
check(const agw_params_t *params)
{
    char                name[64];
    size_t              i, j;
    agw_str_t           value;
    const agw_param_t  *p;

    for (i = 0, p = params->params; i < params->count; i++) {
        for (j = 0; j < i; j++) {
            if (agw_str_eq(p[i].name, p[j].name)) {
                abort();
            }
        }

        if (!agw_is_utf8(p[i].name) || !agw_is_utf8(p[i].value)
            || memchr(p[i].name.data, 0, p[i].name.len) != NULL
            || (p[i].value.len
                && memchr(p[i].value.data, 0, p[i].value.len) != NULL)
            || (p[i].type != AGW_PARAM_TEXT && p[i].value.len != 0))
        {
            abort();
        }

        if (p[i].name.len >= sizeof(name)) {
            continue;
        }

        memcpy(name, p[i].name.data, p[i].name.len);
        name[p[i].name.len] = '\0';
        check_duration(params, name);

        if (agw_params_text(params, name, &value)
            != (p[i].type == AGW_PARAM_TEXT ? 0 : -1)
            || !agw_str_eq(value, p[i].value))
        {
            abort();
        }
    }
}


/* whatever the text, and whoever would have refused it before */

static void
read_duration(agw_str_t text)
{
    agw_params_t  params;

    memset(&params, 0, sizeof(params));
    params.count = 1;
    params.params[0].name.data = text.data;
    params.params[0].value = text;

    check_duration(&params, "");
}


static void
read_form(agw_str_t text)
{
    agw_params_t    params;
    unsigned char  *body;

    memset(&params, 0, sizeof(params));

    body = malloc(text.len + 1);
    memcpy(body, text.data, text.len);

    if (agw_params_read_form(&params, body, text.len) == 0) {
        check(&params);
        agw_params_done(&params);
    }

    free(body);
}


/* the text as a body, and as what {"session_duration": begins */

static void
read_json(agw_str_t text)
{
    size_t             i;
    agw_str_t          body;
    agw_params_t       params;
    unsigned char     *p;
    static const char  start[] = "{\"session_duration\":";

    p = malloc(sizeof(start) + text.len);
    memcpy(p, start, sizeof(start) - 1);
    memcpy(&p[sizeof(start) - 1], text.data, text.len);
    p[sizeof(start) - 1 + text.len] = '}';

    for (i = 0; i < 2; i++) {
        body.data = i ? p : text.data;
        body.len = i ? sizeof(start) + text.len : text.len;

        memset(&params, 0, sizeof(params));

        if (agw_params_read_json(&params, body) == 0) {
            if (params.count != json_object_size(params.json)) {
                abort();
            }

            check(&params);
            agw_params_done(&params);
        }

        /* done, or nothing was owed */

        if (params.json != NULL) {
            abort();
        }
    }

    free(p);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    agw_str_t  text;

    text.len = size;
    text.data = data;

    read_duration(text);
    read_form(text);
    read_json(text);

    return 0;
}
