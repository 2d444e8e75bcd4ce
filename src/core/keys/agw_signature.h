
/*
 * Signatures and MACs in the form of a JWS (RFC 7518, sections 3.2 to 3.5; RFC
 * 8037, section 3.1).
 */


#ifndef AGW_SIGNATURE_H_INCLUDED_
#define AGW_SIGNATURE_H_INCLUDED_


#include <openssl/evp.h>

#include "agw_alg.h"


/* an RSA, EC or Ed25519 key that is ready for one algorithm, in one thread */

typedef struct {
    const agw_alg_t  *alg;
    EVP_PKEY         *pkey;
    EVP_MD           *md;            /* NULL: the algorithm hashes by itself */
    EVP_PKEY_CTX     *verifier;      /* of what md made; or */
    EVP_MD_CTX       *whole;         /* of the data themselves, to be copied */
    EVP_MD_CTX       *signer;        /* NULL without a private key */
    size_t            size;          /* of a signature, in bytes */
    unsigned char     order[AGW_FIELD_MAX];   /* of an EC key's group */
} agw_signature_t;


/*
 * Prepares s for pkey, which must fit alg, and takes a reference to it.
 * Returns 0, or -1 if OpenSSL failed.  In both cases the caller must call
 * agw_signature_done().
 */

int agw_signature_prepare(agw_signature_t *s, EVP_PKEY *pkey,
    const agw_alg_t *alg, int is_private);

void agw_signature_done(agw_signature_t *s);


/*
 * Writes the signature of data, s->size bytes, into sig, which has room for
 * AGW_SIG_MAX.  Returns 0, or -1 if OpenSSL failed.
 */

int agw_signature_make(const agw_signature_t *s, agw_str_t data,
    unsigned char *sig);


typedef enum {
    AGW_SIGNATURE_VALID = 0,
    AGW_SIGNATURE_INVALID,
    AGW_SIGNATURE_UNCHECKED            /* OpenSSL failed, or memory ran out */
} agw_signature_result_t;


/*
 * Whether sig, of s->size bytes, is the signature of data.  OpenSSL's error
 * queue has to be empty; afterwards it may not be.
 */

agw_signature_result_t agw_signature_check(const agw_signature_t *s,
    agw_str_t data, agw_str_t sig);


/*
 * The DER of an ECDSA signature, which OpenSSL reads and writes: a SEQUENCE
 * of two INTEGERs, each with a byte for its sign.
 */

#define AGW_ECDSA_DER_MAX   (2 * (AGW_FIELD_MAX + 3) + 3)


/*
 * raw is r and s, each as long as order, the big-endian order of the curve's
 * group.  der has AGW_ECDSA_DER_MAX bytes.  Returns AGW_SIGNATURE_VALID and
 * sets *len; AGW_SIGNATURE_INVALID for a wrong length, or if r or s is zero or
 * not below the order; or AGW_SIGNATURE_UNCHECKED if memory ran out.
 */

agw_signature_result_t agw_ecdsa_to_der(agw_str_t raw, agw_str_t order,
    unsigned char *der, size_t *len);


/*
 * The reverse.  raw has room for two numbers of size bytes each.  Returns 0,
 * or -1 if der is no such signature or memory ran out.
 */

int agw_ecdsa_from_der(agw_str_t der, size_t size, unsigned char *raw);


/*
 * HMAC (RFC 2104) with a secret that is set once.  Returns a context that
 * holds a copy of it, which EVP_MAC_CTX_free() wipes, or NULL if OpenSSL
 * failed.  alg is one for HMAC.
 */

EVP_MAC_CTX *agw_mac_create(const agw_alg_t *alg, agw_str_t secret);


/*
 * Writes the MAC of data, digest_size bytes of the algorithm, into out, which
 * has room for AGW_MAC_MAX.  No call depends on an earlier one; one thread
 * uses a context at a time.  Returns 0, or -1 if OpenSSL failed.
 */

int agw_mac(EVP_MAC_CTX *ctx, agw_str_t data, unsigned char *out);


#endif /* AGW_SIGNATURE_H_INCLUDED_ */
