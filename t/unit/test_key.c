
/*
 * A secret key: what may be one, and what it signs.  The story of the
 * refusals: a verifier whose "secret" is a public key that the whole world
 * has (RFC 8725, section 2.1).
 */


#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "mint.h"

#include "agw_key.h"


static agw_key_t *
load(agw_str_t secret, agw_str_t alg, agw_str_t kid, const char **error)
{
    agw_key_t         *key;
    agw_key_source_t   source;

    memset(&source, 0, sizeof(source));
    source.bytes = unit_copy(secret);
    source.alg = unit_copy(alg);
    source.kid = unit_copy(kid);

    *error = NULL;
    key = agw_key_from_secret(&source, error);
    mint_assert_no_errors("agw_key_from_secret");

    /* nothing is kept by reference */

    memset((unsigned char *) source.bytes.data, 'x', source.bytes.len);
    memset((unsigned char *) source.alg.data, 'x', source.alg.len);
    memset((unsigned char *) source.kid.data, 'x', source.kid.len);

    return key;
}


static agw_key_t *
accepts(agw_str_t secret, agw_str_t alg)
{
    agw_key_t   *key;
    const char  *error;

    key = load(secret, alg, UNIT_NONE, &error);
    unit_assert(key != NULL, "refused, \"%s\": %zu bytes, %.*s",
        error == NULL ? "" : error, secret.len, UNIT_ARG(secret));

    return key;
}


static void
refuses(agw_str_t secret, agw_str_t alg, const char *label)
{
    agw_key_t   *key;
    const char  *error;

    key = load(secret, alg, S("k"), &error);
    agw_key_free(key);

    unit_assert(key == NULL, "accepted: %s", label);
    unit_assert(error != NULL && strlen(error) > 10, "no text: %s", label);
}


static const struct {
    const char  *name;
    const char  *digest;
    size_t       size;
} algs[] = {
    { "HS256", "SHA256", 32 },
    { "HS384", "SHA384", 48 },
    { "HS512", "SHA512", 64 },
};


static void
rfc7518_3_2_secret_is_as_long_as_its_hash(void **state)
{
    size_t           i;
    agw_str_t        alg;
    agw_key_t       *key;
    const agw_alg_t  *row;

    (void) state;

    for (i = 0; i < UNIT_COUNT(algs); i++) {
        alg = unit_format("%s", algs[i].name);

        refuses(UNIT_NONE, alg, "no bytes");
        refuses(unit_fill('s', 1), alg, "one byte");
        refuses(unit_fill('s', algs[i].size - 1), alg, algs[i].name);

        key = accepts(unit_fill('s', algs[i].size), alg);
        row = agw_key_alg(key);
        unit_assert_str(row->name, alg);
        assert_int_equal(row->digest_size, algs[i].size);
        assert_int_equal(row->kty, AGW_KTY_OCT);
        assert_ptr_equal(row, agw_alg_find(alg));
        agw_key_free(key);

        key = accepts(unit_fill('s', 1000), alg);
        agw_key_free(key);
    }

    key = accepts(unit_fill('s', 32), UNIT_NONE);
    unit_assert_str(agw_key_alg(key)->name, S("HS256"));
    agw_key_free(key);
}


