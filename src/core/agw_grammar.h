
/*
 * The character sets and encodings that RFCs name.
 */


#ifndef AGW_GRAMMAR_H_INCLUDED_
#define AGW_GRAMMAR_H_INCLUDED_


#include "agw.h"


/*
 * Whether s is an identifier: 1 to AGW_ID_MAX of the unreserved characters
 * of RFC 3986, section 2.3: [A-Za-z0-9._~-].
 */

int agw_is_id(agw_str_t s);


/*
 * How many characters s begins with that are unreserved; that are printable
 * ASCII and stand for themselves in a JSON string (RFC 8259, section 7).
 */

size_t agw_span_unreserved(agw_str_t s);
size_t agw_span_plain(agw_str_t s);


/* whether s is a b64token (RFC 6750, section 2.1): 1*68char *"=" */

int agw_is_b64token(agw_str_t s);


/*
 * Whether s is a scope (RFC 6749, section 3.3): words of %x21 / %x23-5B /
 * %x5D-7E, one space between, at most AGW_SCOPE_MAX bytes, not empty.
 */

int agw_is_scope(agw_str_t s);


/* whether s is a scope of one word */

int agw_is_scope_word(agw_str_t s);


/* whether s is well-formed UTF-8 (RFC 3629); the empty string is */

int agw_is_utf8(agw_str_t s);


/* whether s has a byte in 00-1F or 7F */

int agw_has_control(agw_str_t s);


/* whether a and b are the same but for the case of ASCII letters */

int agw_same_nocase(agw_str_t a, agw_str_t b);


/*
 * Percent-decodes s (RFC 3986, section 2.1) as often as it can be, into out,
 * which has room for s.len bytes and may be s itself.  A '%' that two hex
 * digits do not follow, even then, stays.  Returns the length of the result.
 */

size_t agw_percent_decode_all(agw_str_t s, unsigned char *out);


/*
 * Decodes one name or value of application/x-www-form-urlencoded (RFC 6749,
 * appendix B) into out, which has room for s.len bytes and may be s itself.
 * Returns 0 and sets *len, or -1 where a '%' has no two hex digits.
 */

int agw_form_decode(agw_str_t s, unsigned char *out, size_t *len);


#endif /* AGW_GRAMMAR_H_INCLUDED_ */
