
/*
 * Key files as they come, as PEM with its first and last line given, and
 * good ones of which some bytes are changed.  Only what the configuration
 * calls a secret becomes one.  What is loaded keeps its word:
 * it signs what it verifies, nothing else is a signature of it, its name is
 * fit for a header, and what is published of it is a set that loads.
 */


#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "agw_jws.h"
#include "agw_key_file.h"
#include "agw_key_format.h"


#define MUST(condition)                                                       \
    do {                                                                      \
        if (!(condition)) {                                                   \
            abort();                                                          \
        }                                                                     \
    } while (0)


/* always the same keys, so that an input stays one */

#define GOOD_MAX   6

static agw_str_t  good[GOOD_MAX];


static agw_str_t
taken(BIO *bio)
{
    agw_str_t       s;
    char           *p;
    unsigned char  *copy;

    s.len = (size_t) BIO_get_mem_data(bio, &p);
    copy = malloc(s.len);
    memcpy(copy, p, s.len);
    s.data = copy;
    BIO_free(bio);

    return s;
}


static agw_str_t
pem_of(EVP_PKEY *pkey, int is_private)
{
    BIO  *bio;

    bio = BIO_new(BIO_s_mem());
    MUST((is_private ? PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0,
                                                     NULL, NULL)
                     : PEM_write_bio_PUBKEY(bio, pkey)) == 1);

    return taken(bio);
}


static void
make_good(void)
{
    EVP_PKEY             *ec, *ed;
    const unsigned char  *p;
    unsigned char         raw[32];
    static const unsigned char  sec1[] = "0\x31\2\1\1\4 "
        "abcdefghijklmnopqrstuvwxyz012345\xa0\x0a\6\x08"
        "\x2a\x86\x48\xce\x3d\3\1\7";
    static const agw_str_t  secret = agw_string(
        "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"use\":\"sig\",\"k\":"
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}");
    static const agw_str_t  pair = agw_string(
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
        "\"key_ops\":[\"sign\",\"verify\"],\"alg\":\"EdDSA\","
        "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\","
        "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}");

    p = sec1;
    ec = d2i_AutoPrivateKey(NULL, &p, sizeof(sec1) - 1);
    memset(raw, 'e', sizeof(raw));
    ed = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw,
                                      sizeof(raw));
    MUST(ec != NULL && ed != NULL);

    good[0] = pem_of(ec, 1);
    good[1] = pem_of(ec, 0);
    good[2] = pem_of(ed, 1);
    good[3] = pem_of(ed, 0);
    good[4] = secret;
    good[5] = pair;

    EVP_PKEY_free(ec);
    EVP_PKEY_free(ed);
    ERR_clear_error();
}


static int
check_key(const agw_key_t *key, const agw_keyring_t *ring)
{
    size_t          len, size;
    agw_jws_t       jws;
    agw_str_t       kid, sig, token;
    agw_reason_t    reason;
    unsigned char  *out, buf[AGW_JWS_BUF_SIZE], raw[AGW_SIG_MAX];
    static const agw_str_t  data = agw_string("{}");

    kid = agw_key_kid(key);
    MUST(kid.len && kid.len <= AGW_KID_MAX);
    MUST(agw_keyring_find(ring, kid) == key);
    MUST(agw_keyring_find_header(ring, agw_key_header(key)) == key);
    MUST(agw_key_sig_size(key) <= AGW_SIG_MAX);

    memset(raw, 'x', sizeof(raw));
    sig.data = raw;
    sig.len = agw_key_sig_size(key);
    MUST(agw_key_verify(key, data, sig)
         == AGW_SIGNATURE_INVALID);

    size = agw_jws_size(key, data.len);
    out = malloc(size);

    if (agw_jws_sign(key, data, out, &len) != 0) {
        MUST(!agw_key_signs(key));
        free(out);
        return 0;
    }

    MUST(agw_key_signs(key) && len == size);

    token.data = out;
    token.len = len;
    reason = agw_jws_verify(&jws, ring, token, buf);
    MUST(reason == AGW_OK && jws.key == key && jws.payload.len == 2);

    out[len - 8] ^= 1;
    MUST(agw_jws_verify(&jws, ring, token, buf) != AGW_OK);

    free(out);

    return 1;
}


static void
no_remark(void *data, const agw_key_remark_t *remark)
{
    (void) data;

    MUST(remark->kind == AGW_KEY_TAKEN);
}