static void
p8_1_unknown_algorithms(void **state)
{
    size_t                  i;
    static const agw_str_t  names[] = {
        agw_string("none"), agw_string("None"), agw_string("nOnE"),
        agw_string("hs256"), agw_string("Hs256"), agw_string("HS25"),
        agw_string("HS2560"), agw_string("HS256 "), agw_string(" HS256"),
        agw_string("HS256\0"), agw_string("HS1"), agw_string("HS224"),
        agw_string("SHA256"), agw_string("RS256"), agw_string("ES256"),
        agw_string("PS256"), agw_string("EdDSA"), agw_string("\0"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(names); i++) {
        refuses(unit_fill('s', 64), names[i], (char *) names[i].data);

        /* RS256 and its like may have rows, but never an HMAC's */

        unit_assert(agw_alg_find(names[i]) == NULL
            || agw_alg_find(names[i])->kty != AGW_KTY_OCT,
            "%.*s", UNIT_ARG(names[i]));
    }

    assert_null(agw_alg_find(UNIT_NONE));
}


static void
p8_2_text_keys_are_no_secrets(void **state)
{
    size_t                   i, j;
    agw_str_t                text;
    static const agw_str_t   forms[] = {
        agw_string("-----BEGIN PUBLIC KEY-----\nMIIB"),
        agw_string("-----BEGIN RSA PRIVATE KEY-----\n"),
        agw_string("-----BEGIN"),
        agw_string("ssh-rsa AAAAB3NzaC1yc2E"),
        agw_string("ssh-ed25519 AAAA"),
        agw_string("ssh-"),
        agw_string("<html><h1>502 Bad Gateway</h1></html>"),
    };
    static const agw_str_t   json[] = {
        agw_string("{\"kty\":\"oct\"}"), agw_string("{}"),
        agw_string("[{\"kty\":\"oct\"}]"), agw_string("[]"),
        agw_string("\"a string\""),
    };
    static const agw_str_t   wrappings[] = {
        agw_string(""), agw_string(" "), agw_string("\n"),
        agw_string("\r\n"), agw_string("\t"), agw_string(" \t\r\n \n"),
        agw_string("\xef\xbb\xbf"), agw_string("\xef\xbb\xbf\n"),
        agw_string("\xef\xbb\xbf \t\r\n"),
    };
    static const agw_str_t   secrets[] = {
        agw_string("-----BEGI"), agw_string("----BEGIN"), agw_string("ssh_"),
        agw_string("SSH"), agw_string("("), agw_string("x{"),
        agw_string("\xef\xbb"), agw_string("\xbb\xbf{"), agw_string("\0{"),
        agw_string("x-----BEGIN"), agw_string("x----BEGIN"),
        agw_string("-----END"), agw_string("ecdsa-sha2-"),
        agw_string("x ssh-"), agw_string("sk-ssh-"), agw_string("{}"),
        agw_string("---- BEGIN SSH2"), agw_string("[]"), agw_string("\""),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(forms); i++) {
        for (j = 0; j < UNIT_COUNT(wrappings); j++) {
            text = unit_cat(unit_cat(wrappings[j], forms[i]),
                unit_fill('A', 200));
            refuses(text, UNIT_NONE, (const char *) forms[i].data);
            refuses(text, S("HS512"), (const char *) forms[i].data);
        }
    }

    for (i = 0; i < UNIT_COUNT(json); i++) {
        for (j = 0; j < UNIT_COUNT(wrappings); j++) {
            text = unit_cat(unit_cat(wrappings[j], json[i]),
                unit_fill('\n', 200));
            refuses(text, UNIT_NONE, (const char *) json[i].data);
            refuses(text, S("HS512"), (const char *) json[i].data);
        }
    }

    /* what only looks a little like one is as good a secret as any */

    for (i = 0; i < UNIT_COUNT(secrets); i++) {
        agw_key_free(accepts(unit_cat(secrets[i], unit_fill('A', 200)),
            UNIT_NONE));
    }
}


/* copies what OpenSSL has written, and frees it */

static agw_str_t
taken(unsigned char *p, int n)
{
    agw_str_t  der;

    der.len = n > 0 ? (size_t) n : 0;
    der.data = p;
    der = unit_copy(der);

    OPENSSL_free(p);
    ERR_clear_error();

    return der;
}


static void
refuses_der(EVP_PKEY *pkey, const char *label)
{
    int                   i, n;
    agw_str_t             ders[3];
    unsigned char        *p;
    static int  (*const  writers[])(const EVP_PKEY *, unsigned char **) = {
        i2d_PUBKEY, i2d_PrivateKey, i2d_PublicKey,
    };

    assert_non_null(pkey);

    for (i = 0; i < 3; i++) {
        p = NULL;
        n = writers[i](pkey, &p);
        ders[i] = taken(p, n);
    }

    EVP_PKEY_free(pkey);

    assert_true(ders[0].len > 32 && ders[1].len > 32);

    for (i = 0; i < 3; i++) {

        /* RFC 8410 and SEC 1 public keys alone are raw bytes, not DER */

        if (ders[i].len != 0 && ders[i].data[0] == 0x30) {
            refuses(ders[i], UNIT_NONE, label);
            refuses(unit_cat(ders[i], S("\n")), UNIT_NONE, label);
        }
    }
}


/* the key of everybody's RS256 verifier, as a file */

static void
p8_2_der_keys_are_no_secrets(void **state)
{
    (void) state;

    refuses_der(EVP_RSA_gen(2048), "RSA");
    refuses_der(EVP_EC_gen("P-256"), "P-256");
    refuses_der(EVP_EC_gen("P-384"), "P-384");
    refuses_der(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "Ed25519");
}


/* PKCS #8, which i2d_PrivateKey() does not write, and a certificate */

static void
p8_2_der_containers_are_no_secrets(void **state)
{
    int                   n;
    X509                 *x509;
    EVP_PKEY             *pkey;
    agw_str_t             der;
    unsigned char        *p;
    PKCS8_PRIV_KEY_INFO  *p8;

    (void) state;

    pkey = EVP_EC_gen("P-256");
    assert_non_null(pkey);

    p8 = EVP_PKEY2PKCS8(pkey);
    p = NULL;
    n = i2d_PKCS8_PRIV_KEY_INFO(p8, &p);
    PKCS8_PRIV_KEY_INFO_free(p8);
    der = taken(p, n);
    assert_true(der.len > 32);
    refuses(der, UNIT_NONE, "PKCS #8");

    x509 = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, pkey);
    assert_true(X509_sign(x509, pkey, EVP_sha256()) > 0);
    p = NULL;
    n = i2d_X509(x509, &p);
    X509_free(x509);
    EVP_PKEY_free(pkey);
    der = taken(p, n);
    assert_true(der.len > 32);
    refuses(der, UNIT_NONE, "a certificate");
}


