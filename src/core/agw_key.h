
/*
 * One key with its one algorithm (RFC 8725, section 3.1): it signs and
 * verifies bytes, and knows nothing of tokens.  Immutable once made.
 */


#ifndef AGW_KEY_H_INCLUDED_
#define AGW_KEY_H_INCLUDED_


#include "agw_alg.h"


typedef struct agw_key_s  agw_key_t;


/*
 * What a configuration says of a key.  Nothing is kept by reference: a key
 * copies what it needs.  Empty kid, alg and issuer mean "not given".
 */

typedef struct {
    agw_str_t     bytes;             /* the file, exact */
    agw_str_t     kid;
    agw_str_t     alg;               /* JWA name */
    agw_str_t     issuer;            /* another issuer's key */
    unsigned      verify:1;          /* never signs */
} agw_key_source_t;


/*
 * A raw secret for HMAC (RFC 2104).  Returns a key that the caller frees, or
 * NULL and a static text in *error that says what is accepted: a secret
 * shorter than its hash (RFC 7518, section 3.2), bytes that are a key of
 * another form (PEM, JWK, ssh, DER), an unknown algorithm.
 */

agw_key_t *agw_key_from_secret(const agw_key_source_t *source,
    const char **error);


/* wipes and frees; key may be NULL */

void agw_key_free(agw_key_t *key);


/* borrowed from the key, and as long-lived */

const agw_alg_t *agw_key_alg(const agw_key_t *key);
agw_str_t agw_key_kid(const agw_key_t *key);
agw_str_t agw_key_issuer(const agw_key_t *key);
int agw_key_signs(const agw_key_t *key);


/*
 * Signs data into sig, which has room for AGW_SIG_MAX bytes.  Returns 0 and
 * sets *len, or -1: OpenSSL failed, or the key only verifies.  OpenSSL's
 * error queue is left empty.
 */

int agw_key_sign(const agw_key_t *key, agw_str_t data, unsigned char *sig,
    size_t *len);


/*
 * Returns 0 where sig is the key's signature of data, -1 where it is not or
 * OpenSSL failed.  A MAC is compared in constant time; OpenSSL's error queue
 * is left empty.
 */

int agw_key_verify(const agw_key_t *key, agw_str_t data, agw_str_t sig);


#endif /* AGW_KEY_H_INCLUDED_ */
