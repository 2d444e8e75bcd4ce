
/*
 * The template that says which segment of a path is the business.
 */


#ifndef AGW_TEMPLATE_H_INCLUDED_
#define AGW_TEMPLATE_H_INCLUDED_


#include "agw.h"
#include "agw_reason.h"


/*
 * A literal path in which exactly one whole segment is <business_id>.  prefix
 * is what stands before that segment, such as "/v1/businesses/".  suffix is
 * what follows it: empty, or it begins with '/' and does not end with one.
 * Both borrow from the text that was parsed.  An empty prefix is no template.
 */

typedef struct {
    agw_str_t     prefix;
    agw_str_t     suffix;
} agw_template_t;


/* matches nothing */

extern const agw_template_t  agw_no_template;


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
 * Whether a path is above paths of businesses other than business_id, which is
 * empty if it is of none: "/v1" and "/" are above those that
 * "/v1/businesses/<business_id>" matches.
 */

int agw_businesses_lie_below(const agw_template_t *template, agw_str_t path,
    agw_str_t business_id);


/*
 * How two templates read the paths that both match, if the business of a stands
 * before that of b, such as "/v1/<business_id>" and
 * "/v1/businesses/<business_id>".
 */

typedef enum {
    AGW_OVERLAP_NONE = 0,            /* they never name different businesses */
    AGW_OVERLAP_SPECIFIC,            /* b is more specific, and names it */
    AGW_OVERLAP_AMBIGUOUS            /* neither is more specific */
} agw_overlap_t;

agw_overlap_t agw_templates_overlap(const agw_template_t *a,
    const agw_template_t *b);


/* which business a path names */

typedef struct {
    agw_reason_t  reason;            /* as agw_template_match() returns it */
    agw_str_t     business_id;       /* within the path; empty if not AGW_OK */
    agw_str_t     rest;              /* of the path, if AGW_OK */
} agw_matched_t;


/*
 * Matches a path against a location's own template, and, by prefix, against all
 * n templates of its server, of which the own may be one: *own is in the array.
 *
 * The own template names the business in *matched.  The reason there is
 * AGW_AMBIGUOUS_PATH if another template that matches names another business,
 * or finds no identifier where it has the business, unless the own is the more
 * specific: that which matches only paths that the other matches too.  So no
 * two templates of a server ever name different businesses of one path.
 *
 * If own is NULL, the first template that matches names the business; but if
 * the segment is no identifier for one of them, the reason is
 * AGW_AMBIGUOUS_PATH.  agw_no_template names none.
 *
 * Also finds whether another server could read the path as one that a template
 * matches, although that template does not match it here: if that server
 * decodes segments until nothing is left to decode, cuts them at the first
 * ';', '?' or '#', removes their last dots and spaces, skips empty segments,
 * and ignores case.  Returns AGW_OK if it could not; AGW_AMBIGUOUS_PATH if it
 * could; or AGW_INTERNAL_ERROR if memory ran out: then *matched is not to be
 * used.
 *
 * rest is empty, or begins with '/'.  What is before it consists of a
 * template's literal parts and an identifier, in which agw_path_check() would
 * find nothing: it returns the same for the rest as for the path, unless the
 * rest is empty; then it would return AGW_OK for the path.
 */

agw_reason_t agw_templates_match(const agw_template_t *templates, size_t n,
    const agw_template_t *own, agw_match_t how, agw_str_t path,
    agw_matched_t *matched);


#endif /* AGW_TEMPLATE_H_INCLUDED_ */
