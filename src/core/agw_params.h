
/*
 * Request parameters: names and values, whatever the type of the body.
 */


#ifndef AGW_PARAMS_H_INCLUDED_
#define AGW_PARAMS_H_INCLUDED_


#include <jansson.h>

#include "agw.h"


typedef enum {
    AGW_PARAM_TEXT = 0,
    AGW_PARAM_INTEGER,               /* of JSON, in 64 bits */
    AGW_PARAM_OTHER                  /* of JSON: null, a real, an object... */
} agw_param_type_t;

typedef struct {
    agw_str_t           name;
    agw_str_t           value;       /* of a text, else empty */
    int64_t             integer;
    agw_param_type_t    type;
} agw_param_t;

typedef struct {
    size_t              count;
    agw_param_t         params[AGW_PARAMS_MAX];
    json_t             *json;        /* owns them, where they came as JSON */
} agw_params_t;


/*
 * Each reader takes a zeroed agw_params_t.  It returns 0, and then the caller
 * has to call agw_params_done(); or -1, and then there is nothing to free.  A
 * repeated name, compared after decoding, is refused (RFC 6749, section
 * 3.2), and so are more than AGW_PARAMS_MAX parameters, a NUL and invalid
 * UTF-8.  The parameters of a form or of multipart point into body.
 */

/* application/x-www-form-urlencoded (RFC 6749, appendix B): decodes in body */

int agw_params_read_form(agw_params_t *params, unsigned char *body,
    size_t len);

/*
 * application/json: an object, whose members are the parameters.  -1 becomes
 * AGW_PARAMS_NO_MEMORY if memory ran out.
 */

#define AGW_PARAMS_NO_MEMORY   (-2)

int agw_params_read_json(agw_params_t *params, agw_str_t body);


/*
 * Wipes and frees what the parameters own; a second call does nothing.  What
 * jansson frees while it reads a body is wiped as well.
 */

void agw_params_done(agw_params_t *params);


/*
 * Adds a parameter, for readers.  Returns 0, or -1 if there are too many, if
 * it is repeated, or if it has a NUL or invalid UTF-8.
 */

int agw_params_add(agw_params_t *params, const agw_param_t *param);


/*
 * Returns 0 and sets *value, or -1 if the parameter is no text.  *value is
 * empty if the parameter is absent: an empty value counts as absent.
 */

int agw_params_text(const agw_params_t *params, const char *name,
    agw_str_t *value);


/*
 * P3.2 a duration in seconds, [1-9][0-9]{0,9} as an integer or a text.
 * Returns 1 and sets *seconds; 0 if it is absent; -1 if it is
 * something else.
 */

int agw_params_duration(const agw_params_t *params, const char *name,
    int64_t *seconds);


#endif /* AGW_PARAMS_H_INCLUDED_ */
