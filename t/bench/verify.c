
/*
 * What one verification costs, for t/bench/verify.pl and t/bench/bench.pl
 * to count under callgrind: verify <way> <alg> <key file> <token> <count>.
 * The token is a size, and one of that size is verified so often; or @ and
 * the name of a file, of which so many lines are, each once.
 *
 *     openssl   EVP_DigestVerifyInit() and EVP_DigestVerify() on a new
 *               context, as a program without preparation would
 *     lean      the least that OpenSSL asks for: what depends on the key
 *               alone was done before
 *     ours      agw_jws_verify()
 *
 * The first two are given what ours has to find out: the key, the decoded
 * signature (of ECDSA in DER), where the signed bytes end.
 */


#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "agw_base64.h"
#include "agw_signature.h"
#include "agw_jws.h"
#include "agw_key_file.h"
#include "agw_pkey.h"


#define BENCH_FILE_MAX  16384
#define BENCH_WARM      16


typedef struct {
    agw_keyring_t   *ring;
    agw_str_t        token;
    agw_str_t        input;
    agw_str_t        sig;
    agw_str_t        secret;
    EVP_PKEY        *pkey;
    const EVP_MD    *md;
    EVP_PKEY_CTX    *prepared;
    EVP_MD_CTX      *prepared_md;
    EVP_MAC_CTX     *prepared_mac;
    unsigned char    buf[AGW_JWS_BUF_SIZE];
} bench_t;


typedef int (*bench_pt)(bench_t *b);


