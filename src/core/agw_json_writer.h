
/*
 * A flat JSON object (RFC 8259), written member by member, of values that
 * need no escaping: identifiers, scopes, tokens, times.  What may need it is
 * escaped by jansson, once, and copied.
 */


#ifndef AGW_JSON_WRITER_H_INCLUDED_
#define AGW_JSON_WRITER_H_INCLUDED_


#include "agw.h"


typedef struct {
    unsigned char  *p;               /* where the next byte goes */
    unsigned char  *last;
    unsigned        failed:1;        /* something did not fit */
    unsigned        member:1;        /* the last byte is a comma */
} agw_json_writer_t;


/* begins in the caller's room of size bytes */

void agw_json_writer_begin(agw_json_writer_t *w, unsigned char *buf,
    size_t size);


/* bytes as they are: the opening brace, or members and the comma behind */

void agw_json_writer_copy(agw_json_writer_t *w, agw_str_t bytes);


/*
 * One member and a comma.  An empty string is left out; one that needs an
 * escape fails, and so does a number below 0.
 */

void agw_json_writer_string(agw_json_writer_t *w, const char *name,
    agw_str_t value);
void agw_json_writer_integer(agw_json_writer_t *w, const char *name,
    int64_t value);


/*
 * The closing brace in place of the comma of the last member.  Returns 0, or
 * -1 where something failed or there was none.
 */

int agw_json_writer_end(agw_json_writer_t *w);


#endif /* AGW_JSON_WRITER_H_INCLUDED_ */
