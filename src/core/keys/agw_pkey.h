
/*
 * Asymmetric keys as OpenSSL holds them: what they are, and whether they are
 * good enough.
 */


#ifndef AGW_PKEY_H_INCLUDED_
#define AGW_PKEY_H_INCLUDED_


#include <openssl/evp.h>

#include "agw_alg.h"


/* for messages */

#define AGW_PKEY_OTHER_TYPE                                                   \
    "a key of another type or curve; it must be RSA (rsaEncryption), EC on "   \
    "P-256 or P-384, or Ed25519"


/*
 * The algorithm of a key that names none, or NULL and a static text in
 * *error that says which keys are accepted.
 */

const agw_alg_t *agw_pkey_default_alg(EVP_PKEY *pkey, const char **error);


/*
 * Whether pkey may be used with alg: type and curve, AGW_RSA_MIN to
 * AGW_RSA_MAX bits, an exponent over 1 (RFC 8725, section 3.5; RFC 7518,
 * section 3), a point on its curve.  Returns NULL, or a static text that says
 * what is accepted.
 */

const char *agw_pkey_refusal(EVP_PKEY *pkey, const agw_alg_t *alg);


/*
 * The big-endian order of an EC key's group, into order, of AGW_FIELD_MAX
 * bytes; size is the field's.  Returns 0, or -1 if OpenSSL failed.
 */

int agw_pkey_order(EVP_PKEY *pkey, unsigned char *order, size_t size);


#endif /* AGW_PKEY_H_INCLUDED_ */
