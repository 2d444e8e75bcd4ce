
/*
 * Signature algorithms by their JWA names (RFC 7518, section 3.1).
 */


#ifndef AGW_ALG_H_INCLUDED_
#define AGW_ALG_H_INCLUDED_


#include "agw.h"


typedef enum {
    AGW_KTY_OCT = 0                  /* HMAC */
} agw_kty_t;


typedef struct {
    agw_str_t     name;              /* HS256, compared byte for byte */
    agw_kty_t     kty;
    const char   *digest;            /* its name in OpenSSL */
    size_t        digest_size;       /* and of an HMAC, in bytes */
} agw_alg_t;


#define AGW_SIG_MAX   64             /* the longest signature, in bytes */


/* the algorithm of that name, or NULL; "none" has no row */

const agw_alg_t *agw_alg_find(agw_str_t name);


/* for messages: the names, separated by ", " */

#define AGW_ALG_NAMES   "HS256, HS384, HS512"


#endif /* AGW_ALG_H_INCLUDED_ */
