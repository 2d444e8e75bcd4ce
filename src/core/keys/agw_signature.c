
/*
 * EVP_DigestVerifyInit() looks up algorithms by name, so it is called once.
 * One context verifies digests again and again (EVP_PKEY_verify(3)); a context
 * that takes the data itself is copied for each use.
 */


#include <errno.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "agw_pkey.h"
#include "agw_signature.h"


static EVP_PKEY_CTX *agw_signature_verifier(EVP_PKEY *pkey,
    const agw_alg_t *alg, const EVP_MD *md);
static EVP_MD_CTX *agw_signature_ctx(EVP_PKEY *pkey, const agw_alg_t *alg,
    int sign);
static int agw_signature_pss(EVP_PKEY_CTX *pctx);
static agw_signature_result_t agw_signature_check_whole(
    const agw_signature_t *s, agw_str_t data, agw_str_t sig);
static agw_signature_result_t agw_signature_result(int rc);
static EVP_MD_CTX *agw_signature_copy(const EVP_MD_CTX *ctx);
static ECDSA_SIG *agw_ecdsa_sig(agw_str_t raw);
static int agw_ecdsa_in_range(const unsigned char *number, agw_str_t order);
static int agw_mac_begins_afresh(EVP_MAC_CTX *ctx);


int
agw_signature_prepare(agw_signature_t *s, EVP_PKEY *pkey,
    const agw_alg_t *alg, int is_private)
{
    if (EVP_PKEY_up_ref(pkey) != 1) {
        return -1;
    }

    s->pkey = pkey;
    s->alg = alg;
    s->size = alg->kty == AGW_KTY_RSA ? (size_t) EVP_PKEY_get_size(pkey)
                                      : 2 * alg->field_size;

    if (alg->kty == AGW_KTY_EC
        && agw_pkey_order(pkey, s->order, alg->field_size) != 0)
    {
        return -1;
    }

    if (alg->digest == NULL) {
        s->whole = agw_signature_ctx(pkey, alg, 0);

    } else {
        s->md = EVP_MD_fetch(NULL, alg->digest, NULL);
        s->verifier = s->md ? agw_signature_verifier(pkey, alg, s->md) : NULL;
    }

    if (is_private) {
        s->signer = agw_signature_ctx(pkey, alg, 1);
    }

    return (s->verifier == NULL && s->whole == NULL)
           || (is_private && s->signer == NULL) ? -1 : 0;
}


void
agw_signature_done(agw_signature_t *s)
{
    EVP_PKEY_CTX_free(s->verifier);
    EVP_MD_CTX_free(s->whole);
    EVP_MD_CTX_free(s->signer);
    EVP_MD_free(s->md);
    EVP_PKEY_free(s->pkey);

    memset(s, 0, sizeof(agw_signature_t));
}


int
agw_signature_make(const agw_signature_t *s, agw_str_t data,
    unsigned char *sig)
{
    int             rc;
    size_t          len;
    agw_str_t       der;
    EVP_MD_CTX     *ctx;
    unsigned char   buf[AGW_SIG_MAX];

    ctx = agw_signature_copy(s->signer);
    len = sizeof(buf);

    rc = ctx != NULL
         && EVP_DigestSign(ctx, buf, &len, data.data, data.len) == 1;

    EVP_MD_CTX_free(ctx);

    if (!rc) {
        return -1;
    }

    if (s->alg->kty == AGW_KTY_EC) {
        der.data = buf;
        der.len = len;

        return agw_ecdsa_from_der(der, s->alg->field_size, sig);
    }

    if (len != s->size) {
        return -1;
    }

    memcpy(sig, buf, len);

    return 0;
}


agw_signature_result_t
agw_signature_check(const agw_signature_t *s, agw_str_t data, agw_str_t sig)
{
    size_t                  len;
    unsigned                digest_len;
    agw_str_t               order;
    unsigned char           der[AGW_ECDSA_DER_MAX], digest[EVP_MAX_MD_SIZE];
    agw_signature_result_t  result;

    errno = 0;

    if (s->md == NULL) {
        return agw_signature_check_whole(s, data, sig);
    }

    if (s->alg->kty == AGW_KTY_EC) {
        order.data = s->order;
        order.len = s->alg->field_size;

        result = agw_ecdsa_to_der(sig, order, der, &len);
        if (result != AGW_SIGNATURE_VALID) {
            return result;
        }

        sig.data = der;
        sig.len = len;
    }

    if (EVP_Digest(data.data, data.len, digest, &digest_len, s->md, NULL)
        != 1)
    {
        return AGW_SIGNATURE_UNCHECKED;
    }

    return agw_signature_result(EVP_PKEY_verify(s->verifier, sig.data,
                                                sig.len, digest, digest_len));
}


