
/*
 * P8.2 A public key, however it is wrapped, is no HMAC secret.  The story:
 * an operator configures the file that the old issuer publishes, a version
 * of it that something was cut from, or put before; a verifier that then
 * takes its bytes for a secret accepts the tokens of whoever has read the
 * same file (RFC 8725, section 2.1).
 */


#include "keys.h"

#include "agw_key_form.h"


/* of every type, long enough to be a secret of HS512 when wrapped */

static const char *const  types[] = { "RSA", "P-256", "P-384", "Ed25519" };


/* neither alone nor in an operator's name may it become a secret */

static void
is_no_secret(agw_str_t file, const char *label)
{
    size_t              i, j;
    agw_str_t           text;
    agw_keyring_t      *ring;
    static const char  *algs[] = { "", "HS256", "HS384", "HS512" };

    file = unit_copy(file);

    /* what is shorter than its hash is refused for that */

    if (file.len >= 32) {
        unit_assert(agw_key_form(file, &text) != AGW_FORM_SECRET,
            "a secret: %s, %zu bytes: %.*s", label, file.len,
            UNIT_ARG(file));
    }

    for (i = 0; i < UNIT_COUNT(algs); i++) {
        ring = agw_keyring_create();

        if (keys_load(ring, file, algs[i], "k", 1) == 0) {
            for (j = 0; j < agw_keyring_count(ring); j++) {
                unit_assert(agw_key_alg(agw_keyring_key(ring, j))->kty
                    != AGW_KTY_OCT, "loaded as a secret: %s, %zu bytes",
                    label, file.len);
            }
        }

        agw_keyring_free(ring);
    }
}


/* in front of the file, and its end, anything an editor might have put */

static void
wrapped_is_no_secret(agw_str_t file, const char *label)
{
    size_t                  i;
    static const agw_str_t  heads[] = {
        agw_string(""), agw_string("\xef\xbb\xbf"), agw_string(" "),
        agw_string("\n"), agw_string("\r\n\r\n"), agw_string("\t \v\f"),
        agw_string("\xef\xbb\xbf\r\n "),
    };
    static const agw_str_t  tails[] = {
        agw_string(""), agw_string("\n"), agw_string("\r\n"),
        agw_string("\0"), agw_string(" # the old issuer's\n"),
    };

    for (i = 0; i < UNIT_COUNT(heads); i++) {
        is_no_secret(unit_cat(heads[i], file), label);
    }

    for (i = 0; i < UNIT_COUNT(tails); i++) {
        is_no_secret(unit_cat(file, tails[i]), label);
    }
}


static void
cut_short_is_no_secret(agw_str_t file, size_t from, const char *label)
{
    size_t     n;
    agw_str_t  s, text;

    for (n = from; n <= file.len; n++) {
        s = file;
        s.len = n;
        s = unit_copy(s);

        unit_assert(agw_key_form(s, &text) != AGW_FORM_SECRET,
            "a secret: %s cut to %zu bytes", label, n);
    }

    for (n = from; n < file.len; n += 7) {
        s = file;
        s.len = n;
        is_no_secret(s, label);
    }
}


static agw_str_t
replaced(agw_str_t s, char from, const char *to)
{
    size_t     i;
    agw_str_t  out;

    out = UNIT_NONE;

    for (i = 0; i < s.len; i++) {
        out = unit_cat(out, s.data[i] == from
            ? unit_format("%s", to) : unit_format("%c", s.data[i]));
    }

    return out;
}


static agw_str_t
without_first_line(agw_str_t s)
{
    size_t  n;

    n = (size_t) ((unsigned char *) memchr(s.data, '\n', s.len) - s.data) + 1;
    s.data += n;
    s.len -= n;

    return s;
}


static agw_str_t
without_last_line(agw_str_t s)
{
    do {
        s.len--;
    } while (s.data[s.len - 1] != '\n');

    return s;
}


static void
p8_2_pem(void **state)
{
    size_t     i;
    agw_str_t  pem;

    (void) state;

    for (i = 0; i < UNIT_COUNT(types); i++) {
        pem = keys_public_pem(keys_get(types[i]));

        wrapped_is_no_secret(pem, "PEM");
        wrapped_is_no_secret(replaced(pem, '\n', "\r\n"), "PEM of Windows");
        wrapped_is_no_secret(replaced(pem, '\n', " "), "PEM on a line");
        wrapped_is_no_secret(replaced(pem, '\n', "\\n"), "PEM in JSON");
        cut_short_is_no_secret(pem, 32, "PEM");

        wrapped_is_no_secret(without_first_line(pem), "no first line");
        wrapped_is_no_secret(without_last_line(pem), "no last line");
        is_no_secret(unit_cat(S("the old issuer's:\n"), pem), "a text first");
        is_no_secret(unit_cat(S("key=\""), pem), "an assignment first");
        is_no_secret(unit_cat(S("\0"), pem), "a NUL first");
        is_no_secret(unit_cat(pem, pem), "twice");
        unit_free_all(NULL);
    }
}


/* begun at every byte but the last */