/* '0' is also DER's SEQUENCE: `openssl rand -hex 32` begins so at times */

static void
hex_secrets_are_no_der(void **state)
{
    int                i, n;
    static const char  digits[] = "0123456789abcdef";

    (void) state;

    for (n = 0; n < 256; n++) {
        agw_key_free(accepts(unit_cat(unit_format("0%c%c", digits[n / 16],
            digits[n % 16]), unit_fill('4', 61)), UNIT_NONE));
    }

    /* and a random one may begin as a SEQUENCE of another length */

    for (i = 0; i < 256; i++) {
        if (i != 62) {
            agw_key_free(accepts(unit_cat(unit_format("\x30%c", i),
                unit_fill(0xc7, 62)), UNIT_NONE));
        }
    }
}


static void
agrees(agw_key_t *key, agw_str_t data, agw_str_t mac)
{
    size_t          i, len;
    agw_str_t       sig, bad;
    unsigned char  *p;

    p = unit_alloc(AGW_SIG_MAX);
    assert_int_equal(agw_key_sign(key, unit_copy(data), p, &len), 0);
    sig.len = len;
    sig.data = p;
    assert_true(agw_str_eq(sig, mac));
    assert_int_equal(agw_key_verify(key, data, unit_copy(mac)), 0);

    for (i = 0; i < mac.len * 8; i++) {
        bad = unit_copy(mac);
        ((unsigned char *) bad.data)[i / 8] ^= (unsigned char) (1 << i % 8);
        assert_int_equal(agw_key_verify(key, data, bad),
            AGW_SIGNATURE_INVALID);
    }

    for (bad = unit_copy(mac), bad.len = 0; bad.len < mac.len; bad.len++) {
        assert_int_equal(agw_key_verify(key, data, unit_copy(bad)),
            AGW_SIGNATURE_INVALID);
    }

    assert_int_equal(agw_key_verify(key, data, UNIT_NONE),
        AGW_SIGNATURE_INVALID);
    assert_int_equal(agw_key_verify(key, data, unit_cat(mac, S("\0"))),
        AGW_SIGNATURE_INVALID);
    assert_int_equal(agw_key_verify(key, data, unit_cat(mac, mac)),
        AGW_SIGNATURE_INVALID);
    assert_int_equal(agw_key_verify(key, data, unit_fill(0, mac.len)),
        AGW_SIGNATURE_INVALID);
    assert_int_equal(agw_key_verify(key, UNIT_NONE, mac),
        AGW_SIGNATURE_INVALID);
    assert_int_equal(agw_key_verify(key, unit_cat(data, S("\0")), mac),
        AGW_SIGNATURE_INVALID);
    assert_int_equal(agw_key_verify(key, data, mac), 0);
    mint_assert_no_errors("agw_key_verify");
}


