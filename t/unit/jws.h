
/*
 * What the JWS tests share: two servers, one with a key and one with two,
 * and the two questions that each test asks of them.  After every refusal
 * the good token still has to verify.
 */


#ifndef JWS_H_INCLUDED_
#define JWS_H_INCLUDED_


#include "mint.h"

#include "agw_jws.h"
#include "agw_key_file.h"


/* in place of a reason: any refusal will do */

#define JWS_REFUSED   AGW_REASONS

#define JWS_HEADER    "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}"
#define JWS_PAYLOAD   "{\"sub\":\"a\"}"


typedef struct {
    agw_keyring_t  *one;             /* k1, HS256 */
    agw_keyring_t  *two;             /* k1, HS256; k2, HS512, verify */
} jws_servers_t;


static jws_servers_t  jws_servers;


static inline void
jws_load(agw_keyring_t *ring, const char *kid, const char *alg, int fill,
    int verify)
{
    agw_key_source_t   source;

    memset(&source, 0, sizeof(source));
    source.bytes = mint_secret(fill);
    source.kid = unit_format("%s", kid);
    source.alg = unit_format("%s", alg);
    source.verify = verify != 0;

    assert_int_equal(agw_key_file_load(ring, &source, NULL, NULL), 0);
}


static inline int
jws_setup(void **state)
{
    (void) state;

    jws_servers.one = agw_keyring_create();
    jws_load(jws_servers.one, "k1", "HS256", '1', 0);

    jws_servers.two = agw_keyring_create();
    jws_load(jws_servers.two, "k1", "HS256", '1', 0);
    jws_load(jws_servers.two, "k2", "HS512", '2', 1);

    return unit_free_all(NULL);
}


static inline int
jws_teardown(void **state)
{
    (void) state;

    agw_keyring_free(jws_servers.one);
    agw_keyring_free(jws_servers.two);

    return 0;
}


/* signed with k1's secret, whatever the header says */

static inline agw_str_t
jws_mint(agw_str_t header)
{
    return mint_token(header, S(JWS_PAYLOAD), mint_secret('1'));
}


/* the key of the last jws_verify() */

static const agw_key_t  *jws_key;


/* a payload without a pointer is not compared */

static inline agw_reason_t
jws_verify(const agw_keyring_t *ring, agw_str_t token, agw_str_t payload)
{
    agw_jws_t       jws;
    agw_reason_t    reason;
    unsigned char  *buf;

    buf = unit_alloc(AGW_JWS_BUF_SIZE);
    memset(&jws, 0xa5, sizeof(jws));

    reason = agw_jws_verify(&jws, ring, unit_copy(token), buf);
    mint_assert_no_errors("agw_jws_verify");
    jws_key = jws.key;

    switch (reason) {

    case AGW_OK:
        if (payload.data != NULL) {
            unit_assert_str(jws.payload, payload);
        }

        assert_true(jws.payload.data >= buf
            && jws.payload.data + jws.payload.len <= buf + AGW_JWS_BUF_SIZE);
        assert_non_null(jws.key);
        break;

    case AGW_UNKNOWN_KEY:
        assert_null(jws.key);
        assert_int_equal(jws.payload.len, 0);
        break;

    case AGW_ALGORITHM_MISMATCH:
        assert_non_null(jws.key);
        assert_int_equal(jws.payload.len, 0);
        break;

    case AGW_BAD_SIGNATURE:          /* of one key, or of several */
        assert_true(jws.key != NULL || agw_keyring_count(ring) > 1);
        assert_int_equal(jws.payload.len, 0);
        break;

    default:
        assert_int_equal(reason, AGW_MALFORMED_TOKEN);
        assert_int_equal(jws.payload.len, 0);
    }

    return reason;
}


static inline void
jws_accepts(const agw_keyring_t *ring, agw_str_t token, agw_str_t payload,
    const char *label)
{
    agw_reason_t  reason;

    reason = jws_verify(ring, token, payload);

    unit_assert(reason == AGW_OK, "%s: %s", label,
        agw_reason_info(reason)->name);
}


static inline void
jws_refuses(const agw_keyring_t *ring, agw_str_t token, agw_reason_t wanted,
    const char *label)
{
    agw_reason_t  reason;

    reason = jws_verify(ring, token, UNIT_NONE);

    unit_assert(reason != AGW_OK, "%s: accepted", label);
    unit_assert(wanted == JWS_REFUSED || reason == wanted,
        "%s: %s, not %s", label, agw_reason_info(reason)->name,
        agw_reason_info(wanted)->name);

    jws_accepts(ring, jws_mint(S(JWS_HEADER)), S(JWS_PAYLOAD),
        "a good token after a refusal");
}


#endif /* JWS_H_INCLUDED_ */