static void
p8_2_pem_begun_late(void **state)
{
    size_t     i, n;
    agw_str_t  pem, text;

    (void) state;

    for (i = 0; i < UNIT_COUNT(types); i++) {
        pem = keys_public_pem(keys_get(types[i]));

        while (pem.len > 32) {
            pem.data++;
            pem.len--;
            n = pem.len;
            unit_assert(agw_key_form(unit_copy(pem), &text)
                != AGW_FORM_SECRET, "the last %zu bytes", n);
        }

        unit_free_all(NULL);
    }
}


static void
p8_2_der(void **state)
{
    int                    n;
    X509                  *x509;
    size_t                 i;
    EVP_PKEY              *pkey;
    agw_str_t              der;
    unsigned char         *p;
    PKCS8_PRIV_KEY_INFO   *p8;

    (void) state;

    for (i = 0; i < UNIT_COUNT(types); i++) {
        pkey = keys_get(types[i]);

        der = keys_der(pkey, i2d_PUBKEY);
        wrapped_is_no_secret(der, "SubjectPublicKeyInfo");
        cut_short_is_no_secret(der, 8, "SubjectPublicKeyInfo");

        if (i == 0) {
            der = keys_der(pkey, i2d_PublicKey);
            wrapped_is_no_secret(der, "RSAPublicKey");
            cut_short_is_no_secret(der, 8, "RSAPublicKey");
        }

        der = keys_der(pkey, i2d_PrivateKey);
        wrapped_is_no_secret(der, "a private key");
        cut_short_is_no_secret(der, 8, "a private key");

        p = NULL;
        p8 = EVP_PKEY2PKCS8(pkey);
        n = i2d_PKCS8_PRIV_KEY_INFO(p8, &p);
        der = unit_copy((agw_str_t) { (size_t) n, p });
        PKCS8_PRIV_KEY_INFO_free(p8);
        OPENSSL_free(p);
        wrapped_is_no_secret(der, "PKCS #8");
        cut_short_is_no_secret(der, 8, "PKCS #8");

        p = NULL;
        x509 = keys_certificate(pkey);
        n = i2d_X509(x509, &p);
        der = unit_copy((agw_str_t) { (size_t) n, p });
        X509_free(x509);
        OPENSSL_free(p);
        wrapped_is_no_secret(der, "a certificate");
        cut_short_is_no_secret(der, 9, "a certificate");
        unit_free_all(NULL);
    }
}


/* PEM without its armour: on one line, and on lines of 64 and 76 */

static void
p8_2_base64_of_der(void **state)
{
    size_t     i, width, at;
    agw_str_t  text, lines, line;

    (void) state;

    for (i = 0; i < UNIT_COUNT(types); i++) {
        text = mint_base64(keys_der(keys_get(types[i]), i2d_PUBKEY));

        wrapped_is_no_secret(text, "base64");
        cut_short_is_no_secret(text, 32, "base64");
        wrapped_is_no_secret(mint_base64url(keys_der(keys_get(types[i]),
            i2d_PUBKEY)), "base64url");

        for (width = 64; width <= 76; width += 12) {
            lines = UNIT_NONE;

            for (at = 0; at < text.len; at += width) {
                line.data = text.data + at;
                line.len = text.len - at < width ? text.len - at : width;
                lines = unit_cat(unit_cat(lines, line), S("\r\n"));
            }

            wrapped_is_no_secret(lines, "base64 in lines");
            cut_short_is_no_secret(lines, 32, "base64 in lines");
        }

        unit_free_all(NULL);
    }
}


static agw_str_t
utf16(agw_str_t s, int big)
{
    size_t          i;
    agw_str_t       out;
    unsigned char  *p;

    out = unit_fill(0, 2 * s.len + 2);
    p = (unsigned char *) out.data;
    p[!big] = 0xfe;
    p[big] = 0xff;

    for (i = 0; i < s.len; i++) {
        p[2 + 2 * i + (big != 0)] = s.data[i];
    }

    return out;
}


static void
p8_2_utf_16(void **state)
{
    int        big;
    size_t     i;
    agw_str_t  text;

    (void) state;

    for (i = 0; i < UNIT_COUNT(types); i++) {
        for (big = 0; big < 2; big++) {
            text = utf16(keys_public_pem(keys_get(types[i])), big);
            is_no_secret(text, "PEM in UTF-16");
            cut_short_is_no_secret(text, 32, "PEM in UTF-16");

            is_no_secret(utf16(keys_text(keys_jwk(types[i], 0)), big),
                "a JWK in UTF-16");
            unit_free_all(NULL);
        }
    }
}


/* RFC 4253, section 6.6; RFC 4716 */

