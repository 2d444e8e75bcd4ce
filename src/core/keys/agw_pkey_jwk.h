
/*
 * The public half of an asymmetric key as a JWK, and that JWK's thumbprint.
 */


#ifndef AGW_PKEY_JWK_H_INCLUDED_
#define AGW_PKEY_JWK_H_INCLUDED_


#include <jansson.h>
#include <openssl/evp.h>

#include "agw_alg.h"


/* a thumbprint is base64url of a SHA-256 */

#define AGW_THUMBPRINT_SIZE   43


/*
 * The required members of the public key as a JWK (RFC 7518, section 6; RFC
 * 8037, section 2) in the order of their names.  A new reference that the
 * caller gives back, or NULL if OpenSSL failed or memory ran out.
 */

json_t *agw_pkey_jwk(EVP_PKEY *pkey, const agw_alg_t *alg);


/*
 * The key's thumbprint (RFC 7638), into out, of AGW_THUMBPRINT_SIZE bytes.
 * Returns 0, or -1 if OpenSSL failed or memory ran out.
 */

int agw_pkey_thumbprint(EVP_PKEY *pkey, const agw_alg_t *alg,
    unsigned char *out);


#endif /* AGW_PKEY_JWK_H_INCLUDED_ */
