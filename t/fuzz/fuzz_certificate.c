
/*
 * Certificates in a header: what is read has the thumbprint of some DER, which
 * is read again from RFC 9440's form of it.
 */


#include <stdlib.h>

#include "agw_certificate.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    agw_str_t          text, thumbprint;
    agw_certificate_t  c, again;

    text.data = data;
    text.len = size;

    if (agw_certificate_read(&c, text) != 0) {
        return 0;
    }

    thumbprint.data = c.thumbprint;
    thumbprint.len = AGW_THUMBPRINT_SIZE;

    if (!agw_is_thumbprint(thumbprint)
        || agw_certificate_read(&again, text) != 0
        || memcmp(c.thumbprint, again.thumbprint, AGW_THUMBPRINT_SIZE) != 0
        || c.not_after != again.not_after)
    {
        abort();
    }

    return 0;
}
