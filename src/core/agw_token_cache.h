
/*
 * Tokens that were verified and accepted, with their checked claims, so that
 * the next request with one does not verify it again.  One process uses a
 * cache: there is no lock.  On every hit the caller has to check what may
 * change with time (expiry, revocation) and what the location requires.
 */


#ifndef AGW_TOKEN_CACHE_H_INCLUDED_
#define AGW_TOKEN_CACHE_H_INCLUDED_


#include "agw_claims.h"
#include "agw_key.h"


/*
 * A verified token, in one block.  A hold is a counted reference: whoever has
 * one may read the block, even after it has left the cache.  The block has the
 * claims of agw_claims_t that decide or identify, and no json.
 */

typedef struct agw_verified_s  agw_verified_t;

struct agw_verified_s {
    agw_claims_t      claims;
    const agw_key_t  *key;           /* that verified it, borrowed */
    agw_str_t         token;         /* its bytes */
    uint64_t          generation;    /* of revocations, for the caller */

    const void       *verified_under;    /* the rest is the cache's */
    size_t            size;          /* of the block */
    size_t            bucket;
    unsigned          holds;
    agw_verified_t   *next;          /* in the bucket */
    agw_verified_t   *newer;
    agw_verified_t   *older;
};


/*
 * Copies a token and its claims.  under stands for the keys, the issuer and
 * the audience that it was verified under, and is only compared.  Returns
 * a block that the caller holds, or NULL if memory ran out.
 */

agw_verified_t *agw_verified_create(const void *under, const agw_key_t *key,
    agw_str_t token, const agw_claims_t *claims);


/* gives a hold back; the last wipes and frees the block; NULL is allowed */

void agw_verified_release(agw_verified_t *verified);


typedef struct agw_token_cache_s  agw_token_cache_t;


#define AGW_TOKEN_CACHE_MAX  1048576

/* a longer token is not kept: so the entries bound the memory of a cache */

#define AGW_TOKEN_KEPT_MAX   2048    /* bytes */


/*
 * A cache of 1 to AGW_TOKEN_CACHE_MAX entries; NULL if memory ran out.  A cache
 * that is freed gives back its own holds; cache may be NULL.
 */

agw_token_cache_t *agw_token_cache_create(size_t entries);
void agw_token_cache_free(agw_token_cache_t *cache);


/*
 * Returns the entry of exactly this token, verified under the same, or NULL;
 * cache may be NULL.  The entry becomes the most recently used one.  The caller
 * has a hold on it, to give back with agw_verified_release().
 */

agw_verified_t *agw_token_cache_find(agw_token_cache_t *cache,
    const void *under, agw_str_t token);


/*
 * Adds what agw_token_cache_find() did not find, with a hold of the cache's
 * own.  If the cache is full, the least recently used entry leaves.  Returns
 * whether the token is kept; cache may be NULL.
 */

int agw_token_cache_add(agw_token_cache_t *cache, agw_verified_t *verified);


#endif /* AGW_TOKEN_CACHE_H_INCLUDED_ */
