
/*
 * One segment of a path, as servers read it.
 */


#ifndef AGW_SEGMENT_H_INCLUDED_
#define AGW_SEGMENT_H_INCLUDED_


#include "agw.h"


/* the segment from i to the next '/' or the end; i is at most path.len */

static inline agw_str_t
agw_segment(agw_str_t path, size_t i)
{
    agw_str_t             segment;
    const unsigned char  *slash;

    segment.data = path.data + i;
    segment.len = path.len - i;

    slash = segment.len ? memchr(segment.data, '/', segment.len) : NULL;

    if (slash != NULL) {
        segment.len = (size_t) (slash - segment.data);
    }

    return segment;
}


/* a segment without its parameters (RFC 3986, section 3.3) */

static inline agw_str_t
agw_segment_cut(agw_str_t segment)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < segment.len; i++) {
        c = segment.data[i];

        if (c == ';' || c == '?' || c == '#') {
            break;
        }
    }

    segment.len = i;

    return segment;
}


/* consists of dots and spaces, with at least one dot */

static inline int
agw_is_dots(agw_str_t segment)
{
    int     dot;
    size_t  i;

    dot = 0;

    for (i = 0; i < segment.len; i++) {

        if (segment.data[i] != '.' && segment.data[i] != ' ') {
            return 0;
        }

        dot |= (segment.data[i] == '.');
    }

    return dot;
}


static inline int
agw_is_dot_segment(agw_str_t segment)
{
    return agw_is_dots(agw_segment_cut(segment));
}


#endif /* AGW_SEGMENT_H_INCLUDED_ */
