
/*
 * Character sets as a table of bits.
 */


#include "agw_grammar.h"


#define AGW_ID_CHAR     0x01         /* RFC 3986: unreserved */
#define AGW_B64_CHAR    0x02         /* RFC 6750: b64token but for '=' */
#define AGW_SCOPE_CHAR  0x04         /* RFC 6749: scope-token */
#define AGW_PLAIN_CHAR  0x08         /* RFC 8259: ASCII, unescaped, printable */
#define AGW_PATH_CHAR   0x10         /* unreserved, and '/' */


static size_t agw_run(agw_str_t s, unsigned set);
static inline unsigned agw_four_sets(const unsigned char *p);
static size_t agw_utf8_char(const unsigned char *p, size_t left);


/* the sets that each byte is in; bytes past ASCII are in none */

static const unsigned char  agw_char_sets[256] = {
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x08, 0x0c, 0x00, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c,
    0x0c, 0x0c, 0x0c, 0x0e, 0x0c, 0x1f, 0x1f, 0x1e,
    0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f,
    0x1f, 0x1f, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c,
    0x0c, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f,
    0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f,
    0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f,
    0x1f, 0x1f, 0x1f, 0x0c, 0x00, 0x0c, 0x0c, 0x1f,
    0x0c, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f,
    0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f,
    0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f, 0x1f,
    0x1f, 0x1f, 0x1f, 0x0c, 0x0c, 0x0c, 0x1f, 0x00
};


/* four at a time, and always to the end: almost every id is valid */

int
agw_is_id(agw_str_t s)
{
    size_t    i;
    unsigned  sets;

    if (s.len < 1 || s.len > AGW_ID_MAX) {
        return 0;
    }

    sets = AGW_ID_CHAR;

    for (i = 0; i + 4 <= s.len; i += 4) {
        sets &= agw_four_sets(s.data + i);
    }

    while (i < s.len) {
        sets &= agw_char_sets[s.data[i++]];
    }

    return sets != 0;
}


size_t
agw_span_path(agw_str_t s)
{
    return agw_run(s, AGW_PATH_CHAR);
}


size_t
agw_span_plain(agw_str_t s)
{
    return agw_run(s, AGW_PLAIN_CHAR);
}


int
agw_is_b64token(agw_str_t s)
{
    while (s.len > 0 && s.data[s.len - 1] == '=') {
        s.len--;
    }

    return s.len >= 1 && agw_run(s, AGW_B64_CHAR) == s.len;
}


int
agw_is_scope(agw_str_t s)
{
    size_t         i;
    unsigned char  prev;

    if (s.len > AGW_SCOPE_MAX) {
        return 0;
    }

    prev = ' ';

    for (i = 0; i < s.len; i++) {

        if (s.data[i] == ' ') {
            if (prev == ' ') {
                return 0;
            }

        } else if (!(agw_char_sets[s.data[i]] & AGW_SCOPE_CHAR)) {
            return 0;
        }

        prev = s.data[i];
    }

    return prev != ' ';
}


int
agw_is_scope_word(agw_str_t s)
{
    return agw_is_scope(s) && memchr(s.data, ' ', s.len) == NULL;
}


int
agw_is_utf8(agw_str_t s)
{
    size_t  i, n;

    for (i = 0; i < s.len; i += n) {
        n = agw_utf8_char(s.data + i, s.len - i);

        if (n == 0) {
            return 0;
        }
    }

    return 1;
}


int
agw_has_control(agw_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if (s.data[i] < 0x20 || s.data[i] == 0x7f) {
            return 1;
        }
    }

    return 0;
}


int
agw_same_nocase(agw_str_t a, agw_str_t b)
{
    size_t         i;
    unsigned char  c, d;

    if (a.len != b.len) {
        return 0;
    }

    for (i = 0; i < a.len; i++) {
        c = a.data[i];
        d = b.data[i];

        c = (c >= 'A' && c <= 'Z') ? c | 0x20 : c;
        d = (d >= 'A' && d <= 'Z') ? d | 0x20 : d;

        if (c != d) {
            return 0;
        }
    }

    return 1;
}


/* the number of characters of a set that s begins with; four at a time */

static size_t
agw_run(agw_str_t s, unsigned set)
{
    const unsigned char  *p, *end;

    if (s.len == 0) {
        return 0;
    }

    p = s.data;
    end = p + s.len;

    while (end - p >= 4 && (agw_four_sets(p) & set)) {
        p += 4;
    }

    while (p < end && (agw_char_sets[*p] & set)) {
        p++;
    }

    return (size_t) (p - s.data);
}


/* the sets that four characters share */

static inline unsigned
agw_four_sets(const unsigned char *p)
{
    return agw_char_sets[p[0]] & agw_char_sets[p[1]]
           & agw_char_sets[p[2]] & agw_char_sets[p[3]];
}


/*
 * The length of the character at p by the table of RFC 3629, section 4, or
 * 0: a stray or missing continuation, an overlong form, a surrogate, or a
 * code point past 10FFFF.
 */

static size_t
agw_utf8_char(const unsigned char *p, size_t left)
{
    size_t         i, n;
    unsigned char  low, high;

    if (p[0] < 0x80) {
        return 1;
    }

    low = 0x80;
    high = 0xbf;

    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        n = 2;

    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        n = 3;
        low = (p[0] == 0xe0) ? 0xa0 : low;
        high = (p[0] == 0xed) ? 0x9f : high;

    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        n = 4;
        low = (p[0] == 0xf0) ? 0x90 : low;
        high = (p[0] == 0xf4) ? 0x8f : high;

    } else {
        return 0;
    }

    if (n > left || p[1] < low || p[1] > high) {
        return 0;
    }

    for (i = 2; i < n; i++) {
        if (p[i] < 0x80 || p[i] > 0xbf) {
            return 0;
        }
    }

    return n;
}
