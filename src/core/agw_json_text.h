
/*
 * A flat JSON object (RFC 8259), written member by member, of values that
 * need no escaping: identifiers, scopes, tokens, times.  What may need it is
 * escaped by jansson, once, and copied.
 */


#ifndef AGW_JSON_TEXT_H_INCLUDED_
#define AGW_JSON_TEXT_H_INCLUDED_


#include "agw.h"


/* the caller's room from p to last; failed once something did not fit */

typedef struct {
    unsigned char  *p;               /* where the next byte goes */
    unsigned char  *last;
    unsigned        failed:1;
} agw_json_text_t;


/* bytes as they are: the opening brace, or members and the comma behind */

void agw_json_text_copy(agw_json_text_t *t, agw_str_t bytes);


/*
 * One member and a comma.  An empty string is left out; one that would need
 * an escape fails, and so does a number below 0.
 */

void agw_json_text_string(agw_json_text_t *t, const char *name,
    agw_str_t value);
void agw_json_text_integer(agw_json_text_t *t, const char *name,
    int64_t value);


/* the closing brace in place of the last comma: 0, or -1 where it failed */

int agw_json_text_end(agw_json_text_t *t);


#endif /* AGW_JSON_TEXT_H_INCLUDED_ */
