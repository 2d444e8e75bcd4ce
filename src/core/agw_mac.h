
/*
 * HMAC (RFC 2104) with a key that is set once.
 */


#ifndef AGW_MAC_H_INCLUDED_
#define AGW_MAC_H_INCLUDED_


#include <openssl/evp.h>

#include "agw_alg.h"


/*
 * A context that holds a copy of the secret, which EVP_MAC_CTX_free() wipes;
 * NULL where OpenSSL failed.  alg is one for HMAC.
 */

EVP_MAC_CTX *agw_mac_create(const agw_alg_t *alg, agw_str_t secret);


/*
 * The MAC of data, into out, of AGW_MAC_MAX bytes, of which the algorithm's
 * digest_size are set.  Each begins afresh, whatever was before; one thread
 * uses a context at a time.  Returns 0, or -1 where OpenSSL failed.
 */

int agw_mac(EVP_MAC_CTX *ctx, agw_str_t data, unsigned char *out);


#endif /* AGW_MAC_H_INCLUDED_ */
