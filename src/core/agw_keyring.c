
/*
 * A ring is small (a rotation has two or three keys): a list is its table.
 */


#include <stdlib.h>

#include <openssl/crypto.h>

#include "agw_json.h"
#include "agw_jwk.h"
#include "agw_key_form.h"
#include "agw_keyring.h"
#include "agw_pem.h"


struct agw_keyring_s {
    size_t       count;
    agw_key_t  **keys;
};


static int agw_keyring_load_secret(agw_keyring_t *ring,
    const agw_key_source_t *source, const char **error);
static int agw_keyring_load_pem(agw_keyring_t *ring,
    const agw_key_source_t *source, agw_str_t text, const char **error);
static int agw_keyring_load_json(agw_keyring_t *ring,
    const agw_key_source_t *source, agw_str_t text, const char **error,
    const char **warning);
static int agw_keyring_load_set(agw_keyring_t *ring,
    const agw_key_source_t *source, const json_t *keys, const char **error,
    const char **warning);
static int agw_keyring_is_mixed(const json_t *keys);
static agw_jwk_result_t agw_keyring_load_jwk(agw_keyring_t *ring,
    const agw_key_source_t *source, const json_t *json, const char **error);
static int agw_keyring_add(agw_keyring_t *ring, agw_key_t *key,
    const char **error);
