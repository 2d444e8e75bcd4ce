
/*
 * Form bodies: what is read has no name twice, no NUL, and only UTF-8.
 */


#include <stdlib.h>

#include "agw_grammar.h"
#include "agw_params.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          i, j;
    int64_t         seconds;
    agw_str_t       text;
    agw_param_t    *p;
    agw_params_t    params;
    unsigned char  *body;

    text.len = size;
    text.data = data;

    if (agw_duration_parse(text, &seconds) == 0
        && (seconds < 1 || seconds > 9999999999))
    {
        abort();
    }

    body = malloc(size + 1);
    memcpy(body, data, size);

    if (agw_params_read_form(&params, body, size) == 0) {
        for (i = 0, p = params.params; i < params.count; i++) {
            for (j = 0; j < i; j++) {
                if (agw_str_eq(p[i].name, p[j].name)) {
                    abort();
                }
            }

            if (!agw_is_utf8(p[i].name) || !agw_is_utf8(p[i].value)
                || memchr(p[i].name.data, 0, p[i].name.len) != NULL
                || memchr(p[i].value.data, 0, p[i].value.len) != NULL)
            {
                abort();
            }
        }
    }

    free(body);

    return 0;
}
