
/*
 * A file has a format if a parser of that format reads the whole of it.
 * Nothing is guessed: a good secret may resemble a key.
 */


#include <errno.h>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>

#include "agw_grammar.h"
#include "agw_json.h"
#include "agw_key_format.h"


/* of random secrets this long, 1 in 10^11 begins with "<" and is text */

#define AGW_MARKUP_HEAD  32

#define AGW_UTF8_MAX     4           /* bytes of a character */


static agw_str_t agw_skip_space(agw_str_t s);
static int agw_is_space(unsigned char c);
static int agw_is_json(agw_str_t text);
static int agw_is_der(agw_str_t text);
static int agw_is_sequence(agw_str_t text);
static int agw_is_der_key(agw_str_t text);
static int agw_is_pkcs7(agw_str_t text);
static int agw_is_whole(const unsigned char *end, agw_str_t text);
static int agw_is_markup(agw_str_t text);


agw_key_format_t
agw_key_format(agw_str_t bytes, agw_str_t *text)
{
    agw_str_t               s;
    static const agw_str_t  pem = agw_string("-----BEGIN");
    static const agw_str_t  ssh = agw_string("ssh-");

    s = agw_skip_space(agw_skip_bom(bytes));
    *text = s;
    errno = 0;

    if (agw_str_begins(s, pem)) {
        return AGW_FORMAT_PEM;
    }

    if (agw_str_begins(s, ssh)) {
        return AGW_FORMAT_SSH;
    }

    if (agw_is_markup(s)) {
        return AGW_FORMAT_MARKUP;
    }

    switch (agw_is_json(s)) {

    case 1:
        return AGW_FORMAT_JSON;

    case 0:
        break;

    default:
        return AGW_FORMAT_UNKNOWN;
    }

    if (agw_is_der(s)) {
        return AGW_FORMAT_DER;
    }

    /* OpenSSL returns the same as for other bytes, but malloc() sets errno */

    return errno == ENOMEM ? AGW_FORMAT_UNKNOWN : AGW_FORMAT_BYTES;
}


agw_str_t
agw_skip_bom(agw_str_t bytes)
{
    static const agw_str_t  bom = agw_string("\xef\xbb\xbf");

    if (agw_str_begins(bytes, bom)) {
        bytes.data += bom.len;
        bytes.len -= bom.len;
    }

    return bytes;
}


const char *
agw_key_format_refusal(agw_key_format_t format)
{
    switch (format) {

    case AGW_FORMAT_PEM:
        return "a PEM key is never taken for a secret; it must be in a file "
               "of its own";

    case AGW_FORMAT_SSH:
        return "an ssh key is never taken for a secret; it must be PEM "
               "(ssh-keygen -e -m PKCS8)";

    case AGW_FORMAT_JSON:
        return "JSON is never taken for a secret; it must be a JWK or a JWK "
               "Set (RFC 7517, sections 4 and 5)";

    case AGW_FORMAT_DER:
        return "DER is never taken for a secret; it must be PEM (openssl "
               "pkey -inform DER, for a public key with -pubin)";

    case AGW_FORMAT_UNKNOWN:
        return "there was no memory to find out what the file is; without "
               "that, it is never taken for a secret";

    default:
        return "HTML or XML is never taken for a secret; the file must hold "
               "a PEM key, a JWK, a JWK Set or a raw secret";
    }
}


static agw_str_t
agw_skip_space(agw_str_t s)
{
    while (s.len && agw_is_space(s.data[0])) {
        s.data++;
        s.len--;
    }

    return s;
}


static int
agw_is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}


/*
 * Repeated members are accepted here: a JWK with a fault is still no secret.
 * A number may be one: a secret in hex may consist of digits.  -1 if memory
 * ran out.
 */

static int
agw_is_json(agw_str_t text)
{
    int                    whole;
    json_t                *json;
    json_error_t           error;
    agw_json_allocator_t   former;

    agw_json_wiping_begin(&former);

    json = agw_json_load(text, JSON_DECODE_ANY|JSON_ALLOW_NUL, &error);

    if (json != NULL) {
        whole = !json_is_number(json);

    } else {
        whole = json_error_code(&error) == json_error_out_of_memory ? -1 : 0;
    }

    json_decref(json);

    agw_json_wiping_end(&former);

    return whole;
}


