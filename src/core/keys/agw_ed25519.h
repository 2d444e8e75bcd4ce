
/*
 * Checks of an Ed25519 public key that OpenSSL does not make.
 */


#ifndef AGW_ED25519_H_INCLUDED_
#define AGW_ED25519_H_INCLUDED_


#include <openssl/evp.h>


/*
 * Whether the public key has the canonical encoding (RFC 8032, section 5.1.3)
 * and is not one of the eight points of small order, for which anybody can
 * make a signature.  It is not checked that it is a point of the curve: with
 * any other, OpenSSL verifies no signature.  Returns 0 if OpenSSL failed.
 */

int agw_ed25519_is_sound(EVP_PKEY *pkey);


#endif /* AGW_ED25519_H_INCLUDED_ */
