
/*
 * The keys of one server: the first that signs, and a table by kid.  Filled
 * while a configuration is read; which keys there are never changes after.
 */


#ifndef AGW_KEYRING_H_INCLUDED_
#define AGW_KEYRING_H_INCLUDED_


#include "agw_key.h"


typedef struct agw_keyring_s  agw_keyring_t;


/* an empty ring that the caller frees, or NULL where memory ran out */

agw_keyring_t *agw_keyring_create(void);


/* wipes and frees every key; ring may be NULL */

void agw_keyring_free(agw_keyring_t *ring);


/*
 * Adds every key that the source holds: a secret, a PEM key, a JWK or a JWK
 * Set (RFC 7517, section 5), of which it passes over keys that are not for
 * signatures here.  Returns 0, or -1 and a static text in *error; the ring
 * is then as it was.  *warning is NULL, or a static text on something
 * accepted that an operator should look at.
 */

int agw_keyring_load(agw_keyring_t *ring, const agw_key_source_t *source,
    const char **error, const char **warning);


size_t agw_keyring_count(const agw_keyring_t *ring);


/* the i-th key in the order of loading; i is below the count */

const agw_key_t *agw_keyring_key(const agw_keyring_t *ring, size_t i);


/* the first key without `verify`, or NULL */

const agw_key_t *agw_keyring_signer(const agw_keyring_t *ring);


/*
 * The key a token names (RFC 7515, section 4.1.4), compared byte for byte,
 * or NULL.  kid is NULL where the token has none: then the only key there
 * is, or NULL where there are several.
 */

const agw_key_t *agw_keyring_find(const agw_keyring_t *ring,
    const agw_str_t *kid);


/* the key whose agw_key_header() is these bytes, or NULL */

const agw_key_t *agw_keyring_find_header(const agw_keyring_t *ring,
    agw_str_t header);


/* whether some key is that issuer's, and not ours */

int agw_keyring_has_issuer(const agw_keyring_t *ring, agw_str_t issuer);


/*
 * The JWK Set that others verify our tokens with (RFC 7517, section 5):
 * every public key, but those of other issuers.  A new reference, or NULL
 * where memory ran out.
 */

json_t *agw_keyring_public_jwks(const agw_keyring_t *ring);


#endif /* AGW_KEYRING_H_INCLUDED_ */
