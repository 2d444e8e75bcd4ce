
/*
 * JWS in compact serialisation (RFC 7515, section 7.1), as strict as RFC 8725
 * demands.  The key has an algorithm, with which the header has to agree.
 */


#ifndef AGW_JWS_H_INCLUDED_
#define AGW_JWS_H_INCLUDED_


#include "agw_keyring.h"
#include "agw_reason.h"


typedef struct {
    const agw_key_t  *key;           /* NULL if not known */
    agw_str_t         payload;       /* decoded; empty unless verified */
} agw_jws_t;


/* the size of the buffer for decoding, in bytes */

#define AGW_JWS_BUF_SIZE   AGW_TOKEN_MAX


/*
 * Verifies a token.  buf has AGW_JWS_BUF_SIZE bytes, which the payload then
 * points into.  Returns AGW_OK, or AGW_MALFORMED_TOKEN (size, segments,
 * base64url, header, crit, b64, typ), AGW_UNKNOWN_KEY, AGW_ALGORITHM_MISMATCH,
 * AGW_BAD_SIGNATURE, or AGW_INTERNAL_ERROR if memory ran out, or if OpenSSL
 * could not verify it.  The signature and payload are read only after the
 * key and its algorithm are checked.  A token that names no key is tried with
 * each of agw_keyring_candidates(): the first that verifies it is its key, and
 * if there are none, the result is AGW_UNKNOWN_KEY.  After a refusal jws->key
 * is for the log: the only key that may have signed it, or NULL; and no byte of
 * the payload may be used.
 */

agw_reason_t agw_jws_verify(agw_jws_t *jws, const agw_keyring_t *ring,
    agw_str_t token, unsigned char *buf);


/*
 * Decodes the payload of a token that agw_jws_verify() has accepted before:
 * nothing is verified here.  buf is as above.  Returns 0, or -1 if the
 * structure is not that of a token.
 */

int agw_jws_payload(agw_str_t token, unsigned char *buf, agw_str_t *payload);


/*
 * Signs a payload below agw_key_header(key).  out has agw_jws_size()
 * bytes.  Returns 0 and sets *len, or -1 if OpenSSL failed.
 */

size_t agw_jws_size(const agw_key_t *key, size_t payload_len);

int agw_jws_sign(const agw_key_t *key, agw_str_t payload, unsigned char *out,
    size_t *len);


#endif /* AGW_JWS_H_INCLUDED_ */
