
/*
 * A token ends with its signature, whose bytes nobody can choose: its last
 * bytes serve as the hash.  These are compared in constant time, so that a
 * forger cannot measure how much of a signature is right.  The rest of the
 * token is compared only if these are equal.
 */


#include <stdlib.h>

#include <openssl/crypto.h>

#include "agw_token_cache.h"


/* bytes at the end of a token: hashed, and compared in constant time */

#define AGW_TOKEN_HASHED   8
#define AGW_TOKEN_TAIL     16


struct agw_token_cache_s {
    size_t             entries;      /* at most */
    size_t             count;
    unsigned           shift;        /* from a hash to its bucket */
    agw_verified_t    *newest;
    agw_verified_t    *oldest;
    agw_verified_t   **buckets;
};


static void agw_verified_copy(agw_str_t *to, agw_str_t from,
    unsigned char **p);
static size_t agw_token_cache_bucket(const agw_token_cache_t *cache,
    const void *under, agw_str_t token);
static int agw_token_cache_same(agw_str_t a, agw_str_t b);
static void agw_token_cache_evict(agw_token_cache_t *cache);
static void agw_token_cache_link(agw_token_cache_t *cache,
    agw_verified_t *verified);
static void agw_token_cache_unlink(agw_token_cache_t *cache,
    agw_verified_t *verified);


agw_verified_t *
agw_verified_create(const void *under, const agw_key_t *key, agw_str_t token,
    const agw_claims_t *claims)
{
    size_t           size;
    agw_claims_t    *own;
    unsigned char   *p;
    agw_verified_t  *verified;

    size = sizeof(agw_verified_t) + token.len + claims->partner_id.len
           + claims->business_id.len + claims->scope.len + claims->jti.len
           + claims->x5t.len;

    verified = malloc(size);
    if (verified == NULL) {
        return NULL;
    }

    memset(verified, 0, sizeof(agw_verified_t));

    verified->verified_under = under;
    verified->key = key;
    verified->size = size;
    verified->holds = 1;

    p = (unsigned char *) (verified + 1);

    agw_verified_copy(&verified->token, token, &p);

    own = &verified->claims;
    own->kind = claims->kind;
    own->iat = claims->iat;
    own->exp = claims->exp;
    own->nbf = claims->nbf;
    own->seq = claims->seq;

    agw_verified_copy(&own->partner_id, claims->partner_id, &p);
    agw_verified_copy(&own->business_id, claims->business_id, &p);
    agw_verified_copy(&own->scope, claims->scope, &p);
    agw_verified_copy(&own->jti, claims->jti, &p);
    agw_verified_copy(&own->x5t, claims->x5t, &p);

    return verified;
}


void
agw_verified_release(agw_verified_t *verified)
{
    if (verified == NULL || --verified->holds != 0) {
        return;
    }

    OPENSSL_cleanse(verified, verified->size);
    free(verified);
}


agw_token_cache_t *
agw_token_cache_create(size_t entries)
{
    unsigned            bits;
    agw_token_cache_t  *cache;

    for (bits = 1; ((size_t) 1 << bits) < entries; bits++) { /* void */ }

    cache = calloc(1, sizeof(agw_token_cache_t));
    if (cache == NULL) {
        return NULL;
    }

    cache->entries = entries;
    cache->shift = 64 - bits;
    cache->buckets = calloc((size_t) 1 << bits, sizeof(agw_verified_t *));

    if (cache->buckets == NULL) {
        free(cache);
        return NULL;
    }

    return cache;
}


void
agw_token_cache_free(agw_token_cache_t *cache)
{
    if (cache == NULL) {
        return;
    }

    while (cache->count) {
        agw_token_cache_evict(cache);
    }

    free(cache->buckets);
    free(cache);
}


agw_verified_t *
agw_token_cache_find(agw_token_cache_t *cache, const void *under,
    agw_str_t token)
{
    agw_verified_t  *verified;

    if (cache == NULL || token.len < AGW_TOKEN_TAIL) {
        return NULL;
    }

    verified = cache->buckets[agw_token_cache_bucket(cache, under, token)];

    while (verified != NULL
           && (verified->verified_under != under
               || !agw_token_cache_same(verified->token, token)))
    {
        verified = verified->next;
    }

    if (verified == NULL) {
        return NULL;
    }

    if (verified != cache->newest) {
        agw_token_cache_unlink(cache, verified);
        agw_token_cache_link(cache, verified);
    }

    verified->holds++;

    return verified;
}


int
agw_token_cache_add(agw_token_cache_t *cache, agw_verified_t *verified)
{
    agw_verified_t  **bucket;

    if (cache == NULL
        || verified->token.len < AGW_TOKEN_TAIL
        || verified->token.len > AGW_TOKEN_KEPT_MAX)
    {
        return 0;
    }

    if (cache->count == cache->entries) {
        agw_token_cache_evict(cache);
    }

    verified->bucket = agw_token_cache_bucket(cache, verified->verified_under,
                                              verified->token);
    bucket = &cache->buckets[verified->bucket];

    verified->next = *bucket;
    *bucket = verified;

    agw_token_cache_link(cache, verified);

    verified->holds++;
    cache->count++;

    return 1;
}


static void
agw_verified_copy(agw_str_t *to, agw_str_t from, unsigned char **p)
{
    if (from.len == 0) {
        return;
    }

    memcpy(*p, from.data, from.len);

    to->data = *p;
    to->len = from.len;

    *p += from.len;
}


/* Fibonacci hashing: in base64url some bits of each byte hardly differ */

static size_t
agw_token_cache_bucket(const agw_token_cache_t *cache, const void *under,
    agw_str_t token)
{
    uint64_t  hash;

    memcpy(&hash, token.data + token.len - AGW_TOKEN_HASHED,
           AGW_TOKEN_HASHED);

    hash ^= (uintptr_t) under;

    return (size_t) ((hash * UINT64_C(0x9e3779b97f4a7c15)) >> cache->shift);
}


static int
agw_token_cache_same(agw_str_t a, agw_str_t b)
{
    size_t  head;

    if (a.len != b.len) {
        return 0;
    }

    head = a.len - AGW_TOKEN_TAIL;

    return CRYPTO_memcmp(a.data + head, b.data + head, AGW_TOKEN_TAIL) == 0
           && memcmp(a.data, b.data, head) == 0;
}


static void
agw_token_cache_evict(agw_token_cache_t *cache)
{
    agw_verified_t  *verified, **p;

    verified = cache->oldest;

    for (p = &cache->buckets[verified->bucket];
         *p != verified;
         p = &(*p)->next)
    {
        /* void */
    }

    *p = verified->next;

    agw_token_cache_unlink(cache, verified);

    cache->count--;

    agw_verified_release(verified);
}


static void
agw_token_cache_link(agw_token_cache_t *cache, agw_verified_t *verified)
{
    verified->newer = NULL;
    verified->older = cache->newest;

    if (cache->newest != NULL) {
        cache->newest->newer = verified;

    } else {
        cache->oldest = verified;
    }

    cache->newest = verified;
}


static void
agw_token_cache_unlink(agw_token_cache_t *cache, agw_verified_t *verified)
{
    if (verified->newer != NULL) {
        verified->newer->older = verified->older;

    } else {
        cache->newest = verified->older;
    }

    if (verified->older != NULL) {
        verified->older->newer = verified->newer;

    } else {
        cache->oldest = verified->newer;
    }
}
