
/*
 * What the bytes of a key file are.  A public key or an error page that was
 * taken for an HMAC secret would let anybody sign (RFC 8725, section 3.1).
 */


#ifndef AGW_KEY_FORM_H_INCLUDED_
#define AGW_KEY_FORM_H_INCLUDED_


#include "agw.h"


typedef enum {
    AGW_FORM_BYTES = 0,              /* none of those below */
    AGW_FORM_PEM,                    /* begins with -----BEGIN */
    AGW_FORM_SSH,                    /* begins with ssh- */
    AGW_FORM_JSON,                   /* a whole value that is no number */
    AGW_FORM_DER,                    /* a whole key or certificate */
    AGW_FORM_MARKUP                  /* text that begins with < */
} agw_key_form_t;


/*
 * The form of bytes, and in *text what follows a byte order mark and white
 * space.  Only AGW_FORM_BYTES may be a raw secret.  The forms are told by
 * what OpenSSL and jansson read, not by resemblance: random bytes, also in
 * hex, base64 or decimal digits, are of no other form.  OpenSSL's error
 * queue is left empty.
 */

agw_key_form_t agw_key_form(agw_str_t bytes, agw_str_t *text);


/* bytes without a byte order mark at their beginning (RFC 3629, section 6) */

agw_str_t agw_skip_bom(agw_str_t bytes);


/*
 * Why a key of that form, which is none of AGW_FORM_BYTES, is not a secret: a
 * static text that says what must be there instead.
 */

const char *agw_key_form_refusal(agw_key_form_t form);


#endif /* AGW_KEY_FORM_H_INCLUDED_ */
