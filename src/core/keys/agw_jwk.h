
/*
 * Reading a JSON Web Key (RFC 7517).  agw_pkey_jwk.h writes one.
 */


#ifndef AGW_JWK_H_INCLUDED_
#define AGW_JWK_H_INCLUDED_


#include <jansson.h>
#include <openssl/evp.h>

#include "agw_alg.h"


typedef enum {
    AGW_JWK_READ = 0,
    AGW_JWK_PASSED_OVER,             /* not for signatures, or unknown here */
    AGW_JWK_REFUSED                  /* broken */
} agw_jwk_result_t;


/* kid is borrowed from the JSON; secret and pkey are the structure's own */

typedef struct {
    const agw_alg_t  *alg;           /* NULL if it names none */
    agw_str_t         kid;           /* empty if it has none */
    agw_str_t         secret;        /* of an oct key */
    EVP_PKEY         *pkey;          /* of any other */
    unsigned          is_private:1;  /* or a secret */
    unsigned          signs:1;       /* use and key_ops let it */
} agw_jwk_t;


/*
 * Reads a key.  Returns AGW_JWK_READ, and then the caller has to call
 * agw_jwk_done(); or another result with a static text in *error, and then
 * there is nothing to free.  use, key_ops and alg are obeyed (RFC 7517,
 * section 4). Not checked are the strength of the key and whether its halves
 * belong together.
 */

agw_jwk_result_t agw_jwk_read(agw_jwk_t *jwk, const json_t *json,
    const char **error);


/* wipes and frees what agw_jwk_read() made */

void agw_jwk_done(agw_jwk_t *jwk);


#endif /* AGW_JWK_H_INCLUDED_ */
