
/*
 * Paths that every server reads alike, so that the path that was checked is
 * the path that is served.
 */


#ifndef AGW_PATH_H_INCLUDED_
#define AGW_PATH_H_INCLUDED_


#include "agw.h"
#include "agw_reason.h"


/*
 * Whether a raw path (RFC 3986, section 3.3), without its query, is
 * unambiguous.  Refused are an empty path; one that does not begin with '/';
 * an empty segment, unless it is the last; a '#'; and, after each segment has
 * been percent-decoded until nothing is left to decode, '\', a control byte, a
 * '/', invalid UTF-8, and a segment that consists of dots and spaces, with at
 * least one dot, before its first ';', '?' or '#'.  Returns AGW_OK,
 * AGW_AMBIGUOUS_PATH, or AGW_INTERNAL_ERROR if memory ran out.
 */

agw_reason_t agw_path_check(agw_str_t path);


/*
 * The same for a path that nginx has decoded: in it a '#' is allowed, since it
 * was "%23".
 */

agw_reason_t agw_path_check_decoded(agw_str_t path);


/*
 * The rest of a decoded path after a location's name, which nginx may append
 * to another path that ends with '/': of "/docs../x" after "/docs" it is
 * "../x". Refused, with the same results, is a rest whose first segment, after
 * at most one '/', is a dot segment as above.  All other segments are also
 * those of the path.
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
