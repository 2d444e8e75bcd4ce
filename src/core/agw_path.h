
/*
 * Paths that mean one thing to everybody who reads them: the one that is
 * checked is the one that is forwarded.
 */


#ifndef AGW_PATH_H_INCLUDED_
#define AGW_PATH_H_INCLUDED_


#include "agw.h"
#include "agw_reason.h"


/*
 * Whether a path, up to and without its query, is unambiguous.  path is the
 * raw one (RFC 3986, section 3.3).  Refused: an empty path; one that does not
 * begin with '/'; an empty segment but for the last; a '#'; and, with each
 * segment percent-decoded as often as it can be: '\', a control byte, a '/',
 * invalid UTF-8, and a segment that up to its first ';', '?' or '#' has only
 * dots and spaces, and a dot.  Returns AGW_OK, AGW_AMBIGUOUS_PATH, or
 * AGW_INTERNAL_ERROR where memory ran out.
 */

agw_reason_t agw_path_check(agw_str_t path);


/*
 * The same for a path that was decoded already, and is read as it stands:
 * there a '#' is a character that was "%23".
 */

agw_reason_t agw_path_check_decoded(agw_str_t path);


/*
 * What remains of a decoded path after a name that it begins with may be
 * put behind another path that ends with '/': "../x" of "/docs../x" after
 * "/docs".  Refused, with the same results: a first segment of it, behind at
 * most one '/', that up to its first ';', '?' or '#', percent-decoded, has
 * only dots and spaces, and a dot.  The segments behind that one are those of
 * the path.
 */

agw_reason_t agw_path_check_after(agw_str_t path, agw_str_t name);


/* the part of a request target before its query (RFC 3986, section 3) */

agw_str_t agw_path_of_target(agw_str_t target);


/*
 * The path of an absolute URI with an authority (RFC 3986, section 4.3), or
 * of one that begins with its path, as Destination has them (RFC 4918,
 * section 10.3).  Empty where it is neither, or has no path.
 */

agw_str_t agw_path_of_uri(agw_str_t uri);


#endif /* AGW_PATH_H_INCLUDED_ */
