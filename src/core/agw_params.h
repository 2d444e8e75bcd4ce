
/*
 * Request parameters: name and value pairs, whatever body they came in.
 */


#ifndef AGW_PARAMS_H_INCLUDED_
#define AGW_PARAMS_H_INCLUDED_


#include "agw.h"


typedef struct {
    agw_str_t     name;
    agw_str_t     value;
} agw_param_t;

typedef struct {
    size_t        count;
    agw_param_t   params[AGW_PARAMS_MAX];
} agw_params_t;


/*
 * application/x-www-form-urlencoded (RFC 6749, appendix B).  Decodes within
 * body, which the parameters then point into.  Returns 0, or -1: a '%'
 * without two hex digits, a repeated name (section 3.2), a NUL, invalid
 * UTF-8, or more than AGW_PARAMS_MAX parameters.
 */

int agw_params_read_form(agw_params_t *params, unsigned char *body,
    size_t len);


/*
 * The value of a parameter; empty where it is absent, since an empty value
 * counts as absent.
 */

agw_str_t agw_params_get(const agw_params_t *params, const char *name);


/*
 * P3.2 session_duration as text: [1-9][0-9]{0,9}.  Returns 0 and sets
 * *seconds, or -1.
 */

int agw_duration_parse(agw_str_t text, int64_t *seconds);


#endif /* AGW_PARAMS_H_INCLUDED_ */
