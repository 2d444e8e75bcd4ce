
/*
 * What the bytes of a key file are, told by themselves: a public key that
 * were taken for an HMAC secret would let anybody sign (RFC 8725, section
 * 3.1).
 */


#ifndef AGW_KEY_FORM_H_INCLUDED_
#define AGW_KEY_FORM_H_INCLUDED_


#include "agw.h"


typedef enum {
    AGW_FORM_SECRET = 0,             /* nothing below */
    AGW_FORM_PEM,                    /* begins with -----BEGIN */
    AGW_FORM_JSON,                   /* begins with { or [ */
    AGW_FORM_OTHER                   /* a key that is not read here */
} agw_key_form_t;


/*
 * The form of bytes.  For PEM and JSON *text is what follows a byte order
 * mark and white space, otherwise bytes.  AGW_FORM_OTHER are DER, ssh's
 * public keys, UTF-16, base64 of any of them, and PEM or a JWK that
 * something was cut from or put before.
 */

agw_key_form_t agw_key_form(agw_str_t bytes, agw_str_t *text);


/*
 * Whether bytes that somebody calls a secret are a key of another form.
 * Random bytes begin as JSON does once in a hundred times, so of JSON eight
 * characters have to be printable.
 */

int agw_is_wrapped_key(agw_str_t secret);


#endif /* AGW_KEY_FORM_H_INCLUDED_ */
