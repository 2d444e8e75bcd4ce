
/*
 * Authorization headers: what is taken from one is within it, or within the
 * buffer, and of the grammar that its readers rely on.
 */


#include <stdlib.h>

#include "agw_base64.h"
#include "agw_credentials.h"
#include "agw_grammar.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          i;
    agw_str_t       value, token;
    agw_basic_t     basic;
    agw_reason_t    one, other;
    unsigned char  *buf;

    value.len = size;
    value.data = data;

    buf = malloc(2 * AGW_BASE64_DECODED(size) + 1);

    one = agw_bearer_parse(value, &token);
    other = agw_basic_parse(value, &basic, buf);

    if (one == AGW_OK && (!agw_is_b64token(token) || token.data < data
                          || token.data + token.len > data + size))
    {
        abort();
    }

    for (i = 0; other == AGW_OK && i < basic.nreadings; i++) {
        if (i > 1 || agw_has_control(basic.readings[i].id)
            || agw_has_control(basic.readings[i].secret))
        {
            abort();
        }
    }

    /* no header is of two schemes */

    if (one != AGW_NO_CREDENTIALS && other != AGW_NO_CREDENTIALS) {
        abort();
    }

    free(buf);

    return 0;
}
