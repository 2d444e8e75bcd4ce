
/*
 * A ring is small (a rotation has two or three keys): a list is enough.
 */


#include <stdlib.h>

#include "agw_keyring.h"


struct agw_keyring_s {
    size_t       count;
    agw_key_t  **keys;
};


static int agw_keyring_is_only(const agw_keyring_t *ring,
    const agw_key_t *key);


agw_keyring_t *
agw_keyring_create(void)
{
    return calloc(1, sizeof(agw_keyring_t));
}


void
agw_keyring_free(agw_keyring_t *ring)
{
    if (ring == NULL) {
        return;
    }

    agw_keyring_cut(ring, 0);

    free(ring->keys);
    free(ring);
}


int
agw_keyring_add(agw_keyring_t *ring, agw_key_t *key, const char **error)
{
    agw_key_t  **keys;

    if (agw_keyring_find(ring, agw_key_kid(key)) != NULL) {
        *error = AGW_KEYRING_SAME_KID;
        agw_key_free(key);
        return -1;
    }

    keys = realloc(ring->keys, (ring->count + 1) * sizeof(agw_key_t *));
    if (keys == NULL) {
        *error = "memory ran out";
        agw_key_free(key);
        return -1;
    }

    keys[ring->count++] = key;
    ring->keys = keys;

    return 0;
}


void
agw_keyring_cut(agw_keyring_t *ring, size_t count)
{
    while (ring->count > count) {
        agw_key_free(ring->keys[--ring->count]);
    }
}


size_t
agw_keyring_count(const agw_keyring_t *ring)
{
    return ring->count;
}


const agw_key_t *
agw_keyring_key(const agw_keyring_t *ring, size_t i)
{
    return ring->keys[i];
}


void
agw_keyring_sign_as(agw_keyring_t *ring, agw_typ_t typ)
{
    size_t  i;

    for (i = 0; i < ring->count; i++) {
        agw_key_sign_as(ring->keys[i], typ);
    }
}


const agw_key_t *
agw_keyring_signer(const agw_keyring_t *ring)
{
    size_t  i;

    for (i = 0; i < ring->count; i++) {
        if (agw_key_signs(ring->keys[i])) {
            return ring->keys[i];
        }
    }

    return NULL;
}


const agw_key_t *
agw_keyring_find(const agw_keyring_t *ring, agw_str_t kid)
{
    size_t  i;

    for (i = 0; i < ring->count; i++) {
        if (agw_str_eq(agw_key_kid(ring->keys[i]), kid)) {
            return ring->keys[i];
        }
    }

    return NULL;
}


size_t
agw_keyring_candidates(const agw_keyring_t *ring, agw_str_t alg, int has_kid,
    const agw_key_t **keys)
{
    size_t            i, n;
    const agw_key_t  *key;

    n = 0;

    for (i = 0; i < ring->count && n < AGW_KEYRING_TRIED; i++) {
        key = ring->keys[i];

        if (agw_str_eq(agw_key_alg(key)->name, alg)
            && (!has_kid || (agw_key_is_nameless(key)
                             && agw_keyring_is_only(ring, key))))
        {
            keys[n++] = key;
        }
    }

    return n;
}


const agw_key_t *
agw_keyring_find_header(const agw_keyring_t *ring, agw_str_t header)
{
    size_t  i;

    for (i = 0; i < ring->count; i++) {
        if (agw_key_has_header(ring->keys[i], header)) {
            return ring->keys[i];
        }
    }

    return NULL;
}


int
agw_keyring_has_issuer(const agw_keyring_t *ring, agw_str_t issuer)
{
    size_t  i;

    for (i = 0; issuer.len && i < ring->count; i++) {
        if (agw_str_eq(agw_key_issuer(ring->keys[i]), issuer)) {
            return 1;
        }
    }

    return 0;
}


json_t *
agw_keyring_public_jwks(const agw_keyring_t *ring)
{
    int               rc;
    size_t            i;
    json_t           *jwks, *keys;
    const agw_key_t  *key;

    keys = json_array();
    jwks = json_pack("{s:o}", "keys", keys);

    if (jwks == NULL) {
        return NULL;
    }

    rc = 0;

    for (i = 0; i < ring->count; i++) {
        key = ring->keys[i];

        if (agw_key_alg(key)->kty != AGW_KTY_OCT
            && agw_key_issuer(key).len == 0)
        {
            rc |= json_array_append_new(keys, agw_key_public_jwk(key));
        }
    }

    if (rc != 0) {
        json_decref(jwks);
        return NULL;
    }

    return jwks;
}


/* of its issuer and algorithm; our own keys are of one issuer too */

static int
agw_keyring_is_only(const agw_keyring_t *ring, const agw_key_t *key)
{
    size_t            i;
    const agw_key_t  *other;

    for (i = 0; i < ring->count; i++) {
        other = ring->keys[i];

        if (other != key
            && agw_key_alg(other) == agw_key_alg(key)
            && agw_str_eq(agw_key_issuer(other), agw_key_issuer(key)))
        {
            return 0;
        }
    }

    return 1;
}
