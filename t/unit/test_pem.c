
/*
 * Keys in PEM: what is read, and that nothing else is, nor is a terminal
 * asked for a passphrase.
 */


#include "keys.h"

#include "agw_pem.h"


static const char *const  types[] = { "RSA", "P-256", "P-384", "Ed25519" };


/* pem is the key of that name */

static void
reads(agw_str_t pem, const char *name, int is_private)
{
    int          got;
    EVP_PKEY    *pkey;
    const char  *error;

    got = -1;
    error = "not set";
    pkey = agw_pem_read(unit_copy(pem), &got, &error);
    mint_assert_no_errors("agw_pem_read");

    unit_assert(pkey != NULL, "refused, \"%s\": %.*s", error, UNIT_ARG(pem));
    assert_null(error);
    assert_int_equal(got, is_private);
    assert_int_equal(EVP_PKEY_eq(pkey, keys_get(name)), 1);

    EVP_PKEY_free(pkey);
    ERR_clear_error();
}


static void
refuses(agw_str_t pem, const char *word, const char *label)
{
    int          got;
    EVP_PKEY    *pkey;
    const char  *error;

    error = NULL;
    pkey = agw_pem_read(unit_copy(pem), &got, &error);
    mint_assert_no_errors("agw_pem_read");
    EVP_PKEY_free(pkey);

    unit_assert(pkey == NULL, "accepted: %s: %.*s", label, UNIT_ARG(pem));
    unit_assert(error != NULL && strstr(error, word) != NULL,
        "%s: not because of \"%s\": %s", label, word, error ? error : "");
}


static void
rfc7468_public_and_private(void **state)
{
    size_t     i;
    EVP_PKEY  *pkey;

    (void) state;

    for (i = 0; i < UNIT_COUNT(types); i++) {
        pkey = keys_get(types[i]);
        reads(keys_public_pem(pkey), types[i], 0);
        reads(keys_private_pem(pkey, NULL), types[i], 1);
    }
}


static void
the_older_forms(void **state)
{
    BIO        *bio;
    size_t      i;
    agw_str_t   parameters, pem;

    (void) state;

    reads(keys_traditional_pem(keys_get("RSA"), NULL), "RSA", 1);
    reads(keys_pem("RSA PUBLIC KEY",
        keys_der(keys_get("RSA"), i2d_PublicKey)), "RSA", 0);

    for (i = 1; i < 3; i++) {
        pem = keys_traditional_pem(keys_get(types[i]), NULL);
        assert_non_null(strstr((char *) unit_cat(pem, S("\0")).data,
            "BEGIN EC PRIVATE KEY"));
        reads(pem, types[i], 1);

        /* `openssl ecparam -genkey` writes the curve first */

        bio = BIO_new(BIO_s_mem());
        assert_int_equal(PEM_write_bio_Parameters(bio, keys_get(types[i])),
            1);
        parameters = keys_taken(bio);

        assert_non_null(strstr((char *) unit_cat(parameters,
            S("\0")).data, "BEGIN EC PARAMETERS"));
        reads(unit_cat(parameters, pem), types[i], 1);
        reads(unit_cat(pem, parameters), types[i], 1);
        refuses(parameters, "cut short", "EC PARAMETERS alone");
    }
}


static void
lines_may_end_as_windows_does(void **state)
{
    size_t     i;
    agw_str_t  pem, text;

    (void) state;

    pem = keys_public_pem(keys_get("P-256"));
    text = UNIT_NONE;

    for (i = 0; i < pem.len; i++) {
        text = unit_cat(text, pem.data[i] == '\n' ? S("\r\n")
            : unit_format("%c", pem.data[i]));
    }

    reads(text, "P-256", 0);

    /* and the last line need not end at all */

    pem.len--;
    reads(pem, "P-256", 0);
}


/* stdin is no terminal here, and OpenSSL would open /dev/tty */