static void
count_errors(void *data, const agw_key_remark_t *remark)
{
    size_t  *errors = data;

    MUST(remark->text != NULL && remark->kid.len <= AGW_KID_MAX);

    *errors += (remark->kind == AGW_KEY_ERROR);
}


static void
check_published(const agw_keyring_t *ring)
{
    char              *text;
    size_t             i;
    json_t            *jwks, *keys;
    agw_keyring_t     *public;
    agw_key_source_t   source;

    jwks = agw_keyring_public_jwks(ring);
    keys = json_object_get(jwks, "keys");
    MUST(json_is_array(keys));

    text = json_dumps(jwks, JSON_COMPACT);
    memset(&source, 0, sizeof(source));
    source.bytes.data = (unsigned char *) text;
    source.bytes.len = strlen(text);
    source.verify = 1;
    public = agw_keyring_create();

    if (json_array_size(keys) != 0) {
        MUST(agw_key_file_load(public, &source, no_remark, NULL) == 0);
    }

    MUST(agw_keyring_count(public) == json_array_size(keys));

    for (i = 0; i < agw_keyring_count(public); i++) {
        MUST(!agw_key_is_secret(agw_keyring_key(public, i)));
    }

    agw_keyring_free(public);
    free(text);
    json_decref(jwks);
}


/* returns whether it was loaded */

static int
check_file(const uint8_t *data, size_t size, int verify, const char *alg)
{
    int                rc, signers;
    size_t             i, errors;
    agw_str_t          text;
    agw_keyring_t     *ring;
    agw_key_format_t   form;
    agw_key_source_t   source;

    memset(&source, 0, sizeof(source));
    source.bytes.data = data;
    source.bytes.len = size;
    source.alg.data = (const unsigned char *) alg;
    source.alg.len = strlen(alg);
    source.verify = verify != 0;

    ring = agw_keyring_create();
    errors = 0;
    rc = agw_key_file_load(ring, &source, count_errors, &errors);
    MUST(ERR_peek_error() == 0);

    form = agw_key_format(source.bytes, &text);

    if (rc != 0) {
        MUST(errors == 1 && agw_keyring_count(ring) == 0);

        /* a secret that is long enough is taken, whatever is in it */

        MUST(form != AGW_FORMAT_BYTES || size < 32 || alg[0] == '\0');

    } else {
        MUST(errors == 0 && agw_keyring_count(ring) != 0);
        MUST(form == AGW_FORMAT_PEM || form == AGW_FORMAT_JSON
             || (form == AGW_FORMAT_BYTES && alg[0] != '\0'));
        signers = 0;

        for (i = 0; i < agw_keyring_count(ring); i++) {
            signers += check_key(agw_keyring_key(ring, i), ring);
        }

        MUST((signers != 0) == !verify);
        check_published(ring);

        MUST(ERR_peek_error() == 0);
    }

    agw_keyring_free(ring);

    return rc == 0;
}


/* the input is which, then places, and the bytes that come there */

static void
check_changed(const uint8_t *data, size_t size)
{
    size_t          i, at;
    agw_str_t       file;
    unsigned char  *copy;

    if (good[0].len == 0) {
        make_good();
    }

    file = good[data[0] % GOOD_MAX];
    copy = malloc(file.len);
    memcpy(copy, file.data, file.len);

    for (i = 1; i + 2 < size; i += 3) {
        at = (size_t) (data[i] << 8 | data[i + 1]);
        copy[at % file.len] = data[i + 2];
    }

    check_file(copy, file.len, 0, "");
    MUST(check_file(copy, file.len, 1, "") || size > 3);

    free(copy);
}


/* and in which the input is the contents */

static void
check_contents(const uint8_t *data, size_t size)
{
    BIO                *bio;
    char               *pem;
    long                len;
    size_t              i;
    static const char  *names[] = {
        PEM_STRING_PKCS8INF, PEM_STRING_PUBLIC, PEM_STRING_RSA,
        PEM_STRING_ECPRIVATEKEY, PEM_STRING_RSA_PUBLIC
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        bio = BIO_new(BIO_s_mem());
        MUST(PEM_write_bio(bio, names[i], "", data, (long) size) > 0);
        len = BIO_get_mem_data(bio, &pem);
        check_file((uint8_t *) pem, (size_t) len, i == 1 || i == 4, "");
        BIO_free(bio);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_file(data, size, 0, "");
    check_file(data, size, 1, "");
    check_file(data, size, 0, "HS256");

    if (size != 0) {
        check_changed(data, size);
    }

    if (size > 8 && data[0] == 0x30) {
        check_contents(data, size);
    }

    return 0;
}
