
/*
 * P8.2 A public key, or an error page that was saved as a key, is no HMAC
 * secret.  The story: an operator configures the file that an issuer
 * publishes, or a proxy's error page in its place, and a verifier that takes
 * its bytes for a secret accepts the tokens of whoever can read it (RFC 8725,
 * section 2.1).
 */


#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>

#include "keys.h"

#include "agw_key_format.h"


/* of every type, long enough to be a secret of HS512 when wrapped */

static const char *const  types[] = { "RSA", "P-256", "P-384", "Ed25519" };


static const char *const  algs[] = { "", "HS256", "HS384", "HS512" };


static int
loads_as_secret(agw_str_t file, const char *alg)
{
    int             secret;
    size_t          i;
    agw_keyring_t  *ring;

    secret = 0;
    ring = agw_keyring_create();

    if (keys_load(ring, file, alg, "k", 1) == 0) {
        for (i = 0; i < agw_keyring_count(ring); i++) {
            secret |= agw_key_alg(agw_keyring_key(ring, i))->kty
                      == AGW_KTY_OCT;
        }
    }

    agw_keyring_free(ring);

    return secret;
}


/* whatever the configuration calls it; padded, where it is short */

static void
is_no_secret(agw_str_t file, agw_key_format_t form, const char *label)
{
    size_t            i;
    agw_str_t         text;
    agw_key_format_t  found;

    file = unit_copy(file);
    found = agw_key_format(file, &text);
    mint_assert_no_errors("agw_key_format");

    unit_assert(found == form, "%s, %zu bytes: form %d, not %d: %.*s", label,
        file.len, (int) found, (int) form, UNIT_ARG(file));

    for (i = 0; i < UNIT_COUNT(algs); i++) {
        unit_assert(!loads_as_secret(file, algs[i]),
            "loaded as a secret: %s, %zu bytes", label, file.len);
    }
}


/* in front of the file, anything an editor might have put */

static void
wrapped_is_no_secret(agw_str_t file, agw_key_format_t form, const char *label)
{
    size_t                  i;
    static const agw_str_t  heads[] = {
        agw_string(""), agw_string("\xef\xbb\xbf"), agw_string(" "),
        agw_string("\n"), agw_string("\r\n\r\n"), agw_string("\t \v\f"),
        agw_string("\xef\xbb\xbf\r\n "),
    };
    static const agw_str_t  tails[] = {
        agw_string("\n"), agw_string("\r\n"), agw_string(" \n\n"),
    };

    for (i = 0; i < UNIT_COUNT(heads); i++) {
        is_no_secret(unit_cat(heads[i], file), form, label);
    }

    for (i = 0; i < UNIT_COUNT(tails); i++) {
        is_no_secret(unit_cat(file, tails[i]), form, label);
    }
}


static void
p8_2_pem(void **state)
{
    size_t     i, n;
    agw_str_t  pem, s;

    (void) state;

    for (i = 0; i < UNIT_COUNT(types); i++) {
        pem = keys_public_pem(keys_get(types[i]));

        wrapped_is_no_secret(pem, AGW_FORMAT_PEM, "PEM");
        is_no_secret(unit_cat(pem, pem), AGW_FORMAT_PEM, "twice");
        is_no_secret(unit_cat(pem, S("\0")), AGW_FORMAT_PEM, "and a NUL");

        for (n = 10; n < pem.len; n += 7) {
            s = pem;
            s.len = n;
            is_no_secret(s, AGW_FORMAT_PEM, "cut short");
        }

        wrapped_is_no_secret(keys_private_pem(keys_get(types[i]), NULL),
            AGW_FORMAT_PEM, "a private key");
        unit_free_all(NULL);
    }

    wrapped_is_no_secret(unit_cat(S("-----BEGIN PGP PUBLIC KEY BLOCK-----\n"),
        unit_fill('A', 64)), AGW_FORMAT_PEM, "PGP");
}


