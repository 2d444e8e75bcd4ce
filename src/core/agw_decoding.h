
/*
 * Percent-encoding and the encoding of forms, decoded.
 */


#ifndef AGW_DECODING_H_INCLUDED_
#define AGW_DECODING_H_INCLUDED_


#include "agw.h"


/*
 * Percent-decodes s (RFC 3986, section 2.1) again and again, until nothing is
 * left to decode, into out, which has room for s.len bytes and may be s
 * itself.  A '%' that is then not followed by two hex digits stays.  Returns
 * the length of the result.
 */

size_t agw_percent_decode_all(agw_str_t s, unsigned char *out);


/*
 * Decodes one name or value of application/x-www-form-urlencoded (RFC 6749,
 * appendix B) into out, which has room for s.len bytes and may be s itself.
 * Returns 0 and sets *len, or -1 if a '%' is not followed by two hex digits.
 */

int agw_form_decode(agw_str_t s, unsigned char *out, size_t *len);


#endif /* AGW_DECODING_H_INCLUDED_ */
