
/*
 * Builds keys from their numbers.  OpenSSL wipes what it is given of a private
 * key.
 */


#ifndef AGW_PKEY_BUILD_H_INCLUDED_
#define AGW_PKEY_BUILD_H_INCLUDED_


#include <openssl/bn.h>
#include <openssl/evp.h>

#include "agw_alg.h"


/* n, e; d; p, q, dp, dq, qi (RFC 8017, appendix A.1) */

#define AGW_RSA_NUMBERS   8

#define AGW_RSA_PUBLIC    2          /* how many a public key has */
#define AGW_RSA_NO_CRT    3


/*
 * A number for a private key, from big-endian bytes, which the caller frees
 * with BN_clear_free(); NULL if memory ran out.
 */

BIGNUM *agw_secret_number(agw_str_t bytes);


/*
 * An RSA key of the first n numbers, n being one of the above, which stay
 * the caller's; NULL if they do not belong together, or OpenSSL failed.
 */

EVP_PKEY *agw_pkey_build_rsa(BIGNUM *const *number, size_t n);


/*
 * An EC key on a curve by its JWK name.  d is NULL for a public key.  point is
 * uncompressed; if it is empty, it is computed from d.  Returns NULL if the
 * point is not on the curve, or OpenSSL failed.
 */

EVP_PKEY *agw_pkey_build_ec(const char *curve, agw_str_t point,
    const BIGNUM *d);


/*
 * An Ed25519 key (RFC 8032): x is the public one, d the seed of a private
 * one; either may be empty.  NULL if they are not of one key, or OpenSSL
 * failed.
 */

EVP_PKEY *agw_pkey_build_ed25519(agw_str_t x, agw_str_t d);


#endif /* AGW_PKEY_BUILD_H_INCLUDED_ */
