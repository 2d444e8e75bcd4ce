
/*
 * A key with its one algorithm (RFC 8725, section 3.1) signs and verifies
 * bytes.  It never changes, except for its OpenSSL contexts, which one thread
 * uses again and again.
 */


#ifndef AGW_KEY_H_INCLUDED_
#define AGW_KEY_H_INCLUDED_


#include <jansson.h>
#include <openssl/evp.h>

#include "agw_alg.h"
#include "agw_signature.h"


typedef struct agw_key_s  agw_key_t;


/*
 * What a configuration says about a key, which copies what it needs of it.  An
 * empty kid, alg or issuer is not given.
 */

typedef struct {
    agw_str_t     bytes;             /* the file, exact */
    agw_str_t     kid;
    agw_str_t     alg;               /* JWA name */
    agw_str_t     issuer;            /* another issuer's key */
    unsigned      verify:1;          /* never signs */
    unsigned      nameless:1;        /* a JWK that has no kid */
} agw_key_source_t;


/*
 * Makes an HMAC key (RFC 2104) of the secret in source->bytes.  Returns a key
 * that the caller frees, or NULL and a static text in *error that says what
 * must be.  Refused are a secret shorter than its hash (RFC 7518, section
 * 3.2), bytes of another format than AGW_FORMAT_BYTES, and an algorithm that
 * is unknown or not HMAC.  Without an algorithm it is HS256; without a kid it
 * gets one that does not reveal the secret.
 */

agw_key_t *agw_key_from_secret(const agw_key_source_t *source,
    const char **error);


/*
 * Makes a key of pkey, to which it takes a reference; source->bytes is not
 * used.  Returns likewise.  Refused are a key that agw_pkey_refusal() refuses,
 * and a private key whose signatures its public key does not verify.  Without
 * a kid, the kid is the key's thumbprint (RFC 7638).
 */

agw_key_t *agw_key_from_pkey(const agw_key_source_t *source, EVP_PKEY *pkey,
    int is_private, const char **error);


/* wipes and frees; key may be NULL */

void agw_key_free(agw_key_t *key);


/* borrowed from the key, and as long-lived */

const agw_alg_t *agw_key_alg(const agw_key_t *key);
agw_str_t agw_key_kid(const agw_key_t *key);

/* the issuer whose tokens it verifies; empty: we are */

agw_str_t agw_key_issuer(const agw_key_t *key);

/* whether it was a JWK without a kid, so that its kid was made here */

int agw_key_is_nameless(const agw_key_t *key);

/* typ of a token: as in RFC 7519, section 5.1, or RFC 9068, section 2.1 */

typedef enum {
    AGW_TYP_JWT = 0,
    AGW_TYP_AT_JWT,

    AGW_TYPS                         /* how many there are; not a typ */
} agw_typ_t;


/*
 * The JOSE header of tokens that it signs, {"alg","typ","kid"}, as base64url
 * (RFC 7515, section 4).  typ is AGW_TYP_JWT until agw_key_sign_as() says
 * otherwise.
 */

agw_str_t agw_key_header(const agw_key_t *key);
void agw_key_sign_as(agw_key_t *key, agw_typ_t typ);

/* whether it is that header, with either typ */

int agw_key_has_header(const agw_key_t *key, agw_str_t header);


/* the size of its signatures, in bytes, at most AGW_SIG_MAX */

size_t agw_key_sig_size(const agw_key_t *key);


/* whether it may sign; whether its file has to be secret */

int agw_key_signs(const agw_key_t *key);
int agw_key_is_secret(const agw_key_t *key);


/*
 * The public key as a JWK with its kid, use and alg (RFC 7517, section 4), a
 * new reference; NULL for a secret, and if memory ran out.
 */

json_t *agw_key_public_jwk(const agw_key_t *key);


/*
 * Signs data into sig, which has room for AGW_SIG_MAX bytes.  Returns 0 and
 * sets *len, or -1: OpenSSL failed, or the key only verifies.  OpenSSL's
 * error queue is left empty.
 */

int agw_key_sign(const agw_key_t *key, agw_str_t data, unsigned char *sig,
    size_t *len);


/*
 * Whether sig is the key's signature of data.  A MAC is compared in constant
 * time; r and s of ECDSA are 1 to n - 1 (RFC 7518, section 3.4).  OpenSSL's
 * error queue is left empty.
 */

agw_signature_result_t agw_key_verify(const agw_key_t *key,
    agw_str_t data, agw_str_t sig);


#endif /* AGW_KEY_H_INCLUDED_ */
