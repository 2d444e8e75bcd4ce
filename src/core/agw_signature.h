
/*
 * Signatures of RSA, EC and Ed25519 keys, as a JWS has them (RFC 7518,
 * sections 3.3 to 3.5; RFC 8037, section 3.1).
 */


#ifndef AGW_SIGNATURE_H_INCLUDED_
#define AGW_SIGNATURE_H_INCLUDED_


#include <openssl/evp.h>

#include "agw_alg.h"


/* a key that is ready for one algorithm, in one thread */

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
 * Prepares s for pkey, of which it takes a reference, and which fits alg.
 * Returns 0, or -1 where OpenSSL failed.  agw_signature_done() is owed
 * either way.
 */

int agw_signature_prepare(agw_signature_t *s, EVP_PKEY *pkey,
    const agw_alg_t *alg, int is_private);

void agw_signature_done(agw_signature_t *s);


/*
 * Signs data into sig, which has room for AGW_SIG_MAX bytes; s->size are
 * set.  Returns 0, or -1 where OpenSSL failed.
 */

int agw_signature_make(const agw_signature_t *s, agw_str_t data,
    unsigned char *sig);


/*
 * Returns 0 where sig, of s->size bytes, is the signature of data, -1 where
 * it is not or OpenSSL failed, whose error queue then may not be empty.
 */

int agw_signature_check(const agw_signature_t *s, agw_str_t data,
    agw_str_t sig);


#endif /* AGW_SIGNATURE_H_INCLUDED_ */