static void
p8_2_ssh(void **state)
{
    size_t                  i;
    agw_str_t               blob;
    static const agw_str_t  forms[] = {
        agw_string("ssh-rsa "), agw_string("ssh-ed25519 "),
        agw_string("ecdsa-sha2-nistp256 "), agw_string("ecdsa-sha2-nistp384 "),
        agw_string("sk-ssh-ed25519@openssh.com "),
        agw_string("sk-ecdsa-sha2-nistp256@openssh.com "),
        agw_string("---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"a\"\n"),
    };

    (void) state;

    blob = mint_base64(unit_cat(S("\0\0\0\x07ssh-rsa\0\0\0\x03\1\0\1"),
        unit_fill(0xc5, 257)));

    for (i = 0; i < UNIT_COUNT(forms); i++) {
        wrapped_is_no_secret(unit_cat(forms[i], blob), "ssh");
        cut_short_is_no_secret(unit_cat(forms[i], blob), 32, "ssh");
    }
}


static void
p8_2_json(void **state)
{
    size_t                  i;
    agw_str_t               text;
    static const agw_str_t  starts[] = {
        agw_string("{"), agw_string("["),
        agw_string("{\"kty\":\"oct\",\"k\":\""),
        agw_string("[{\"kty\":\"oct\""), agw_string("{}"), agw_string("[]"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(starts); i++) {
        wrapped_is_no_secret(unit_cat(starts[i], unit_fill('A', 200)),
            "the start of one");
    }

    for (i = 0; i < UNIT_COUNT(types); i++) {
        text = keys_text(keys_jwk(types[i], 0));
        wrapped_is_no_secret(text, "a JWK");
        cut_short_is_no_secret(text, 32, "a JWK");

        text = keys_set(keys_jwk(types[i], 0), NULL, NULL, NULL);
        wrapped_is_no_secret(text, "a JWK Set");
        cut_short_is_no_secret(text, 32, "a JWK Set");

        text = unit_format("[%.*s]",
            UNIT_ARG(keys_text(keys_jwk(types[i], 0))));
        wrapped_is_no_secret(text, "an array");
        cut_short_is_no_secret(text, 32, "an array");
        keys_refuses(text, "", NULL);
        unit_free_all(NULL);
    }
}


/* the text is what follows the mark and white space; else it is all */

static void
the_text_of_each_form(void **state)
{
    size_t     i;
    agw_str_t  text;
    static const struct {
        agw_key_form_t  form;
        agw_str_t       file;
        agw_str_t       text;
    } rows[] = {
        { AGW_FORM_PEM, agw_string("\xef\xbb\xbf \n-----BEGIN X"),
          agw_string("-----BEGIN X") },
        { AGW_FORM_JSON, agw_string("\xef\xbb\xbf\t{}"), agw_string("{}") },
        { AGW_FORM_JSON, agw_string("\r\n[]"), agw_string("[]") },
        { AGW_FORM_OTHER, agw_string(" ssh-rsa x"),
          agw_string(" ssh-rsa x") },
        { AGW_FORM_SECRET, agw_string("\xef\xbb\xbf \nxyz \n"),
          agw_string("\xef\xbb\xbf \nxyz \n") },
        { AGW_FORM_SECRET, agw_string(""), agw_string("") },
        { AGW_FORM_SECRET, agw_string(" "), agw_string(" ") },
        { AGW_FORM_SECRET, agw_string("0"), agw_string("0") },
        { AGW_FORM_SECRET, agw_string("\x30\x82\x01\x22\x30\x0d"),
          agw_string("\x30\x82\x01\x22\x30\x0d") },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        text = UNIT_NONE;
        unit_assert(agw_key_form(unit_copy(rows[i].file), &text)
            == rows[i].form, "row %zu", i);
        unit_assert_str(text, rows[i].text);
    }
}


/*
 * `openssl rand`, with -hex and -base64, draws secrets.  What begins as JSON
 * does not get further, by design, and one in many thousands has the first
 * bytes of DER or of UTF-16 by chance.
 */

static void
random_secrets_are_secrets(void **state)
{
    size_t     i, j, others;
    uint32_t   seed;
    agw_str_t  secret, text;

    (void) state;

    seed = 8725;
    others = 0;

    for (i = 0; i < 20000; i++) {
        secret = unit_fill(0, 48);

        for (j = 0; j < secret.len; j++) {
            ((unsigned char *) secret.data)[j] =
                (unsigned char) (unit_random(&seed) >> 8);
        }

        if (strchr("{[ \t\n\v\f\r", secret.data[0]) == NULL) {
            others += agw_key_form(secret, &text) != AGW_FORM_SECRET;
        }

        others += agw_key_form(mint_base64(secret), &text)
            != AGW_FORM_SECRET;
        others += agw_key_form(mint_base64url(secret), &text)
            != AGW_FORM_SECRET;
        unit_free_all(NULL);
    }

    assert_in_range(others, 0, 10);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(p8_2_pem),
        unit_case(p8_2_pem_begun_late),
        unit_case(p8_2_der),
        unit_case(p8_2_base64_of_der),
        unit_case(p8_2_utf_16),
        unit_case(p8_2_ssh),
        unit_case(p8_2_json),
        unit_case(the_text_of_each_form),
        unit_case(random_secrets_are_secrets),
    };

    return cmocka_run_group_tests_name("key form", tests, NULL,
        keys_free_all);
}
