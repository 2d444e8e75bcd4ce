
#include "agw_api_key.h"


#define AGW_API_KEY_PREFIX   4               /* "agw_" */
#define AGW_API_KEY_DIGITS   27
#define AGW_API_KEY_CRC      6


static void agw_base62_write(unsigned char *number, size_t size,
    unsigned char *out, size_t digits);
static void agw_api_key_checksum(const unsigned char *key,
    unsigned char *out);


static const unsigned char  agw_base62[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";


void
agw_api_key_write(const unsigned char random[AGW_API_KEY_RANDOM],
    unsigned char *out)
{
    size_t         i;
    unsigned char  number[AGW_API_KEY_RANDOM];

    memcpy(out, "agw_", AGW_API_KEY_PREFIX);
    memcpy(number, random, AGW_API_KEY_RANDOM);

    /* what is left of the number is zeros */

    agw_base62_write(number, AGW_API_KEY_RANDOM, out + AGW_API_KEY_PREFIX,
                     AGW_API_KEY_DIGITS);

    i = AGW_API_KEY_PREFIX + AGW_API_KEY_DIGITS;

    agw_api_key_checksum(out, out + i);
}


int
agw_api_key_is(agw_str_t text)
{
    size_t                  i;
    unsigned char           checksum[AGW_API_KEY_CRC];
    static const agw_str_t  prefix = agw_string("agw_");

    if (text.len != AGW_API_KEY_SIZE || !agw_str_begins(text, prefix)) {
        return 0;
    }

    for (i = AGW_API_KEY_PREFIX; i < text.len; i++) {
        if (memchr(agw_base62, text.data[i], sizeof(agw_base62) - 1) == NULL) {
            return 0;
        }
    }

    agw_api_key_checksum(text.data, checksum);

    return memcmp(text.data + AGW_API_KEY_SIZE - AGW_API_KEY_CRC, checksum,
                  AGW_API_KEY_CRC) == 0;
}


static void
agw_api_key_checksum(const unsigned char *key, unsigned char *out)
{
    uint32_t       crc;
    agw_str_t      text;
    unsigned char  number[4];

    text.data = key;
    text.len = AGW_API_KEY_PREFIX + AGW_API_KEY_DIGITS;

    crc = agw_crc32(text);

    number[0] = crc >> 24;
    number[1] = crc >> 16 & 0xff;
    number[2] = crc >> 8 & 0xff;
    number[3] = crc & 0xff;

    agw_base62_write(number, sizeof(number), out, AGW_API_KEY_CRC);
}


/* divides the number, whose first byte is the highest, until nothing is left */

static void
agw_base62_write(unsigned char *number, size_t size, unsigned char *out,
    size_t digits)
{
    size_t    i;
    unsigned  rest;

    while (digits-- > 0) {
        rest = 0;

        for (i = 0; i < size; i++) {
            rest = rest << 8 | number[i];
            number[i] = rest / 62;
            rest %= 62;
        }

        out[digits] = agw_base62[rest];
    }
}


/* base32 in lower case: five bytes make eight characters */

void
agw_api_key_id_write(const unsigned char random[AGW_KEY_ID_RANDOM],
    unsigned char *out)
{
    size_t                      i;
    unsigned                    bits, n;
    static const unsigned char  base32[] = "abcdefghijklmnopqrstuvwxyz234567";

    bits = 0;
    n = 0;

    for (i = 0; i < AGW_KEY_ID_RANDOM; i++) {
        bits = (bits << 8 | random[i]) & 0xffff;

        for (n += 8; n >= 5; n -= 5) {
            *out++ = base32[bits >> (n - 5) & 31];
        }
    }
}


uint32_t
agw_crc32(agw_str_t text)
{
    size_t    i;
    uint32_t  crc;
    unsigned  bit;

    crc = 0xffffffff;

    for (i = 0; i < text.len; i++) {
        crc ^= text.data[i];

        for (bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
    }

    return ~crc;
}
