
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
 * raw one (RFC 3986, section 3.3), or one that nginx has decoded and
 * rewritten, read literally.  Refused: an empty path; one that does not
 * begin with '/'; an empty segment but for the last; a '#'; and, with each
 * segment percent-decoded as often as it can be: '\', a control byte, a '/',
 * invalid UTF-8, and a segment that up to its first ';', '?' or '#' has only
 * dots and spaces, and a dot.  Returns AGW_OK, AGW_AMBIGUOUS_PATH, or
 * AGW_INTERNAL_ERROR where memory ran out.
 */

agw_reason_t agw_path_check(agw_str_t path);


/* the part of a request target before its query (RFC 3986, section 3) */

agw_str_t agw_path_of_target(agw_str_t target);


#endif /* AGW_PATH_H_INCLUDED_ */