static void agw_keyring_cut(agw_keyring_t *ring, size_t count);


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
agw_keyring_load(agw_keyring_t *ring, const agw_key_source_t *source,
    const char **error, const char **warning)
{
    int        rc;
    size_t     i, count;
    agw_str_t  text;

    *error = NULL;
    *warning = NULL;

    count = ring->count;

    switch (agw_key_form(source->bytes, &text)) {

    case AGW_FORM_PEM:
        rc = agw_keyring_load_pem(ring, source, text, error);
        break;

    case AGW_FORM_JSON:
        rc = agw_keyring_load_json(ring, source, text, error, warning);
        break;

    default:
        rc = agw_keyring_load_secret(ring, source, error);

        if (rc == 0 && source->bytes.data[source->bytes.len - 1] == '\n') {
            *warning = "the secret ends with a newline, which is part of it";
        }

        break;
    }

    if (rc == 0 && !source->verify) {
        rc = -1;
        *error = "no key in it can sign; a public key, and a JWK whose "
                 "key_ops lack \"sign\", are accepted with \"verify\"";

        for (i = count; i < ring->count; i++) {
            if (agw_key_signs(ring->keys[i])) {
                rc = 0;
                *error = NULL;
            }
        }
    }

    if (rc != 0) {
        agw_keyring_cut(ring, count);
    }

    return rc;
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


const agw_key_t *
agw_keyring_find_header(const agw_keyring_t *ring, agw_str_t header)
{
    size_t  i;

    for (i = 0; i < ring->count; i++) {
        if (agw_str_eq(agw_key_header(ring->keys[i]), header)) {
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


static int
agw_keyring_load_secret(agw_keyring_t *ring, const agw_key_source_t *source,
    const char **error)
{
    agw_key_t  *key;

    key = agw_key_from_secret(source, error);

    return key ? agw_keyring_add(ring, key, error) : -1;
}


static int
agw_keyring_load_pem(agw_keyring_t *ring, const agw_key_source_t *source,
    agw_str_t text, const char **error)
{
    int         is_private;
    EVP_PKEY   *pkey;
    agw_key_t  *key;

    pkey = agw_pem_read(text, &is_private, error);
    if (pkey == NULL) {
        return -1;
    }

    key = agw_key_from_pkey(source, pkey, is_private, error);

    EVP_PKEY_free(pkey);

    return key ? agw_keyring_add(ring, key, error) : -1;
}


static int
agw_keyring_load_json(agw_keyring_t *ring, const agw_key_source_t *source,
    agw_str_t text, const char **error, const char **warning)
{
    int                    rc;
    json_t                *json, *keys;
    agw_json_allocator_t   former;

    agw_json_wiping_begin(&former);

    json = agw_json_object(text);
    keys = json_object_get(json, "keys");

    if (json == NULL || (keys != NULL && !json_is_array(keys))) {
        *error = "neither a JWK nor a JWK Set (RFC 7517, sections 4 and 5); "
                 "accepted is one JSON object without repeated members";
        rc = -1;

    } else if (keys != NULL) {
        rc = agw_keyring_load_set(ring, source, keys, error, warning);

    } else {
        rc = agw_keyring_load_jwk(ring, source, json, error) == AGW_JWK_READ
             ? 0 : -1;
    }

    json_decref(json);

    agw_json_wiping_end(&former);

    return rc;
}


/* keys that are not for us are no reason to refuse those that are */

static int
agw_keyring_load_set(agw_keyring_t *ring, const agw_key_source_t *source,
    const json_t *keys, const char **error, const char **warning)
{
    size_t       i, count;
    const char  *passed_over;

    if (source->kid.len && json_array_size(keys) != 1) {
        *error = "kid= names one key; accepted beside it is a JWK Set of one";
        return -1;
    }

    if (agw_keyring_is_mixed(keys)) {
        *error = "the JWK Set has secrets beside other keys; accepted are "
                 "secrets in a file of their own";
        return -1;
    }

    count = ring->count;

    for (i = 0; i < json_array_size(keys); i++) {

        switch (agw_keyring_load_jwk(ring, source, json_array_get(keys, i),
                                     &passed_over))
        {
        case AGW_JWK_READ:
            break;

        case AGW_JWK_PASSED_OVER:
            *warning = "keys in the JWK Set that are not for signatures, or "
                       "of a type or algorithm unknown here, are passed over";
            break;

        default:
            *error = passed_over;
            return -1;
        }
    }

    if (ring->count == count) {
        *error = "no key in the JWK Set is one for signatures with "
                 AGW_ALG_NAMES;
        return -1;
    }

    return 0;
}


/* a set with a secret in it is not to be published, and one without is */

static int
agw_keyring_is_mixed(const json_t *keys)
{
    size_t       i, secrets;
    const char  *kty;

    secrets = 0;

    for (i = 0; i < json_array_size(keys); i++) {
        kty = json_string_value(json_object_get(json_array_get(keys, i),
                                                "kty"));

        secrets += (kty != NULL && strcmp(kty, "oct") == 0);
    }

    return secrets != 0 && secrets != json_array_size(keys);
}


/* the key's kid and alg stand where the source gives none */

static agw_jwk_result_t
agw_keyring_load_jwk(agw_keyring_t *ring, const agw_key_source_t *source,
    const json_t *json, const char **error)
{
    agw_jwk_t          jwk;
    agw_key_t         *key;
    agw_jwk_result_t   result;
    agw_key_source_t   own;

    if (!json_is_object(json)) {
        *error = "a key in the JWK Set is not a JSON object";
        return AGW_JWK_REFUSED;
    }

    result = agw_jwk_read(&jwk, json, error);

    if (result != AGW_JWK_READ) {
        return result;
    }

    key = NULL;
    own = *source;
    own.verify |= !jwk.signs;

    if (own.kid.len == 0) {
        own.kid = jwk.kid;
    }

    if (jwk.alg != NULL) {

        if (own.alg.len && !agw_str_eq(own.alg, jwk.alg->name)) {
            *error = "the JWK has another algorithm; accepted as alg= is "
                     "the one it names";
            goto done;
        }

        own.alg = jwk.alg->name;
    }

    if (jwk.pkey != NULL) {
        key = agw_key_from_pkey(&own, jwk.pkey, jwk.is_private, error);

    } else {
        own.bytes = jwk.secret;
        key = agw_key_from_secret(&own, error);
    }

done:

    agw_jwk_done(&jwk);

    return key != NULL && agw_keyring_add(ring, key, error) == 0
           ? AGW_JWK_READ : AGW_JWK_REFUSED;
}


/* the ring takes the key, or frees it */

static int
agw_keyring_add(agw_keyring_t *ring, agw_key_t *key, const char **error)
{
    agw_str_t    kid;
    agw_key_t  **keys;

    kid = agw_key_kid(key);

    if (agw_keyring_find(ring, &kid) != NULL) {
        *error = "another key has the same kid; a kid names one key";
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


/* takes all but the first count keys away */

static void
agw_keyring_cut(agw_keyring_t *ring, size_t count)
{
    while (ring->count > count) {
        agw_key_free(ring->keys[--ring->count]);
    }
}
