
/*
 * The https URLs of servers: an issuer's, and those of its resources.
 */


#ifndef AGW_URL_H_INCLUDED_
#define AGW_URL_H_INCLUDED_


#include "agw.h"


/*
 * Splits an https URL into scheme with host, and path, which may be empty.
 * Returns 0, or -1 if it is another URL, has a query, a fragment or a user
 * (RFC 8414, section 2), or a character that would need escaping in JSON or
 * HTML.
 */

int agw_url_split(agw_str_t url, agw_str_t *origin, agw_str_t *path);


/*
 * The path of a resource (RFC 8707, section 2) of the server that an origin
 * names: scheme and host compare without case.  Returns 0 and sets *path, which
 * begins with '/'; or -1 if the resource is of another server or has no path, a
 * query or a fragment.
 */

int agw_url_resource(agw_str_t resource, agw_str_t origin, agw_str_t *path);


#endif /* AGW_URL_H_INCLUDED_ */
