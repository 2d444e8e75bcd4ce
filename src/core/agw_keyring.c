
/*
 * A ring is small (a rotation has two or three keys): a list is its table.
 */


#include <stdlib.h>

#include "agw_keyring.h"


struct agw_keyring_s {
    size_t       count;
    agw_key_t  **keys;
};


static int agw_keyring_add(agw_keyring_t *ring, agw_key_t *key,
    const char **error);


agw_keyring_t *
agw_keyring_create(void)
{
    return calloc(1, sizeof(agw_keyring_t));
}


void
agw_keyring_free(agw_keyring_t *ring)
{
    size_t  i;

    if (ring == NULL) {
        return;
    }

    for (i = 0; i < ring->count; i++) {
        agw_key_free(ring->keys[i]);
    }

    free(ring->keys);
    free(ring);
}


int
agw_keyring_load(agw_keyring_t *ring, const agw_key_source_t *source,
    const char **error, const char **warning)
{
    agw_key_t  *key;

    *error = NULL;
    *warning = NULL;

    key = agw_key_from_secret(source, error);
    if (key == NULL) {
        return -1;
    }

    if (agw_keyring_add(ring, key, error) != 0) {
        agw_key_free(key);
        return -1;
    }

    if (source->bytes.data[source->bytes.len - 1] == '\n') {
        *warning = "the secret ends with a newline, which is part of it";
    }

    return 0;
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
agw_keyring_find(const agw_keyring_t *ring, const agw_str_t *kid)
{
    size_t  i;

    if (kid == NULL) {
        return ring->count == 1 ? ring->keys[0] : NULL;
    }

    for (i = 0; i < ring->count; i++) {
        if (agw_str_eq(agw_key_kid(ring->keys[i]), *kid)) {
            return ring->keys[i];
        }
    }

    return NULL;
}


static int
agw_keyring_add(agw_keyring_t *ring, agw_key_t *key, const char **error)
{
    agw_str_t    kid;
    agw_key_t  **keys;

    kid = agw_key_kid(key);

    if (agw_keyring_find(ring, &kid) != NULL) {
        *error = "another key has the same kid; a kid names one key";
        return -1;
    }

    keys = realloc(ring->keys, (ring->count + 1) * sizeof(agw_key_t *));
    if (keys == NULL) {
        *error = "memory ran out";
        return -1;
    }

    keys[ring->count++] = key;
    ring->keys = keys;

    return 0;
}
