
/*
 * The template that says which segment of a path is the business.
 */


#ifndef AGW_TEMPLATE_H_INCLUDED_
#define AGW_TEMPLATE_H_INCLUDED_


#include "agw.h"
#include "agw_reason.h"


/*
 * A literal path in which exactly one whole segment is <business_id>:
 * prefix is "/v1/businesses/", suffix is what follows the segment, empty or
 * beginning with '/', never ending with one.  Both borrow from the text
 * they were parsed from.  A template with an empty prefix is none.
 */

typedef struct {
    agw_str_t     prefix;
    agw_str_t     suffix;
} agw_template_t;


/* returns 0, or -1 and a static text in *error that says what is wrong */

int agw_template_parse(agw_template_t *template, agw_str_t text,
    const char **error);


typedef enum {
    AGW_MATCH_PREFIX = 0,            /* the whole path, or up to a '/' */
    AGW_MATCH_WHOLE                  /* with or without a final '/' */
} agw_match_t;


/*
 * Literal parts compare byte for byte.  Returns AGW_OK and sets
 * *business_id, which is within path; AGW_NO_BUSINESS_IN_PATH if the
 * template does not match; AGW_AMBIGUOUS_PATH if it does and the segment
 * is not an identifier.
 */

agw_reason_t agw_template_match(const agw_template_t *template,
    agw_match_t how, agw_str_t path, agw_str_t *business_id);


/*
 * Whether a path is above those that the template matches, as "/v1" and "/"
 * are above "/v1/businesses/<business_id>".
 */

int agw_template_lies_below(const agw_template_t *template, agw_str_t path);


/*
 * Whether another server could read a path as one that the template matches:
 * if it decodes segments until nothing is left to decode, cuts them at the
 * first ';', '?' or '#', removes final dots and spaces, skips empty segments,
 * and ignores case.  Returns AGW_OK if none could, or if the template
 * matches it byte for byte; AGW_AMBIGUOUS_PATH; or AGW_INTERNAL_ERROR if memory
 * ran out.
 */

agw_reason_t agw_template_confused(const agw_template_t *template,
    agw_str_t path);


#endif /* AGW_TEMPLATE_H_INCLUDED_ */
