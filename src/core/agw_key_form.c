
/*
 * Each test errs towards "a key": a secret that looks like one is drawn
 * anew, a key that is taken for a secret cannot be called back.
 */


#include "agw_base64.h"
#include "agw_key_form.h"


/* enough of a key for agw_is_der(), in bytes of base64 and decoded */

#define AGW_DER_HEAD         16
#define AGW_DER_HEAD_BASE64  20


static agw_str_t agw_skip_space(agw_str_t s);
static int agw_holds_dashes(agw_str_t s);
static int agw_is_der(agw_str_t bytes);
static size_t agw_der_contents(agw_str_t bytes, size_t i);
static int agw_is_base64_of_der(agw_str_t text);


agw_key_form_t
agw_key_form(agw_str_t bytes, agw_str_t *text)
{
    size_t                  i;
    agw_str_t               s;
    static const agw_str_t  bom = agw_string("\xef\xbb\xbf");
    static const agw_str_t  pem = agw_string("-----BEGIN");
    static const agw_str_t  object = agw_string("{");
    static const agw_str_t  array = agw_string("[");
    static const agw_str_t  others[] = {
        agw_string("ssh-"), agw_string("ecdsa-sha2-"), agw_string("sk-"),
        agw_string("---- BEGIN"), agw_string("\xff\xfe"),
        agw_string("\xfe\xff")
    };

    s = bytes;

    if (agw_str_begins(s, bom)) {
        s.data += bom.len;
        s.len -= bom.len;
    }

    s = agw_skip_space(s);

    *text = s;

    if (agw_str_begins(s, pem)) {
        return AGW_FORM_PEM;
    }

    if (agw_str_begins(s, object) || agw_str_begins(s, array)) {
        return AGW_FORM_JSON;
    }

    *text = bytes;

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (agw_str_begins(s, others[i])) {
            return AGW_FORM_OTHER;
        }
    }

    if (agw_holds_dashes(s) || agw_is_base64_of_der(s)
        || agw_is_der(s) || agw_is_der(bytes))
    {
        return AGW_FORM_OTHER;
    }

    return AGW_FORM_SECRET;
}


static agw_str_t
agw_skip_space(agw_str_t s)
{
    while (s.len && (s.data[0] == ' '
                     || (s.data[0] >= '\t' && s.data[0] <= '\r')))
    {
        s.data++;
        s.len--;
    }

    return s;
}


/* a line of PEM (RFC 7468, section 2), wherever it stands */

static int
agw_holds_dashes(agw_str_t s)
{
    size_t                  i;
    agw_str_t               rest;
    static const agw_str_t  begin = agw_string("-----BEGIN");
    static const agw_str_t  end = agw_string("-----END");

    for (i = 0; i < s.len; i++) {
        rest.data = s.data + i;
        rest.len = s.len - i;

        if (agw_str_begins(rest, begin) || agw_str_begins(rest, end)) {
            return 1;
        }
    }

    return 0;
}


/*
 * DER of a key or a certificate (X.690, section 8.1), whole, cut short or
 * with something behind it: a SEQUENCE that begins with an INTEGER, or with
 * a SEQUENCE that begins with an INTEGER, an OBJECT IDENTIFIER or a [0].  No
 * text begins so, and of random secrets one in sixty thousand.
 */

static int
agw_is_der(agw_str_t bytes)
{
    size_t  i;

    if (bytes.len == 0 || bytes.data[0] != 0x30) {
        return 0;
    }

    i = agw_der_contents(bytes, 0);

    if (i < bytes.len && bytes.data[i] == 0x30) {
        i = agw_der_contents(bytes, i);

        return i < bytes.len && (bytes.data[i] == 0x02
                                 || bytes.data[i] == 0x06
                                 || bytes.data[i] == 0xa0);
    }

    return i < bytes.len && bytes.data[i] == 0x02;
}


/* where the contents of the element at i begin */

static size_t
agw_der_contents(agw_str_t bytes, size_t i)
{
    unsigned char  length;

    length = i + 1 < bytes.len ? bytes.data[i + 1] : 0;

    return i + 2 + (length > 0x80 ? length & 0x7f : 0);
}


/* PEM without its first and last line */

static int
agw_is_base64_of_der(agw_str_t text)
{
    size_t         len;
    agw_str_t      head, der;
    unsigned char  buf[AGW_DER_HEAD];

    if (text.len < AGW_DER_HEAD_BASE64) {
        return 0;
    }

    head.data = text.data;
    head.len = AGW_DER_HEAD_BASE64;

    if (agw_base64_decode(head, buf, &len) != 0
        && agw_base64url_decode(head, buf, &len) != 0)
    {
        return 0;
    }

    der.data = buf;
    der.len = len;

    return agw_is_der(der);
}
