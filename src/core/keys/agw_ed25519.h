
/*
 * What OpenSSL does not look at in an Ed25519 public key.
 */


#ifndef AGW_ED25519_H_INCLUDED_
#define AGW_ED25519_H_INCLUDED_


#include <openssl/evp.h>


/*
 * Whether the public key is in its one encoding (RFC 8032, section 5.1.3),
 * and not one of the eight points of small order, under which a signature can
 * be made without a private key.  That it is a point of the curve is not
 * looked at: under one that is not, OpenSSL verifies nothing.  An OpenSSL that
 * fails says no.
 */

int agw_ed25519_is_sound(EVP_PKEY *pkey);


#endif /* AGW_ED25519_H_INCLUDED_ */