static void
bench_die(const char *what)
{
    fprintf(stderr, "verify: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(2);
}


static int
bench_ours(bench_t *b)
{
    agw_jws_t  jws;

    return agw_jws_verify(&jws, b->ring, b->token, b->buf) == AGW_OK;
}


static int
bench_openssl(bench_t *b)
{
    int          rc;
    EVP_MD_CTX  *ctx;

    ctx = EVP_MD_CTX_new();

    rc = EVP_DigestVerifyInit(ctx, NULL, b->md, NULL, b->pkey) == 1
         && EVP_DigestVerify(ctx, b->sig.data, b->sig.len, b->input.data,
                             b->input.len) == 1;

    EVP_MD_CTX_free(ctx);

    return rc;
}


/* EdDSA signs what it is given, not a digest of it */

static int
bench_lean(bench_t *b)
{
    int             rc;
    unsigned        len;
    EVP_MD_CTX     *ctx;
    unsigned char   digest[EVP_MAX_MD_SIZE];

    if (b->md != NULL) {
        return EVP_Digest(b->input.data, b->input.len, digest, &len, b->md,
                          NULL) == 1
               && EVP_PKEY_verify(b->prepared, b->sig.data, b->sig.len,
                                  digest, len) == 1;
    }

    ctx = EVP_MD_CTX_new();

    rc = EVP_MD_CTX_copy_ex(ctx, b->prepared_md) == 1
         && EVP_DigestVerify(ctx, b->sig.data, b->sig.len, b->input.data,
                             b->input.len) == 1;

    EVP_MD_CTX_free(ctx);

    return rc;
}


static int
bench_hmac_openssl(bench_t *b)
{
    unsigned       len;
    unsigned char  mac[EVP_MAX_MD_SIZE];

    return HMAC(b->md, b->secret.data, (int) b->secret.len, b->input.data,
                b->input.len, mac, &len) != NULL
           && len == b->sig.len
           && CRYPTO_memcmp(mac, b->sig.data, len) == 0;
}


static int
bench_hmac_lean(bench_t *b)
{
    size_t         len;
    unsigned char  mac[EVP_MAX_MD_SIZE];

    return EVP_MAC_init(b->prepared_mac, NULL, 0, NULL) == 1
           && EVP_MAC_update(b->prepared_mac, b->input.data, b->input.len)
              == 1
           && EVP_MAC_final(b->prepared_mac, mac, &len, sizeof(mac)) == 1
           && len == b->sig.len
           && CRYPTO_memcmp(mac, b->sig.data, len) == 0;
}


/* what is inside is counted */

static __attribute__((noinline, noclone)) void
bench_measured(bench_pt verify, bench_t *b, long count)
{
    long  i;

    for (i = 0; i < count; i++) {
        if (!verify(b)) {
            bench_die("a good token is refused");
        }
    }
}


static agw_str_t
bench_read(const char *file)
{
    FILE                  *f;
    agw_str_t              s;
    static unsigned char   bytes[BENCH_FILE_MAX];

    f = fopen(file, "rb");
    if (f == NULL) {
        bench_die(file);
    }

    s.data = bytes;
    s.len = fread(bytes, 1, sizeof(bytes), f);

    fclose(f);

    return s;
}


/* a token of so many bytes, or of the fewest that are more */

static void
bench_token(bench_t *b, size_t size)
{
    size_t                 len;
    agw_str_t              payload;
    const agw_key_t       *key;
    static unsigned char   claims[AGW_TOKEN_MAX], token[2 * AGW_TOKEN_MAX];

    key = agw_keyring_signer(b->ring);

    payload.data = claims;
    payload.len = 0;

    while (agw_jws_size(key, payload.len) < size) {
        claims[payload.len] = (unsigned char) (' ' + payload.len % 90);
        payload.len++;
    }

    if (agw_jws_sign(key, payload, token, &len) != 0) {
        bench_die("no signature");
    }

    b->token.data = token;
    b->token.len = len;
}


static void
bench_split(bench_t *b, const agw_alg_t *alg)
{
    size_t                 dot, len;
    agw_str_t              text, order;
    static unsigned char   raw[AGW_SIG_MAX], der[AGW_ECDSA_DER_MAX];
    static unsigned char   buf[AGW_FIELD_MAX];

    for (dot = b->token.len; b->token.data[dot - 1] != '.'; dot--) { }

    b->input.data = b->token.data;
    b->input.len = dot - 1;

    text.data = b->token.data + dot;
    text.len = b->token.len - dot;

    if (agw_base64url_decode(text, raw, &len) != 0) {
        bench_die("not base64url");
    }

    b->sig.data = raw;
    b->sig.len = len;

    if (alg->kty != AGW_KTY_EC) {
        return;
    }

    if (agw_pkey_order(b->pkey, buf, alg->field_size) != 0) {
        bench_die("no order");
    }

    order.data = buf;
    order.len = alg->field_size;

    if (agw_ecdsa_to_der(b->sig, order, der, &len) != 0) {
        bench_die("no DER");
    }

    b->sig.data = der;
    b->sig.len = len;
}


static void
bench_prepare_pkey(bench_t *b, const agw_alg_t *alg, agw_str_t pem)
{
    BIO  *bio;

    bio = BIO_new_mem_buf(pem.data, (int) pem.len);
    b->pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

    BIO_free(bio);

    if (alg->digest != NULL) {
        b->md = EVP_MD_fetch(NULL, alg->digest, NULL);
    }

    b->prepared = EVP_PKEY_CTX_new_from_pkey(NULL, b->pkey, NULL);
    b->prepared_md = EVP_MD_CTX_new();

    if (b->md != NULL) {
        if (EVP_PKEY_verify_init(b->prepared) != 1
            || EVP_PKEY_CTX_set_signature_md(b->prepared, b->md) != 1
            || (alg->kty == AGW_KTY_RSA
                && EVP_PKEY_CTX_set_rsa_padding(b->prepared,
                                                RSA_PKCS1_PADDING) != 1))
        {
            bench_die("no context");
        }

    } else if (EVP_DigestVerifyInit(b->prepared_md, NULL, NULL, NULL,
                                    b->pkey) != 1)
    {
        bench_die("no context");
    }
}


static void
bench_prepare_hmac(bench_t *b, const agw_alg_t *alg, agw_str_t secret)
{
    EVP_MAC     *hmac;
    OSSL_PARAM   params[2];

    b->secret = secret;
    b->md = EVP_MD_fetch(NULL, alg->digest, NULL);

    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    b->prepared_mac = EVP_MAC_CTX_new(hmac);

    params[0] = OSSL_PARAM_construct_utf8_string("digest",
                                                 (char *) alg->digest, 0);
    params[1] = OSSL_PARAM_construct_end();

    if (EVP_MAC_init(b->prepared_mac, secret.data, secret.len, params) != 1) {
        bench_die("no context");
    }
}


static void
bench_warm(bench_pt verify, bench_t *b)
{
    int  i;

    for (i = 0; i < BENCH_WARM; i++) {
        if (!verify(b)) {
            bench_die("a good token is refused");
        }
    }
}


static void
bench_file(bench_t *b, const agw_alg_t *alg, bench_pt verify,
    const char *file, long count)
{
    long          i;
    FILE         *f;
    static char   line[AGW_TOKEN_MAX + 2];

    f = fopen(file, "r");
    if (f == NULL) {
        bench_die(file);
    }

    for (i = 0; i < count; i++) {
        if (fgets(line, sizeof(line), f) == NULL) {
            bench_die("too few tokens");
        }

        b->token.data = (unsigned char *) line;
        b->token.len = strcspn(line, "\n");

        bench_split(b, alg);

        if (i == 0) {
            bench_warm(verify, b);
        }

        bench_measured(verify, b, 1);
    }

    fclose(f);
}


int
main(int argc, char **argv)
{
    bench_pt           verify;
    const agw_alg_t   *alg;
    agw_key_source_t   source;
    static bench_t     b;

    if (argc != 6) {
        bench_die("way, algorithm, key file, token, count");
    }

    memset(&source, 0, sizeof(source));

    source.bytes = bench_read(argv[3]);
    source.alg.data = (unsigned char *) argv[2];
    source.alg.len = strlen(argv[2]);
    source.kid.data = (unsigned char *) "k1";
    source.kid.len = 2;

    alg = agw_alg_find(source.alg);
    b.ring = agw_keyring_create();

    if (agw_key_file_load(b.ring, &source, NULL, NULL) != 0) {
        bench_die("no such key");
    }

    if (alg->kty == AGW_KTY_OCT) {
        bench_prepare_hmac(&b, alg, source.bytes);

    } else {
        bench_prepare_pkey(&b, alg, source.bytes);
    }

    if (strcmp(argv[1], "ours") == 0) {
        verify = bench_ours;

    } else if (strcmp(argv[1], "openssl") == 0) {
        verify = alg->kty == AGW_KTY_OCT ? bench_hmac_openssl : bench_openssl;

    } else {
        verify = alg->kty == AGW_KTY_OCT ? bench_hmac_lean : bench_lean;
    }

    if (argv[4][0] == '@') {
        bench_file(&b, alg, verify, argv[4] + 1, atol(argv[5]));

    } else {
        bench_token(&b, (size_t) atol(argv[4]));
        bench_split(&b, alg);
        bench_warm(verify, &b);
        bench_measured(verify, &b, atol(argv[5]));
    }

    printf("%zu\n", b.token.len);

    return 0;
}
