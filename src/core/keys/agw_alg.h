
/*
 * Signature algorithms by their JWA names (RFC 7518, section 3.1; RFC 8037,
 * section 3.1; RFC 9864, section 2.2).
 */


#ifndef AGW_ALG_H_INCLUDED_
#define AGW_ALG_H_INCLUDED_


#include "agw.h"


/* RFC 7518, section 6.1; RFC 8037, section 2 */

typedef enum {
    AGW_KTY_OCT = 0,                 /* HMAC */
    AGW_KTY_RSA,
    AGW_KTY_EC,
    AGW_KTY_OKP                      /* Ed25519 */
} agw_kty_t;


typedef struct {
    agw_str_t     name;              /* RS256, compared byte for byte */
    agw_kty_t     kty;
    const char   *digest;            /* its name in OpenSSL; NULL: EdDSA's */
    size_t        digest_size;       /* of the hash, in bytes */
    const char   *curve;             /* JWK's crv, of EC and OKP */
    size_t        field_size;        /* of a coordinate on it, in bytes */
    unsigned      pss:1;             /* RSASSA-PSS, not PKCS1-v1_5 */
} agw_alg_t;


/* RSA keys that are accepted, in bits; the longest signature, in bytes */

#define AGW_RSA_MIN     2048         /* RFC 7518, section 3.3 */
#define AGW_RSA_MAX     8192
#define AGW_SIG_MAX     (AGW_RSA_MAX / 8)

/* the longest HMAC, and the widest coordinate, in bytes */

#define AGW_MAC_MAX     64
#define AGW_FIELD_MAX   48


/* the algorithm of that name, or NULL; "none" has no row */

const agw_alg_t *agw_alg_find(agw_str_t name);


/*
 * The algorithm of a key that names none: HS256, RS256, ES256, ES384 or EdDSA.
 * curve is NULL for a key without one.  Returns NULL if no algorithm here has
 * that curve.
 */

const agw_alg_t *agw_alg_default(agw_kty_t kty, const char *curve);


/* the same algorithm by its other name, EdDSA or Ed25519; or NULL */

const agw_alg_t *agw_alg_synonym(const agw_alg_t *alg);


/* for messages: the names, separated by ", " */

#define AGW_ALG_NAMES                                                         \
    "HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, "  \
    "ES384, EdDSA, Ed25519"


#endif /* AGW_ALG_H_INCLUDED_ */