static void
encrypted_keys_are_refused_without_asking(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < UNIT_COUNT(types); i++) {
        refuses(keys_private_pem(keys_get(types[i]), "secret"), "encrypted",
            types[i]);
        refuses(keys_private_pem(keys_get(types[i]), ""), "encrypted",
            "with an empty passphrase");
    }

    refuses(keys_traditional_pem(keys_get("RSA"), "secret"), "encrypted",
        "Proc-Type, RSA");
    refuses(keys_traditional_pem(keys_get("P-256"), "secret"), "encrypted",
        "Proc-Type, EC");
}


static void
other_things_in_pem(void **state)
{
    BIO                    *bio;
    X509                   *x509;
    size_t                  i;
    agw_str_t               pem;
    static const char      *names[] = {
        "OPENSSH PRIVATE KEY", "DSA PRIVATE KEY", "ANY PRIVATE KEY",
        "PUBLIC  KEY", "public key", "EC PUBLIC KEY", "X509 CRL",
        "CERTIFICATE REQUEST", "DH PARAMETERS", "PGP PUBLIC KEY BLOCK",
        "PKCS7", "EC PARAMETERS ",
    };

    (void) state;

    x509 = keys_certificate(keys_get("P-256"));
    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, x509), 1);
    X509_free(x509);
    pem = keys_taken(bio);

    refuses(pem, "certificate", "a certificate");
    refuses(unit_cat(keys_private_pem(keys_get("P-256"), NULL), pem),
        "certificate", "a key and its certificate");
    refuses(unit_cat(pem, keys_private_pem(keys_get("P-256"), NULL)),
        "certificate", "a certificate and its key");

    for (i = 0; i < UNIT_COUNT(names); i++) {
        refuses(keys_pem(names[i], keys_der(keys_get("P-256"), i2d_PUBKEY)),
            "holds something else", names[i]);
    }
}


/* each name says what is in it: a public key is not to be called private */

static void
contents_that_the_name_does_not_tell(void **state)
{
    size_t                i, j;
    EVP_PKEY             *pkey;
    agw_str_t             public, private;
    static const char    *privates[] = {
        "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY",
    };
    static const char    *publics[] = { "PUBLIC KEY", "RSA PUBLIC KEY" };

    (void) state;

    for (i = 0; i < UNIT_COUNT(types); i++) {
        pkey = keys_get(types[i]);
        public = keys_der(pkey, i2d_PUBKEY);
        private = keys_der(pkey, i2d_PrivateKey);

        for (j = 0; j < UNIT_COUNT(privates); j++) {
            refuses(keys_pem(privates[j], public), "cannot be read",
                privates[j]);
        }

        for (j = 0; j < UNIT_COUNT(publics); j++) {
            refuses(keys_pem(publics[j], private), "cannot be read",
                publics[j]);
        }
    }

    refuses(keys_pem("PUBLIC KEY",
        keys_der(keys_get("RSA"), i2d_PublicKey)), "cannot be read",
        "RSAPublicKey");
    refuses(keys_pem("RSA PUBLIC KEY",
        keys_der(keys_get("RSA"), i2d_PUBKEY)), "cannot be read",
        "SubjectPublicKeyInfo");
}


static void
der_is_whole_and_nothing_behind_it(void **state)
{
    size_t     i, n;
    agw_str_t  der, head;

    (void) state;

    for (i = 0; i < UNIT_COUNT(types); i++) {
        der = keys_der(keys_get(types[i]), i2d_PUBKEY);
        refuses(keys_pem("PUBLIC KEY", unit_cat(der, S("\0"))),
            "cannot be read", "a NUL behind");
        refuses(keys_pem("PUBLIC KEY", unit_cat(der, der)),
            "cannot be read", "twice");

        der = keys_der(keys_get(types[i]), i2d_PrivateKey);
        refuses(keys_pem("PRIVATE KEY", unit_cat(der, S("x"))),
            "cannot be read", "a byte behind");

        for (n = 1; n < der.len; n += 1 + der.len / 50) {
            head = der;
            head.len = n;
            refuses(keys_pem("PRIVATE KEY", head), "cannot be read",
                "cut short");
        }
    }
}


