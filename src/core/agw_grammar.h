
/*
 * The character sets that RFCs name, and strings made of them.
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
 * How many characters at the beginning of s are unreserved or a '/'; and how
 * many are printable ASCII that a JSON string does not escape (RFC 8259,
 * section 7).
 */

size_t agw_span_path(agw_str_t s);
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


#endif /* AGW_GRAMMAR_H_INCLUDED_ */
