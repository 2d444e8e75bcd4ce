
/*
 * What decodes encodes back to the same text: no bytes have two spellings.
 */


#include <stdlib.h>

#include "agw_base64.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          len;
    agw_str_t       text, bytes;
    unsigned char  *out, *again;

    text.len = size;
    text.data = data;

    out = malloc(AGW_BASE64_DECODED(size) + 1);

    if (agw_base64url_decode(text, out, &len) == 0) {
        bytes.len = len;
        bytes.data = out;
        again = malloc(AGW_BASE64URL_SIZE(len) + 1);

        if (len > AGW_BASE64_DECODED(size)
            || agw_base64url_encode(bytes, again) != size
            || (size != 0 && memcmp(again, data, size) != 0))
        {
            abort();
        }

        free(again);
    }

    if (agw_base64_decode(text, out, &len) == 0
        && len > AGW_BASE64_DECODED(size))
    {
        abort();
    }

    free(out);

    return 0;
}
