
/*
 * EVP_DigestVerifyInit() looks algorithms up by name: it is done once.  A
 * digest is verified again and again in one context (EVP_PKEY_verify(3)); of
 * what takes the data themselves, a copy is used up each time.
 */


#include <openssl/rsa.h>

#include "agw_ecdsa.h"
#include "agw_pkey.h"
#include "agw_signature.h"


static EVP_PKEY_CTX *agw_signature_verifier(EVP_PKEY *pkey,
    const agw_alg_t *alg, const EVP_MD *md);
static EVP_MD_CTX *agw_signature_ctx(EVP_PKEY *pkey, const agw_alg_t *alg,
    int sign);
static int agw_signature_pss(EVP_PKEY_CTX *pctx);
static int agw_signature_check_whole(const agw_signature_t *s, agw_str_t data,
    agw_str_t sig);
static EVP_MD_CTX *agw_signature_copy(const EVP_MD_CTX *ctx);


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


int
agw_signature_check(const agw_signature_t *s, agw_str_t data, agw_str_t sig)
{
    size_t         len;
    unsigned       digest_len;
    agw_str_t      order;
    unsigned char  der[AGW_ECDSA_DER_MAX], digest[EVP_MAX_MD_SIZE];

    if (s->md == NULL) {
        return agw_signature_check_whole(s, data, sig);
    }

    if (s->alg->kty == AGW_KTY_EC) {
        order.data = s->order;
        order.len = s->alg->field_size;

        if (agw_ecdsa_to_der(sig, order, der, &len) != 0) {
            return -1;
        }

        sig.data = der;
        sig.len = len;
    }

    return EVP_Digest(data.data, data.len, digest, &digest_len, s->md, NULL)
           == 1
           && EVP_PKEY_verify(s->verifier, sig.data, sig.len, digest,
                              digest_len) == 1
           ? 0 : -1;
}


static int
agw_signature_check_whole(const agw_signature_t *s, agw_str_t data,
    agw_str_t sig)
{
    int          rc;
    EVP_MD_CTX  *ctx;

    ctx = agw_signature_copy(s->whole);

    rc = ctx != NULL
         && EVP_DigestVerify(ctx, sig.data, sig.len, data.data, data.len)
            == 1;

    EVP_MD_CTX_free(ctx);

    return rc ? 0 : -1;
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


/* it is used once, so its end need not be a copy again */

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
