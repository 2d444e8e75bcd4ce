
/*
 * Written by hand, because a value has to have one encoding: of two tokens
 * that decode alike, only one may be valid.  OpenSSL's decoder skips white
 * space, nginx's accepts anything after a '=': either would accept both.
 */


#include "agw_base64.h"


static int agw_decode(agw_str_t s, uint32_t foreign, unsigned char *out,
    size_t *len);


/*
 * The value of each character, and a flag for each alphabet that does not have
 * it.  The flags are the highest bits: when a value is shifted to its place,
 * they leave the word, or stay above the bytes that are used.
 */

#define AGW_NOT_STANDARD   (UINT32_C(1) << 30)
#define AGW_NOT_URL        (UINT32_C(1) << 31)

#define S(value)           ((value) | AGW_NOT_STANDARD)
#define U(value)           ((value) | AGW_NOT_URL)
#define X                  (AGW_NOT_STANDARD | AGW_NOT_URL)
#define X8                 X, X, X, X, X, X, X, X


static const uint32_t  agw_values[256] = {
    X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X,
    X, X, X, U(62), X, S(62), X, U(63),
    52, 53, 54, 55, 56, 57, 58, 59,
    60, 61, X, X, X, X, X, X,
    X, 0, 1, 2, 3, 4, 5, 6,
    7, 8, 9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22,
    23, 24, 25, X, X, X, X, S(63),
    X, 26, 27, 28, 29, 30, 31, 32,
    33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48,
    49, 50, 51, X, X, X, X, X,
    X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8
};

#undef S
#undef U
#undef X
#undef X8

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
    return agw_decode(s, AGW_NOT_URL, out, len);
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

    return agw_decode(s, AGW_NOT_STANDARD, out, len);
}


/* foreign is the flag of characters that are not in the alphabet */

static int
agw_decode(agw_str_t s, uint32_t foreign, unsigned char *out, size_t *len)
{
    uint32_t              a, b, c, d, all, bits;
    unsigned char        *q;
    const unsigned char  *p, *end;

    if (s.len % 4 == 1) {
        return -1;
    }

    if (s.len == 0) {
        *len = 0;
        return 0;
    }

    q = out;
    p = s.data;
    end = p + (s.len - s.len % 4);
    all = 0;
    bits = 0;

    while (p < end) {
        a = agw_values[p[0]];
        b = agw_values[p[1]];
        c = agw_values[p[2]];
        d = agw_values[p[3]];

        all |= a | b | c | d;
        bits = a << 18 | b << 12 | c << 6 | d;

        q[0] = (unsigned char) (bits >> 16);
        q[1] = (unsigned char) (bits >> 8);
        q[2] = (unsigned char) bits;

        p += 4;
        q += 3;
    }

    /* the bits that are left over must be zero: a value has one encoding */

    bits = 0;

    if (s.len % 4 >= 2) {
        a = agw_values[p[0]];
        b = agw_values[p[1]];

        all |= a | b;
        bits = a << 18 | b << 12;

        *q++ = (unsigned char) (bits >> 16);
        bits &= 0xffff;
    }

    if (s.len % 4 == 3) {
        c = agw_values[p[2]];

        all |= c;
        bits |= c << 6;

        *q++ = (unsigned char) (bits >> 8);
        bits &= 0xff;
    }

    if ((all & foreign) || bits != 0) {
        return -1;
    }

    *len = (size_t) (q - out);

    return 0;
}
