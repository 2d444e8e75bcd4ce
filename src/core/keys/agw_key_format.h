
/*
 * The format of a key file.  If a public key or an error page were taken for
 * an HMAC secret, anybody could sign (RFC 8725, section 3.1).
 */


#ifndef AGW_KEY_FORMAT_H_INCLUDED_
#define AGW_KEY_FORMAT_H_INCLUDED_


#include "agw.h"


typedef enum {
    AGW_FORMAT_BYTES = 0,            /* none of those below */
    AGW_FORMAT_PEM,                  /* begins with -----BEGIN */
    AGW_FORMAT_SSH,                  /* begins with ssh- */
    AGW_FORMAT_JSON,                 /* a whole value that is no number */
    AGW_FORMAT_DER,                  /* a whole key or certificate */
    AGW_FORMAT_MARKUP,               /* text that begins with < */
    AGW_FORMAT_UNKNOWN               /* memory ran out */
} agw_key_format_t;


/*
 * Returns the format of bytes, and in *text what follows a byte order mark and
 * white space.  Only AGW_FORMAT_BYTES may be a raw secret.  Bytes have a
 * format if OpenSSL or jansson can read them, not if they resemble it: random
 * bytes, also in hex, base64 or decimal digits, are AGW_FORMAT_BYTES.
 * OpenSSL's error queue is left empty.
 */

agw_key_format_t agw_key_format(agw_str_t bytes, agw_str_t *text);


/* bytes without a byte order mark at their beginning (RFC 3629, section 6) */

agw_str_t agw_skip_bom(agw_str_t bytes);


/*
 * Returns a static text that says why a key of a format other than
 * AGW_FORMAT_BYTES is not a secret, and what must be there instead.
 */

const char *agw_key_format_refusal(agw_key_format_t format);


#endif /* AGW_KEY_FORMAT_H_INCLUDED_ */
