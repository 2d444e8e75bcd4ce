
/*
 * The Content-Type header.
 */


#ifndef AGW_MEDIA_TYPE_H_INCLUDED_
#define AGW_MEDIA_TYPE_H_INCLUDED_


#include "agw.h"


/*
 * Splits a media type (RFC 9110, section 8.3.1): *type is what stands before
 * the first ';', without white space, *boundary the value of that parameter
 * (RFC 2046, section 5.1.1), both within value.  boundary is empty where
 * there is none, or more than one, or it is longer than 70 characters.
 */

void agw_media_type_parse(agw_str_t value, agw_str_t *type,
    agw_str_t *boundary);


#endif /* AGW_MEDIA_TYPE_H_INCLUDED_ */