static int
agw_is_der(agw_str_t text)
{
    size_t                i;
    ASN1_VALUE           *value;
    const ASN1_ITEM      *item;
    const unsigned char  *p;

    /* public keys, encrypted keys, certificates, and their containers */

    ASN1_ITEM_EXP *const  items[] = {
        ASN1_ITEM_ref(X509_PUBKEY), ASN1_ITEM_ref(X509_SIG),
        ASN1_ITEM_ref(X509), ASN1_ITEM_ref(X509_REQ), ASN1_ITEM_ref(PKCS12)
    };

    if (!agw_is_sequence(text)) {
        return 0;
    }

    for (i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
        p = text.data;
        item = ASN1_ITEM_ptr(items[i]);
        value = ASN1_item_d2i(NULL, &p, (long) text.len, item);

        ASN1_item_free(value, item);

        if (value != NULL && agw_is_whole(p, text)) {
            ERR_clear_error();
            return 1;
        }
    }

    return agw_is_der_key(text) || agw_is_pkcs7(text);
}


/* rules out most bytes before each of the types is tried */

static int
agw_is_sequence(agw_str_t text)
{
    int                   rc, tag, xclass;
    long                  len;
    const unsigned char  *p;

    if (text.len == 0) {
        return 0;
    }

    p = text.data;
    rc = ASN1_get_object(&p, &len, &tag, &xclass, (long) text.len);

    ERR_clear_error();

    return rc == V_ASN1_CONSTRUCTED && tag == V_ASN1_SEQUENCE
           && xclass == V_ASN1_UNIVERSAL && agw_is_whole(p + len, text);
}


/* an RSA public key of PKCS #1, or a private key of any type and format */

static int
agw_is_der_key(agw_str_t text)
{
    int                   whole;
    EVP_PKEY             *pkey;
    const unsigned char  *p;

    p = text.data;
    pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long) text.len);

    if (pkey == NULL) {
        p = text.data;
        pkey = d2i_AutoPrivateKey(NULL, &p, (long) text.len);
    }

    whole = (pkey != NULL && agw_is_whole(p, text));

    EVP_PKEY_free(pkey);
    ERR_clear_error();

    return whole;
}


/* only signed data, which holds certificates: other types hold anything */

static int
agw_is_pkcs7(agw_str_t text)
{
    int                   whole;
    PKCS7                *p7;
    const unsigned char  *p;

    p = text.data;
    p7 = d2i_PKCS7(NULL, &p, (long) text.len);

    whole = (p7 != NULL && PKCS7_type_is_signed(p7) && agw_is_whole(p, text));

    PKCS7_free(p7);
    ERR_clear_error();

    return whole;
}


/* whether nothing follows but white space: an editor may append a newline */

static int
agw_is_whole(const unsigned char *end, agw_str_t text)
{
    agw_str_t  rest;

    rest.data = end;
    rest.len = text.len - (size_t) (end - text.data);

    return agw_skip_space(rest).len == 0;
}


/* in any charset the first tag of a page is ASCII */

static int
agw_is_markup(agw_str_t text)
{
    size_t     i;
    agw_str_t  head;

    if (text.len == 0 || text.data[0] != '<') {
        return 0;
    }

    head = text;

    if (head.len > AGW_MARKUP_HEAD) {
        head.len = AGW_MARKUP_HEAD;
    }

    for (i = 0; i < head.len; i++) {
        if (!agw_is_space(head.data[i])
            && (head.data[i] < 0x20 || head.data[i] == 0x7f))
        {
            return 0;
        }
    }

    /* the last character may be cut */

    for (i = 0; i < AGW_UTF8_MAX; i++, head.len--) {
        if (agw_is_utf8(head)) {
            return 1;
        }
    }

    return 0;
}