static agw_signature_result_t
agw_signature_check_whole(const agw_signature_t *s, agw_str_t data,
    agw_str_t sig)
{
    int          rc;
    EVP_MD_CTX  *ctx;

    ctx = agw_signature_copy(s->whole);
    if (ctx == NULL) {
        return AGW_SIGNATURE_UNCHECKED;
    }

    rc = EVP_DigestVerify(ctx, sig.data, sig.len, data.data, data.len);

    EVP_MD_CTX_free(ctx);

    return agw_signature_result(rc);
}


/*
 * OpenSSL returns the same for a bad signature and if memory ran out, which
 * does not always leave an error in its queue; but then malloc() has set
 * errno.
 */

static agw_signature_result_t
agw_signature_result(int rc)
{
    unsigned long  e;

    if (rc == 1) {
        return AGW_SIGNATURE_VALID;
    }

    if (errno == ENOMEM) {
        return AGW_SIGNATURE_UNCHECKED;
    }

    while ((e = ERR_get_error()) != 0) {
        if (ERR_FATAL_ERROR(e)) {
            return AGW_SIGNATURE_UNCHECKED;
        }
    }

    return AGW_SIGNATURE_INVALID;
}


static EVP_PKEY_CTX *
agw_signature_verifier(EVP_PKEY *pkey, const agw_alg_t *alg, const EVP_MD *md)
{
    EVP_PKEY_CTX  *pctx;

    pctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (pctx == NULL) {
        return NULL;
    }

    if (EVP_PKEY_verify_init(pctx) != 1
        || EVP_PKEY_CTX_set_signature_md(pctx, md) != 1
        || (alg->pss && agw_signature_pss(pctx) != 0))
    {
        EVP_PKEY_CTX_free(pctx);
        return NULL;
    }

    return pctx;
}


/* the salt is as long as the hash (RFC 7518, section 3.5) */

static int
agw_signature_pss(EVP_PKEY_CTX *pctx)
{
    return EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1
           && EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST)
              == 1
           ? 0 : -1;
}


static EVP_MD_CTX *
agw_signature_ctx(EVP_PKEY *pkey, const agw_alg_t *alg, int sign)
{
    int            rc;
    EVP_MD_CTX    *ctx;
    EVP_PKEY_CTX  *pctx;

    ctx = EVP_MD_CTX_new();
    if (ctx == NULL) {
        return NULL;
    }

    rc = sign ? EVP_DigestSignInit_ex(ctx, &pctx, alg->digest, NULL, NULL,
                                      pkey, NULL)
              : EVP_DigestVerifyInit_ex(ctx, &pctx, alg->digest, NULL, NULL,
                                        pkey, NULL);

    if (rc != 1 || (alg->pss && agw_signature_pss(pctx) != 0)) {
        EVP_MD_CTX_free(ctx);
        return NULL;
    }

    return ctx;
}


/* it is used once, so that EVP need not copy it again at the end */

static EVP_MD_CTX *
agw_signature_copy(const EVP_MD_CTX *ctx)
{
    EVP_MD_CTX  *copy;

    copy = EVP_MD_CTX_new();

    if (copy == NULL || EVP_MD_CTX_copy_ex(copy, ctx) != 1) {
        EVP_MD_CTX_free(copy);
        return NULL;
    }

    EVP_MD_CTX_set_flags(copy, EVP_MD_CTX_FLAG_FINALISE);

    return copy;
}


/*
 * The range of r and s is checked before anything is converted (RFC 7518,
 * section 3.4; FIPS 186-5, section 6.4.2).
 */

