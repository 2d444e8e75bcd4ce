
/*
 * Writes a flat JSON object (RFC 8259), member by member, of values that need
 * no escaping: identifiers, scopes, tokens, times.  A string that may need it
 * is escaped by jansson, once, and then copied.
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


/* begins an object in the caller's buffer of size bytes */

void agw_json_writer_begin(agw_json_writer_t *w, unsigned char *buf,
    size_t size);


/* writes bytes as they are: the brace, or members with a final comma */

void agw_json_writer_copy(agw_json_writer_t *w, agw_str_t bytes);


/*
 * Each writes a member and a comma.  An empty string is left out; a string
 * that needs an escape, and a negative number, is a failure.
 */

void agw_json_writer_string(agw_json_writer_t *w, const char *name,
    agw_str_t value);
void agw_json_writer_integer(agw_json_writer_t *w, const char *name,
    int64_t value);


/* a member that is an object with one member, a string; or nothing if empty */

void agw_json_writer_object(agw_json_writer_t *w, const char *name,
    const char *inner, agw_str_t value);


/*
 * Replaces the last comma by the closing brace.  Returns 0, or -1 if something
 * failed or there is no member.
 */

int agw_json_writer_end(agw_json_writer_t *w);


#endif /* AGW_JSON_WRITER_H_INCLUDED_ */
