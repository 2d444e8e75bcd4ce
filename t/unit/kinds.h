
/*
 * The kinds of key that the attacks on tokens are tried with: a secret, RSA
 * in both its ways, EC on both curves, Ed25519.
 */


#ifndef KINDS_H_INCLUDED_
#define KINDS_H_INCLUDED_


#include "jws.h"
#include "sign.h"


#define KINDS        7

/* the members of a good header behind its alg */

#define KINDS_REST   ",\"typ\":\"JWT\",\"kid\":\"k1\""


typedef struct {
    size_t          alg;             /* of sign_algs[] */
    const char     *name;
    agw_keyring_t  *one;             /* the key, as k1 */
    agw_keyring_t  *two;             /* and a secret, as k2 */
} kind_t;


static kind_t  kinds[KINDS];


static inline int
kinds_setup(void **state)
{
    size_t                i;
    kind_t               *kind;
    agw_str_t             file;
    static const size_t   algs[] = { 0, 3, 6, 9, 10, 11, 12 };

    (void) state;

    for (i = 0; i < KINDS; i++) {
        kind = &kinds[i];
        kind->alg = algs[i];
        kind->name = sign_algs[algs[i]].alg;

        file = sign_is_mac(algs[i]) ? mint_secret('s')
                           : keys_public_pem(sign_key(algs[i]));

        kind->one = agw_keyring_create();
        assert_int_equal(keys_load(kind->one, file, kind->name, "k1", 1), 0);

        kind->two = agw_keyring_create();
        assert_int_equal(keys_load(kind->two, file, kind->name, "k1", 1), 0);
        assert_int_equal(keys_load(kind->two, mint_secret('2'), "HS256",
            "k2", 0), 0);
    }

    return unit_free_all(NULL);
}


static inline int
kinds_teardown(void **state)
{
    size_t  i;

    for (i = 0; i < KINDS; i++) {
        agw_keyring_free(kinds[i].one);
        agw_keyring_free(kinds[i].two);
    }

    return keys_free_all(state);
}


static inline agw_str_t
kind_segments(const kind_t *kind, agw_str_t header, agw_str_t payload)
{
    return sign_segments(kind->alg, sign_key(kind->alg), header, payload);
}


/* a header of this algorithm, and the members behind it */

static inline agw_str_t
kind_header_of(const kind_t *kind, const char *rest)
{
    return unit_format("{\"alg\":\"%s\"%s}", kind->name, rest);
}


static inline agw_str_t
kind_token_of(const kind_t *kind, agw_str_t header)
{
    return kind_segments(kind, mint_base64url(header),
        mint_base64url(S(JWS_PAYLOAD)));
}


/* the same, with the good header's alg */

static inline agw_str_t
kind_token(const kind_t *kind, const char *rest)
{
    return kind_token_of(kind, kind_header_of(kind, rest));
}


static inline agw_str_t
kind_good(const kind_t *kind)
{
    return kind_token(kind, KINDS_REST);
}


static inline void
kind_accepts(const kind_t *kind, agw_str_t token, const char *label)
{
    agw_reason_t  reason;

    reason = jws_verify(kind->one, token, S(JWS_PAYLOAD));
    unit_assert(reason == AGW_OK, "%s: %s: %s", kind->name, label,
        agw_reason_info(reason)->name);
}


static inline void
kind_refuses_by(const kind_t *kind, const agw_keyring_t *ring, agw_str_t token,
    agw_reason_t wanted, const char *label)
{
    agw_reason_t  reason;

    reason = jws_verify(ring, token, UNIT_NONE);

    unit_assert(reason != AGW_OK, "%s: accepted: %s", kind->name, label);
    unit_assert(wanted == JWS_REFUSED || reason == wanted,
        "%s: %s: %s, not %s", kind->name, label,
        agw_reason_info(reason)->name, agw_reason_info(wanted)->name);

    kind_accepts(kind, kind_good(kind), "a good token after a refusal");
}


static inline void
kind_refuses(const kind_t *kind, agw_str_t token, agw_reason_t wanted,
    const char *label)
{
    kind_refuses_by(kind, kind->one, token, wanted, label);
    kind_refuses_by(kind, kind->two, token, wanted, label);
}


#endif /* KINDS_H_INCLUDED_ */
