
/*
 * Tokens as they come, which are never good: nobody guesses a MAC.  And
 * headers as they come, whole or from their second member on, under the
 * right MAC, to reach what lies behind it.
 */


#include <stdlib.h>

#include "agw_base64.h"
#include "agw_jws.h"


static agw_keyring_t  *ring;


static agw_str_t
sign(const uint8_t *header, size_t size, unsigned char *out)
{
    size_t          n, len;
    agw_str_t       s;
    unsigned char   sig[AGW_SIG_MAX];

    s.len = size;
    s.data = header;
    n = agw_base64url_encode(s, out);
    memcpy(&out[n], ".e30", 4);
    s.len = n + 4;
    s.data = out;

    if (agw_key_sign(agw_keyring_signer(ring), s, sig, &len) != 0) {
        abort();
    }

    out[s.len] = '.';
    n = s.len + 1;
    s.len = len;
    s.data = sig;
    s.len = n + agw_base64url_encode(s, &out[n]);
    s.data = out;

    return s;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    agw_jws_t         jws;
    agw_str_t         token;
    const char       *error, *warning;
    unsigned char    *header, *out, secret[64], buf[AGW_JWS_BUF_SIZE];
    agw_key_source_t  source;
    static const char start[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"";

    if (ring == NULL) {
        memset(secret, 'f', sizeof(secret));
        memset(&source, 0, sizeof(source));
        source.bytes.len = sizeof(secret);
        source.bytes.data = secret;
        ring = agw_keyring_create();

        if (agw_keyring_load(ring, &source, &error, &warning) != 0) {
            abort();
        }
    }

    token.len = size;
    token.data = data;

    if (agw_jws_verify(&jws, ring, token, buf) == AGW_OK
        || jws.payload.len != 0)
    {
        abort();
    }

    header = malloc(size + sizeof(start));
    memcpy(header, start, sizeof(start) - 1);
    memcpy(&header[sizeof(start) - 1], data, size);

    out = malloc(AGW_BASE64URL_SIZE(size + sizeof(start)) + 128);
    token = sign(size && data[0] == '{' ? data : header,
                 size + (size && data[0] == '{' ? 0 : sizeof(start) - 1), out);

    if (agw_jws_verify(&jws, ring, token, buf) == AGW_OK
        && (jws.payload.len != 2 || memcmp(jws.payload.data, "{}", 2) != 0))
    {
        abort();
    }

    free(header);
    free(out);

    return 0;
}
