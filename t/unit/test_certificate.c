
/*
 * Certificates as proxies write them (RFC 8705, RFC 9440), made here: the
 * thumbprint is that of the DER, whatever the text, and any other text is
 * none.
 */


#include <openssl/evp.h>
#include <openssl/x509.h>

#include "unit.h"

#include "agw_base64.h"
#include "agw_certificate.h"


#define BEGIN  "-----BEGIN CERTIFICATE-----"
#define END    "-----END CERTIFICATE-----"


static agw_str_t      der, base64;
static unsigned char  thumbprint[AGW_THUMBPRINT_SIZE];


/* one that signs itself, until the second that is given */

static int
make(void **state)
{
    int             len;
    X509           *x509;
    EVP_PKEY       *key;
    agw_str_t       digest;
    unsigned char  *p, hash[EVP_MAX_MD_SIZE];
    static unsigned char  der_buf[4096], base64_buf[8192];

    (void) state;

    key = EVP_EC_gen("P-256");
    x509 = X509_new();

    assert_non_null(key);
    assert_non_null(x509);
    assert_int_equal(X509_set_version(x509, 2), 1);
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x509), 1000));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x509), 4102444799));
    assert_int_equal(X509_set_pubkey(x509, key), 1);
    assert_true(X509_sign(x509, key, EVP_sha256()) > 0);

    p = der_buf;
    len = i2d_X509(x509, &p);
    assert_true(len > 0 && len < (int) sizeof(der_buf));

    der.data = der_buf;
    der.len = (size_t) len;

    base64.data = base64_buf;
    base64.len = (size_t) EVP_EncodeBlock(base64_buf, der_buf, len);

    assert_int_equal(EVP_Digest(der.data, der.len, hash, NULL, EVP_sha256(),
        NULL), 1);

    digest.data = hash;
    digest.len = 32;
    assert_int_equal(agw_base64url_encode(digest, thumbprint),
        AGW_THUMBPRINT_SIZE);

    X509_free(x509);
    EVP_PKEY_free(key);

    return 0;
}


/* base64 in lines of n characters, which end with that */

static agw_str_t
lines(size_t n, const char *end)
{
    size_t     i;
    agw_str_t  text;

    text = S("");

    for (i = 0; i < base64.len; i += n) {
        text = unit_cat(text, unit_format("%.*s%s",
            (int) (base64.len - i < n ? base64.len - i : n),
            (const char *) base64.data + i, end));
    }

    return text;
}


static agw_str_t
pem(size_t n, const char *end)
{
    return unit_cat(unit_format(BEGIN "%s", end),
        unit_cat(lines(n, end), unit_format(END "%s", end)));
}


/* all that is no letter or digit */

static agw_str_t
escaped(agw_str_t text, const char *format)
{
    size_t      i;
    agw_str_t   all;

    all = S("");

    for (i = 0; i < text.len; i++) {
        all = unit_cat(all, unit_format(
            strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", text.data[i])
            && text.data[i] ? "%c" : format, text.data[i]));
    }

    return all;
}


static void
taken(agw_str_t text)
{
    agw_certificate_t  c;

    memset(&c, 0xa5, sizeof(c));

    unit_assert(agw_certificate_read(&c, unit_copy(text)) == 0,
        "not read: %.*s", UNIT_ARG(text));
    assert_memory_equal(c.thumbprint, thumbprint, AGW_THUMBPRINT_SIZE);
    assert_true(c.not_after == 4102444799);
}


static void
refused(agw_str_t text)
{
    agw_certificate_t  c;

    unit_assert(agw_certificate_read(&c, unit_copy(text)) == -1,
        "read: %.*s", UNIT_ARG(text));
}


static agw_str_t
rfc9440(agw_str_t text)
{
    return unit_cat(S(":"), unit_cat(text, S(":")));
}


static void
rfc8705_as_proxies_write(void **state)
{
    size_t             i;
    static const char  *const ends[] = { "\n", "\r\n", " ", "\t", "\n\t", "" };

    (void) state;

    for (i = 0; i < UNIT_COUNT(ends); i++) {
        taken(pem(64, ends[i]));
        taken(pem(76, ends[i]));
        taken(pem(100000, ends[i]));
        taken(unit_cat(S("\n "), pem(64, ends[i])));
        taken(escaped(pem(64, ends[i]), "%%%02X"));
        taken(escaped(pem(64, ends[i]), "%%%02x"));
    }

    /* a '+' is none of a form; the client's comes first */

    taken(escaped(pem(64, "\n"), "%c"));
    taken(unit_cat(pem(64, "\n"), S(BEGIN "\nAAAA\n" END "\n")));
    taken(rfc9440(base64));
}


static void
rfc8705_any_other_text(void **state)
{
    size_t      i;
    agw_str_t   good;

    (void) state;

    good = pem(64, "\n");

    refused(S(""));
    refused(S(":"));
    refused(S("::"));
    refused(S(":AAAA:"));
    refused(S("(null)"));
    refused(S(BEGIN));
    refused(S(BEGIN END));
    refused(S(BEGIN "AAAA" END));
    refused(base64);
    refused(lines(64, "\n"));
    refused(unit_cat(S("x"), good));
    refused(unit_cat(good, S("x")));
    refused(unit_cat(good, S("%")));
    refused(unit_cat(good, S("%0")));
    refused(unit_cat(good, S("%0g")));
    refused(unit_cat(good, S("%00")));
    refused(escaped(escaped(good, "%%%02X"), "%%%02X"));
    refused(rfc9440(good));
    refused(rfc9440(lines(64, " ")));
    refused(unit_cat(rfc9440(base64), S(" ")));
    refused(rfc9440(unit_cat(base64, S("AAAA"))));
    refused(rfc9440(unit_cat(S("AAAA"), base64)));
    refused(unit_cat(rfc9440(base64), unit_cat(S(", "), rfc9440(base64))));

    /* without its end, wherever it ends */

    for (i = 1; i < good.len - 1; i += 1 + i / 8) {
        agw_str_t  part = { i, good.data };
        refused(part);
    }

    agw_str_t  part = { good.len - 2, good.data };
    refused(part);

    for (i = 1; i < der.len; i += 7) {
        agw_str_t       cut = { i, der.data };
        unsigned char   buf[8192];
        agw_str_t       text;

        text.data = buf;
        text.len = (size_t) EVP_EncodeBlock(buf, cut.data, (int) cut.len);
        refused(rfc9440(text));
    }
}


static void
rfc8705_thumbprints(void **state)
{
    (void) state;

    assert_true(agw_is_thumbprint(
        S("BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSY")));
    assert_false(agw_is_thumbprint(S("")));
    assert_false(agw_is_thumbprint(
        S("BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSZ")));
    assert_false(agw_is_thumbprint(
        S("BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJS")));
    assert_false(agw_is_thumbprint(
        S("BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSY=")));
    assert_false(agw_is_thumbprint(
        S("+wgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSY")));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(rfc8705_as_proxies_write),
        unit_case(rfc8705_any_other_text),
        unit_case(rfc8705_thumbprints),
    };

    return cmocka_run_group_tests_name("certificate", tests, make, NULL);
}
