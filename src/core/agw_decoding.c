
/*
 * An escape is "%" and two hex digits (RFC 3986, section 2.1).
 */


#include "agw_decoding.h"


static int agw_hex(unsigned char c);
static int agw_escape(agw_str_t s, size_t i, unsigned char *c);


/*
 * Escapes never overlap, and decoding one makes the text shorter, so the order
 * of decoding does not change the result.  One pass is enough: after each byte
 * it looks at the end of the result again.
 */

size_t
agw_percent_decode_all(agw_str_t s, unsigned char *out)
{
    size_t         i, n;
    agw_str_t      tail;
    unsigned char  c;

    n = 0;
    tail.len = 3;

    for (i = 0; i < s.len; i++) {
        out[n++] = s.data[i];

        while (n >= 3) {
            tail.data = out + n - 3;

            if (!agw_escape(tail, 0, &c)) {
                break;
            }

            n -= 3;
            out[n++] = c;
        }
    }

    return n;
}


int
agw_form_decode(agw_str_t s, unsigned char *out, size_t *len)
{
    size_t         i, n;
    unsigned char  c;

    n = 0;

    for (i = 0; i < s.len; i++) {

        if (agw_escape(s, i, &c)) {
            out[n++] = c;
            i += 2;
            continue;
        }

        if (s.data[i] == '%') {
            return -1;
        }

        out[n++] = (s.data[i] == '+') ? ' ' : s.data[i];
    }

    *len = n;

    return 0;
}


static int
agw_hex(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }

    return -1;
}


/* returns 1 and sets *c if s has "%XX" at i */

static int
agw_escape(agw_str_t s, size_t i, unsigned char *c)
{
    int  high, low;

    if (s.data[i] != '%' || s.len - i < 3) {
        return 0;
    }

    high = agw_hex(s.data[i + 1]);
    low = agw_hex(s.data[i + 2]);

    if (high < 0 || low < 0) {
        return 0;
    }

    *c = (unsigned char) (high << 4 | low);

    return 1;
}
