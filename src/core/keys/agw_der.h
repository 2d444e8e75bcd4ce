
/*
 * Private keys in DER: PKCS #8 (RFC 5958), RSA's own (RFC 8017, appendix
 * A.1.2) and EC's own (RFC 5915).
 */


#ifndef AGW_DER_H_INCLUDED_
#define AGW_DER_H_INCLUDED_


#include <openssl/evp.h>

#include "agw.h"


/*
 * Each reads a key that der is, with nothing behind it.  Returns a key that
 * the caller frees, or NULL and a static text in *error that says what is
 * accepted; after a success *error means nothing.  Of a private key nothing
 * is left behind.
 */

EVP_PKEY *agw_der_pkcs8(agw_str_t der, const char **error);
EVP_PKEY *agw_der_rsa(agw_str_t der, const char **error);
EVP_PKEY *agw_der_ec(agw_str_t der, const char **error);


#endif /* AGW_DER_H_INCLUDED_ */