static agw_str_t
der_of(ASN1_VALUE *value, const ASN1_ITEM *item)
{
    int             n;
    agw_str_t       s;
    unsigned char  *p;

    p = NULL;
    n = ASN1_item_i2d(value, &p, item);
    assert_true(n > 0);

    s.len = (size_t) n;
    s.data = p;
    s = unit_copy(s);

    OPENSSL_free(p);

    return s;
}


static agw_str_t
certificate_der(EVP_PKEY *pkey, int pkcs7)
{
    X509       *x509;
    PKCS7      *p7;
    agw_str_t   der;

    x509 = keys_certificate(pkey);
    p7 = PKCS7_new();

    assert_int_equal(PKCS7_set_type(p7, NID_pkcs7_signed), 1);
    assert_int_equal(PKCS7_content_new(p7, NID_pkcs7_data), 1);
    assert_int_equal(PKCS7_add_certificate(p7, x509), 1);

    der = pkcs7 ? der_of((ASN1_VALUE *) p7, ASN1_ITEM_rptr(PKCS7))
                : der_of((ASN1_VALUE *) x509, ASN1_ITEM_rptr(X509));

    PKCS7_free(p7);
    X509_free(x509);
    ERR_clear_error();

    return der;
}


static agw_str_t
pkcs8_der(EVP_PKEY *pkey, const char *passphrase)
{
    X509_SIG             *sig;
    agw_str_t             der;
    PKCS8_PRIV_KEY_INFO  *p8;

    p8 = EVP_PKEY2PKCS8(pkey);
    sig = PKCS8_encrypt(-1, EVP_aes_128_cbc(), "x", 1, NULL, 0, 100, p8);

    der = passphrase ? der_of((ASN1_VALUE *) sig, ASN1_ITEM_rptr(X509_SIG))
                     : der_of((ASN1_VALUE *) p8,
                              ASN1_ITEM_rptr(PKCS8_PRIV_KEY_INFO));

    X509_SIG_free(sig);
    PKCS8_PRIV_KEY_INFO_free(p8);
    ERR_clear_error();

    return der;
}


static agw_str_t
pkcs12_der(EVP_PKEY *pkey)
{
    X509       *x509;
    PKCS12     *p12;
    agw_str_t   der;

    x509 = keys_certificate(pkey);
    p12 = PKCS12_create("x", "x", pkey, x509, NULL, 0, 0, 100, 100, 0);
    assert_non_null(p12);

    der = der_of((ASN1_VALUE *) p12, ASN1_ITEM_rptr(PKCS12));

    PKCS12_free(p12);
    X509_free(x509);
    ERR_clear_error();

    return der;
}


static void
p8_2_der(void **state)
{
    size_t     i;
    EVP_PKEY  *pkey;
    agw_str_t  der;

    (void) state;

    for (i = 0; i < UNIT_COUNT(types); i++) {
        pkey = keys_get(types[i]);

        der = keys_der(pkey, i2d_PUBKEY);
        wrapped_is_no_secret(der, AGW_FORMAT_DER, "SubjectPublicKeyInfo");

        if (i == 0) {
            wrapped_is_no_secret(keys_der(pkey, i2d_PublicKey), AGW_FORMAT_DER,
                "RSAPublicKey");
        }

        wrapped_is_no_secret(keys_der(pkey, i2d_PrivateKey), AGW_FORMAT_DER,
            "a private key");
        wrapped_is_no_secret(pkcs8_der(pkey, NULL), AGW_FORMAT_DER, "PKCS #8");
        wrapped_is_no_secret(pkcs8_der(pkey, "x"), AGW_FORMAT_DER,
            "PKCS #8, encrypted");
        wrapped_is_no_secret(certificate_der(pkey, 0), AGW_FORMAT_DER,
            "a certificate");
        wrapped_is_no_secret(certificate_der(pkey, 1), AGW_FORMAT_DER,
            "PKCS #7");
        wrapped_is_no_secret(pkcs12_der(pkey), AGW_FORMAT_DER, "PKCS #12");

        /* a key of another curve is DER all the same */

        unit_free_all(NULL);
    }

    wrapped_is_no_secret(keys_der(keys_get("secp256k1"), i2d_PUBKEY),
        AGW_FORMAT_DER, "secp256k1");
    wrapped_is_no_secret(keys_der(keys_get("Ed448"), i2d_PUBKEY),
        AGW_FORMAT_DER, "Ed448");
}


