
/*
 * Keys in PEM (RFC 7468, and the older forms that OpenSSL writes).
 */


#ifndef AGW_PEM_H_INCLUDED_
#define AGW_PEM_H_INCLUDED_


#include <openssl/evp.h>

#include "agw.h"


/*
 * Reads the one key that text holds: PRIVATE KEY, PUBLIC KEY, and their RSA
 * and EC spellings, beside EC PARAMETERS.  Returns a key that the caller
 * frees, and sets *is_private, or NULL and a static text in *error that says
 * what is accepted.  Nobody is asked for a passphrase.
 */

EVP_PKEY *agw_pem_read(agw_str_t text, int *is_private, const char **error);


#endif /* AGW_PEM_H_INCLUDED_ */
