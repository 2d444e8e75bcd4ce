
/*
 * Each test errs towards "a key": a secret that looks like one is drawn
 * anew, a key that is taken for a secret cannot be called back.
 */


#include "agw_base64.h"
#include "agw_key_form.h"


/* enough of a key for agw_is_der(), in bytes of base64 and decoded */

#define AGW_DER_HEAD         15
#define AGW_DER_HEAD_BASE64  20

/* as many bytes tell UTF-16, and as many characters tell JSON */

#define AGW_UTF16_HEAD       16
#define AGW_PRINTABLE        8


static agw_str_t agw_skip_space(agw_str_t s);
static int agw_has_key_words(agw_str_t s);
static int agw_is_utf16(agw_str_t s);
static int agw_is_der(agw_str_t bytes);
static size_t agw_der_contents(agw_str_t bytes, size_t i);
static size_t agw_der_end(agw_str_t bytes);
static int agw_is_base64_of_der(agw_str_t text);


agw_key_form_t
agw_key_form(agw_str_t bytes, agw_str_t *text)
{
    agw_str_t               s;
    static const agw_str_t  bom = agw_string("\xef\xbb\xbf");
    static const agw_str_t  pem = agw_string("-----BEGIN");
    static const agw_str_t  object = agw_string("{");
    static const agw_str_t  array = agw_string("[");

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

    if (agw_has_key_words(s) || agw_is_utf16(bytes)
        || agw_is_base64_of_der(s) || agw_is_der(s) || agw_is_der(bytes))
    {
        return AGW_FORM_OTHER;
    }

    return AGW_FORM_SECRET;
}


int
agw_is_wrapped_key(agw_str_t secret)
{
    size_t     i;
    agw_str_t  text;

    switch (agw_key_form(secret, &text)) {

    case AGW_FORM_SECRET:
        return 0;

    case AGW_FORM_JSON:

        for (i = 0; i < text.len && i < AGW_PRINTABLE; i++) {
            if (text.data[i] < 0x20 || text.data[i] > 0x7e) {
                return 0;
            }
        }

        return 1;

    default:
        return 1;
    }
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


/*
 * Words that stand in keys written as text: at its beginning, or, where such
 * a beginning may have been cut off, anywhere.
 */

static int
agw_has_key_words(agw_str_t s)
{
    size_t                  i, j;
    agw_str_t               rest;
    static const agw_str_t  first[] = {

        /* ssh's, with their names and in base64; its own armour */

        agw_string("ssh-"), agw_string("ecdsa-sha2-"), agw_string("sk-"),
        agw_string("AAAAB3NzaC1"), agw_string("AAAAC3NzaC1"),
        agw_string("AAAAE2VjZHNh"), agw_string("---- BEGIN"),

        /* base64 of "-----BEGIN" and of "{\"" */

        agw_string("LS0tLS1CRUdJTi"), agw_string("eyJ")
    };
    static const agw_str_t  anywhere[] = {
        agw_string("-----BEGIN"), agw_string("-----END"),
        agw_string("BEGIN PUBLIC KEY"), agw_string("END PUBLIC KEY"),
        agw_string("BEGIN RSA PUBLIC KEY"), agw_string("END RSA PUBLIC KEY"),
        agw_string("BEGIN CERTIFICATE"), agw_string("END CERTIFICATE"),
        agw_string("\"kty\""),
        agw_string("<RSAKeyValue>"), agw_string("ssh-rsa"),
        agw_string("ssh-ed25519"), agw_string("ecdsa-sha2-")
    };

    for (i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
        if (agw_str_begins(s, first[i])) {
            return 1;
        }
    }

    rest = s;

    while (rest.len) {
        for (j = 0; j < sizeof(anywhere) / sizeof(anywhere[0]); j++) {
            if (agw_str_begins(rest, anywhere[j])) {
                return 1;
            }
        }

        rest.data++;
        rest.len--;
    }

    return 0;
}


/* with its mark, or as text has it without: every other byte is NUL */

static int
agw_is_utf16(agw_str_t s)
{
    size_t  i, nuls[2];

    if (s.len < 2) {
        return 0;
    }

    if ((s.data[0] == 0xff && s.data[1] == 0xfe)
        || (s.data[0] == 0xfe && s.data[1] == 0xff))
    {
        return 1;
    }

    nuls[0] = 0;
    nuls[1] = 0;

    for (i = 0; i < s.len && i < AGW_UTF16_HEAD; i++) {
        nuls[i % 2] += (s.data[i] == '\0');
    }

    /* of UTF-32 half of the others are NUL as well */

    return i == AGW_UTF16_HEAD
           && nuls[0] + nuls[1] <= 3 * (AGW_UTF16_HEAD / 4)
           && (nuls[0] == AGW_UTF16_HEAD / 2 || nuls[1] == AGW_UTF16_HEAD / 2);
}


/*
 * DER of a key or a certificate (X.690, section 8.1), whole, cut short or
 * with something behind it: a SEQUENCE that begins with an INTEGER, an
 * OBJECT IDENTIFIER (PKCS #7), or a SEQUENCE that begins with one of these
 * or a [0]; or a SEQUENCE of anything, whole.  No text begins so, and of
 * random secrets one in 20,000.
 */

static int
agw_is_der(agw_str_t bytes)
{
    size_t  i;

    if (bytes.len == 0 || bytes.data[0] != 0x30) {
        return 0;
    }

    i = agw_der_contents(bytes, 0);

    if (agw_der_end(bytes) == bytes.len) {
        return 1;
    }

    if (i < bytes.len && bytes.data[i] == 0x30) {
        i = agw_der_contents(bytes, i);

        return i < bytes.len && (bytes.data[i] == 0x02
                                 || bytes.data[i] == 0x06
                                 || bytes.data[i] == 0xa0);
    }

    return i < bytes.len && (bytes.data[i] == 0x02 || bytes.data[i] == 0x06);
}


/* where the contents of the element at i begin */

static size_t
agw_der_contents(agw_str_t bytes, size_t i)
{
    unsigned char  length;

    length = i + 1 < bytes.len ? bytes.data[i + 1] : 0;

    return i + 2 + (length > 0x80 ? length & 0x7f : 0);
}


/* where the element at the beginning ends; 0 where it does not say */

static size_t
agw_der_end(agw_str_t bytes)
{
    size_t  i, n, len;

    if (bytes.len < 2) {
        return 0;
    }

    n = bytes.data[1] & 0x7f;

    if (!(bytes.data[1] & 0x80)) {
        return 2 + n;
    }

    if (n == 0 || n > 4 || bytes.len < 2 + n) {
        return 0;
    }

    len = 0;

    for (i = 0; i < n; i++) {
        len = len << 8 | bytes.data[2 + i];
    }

    return 2 + n + len;
}


/* PEM without its first and last line, however it is folded */

static int
agw_is_base64_of_der(agw_str_t text)
{
    size_t         i, n, len;
    agw_str_t      head, der;
    unsigned char  chars[AGW_DER_HEAD_BASE64], buf[AGW_DER_HEAD];

    n = 0;

    for (i = 0; i < text.len && n < AGW_DER_HEAD_BASE64; i++) {
        if (text.data[i] != '\r' && text.data[i] != '\n') {
            chars[n++] = text.data[i];
        }
    }

    head.data = chars;
    head.len = n;

    if (n < AGW_DER_HEAD_BASE64
        || (agw_base64_decode(head, buf, &len) != 0
            && agw_base64url_decode(head, buf, &len) != 0))
    {
        return 0;
    }

    der.data = buf;
    der.len = len;

    return agw_is_der(der);
}