agw_signature_result_t
agw_ecdsa_to_der(agw_str_t raw, agw_str_t order, unsigned char *der,
    size_t *len)
{
    int         n;
    ECDSA_SIG  *sig;

    if (raw.len != 2 * order.len
        || !agw_ecdsa_in_range(raw.data, order)
        || !agw_ecdsa_in_range(raw.data + order.len, order))
    {
        return AGW_SIGNATURE_INVALID;
    }

    sig = agw_ecdsa_sig(raw);
    n = sig != NULL ? i2d_ECDSA_SIG(sig, &der) : 0;

    ECDSA_SIG_free(sig);

    if (n <= 0) {
        return AGW_SIGNATURE_UNCHECKED;
    }

    *len = (size_t) n;

    return AGW_SIGNATURE_VALID;
}


int
agw_ecdsa_from_der(agw_str_t der, size_t size, unsigned char *raw)
{
    int                   rc;
    ECDSA_SIG            *sig;
    const BIGNUM         *r, *s;
    const unsigned char  *p;

    p = der.data;

    sig = d2i_ECDSA_SIG(NULL, &p, (long) der.len);
    if (sig == NULL) {
        return -1;
    }

    ECDSA_SIG_get0(sig, &r, &s);

    rc = BN_bn2binpad(r, raw, (int) size) == (int) size
         && BN_bn2binpad(s, raw + size, (int) size) == (int) size;

    ECDSA_SIG_free(sig);

    return rc ? 0 : -1;
}


/* r and s as OpenSSL holds them, or NULL if memory ran out */

static ECDSA_SIG *
agw_ecdsa_sig(agw_str_t raw)
{
    int         size;
    BIGNUM     *r, *s;
    ECDSA_SIG  *sig;

    size = (int) raw.len / 2;

    r = BN_bin2bn(raw.data, size, NULL);
    s = BN_bin2bn(raw.data + size, size, NULL);
    sig = ECDSA_SIG_new();

    if (r != NULL && s != NULL && sig != NULL
        && ECDSA_SIG_set0(sig, r, s) == 1)
    {
        return sig;
    }

    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);

    return NULL;
}


/* 1 to order - 1; both are big-endian and of one length */

static int
agw_ecdsa_in_range(const unsigned char *number, agw_str_t order)
{
    size_t         i;
    unsigned char  any;

    any = 0;

    for (i = 0; i < order.len; i++) {
        any |= number[i];
    }

    return any != 0 && memcmp(number, order.data, order.len) < 0;
}


EVP_MAC_CTX *
agw_mac_create(const agw_alg_t *alg, agw_str_t secret)
{
    EVP_MAC      *hmac;
    OSSL_PARAM    params[2];
    EVP_MAC_CTX  *ctx;

    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    EVP_MAC_free(hmac);

    if (ctx == NULL) {
        return NULL;
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 (char *) alg->digest, 0);
    params[1] = OSSL_PARAM_construct_end();

    if (EVP_MAC_init(ctx, secret.data, secret.len, params) != 1
        || !agw_mac_begins_afresh(ctx))
    {
        EVP_MAC_CTX_free(ctx);
        return NULL;
    }

    return ctx;
}


int
agw_mac(EVP_MAC_CTX *ctx, agw_str_t data, unsigned char *out)
{
    size_t  len;

    /* NULL: with the secret that it has (EVP_MAC(3)) */

    return EVP_MAC_init(ctx, NULL, 0, NULL) == 1
           && EVP_MAC_update(ctx, data.data, data.len) == 1
           && EVP_MAC_final(ctx, out, &len, AGW_MAC_MAX) == 1
           ? 0 : -1;
}


/* the first releases of OpenSSL 3 did not reset the context */

static int
agw_mac_begins_afresh(EVP_MAC_CTX *ctx)
{
    int            rc;
    agw_str_t      data;
    unsigned char  mac[2][AGW_MAC_MAX];

    data.data = (const unsigned char *) "";
    data.len = 1;

    memset(mac, 0, sizeof(mac));

    rc = agw_mac(ctx, data, mac[0]) == 0
         && agw_mac(ctx, data, mac[1]) == 0
         && memcmp(mac[0], mac[1], AGW_MAC_MAX) == 0;

    OPENSSL_cleanse(mac, sizeof(mac));

    return rc;
}
