
/*
 * Private keys in DER: PKCS #8 (RFC 5958), PKCS #1 (RFC 8017, appendix A.1.2)
 * and SEC 1 (RFC 5915).
 */


#ifndef AGW_DER_H_INCLUDED_
#define AGW_DER_H_INCLUDED_


#include <openssl/evp.h>

#include "agw.h"


/*
 * Each reads a key, which has to be all of der.  Returns a key that the caller
 * frees, or NULL and a static text in *error that says what is accepted; after
 * a success *error is undefined.  All copies of a private key are wiped.
 */

EVP_PKEY *agw_der_pkcs8(agw_str_t der, const char **error);
EVP_PKEY *agw_der_rsa(agw_str_t der, const char **error);
EVP_PKEY *agw_der_ec(agw_str_t der, const char **error);


#endif /* AGW_DER_H_INCLUDED_ */