/* RFC 4253, section 6.6 */

static void
p8_2_ssh(void **state)
{
    agw_str_t  blob;

    (void) state;

    blob = mint_base64(unit_cat(S("\0\0\0\x07ssh-rsa\0\0\0\x03\1\0\1"),
        unit_fill(0xc5, 257)));

    wrapped_is_no_secret(unit_cat(S("ssh-rsa "), blob), AGW_FORMAT_SSH, "RSA");
    wrapped_is_no_secret(unit_cat(S("ssh-ed25519 "), blob), AGW_FORMAT_SSH,
        "Ed25519");
    wrapped_is_no_secret(S("ssh-"), AGW_FORMAT_SSH, "its first bytes");
}


/* whatever is wrong with it: it was published, or it tells of an error */

static void
p8_2_json(void **state)
{
    size_t                  i;
    agw_str_t               text;
    static const agw_str_t  rows[] = {
        agw_string("{}"), agw_string("[]"), agw_string("\"\""),
        agw_string("null"), agw_string("true"), agw_string("false"),
        agw_string("{\"message\":\"no Route matched with those values\"}"),
        agw_string("{\"error\":{\"code\":403,\"status\":\"FORBIDDEN\"}}"),
        agw_string("{\"kty\":\"oct\",\"kty\":\"oct\",\"k\":\"AAAA\"}"),
        agw_string("{\"kty\":\"oct\",\"k\":\"\\u0000\"}"),
        agw_string("[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]"),
        agw_string("\"-----BEGIN PUBLIC KEY-----\\nMFkwEwYHKoZIzj0CAQYIKoZI"
                   "\\n-----END PUBLIC KEY-----\\n\""),
        agw_string("\"a secret of more than sixty-four characters, as jq "
                   "writes it without its -r\""),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        wrapped_is_no_secret(rows[i], AGW_FORMAT_JSON,
            (const char *) rows[i].data);
    }

    for (i = 0; i < UNIT_COUNT(types); i++) {
        wrapped_is_no_secret(keys_text(keys_jwk(types[i], 0)), AGW_FORMAT_JSON,
            "a JWK");
        wrapped_is_no_secret(keys_set(keys_jwk(types[i], 0), NULL, NULL,
            NULL), AGW_FORMAT_JSON, "a JWK Set");

        text = unit_format("[%.*s]",
            UNIT_ARG(keys_text(keys_jwk(types[i], 0))));
        wrapped_is_no_secret(text, AGW_FORMAT_JSON, "an array");
        keys_refuses(text, "", "neither a JWK nor");
        unit_free_all(NULL);
    }
}


