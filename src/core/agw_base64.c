
/*
 * OpenSSL's decoder trims white space, and nginx's takes what follows a '=':
 * each accepts two spellings of one value, which a signed token must not
 * have.
 */


#include "agw_base64.h"


static int agw_decode(agw_str_t s, const unsigned char alphabet[2],
    unsigned char *out, size_t *len);
static int agw_sextet(unsigned char c, const unsigned char alphabet[2]);


/* the two characters in which the alphabets differ: 62 and 63 */

static const unsigned char  agw_url_safe[2] = { '-', '_' };
static const unsigned char  agw_standard[2] = { '+', '/' };

static const char  agw_url_chars[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";


size_t
agw_base64url_encode(agw_str_t s, unsigned char *out)
{
    size_t    i, n;
    unsigned  bits;

    n = 0;

    for (i = 0; i + 2 < s.len; i += 3) {
        bits = (unsigned) s.data[i] << 16 | (unsigned) s.data[i + 1] << 8
               | s.data[i + 2];

        out[n++] = (unsigned char) agw_url_chars[bits >> 18];
        out[n++] = (unsigned char) agw_url_chars[(bits >> 12) & 0x3f];
        out[n++] = (unsigned char) agw_url_chars[(bits >> 6) & 0x3f];
        out[n++] = (unsigned char) agw_url_chars[bits & 0x3f];
    }

    if (i + 2 == s.len) {
        bits = (unsigned) s.data[i] << 16 | (unsigned) s.data[i + 1] << 8;

        out[n++] = (unsigned char) agw_url_chars[bits >> 18];
        out[n++] = (unsigned char) agw_url_chars[(bits >> 12) & 0x3f];
        out[n++] = (unsigned char) agw_url_chars[(bits >> 6) & 0x3f];

    } else if (i + 1 == s.len) {
        bits = (unsigned) s.data[i] << 16;

        out[n++] = (unsigned char) agw_url_chars[bits >> 18];
        out[n++] = (unsigned char) agw_url_chars[(bits >> 12) & 0x3f];
    }

    return n;
}


int
agw_base64url_decode(agw_str_t s, unsigned char *out, size_t *len)
{
    return agw_decode(s, agw_url_safe, out, len);
}


int
agw_base64_decode(agw_str_t s, unsigned char *out, size_t *len)
{
    if (s.len > 0 && s.len % 4 == 0) {

        if (s.data[s.len - 1] == '=') {
            s.len--;

            if (s.data[s.len - 1] == '=') {
                s.len--;
            }
        }
    }

    return agw_decode(s, agw_standard, out, len);
}


static int
agw_decode(agw_str_t s, const unsigned char alphabet[2], unsigned char *out,
    size_t *len)
{
    int       value;
    size_t    i, n;
    unsigned  bits, nbits;

    if (s.len % 4 == 1) {
        return -1;
    }

    n = 0;
    bits = 0;
    nbits = 0;

    for (i = 0; i < s.len; i++) {
        value = agw_sextet(s.data[i], alphabet);

        if (value < 0) {
            return -1;
        }

        bits = (bits << 6 | (unsigned) value) & 0xffff;
        nbits += 6;

        if (nbits >= 8) {
            nbits -= 8;
            out[n++] = (unsigned char) (bits >> nbits);
        }
    }

    if (bits & ((1u << nbits) - 1)) {
        return -1;
    }

    *len = n;

    return 0;
}


static int
agw_sextet(unsigned char c, const unsigned char alphabet[2])
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }

    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }

    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }

    if (c == alphabet[0]) {
        return 62;
    }

    if (c == alphabet[1]) {
        return 63;
    }

    return -1;
}
