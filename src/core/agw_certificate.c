
/*
 * A proxy's text is as strict as a JWS is: one spelling too many would be one
 * that the proxy and this module read differently.
 */


#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "agw_base64.h"
#include "agw_certificate.h"


#define AGW_DIGEST_SIZE   32         /* bytes */

static const agw_str_t  agw_pem_begin =
                            agw_string("-----BEGIN CERTIFICATE-----");
static const agw_str_t  agw_pem_end =
                            agw_string("-----END CERTIFICATE-----");


static int agw_certificate_from(agw_certificate_t *certificate,
    agw_str_t text, unsigned char *buf);
static int agw_certificate_unescape(agw_str_t *text, unsigned char *buf);
static int agw_hex_digit(unsigned char c);
static int agw_certificate_pem(agw_str_t *text, unsigned char *buf);
static void agw_skip_space(agw_str_t *text);
static int agw_is_space(unsigned char c);
static int agw_certificate_der(agw_certificate_t *certificate,
    agw_str_t der);
static int agw_certificate_fault(void);
static int agw_certificate_not_after(const X509 *x509, int64_t *not_after);


int
agw_is_thumbprint(agw_str_t text)
{
    size_t         len;
    unsigned char  digest[AGW_DIGEST_SIZE];

    return text.len == AGW_THUMBPRINT_SIZE
           && agw_base64url_decode(text, digest, &len) == 0;
}


int
agw_certificate_take(agw_certificate_t *certificate, const X509 *x509)
{
    unsigned       len;
    agw_str_t      text;
    unsigned char  digest[EVP_MAX_MD_SIZE];

    errno = 0;

    if (X509_digest(x509, EVP_sha256(), digest, &len) != 1
        || len != AGW_DIGEST_SIZE
        || agw_certificate_not_after(x509, &certificate->not_after) != 0)
    {
        ERR_clear_error();
        return agw_certificate_fault();
    }

    text.data = digest;
    text.len = len;

    (void) agw_base64url_encode(text, certificate->thumbprint);

    return 0;
}


int
agw_certificate_read(agw_certificate_t *certificate, agw_str_t text)
{
    int             rc;
    unsigned char  *buf;

    if (text.len == 0 || text.len > AGW_CERTIFICATE_MAX) {
        return -1;
    }

    /* unescaped text, then base64 without white space, then DER */

    buf = malloc(3 * text.len);
    if (buf == NULL) {
        return AGW_CERTIFICATE_NO_MEMORY;
    }

    rc = agw_certificate_from(certificate, text, buf);

    free(buf);

    return rc;
}


static int
agw_certificate_from(agw_certificate_t *certificate, agw_str_t text,
    unsigned char *buf)
{
    size_t          size;
    agw_str_t       der;
    unsigned char  *out;

    size = text.len;

    if (size > 2 && text.data[0] == ':' && text.data[size - 1] == ':') {
        text.data++;
        text.len -= 2;

        /* RFC 8941, section 3.3.5: with its padding */

        if (text.len % 4) {
            return -1;
        }

    } else if (agw_certificate_unescape(&text, buf) != 0
               || agw_certificate_pem(&text, buf + size) != 0)
    {
        return -1;
    }

    out = buf + 2 * size;

    if (agw_base64_decode(text, out, &der.len) != 0) {
        return -1;
    }

    der.data = out;

    return agw_certificate_der(certificate, der);
}


/* RFC 3986, section 2.1; a '+' is one */

static int
agw_certificate_unescape(agw_str_t *text, unsigned char *buf)
{
    int             high, low;
    size_t          i;
    unsigned char  *p;

    p = buf;

    for (i = 0; i < text->len; i++) {

        if (text->data[i] != '%') {
            *p++ = text->data[i];
            continue;
        }

        if (text->len - i < 3) {
            return -1;
        }

        high = agw_hex_digit(text->data[i + 1]);
        low = agw_hex_digit(text->data[i + 2]);

        if (high < 0 || low < 0) {
            return -1;
        }

        *p++ = (unsigned char) (high << 4 | low);
        i += 2;
    }

    text->data = buf;
    text->len = (size_t) (p - buf);

    return 0;
}


static int
agw_hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


/* the base64 of the first PEM, without white space, into buf */

static int
agw_certificate_pem(agw_str_t *text, unsigned char *buf)
{
    unsigned char  *p;

    agw_skip_space(text);

    if (!agw_str_begins(*text, agw_pem_begin)) {
        return -1;
    }

    text->data += agw_pem_begin.len;
    text->len -= agw_pem_begin.len;

    for (p = buf; text->len && text->data[0] != '-'; text->data++) {
        if (!agw_is_space(text->data[0])) {
            *p++ = text->data[0];
        }

        text->len--;
    }

    if (!agw_str_begins(*text, agw_pem_end)) {
        return -1;
    }

    text->data += agw_pem_end.len;
    text->len -= agw_pem_end.len;

    agw_skip_space(text);

    if (text->len && !agw_str_begins(*text, agw_pem_begin)) {
        return -1;
    }

    text->data = buf;
    text->len = (size_t) (p - buf);

    return 0;
}


static void
agw_skip_space(agw_str_t *text)
{
    while (text->len && agw_is_space(text->data[0])) {
        text->data++;
        text->len--;
    }
}


static int
agw_is_space(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}


static int
agw_certificate_der(agw_certificate_t *certificate, agw_str_t der)
{
    int                   rc;
    X509                 *x509;
    const unsigned char  *p;

    p = der.data;
    errno = 0;
    x509 = d2i_X509(NULL, &p, (long) der.len);

    if (x509 == NULL) {
        rc = agw_certificate_fault();

    } else {
        rc = p == der.data + der.len ? agw_certificate_take(certificate, x509)
                                     : -1;
    }

    X509_free(x509);
    ERR_clear_error();

    return rc;
}


/* OpenSSL returns the same if memory ran out, but malloc() sets errno */

static int
agw_certificate_fault(void)
{
    return errno == ENOMEM ? AGW_CERTIFICATE_NO_MEMORY : -1;
}


/* days and seconds since the epoch: no time zone takes part */

static int
agw_certificate_not_after(const X509 *x509, int64_t *not_after)
{
    int         rc, days, seconds;
    ASN1_TIME  *epoch;

    epoch = ASN1_TIME_set(NULL, 0);
    if (epoch == NULL) {
        return -1;
    }

    rc = ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(x509));

    ASN1_TIME_free(epoch);

    if (rc != 1) {
        return -1;
    }

    *not_after = (int64_t) days * 86400 + seconds;

    return 0;
}