static void
p8_2_markup(void **state)
{
    size_t                  i;
    static const agw_str_t  rows[] = {
        agw_string("<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
                   "<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
                   "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"),
        agw_string("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>"
                   "AccessDenied</Code><Message>Access Denied</Message>"),
        agw_string("<!DOCTYPE html><html><title>502 Fehler: \xfc" "berlastet"
                   "</title>"),
        agw_string("<RSAKeyValue><Modulus>xA7SEU+e0yQH5rm9kbCDN9o3aPIo7HbP"),
        agw_string("<no value>"), agw_string("<"), agw_string("<>"),
        agw_string("<\xc3\xa9t\xc3\xa9><a b=\"c\"/></\xc3\xa9t\xc3\xa9>"),
        agw_string("<------------------------------\xf0\x9f\x98\x80>"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        wrapped_is_no_secret(rows[i], AGW_FORMAT_MARKUP,
            (const char *) rows[i].data);
    }
}


/* the text is what follows the mark and white space */

static void
the_text_of_each_form(void **state)
{
    size_t     i;
    agw_str_t  text;
    static const struct {
        agw_key_format_t  form;
        agw_str_t         file;
        agw_str_t         text;
    } rows[] = {
        { AGW_FORMAT_PEM, agw_string("\xef\xbb\xbf \n-----BEGIN X"),
          agw_string("-----BEGIN X") },
        { AGW_FORMAT_JSON, agw_string("\xef\xbb\xbf\t{}"), agw_string("{}") },
        { AGW_FORMAT_JSON, agw_string("\r\n[]"), agw_string("[]") },
        { AGW_FORMAT_SSH, agw_string(" ssh-rsa x"), agw_string("ssh-rsa x") },
        { AGW_FORMAT_MARKUP, agw_string("\n<a>"), agw_string("<a>") },
        { AGW_FORMAT_BYTES, agw_string("\xef\xbb\xbf \nxyz \n"),
          agw_string("xyz \n") },
        { AGW_FORMAT_BYTES, agw_string("\xef\xbb\xbf\xef\xbb\xbf{}"),
          agw_string("\xef\xbb\xbf{}") },
        { AGW_FORMAT_BYTES, agw_string(" \xef\xbb\xbf{}"),
          agw_string("\xef\xbb\xbf{}") },
        { AGW_FORMAT_BYTES, agw_string(""), agw_string("") },
        { AGW_FORMAT_BYTES, agw_string(" "), agw_string("") },
        { AGW_FORMAT_BYTES, agw_string("\xef\xbb\xbf"), agw_string("") },
        { AGW_FORMAT_BYTES, agw_string("0"), agw_string("0") },
        { AGW_FORMAT_BYTES, agw_string("\x30"), agw_string("\x30") },
        { AGW_FORMAT_BYTES, agw_string("\x30\x82\x01\x22\x30\x0d"),
          agw_string("\x30\x82\x01\x22\x30\x0d") },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        text = UNIT_NONE;
        unit_assert(agw_key_format(unit_copy(rows[i].file), &text)
            == rows[i].form, "row %zu", i);
        unit_assert_str(text, rows[i].text);
    }
}


/* its k is no file, but a public key in it is as public (RFC 8725, 3.1) */

static void
p8_2_the_secret_of_a_jwk(void **state)
{
    agw_str_t  pem, bytes;

    (void) state;

    pem = keys_public_pem(keys_get("P-256"));

    keys_refuses(keys_text(keys_jwk_oct(pem)), "",
        "never taken for a secret");
    keys_refuses(keys_text(keys_jwk_oct(unit_cat(S("\xef\xbb\xbf"), pem))),
        "HS512", "never taken for a secret");
    keys_refuses(keys_text(keys_jwk_oct(keys_der(keys_get("P-256"),
        i2d_PUBKEY))), "", "never taken for a secret");
    keys_refuses(keys_text(keys_jwk_oct(keys_text(keys_jwk("P-256", 0)))),
        "", "never taken for a secret");
    keys_refuses(keys_text(keys_jwk_oct(unit_cat(S("ssh-rsa "),
        unit_fill('A', 64)))), "", "never taken for a secret");

    /* and no alg= is needed, nor is a newline worth a word */

    bytes = unit_cat(unit_fill('s', 63), S("\n"));
    agw_keyring_free(keys_ring(keys_text(keys_jwk_oct(bytes)), "", 0));
    assert_null(keys_warning);
    assert_string_equal(keys_took, "a JWK");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(p8_2_pem),
        unit_case(p8_2_der),
        unit_case(p8_2_ssh),
        unit_case(p8_2_json),
        unit_case(p8_2_markup),
        unit_case(the_text_of_each_form),
        unit_case(p8_2_the_secret_of_a_jwk),
    };

    return cmocka_run_group_tests_name("key form", tests, NULL,
        keys_free_all);
}