/* RFC 4231, the test cases whose key is as long as the hash: 6 and 7 */

static void
rfc4231_vectors(void **state)
{
    size_t           i, j, n;
    unsigned         byte;
    agw_str_t        mac;
    agw_key_t       *key;
    const char      *hex;
    static const struct {
        agw_str_t    data;
        const char  *macs[3];
    } rows[] = {
        { agw_string("Test Using Larger Than Block-Size Key - Hash Key First"),
          { "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
            "0c2ef6ab4030fe8296248df163f44952",
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
            "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"
          } },
        { agw_string("This is a test using a larger than block-size key and a "
                     "larger than block-size data. The key needs to be hashed "
                     "before being used by the HMAC algorithm."),
          { "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5"
            "a678cc31e799176d3860e6110c46523e",
            "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
            "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"
          } },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        for (j = 0; j < UNIT_COUNT(algs); j++) {
            hex = rows[i].macs[j];
            mac = unit_fill(0, strlen(hex) / 2);

            for (n = 0; n < mac.len; n++) {
                assert_int_equal(sscanf(&hex[2 * n], "%2x", &byte), 1);
                ((unsigned char *) mac.data)[n] = (unsigned char) byte;
            }

            key = accepts(unit_fill(0xaa, 131),
                unit_format("%s", algs[j].name));
            agrees(key, rows[i].data, mac);
            agw_key_free(key);
        }
    }
}


static void
secrets_are_exact_bytes(void **state)
{
    size_t                  i, j;
    agw_str_t               secret, data;
    agw_key_t              *key;
    static const agw_str_t  tails[] = {
        agw_string("a"), agw_string("\n"), agw_string("\r\n"),
        agw_string(" "), agw_string("\0x"), agw_string("\0y"),
        agw_string("\0\0"),
    };

    (void) state;

    data = S("e30.e30");

    for (i = 0; i < UNIT_COUNT(tails); i++) {
        secret = unit_cat(unit_fill('s', 66), tails[i]);

        key = accepts(secret, UNIT_NONE);
        agrees(key, data, mint_hmac("SHA256", secret, data));

        for (j = 0; j < UNIT_COUNT(tails); j++) {
            secret = unit_cat(unit_fill('s', 66), tails[j]);
            assert_int_equal(agw_key_verify(key, data,
                mint_hmac("SHA256", secret, data)),
                i == j ? AGW_SIGNATURE_VALID : AGW_SIGNATURE_INVALID);
        }

        agw_key_free(key);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(rfc7518_3_2_secret_is_as_long_as_its_hash),
        unit_case(p8_1_unknown_algorithms),
        unit_case(p8_2_text_keys_are_no_secrets),
        unit_case(p8_2_der_keys_are_no_secrets),
        unit_case(p8_2_der_containers_are_no_secrets),
        unit_case(hex_secrets_are_no_der),
        unit_case(rfc4231_vectors),
        unit_case(secrets_are_exact_bytes),
    };

    return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
