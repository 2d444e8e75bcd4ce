
/*
 * What all of core/ shares: a borrowed string, and limits.  Nothing here
 * allocates, and nothing in core/ reads a clock, a file or a global.
 */


#ifndef AGW_H_INCLUDED_
#define AGW_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <string.h>


/* of the module and of the command line */

#define AGW_VERSION   "1.0"


/* bytes that are owned elsewhere; not terminated, may contain NUL */

typedef struct {
    size_t                len;
    const unsigned char  *data;
} agw_str_t;


#define agw_string(s)   { sizeof(s) - 1, (const unsigned char *) (s) }
#define agw_empty       ((agw_str_t) agw_string(""))


/* limits, in bytes unless the name says otherwise */

#define AGW_ID_MAX           128
#define AGW_SCOPE_MAX        1024
#define AGW_KID_MAX          256
#define AGW_TOKEN_MAX        8192
#define AGW_BODY_MAX         8192
#define AGW_JSON_DEPTH_MAX   16
#define AGW_PARAMS_MAX       64

/* the largest integer that all JSON parsers read alike (RFC 8259, section 6) */

#define AGW_TIME_MAX         (((int64_t) 1 << 53) - 1)

/* the highest stamp; stamps order tokens and revocations */

#define AGW_STAMP_MAX        ((int64_t) 1 << 52)

/* a stamp further ahead of the last one is malformed: ten years, in ms */

#define AGW_STAMP_AHEAD_MAX  315360000000LL

/* how far ahead of our clock an iat may be, in seconds */

#define AGW_IAT_AHEAD        5


static inline int
agw_str_eq(agw_str_t a, agw_str_t b)
{
    return a.len == b.len
           && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


static inline int
agw_str_begins(agw_str_t s, agw_str_t prefix)
{
    return s.len >= prefix.len
           && (prefix.len == 0
               || memcmp(s.data, prefix.data, prefix.len) == 0);
}


#endif /* AGW_H_INCLUDED_ */