static void
two_keys(void **state)
{
    agw_str_t  a, b;

    (void) state;

    a = keys_private_pem(keys_get("P-256"), NULL);
    b = keys_public_pem(keys_get("P-256"));

    refuses(unit_cat(a, a), "several", "one twice");
    refuses(unit_cat(a, b), "several", "a pair");
    refuses(unit_cat(b, a), "several", "a pair, the other way");
    refuses(unit_cat(unit_cat(b, S("and\n")),
        keys_public_pem(keys_get("Ed25519"))), "several", "two types");
}


/* an explanatory text may stand behind (RFC 7468, section 2), half a key not */

static void
what_stands_behind(void **state)
{
    size_t     n;
    agw_str_t  pem, tail;

    (void) state;

    pem = keys_public_pem(keys_get("Ed25519"));
    reads(unit_cat(pem, S("\n\n")), "Ed25519", 0);
    reads(unit_cat(pem, S("the old issuer's\n")), "Ed25519", 0);

    tail = keys_public_pem(keys_get("P-256"));

    for (n = 30; n < tail.len - 2; n++) {
        agw_str_t  part = { n, tail.data };

        refuses(unit_cat(pem, part), "", "half a key behind");
    }

    refuses(unit_cat(pem, S("-----BEGIN PUBLIC KEY-----\n")), "",
        "a first line behind");
    refuses(unit_cat(pem, S("-----BEGIN PUBLIC KEY-----\n!\n"
        "-----END PUBLIC KEY-----\n")), "", "no base64 behind");
}


static void
cut_short_at_every_byte(void **state)
{
    size_t     i, n;
    agw_str_t  pem, head;

    (void) state;

    for (i = 1; i < UNIT_COUNT(types); i++) {
        pem = keys_private_pem(keys_get(types[i]), NULL);

        for (n = 0; n < pem.len - 1; n++) {
            head = pem;
            head.len = n;
            refuses(head, "", "cut short");
        }

        unit_free_all(NULL);
    }
}


static void
broken_pem(void **state)
{
    size_t                  i;
    agw_str_t               pem;
    unsigned char          *p;
    static const agw_str_t  rows[] = {
        agw_string(""),
        agw_string("-----BEGIN"),
        agw_string("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"),
        agw_string("-----BEGIN PUBLIC KEY-----\n!!!!\n"
                   "-----END PUBLIC KEY-----\n"),
        agw_string("-----BEGIN PUBLIC KEY-----\nAAAA\n"
                   "-----END PRIVATE KEY-----\n"),
        agw_string("-----BEGIN PUBLIC KEY-----\nAAAA\n"
                   "-----END PUBLIC KEY----\n"),
        agw_string("-----BEGIN -----\nAAAA\n-----END -----\n"),
        agw_string("-----BEGIN PUBLIC KEY-----\n\0\n"
                   "-----END PUBLIC KEY-----\n"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        refuses(rows[i], "", (const char *) rows[i].data);
    }

    /* a byte that is not base64, anywhere */

    pem = keys_public_pem(keys_get("Ed25519"));

    for (i = 28; i < 80; i++) {
        p = (unsigned char *) unit_copy(pem).data;
        p[i] = '*';
        refuses((agw_str_t) { pem.len, p }, "", "a '*'");
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(rfc7468_public_and_private),
        unit_case(the_older_forms),
        unit_case(lines_may_end_as_windows_does),
        unit_case(encrypted_keys_are_refused_without_asking),
        unit_case(other_things_in_pem),
        unit_case(contents_that_the_name_does_not_tell),
        unit_case(der_is_whole_and_nothing_behind_it),
        unit_case(two_keys),
        unit_case(what_stands_behind),
        unit_case(cut_short_at_every_byte),
        unit_case(broken_pem),
    };

    return cmocka_run_group_tests_name("pem", tests, NULL, keys_free_all);
}
