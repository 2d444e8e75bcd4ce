
/*
 * Paths that every server reads alike, so that the path that was checked is
 * the path that is served.
 */


#ifndef AGW_PATH_H_INCLUDED_
#define AGW_PATH_H_INCLUDED_


#include "agw.h"
#include "agw_reason.h"


/*
 * Whether all servers read a raw path (RFC 3986, section 3.3), without its
 * query, alike.  Refused are an empty path; one that does not begin with '/';
 * an empty segment, unless it is the last; and a '#'.  The path is then decoded
 * by agw_path_decode().  Then refused are a '/' that was encoded; a '\'; a
 * control byte; invalid UTF-8; and a dot segment by agw_is_dot_segment().
 * Returns AGW_OK, AGW_AMBIGUOUS_PATH, or AGW_INTERNAL_ERROR if memory ran out.
 */

agw_reason_t agw_path_check(agw_str_t path);


/*
 * The same for a path that nginx has decoded: in it a '#' is allowed, since it
 * was "%23".
 */

agw_reason_t agw_path_check_decoded(agw_str_t path);


/*
 * Checks the rest of a decoded path after a location's name, which nginx may
 * append to another path that ends with '/': the rest of "/docs../x" after
 * "/docs" is "../x".  Refused, with the same results, is a rest whose first
 * segment, after at most one '/', is a dot segment as above.  All its other
 * segments are segments of the path, too.  A path that does not begin with the
 * name is not refused.
 */

agw_reason_t agw_path_check_after(agw_str_t path, agw_str_t name);


/*
 * Decodes all that is percent-encoded in a path, until nothing is left to
 * decode.  Returns 0 and sets *decoded, which is the path itself if it has no
 * '%', and otherwise is in *buf; or -1 if memory ran out.  In either case the
 * caller has to free(*buf), which may be NULL.
 */

int agw_path_decode(agw_str_t path, agw_str_t *decoded, unsigned char **buf);


/* the segment from i to the next '/' or the end; i is at most path.len */

agw_str_t agw_path_segment(agw_str_t path, size_t i);


/*
 * Whether a server could take a decoded segment for "." or "..": it consists of
 * dots and spaces, with at least one dot, before its first ';', '?' or '#'.
 */

int agw_is_dot_segment(agw_str_t segment);


/* the part of a request target before its query (RFC 3986, section 3) */

agw_str_t agw_path_of_target(agw_str_t target);


/*
 * The path of a Destination (RFC 4918, section 10.3), without its query: of an
 * absolute http or https URI (RFC 3986, section 4.3), or of a reference that
 * begins with '/'.  Empty if it is neither, or has no path.
 */

agw_str_t agw_path_of_uri(agw_str_t uri);


#endif /* AGW_PATH_H_INCLUDED_ */
