
/*
 * The keys of one server, found by kid; the first that may sign signs.  The
 * ring is filled while the configuration is read, and not changed afterwards.
 */


#ifndef AGW_KEYRING_H_INCLUDED_
#define AGW_KEYRING_H_INCLUDED_


#include "agw_key.h"


typedef struct agw_keyring_s  agw_keyring_t;


/* an empty ring that the caller frees, or NULL if memory ran out */

agw_keyring_t *agw_keyring_create(void);


/* wipes and frees every key; ring may be NULL */

void agw_keyring_free(agw_keyring_t *ring);


#define AGW_KEYRING_SAME_KID                                                  \
    "another key has the same kid; a kid names one key"


/*
 * Adds a key, which is then the ring's.  Returns 0, or -1 and a static text
 * in *error if another key has its kid, or memory ran out; the key is then
 * freed.
 */

int agw_keyring_add(agw_keyring_t *ring, agw_key_t *key, const char **error);


/* wipes and frees all keys but the first count */

void agw_keyring_cut(agw_keyring_t *ring, size_t count);


/* how many keys there are */

size_t agw_keyring_count(const agw_keyring_t *ring);


/* the i-th key in the order of loading; i is below the count */

const agw_key_t *agw_keyring_key(const agw_keyring_t *ring, size_t i);


/* the first key without `verify`, or NULL */

const agw_key_t *agw_keyring_signer(const agw_keyring_t *ring);


/*
 * The key a token names (RFC 7515, section 4.1.4), compared byte for byte,
 * or NULL.
 */

const agw_key_t *agw_keyring_find(const agw_keyring_t *ring, agw_str_t kid);


/*
 * The keys that may have signed a token which names none of them, in the
 * order of loading, into keys, which has room for AGW_KEYRING_TRIED.  Returns
 * how many.  They are of that algorithm.  If the token has a kid, each is also
 * nameless, and its issuer's only key of the algorithm.
 */

#define AGW_KEYRING_TRIED   4

size_t agw_keyring_candidates(const agw_keyring_t *ring, agw_str_t alg,
    int has_kid, const agw_key_t **keys);


/* agw_key_sign_as() of all its keys */

void agw_keyring_sign_as(agw_keyring_t *ring, agw_typ_t typ);


/* the key that has this header, by agw_key_has_header(), or NULL */

const agw_key_t *agw_keyring_find_header(const agw_keyring_t *ring,
    agw_str_t header);


/* whether some key is that issuer's, and not ours */

int agw_keyring_has_issuer(const agw_keyring_t *ring, agw_str_t issuer);


/*
 * The JWK Set that others verify our tokens with (RFC 7517, section 5):
 * every public key, but those of other issuers.  A new reference, or NULL
 * if memory ran out.
 */

json_t *agw_keyring_public_jwks(const agw_keyring_t *ring);


#endif /* AGW_KEYRING_H_INCLUDED_ */
