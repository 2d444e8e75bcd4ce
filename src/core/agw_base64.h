
/*
 * Base64, strict in both alphabets of RFC 4648: no white space, no foreign
 * character, no length of 4n+1, and trailing bits that are zero.
 */


#ifndef AGW_BASE64_H_INCLUDED_
#define AGW_BASE64_H_INCLUDED_


#include "agw.h"


/* sizes of results, in bytes, without a terminator */

#define AGW_BASE64URL_SIZE(len)   (((len) * 4 + 2) / 3)
#define AGW_BASE64_DECODED(len)   (((len) * 3) / 4)


/*
 * base64url without padding (RFC 7515, section 2).  out has room for
 * AGW_BASE64URL_SIZE(s.len) bytes.  Returns the number written.
 */

size_t agw_base64url_encode(agw_str_t s, unsigned char *out);


/*
 * The reverse; padding is refused.  out has room for
 * AGW_BASE64_DECODED(s.len) bytes and may not overlap s.  Returns 0 and sets
 * *len, or -1 and leaves out undefined.
 */

int agw_base64url_decode(agw_str_t s, unsigned char *out, size_t *len);


/*
 * The standard alphabet (RFC 4648, section 4), for Basic credentials: with
 * complete padding or none.  Otherwise as agw_base64url_decode().
 */

int agw_base64_decode(agw_str_t s, unsigned char *out, size_t *len);


#endif /* AGW_BASE64_H_INCLUDED_ */
