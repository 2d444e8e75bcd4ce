
/*
 * multipart/form-data (RFC 7578), and the Content-Type that names it.
 */


#ifndef AGW_MULTIPART_H_INCLUDED_
#define AGW_MULTIPART_H_INCLUDED_


#include "agw_params.h"


/*
 * Splits a media type (RFC 9110, section 8.3.1): *type is all before the first
 * ';', without white space; *boundary is the value of the parameter "boundary"
 * (RFC 2046, section 5.1.1), and empty if there is none or more than one, or
 * if it is longer than 70 characters.  Both are within value.
 */

void agw_media_type_parse(agw_str_t value, agw_str_t *type,
    agw_str_t *boundary);


/*
 * Reads a body with that boundary, as agw_params_read_form() reads a form.
 * Also refused are text before the first boundary or after the last, a file,
 * and a Content-Transfer-Encoding that encodes.
 */

int agw_params_read_multipart(agw_params_t *params, agw_str_t body,
    agw_str_t boundary);


#endif /* AGW_MULTIPART_H_INCLUDED_ */
