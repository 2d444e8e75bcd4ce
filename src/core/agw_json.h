
/*
 * Untrusted JSON, parsed by jansson within bounds: one object, no repeated
 * member at any depth, no NUL, valid UTF-8, at most AGW_JSON_DEPTH_MAX deep.
 * If memory runs out, no byte of it is lost: nothing is returned then.
 */


#ifndef AGW_JSON_H_INCLUDED_
#define AGW_JSON_H_INCLUDED_


#include <jansson.h>

#include "agw.h"


/*
 * Returns a new reference that the caller gives back with json_decref(); or
 * NULL, and *fault is a static text that says why text is not such an object.
 * It is agw_json_no_memory if memory ran out: then it is not known what the
 * text is.  (RFC 8259; RFC 7515, section 4, on repeated members.)
 */

extern const char  agw_json_no_memory[];

json_t *agw_json_object(agw_str_t text, const char **fault);


/*
 * The same; *member is the name of a member that is repeated, in buf, of
 * AGW_JSON_NAME_SIZE bytes; or it is empty, also if the name is longer than
 * that, or not of letters, digits, '_' and '-'.
 */

#define AGW_JSON_NAME_SIZE   64

json_t *agw_json_object_naming(agw_str_t text, const char **fault,
    unsigned char *buf, agw_str_t *member);


/*
 * json_loadb(), for other JSON than such an object.  If memory ran out, the
 * result is NULL with json_error_out_of_memory, and never a value that lacks a
 * byte.  While it reads, jansson allocates with malloc(), or with
 * agw_json_wiping_malloc() if it frees with agw_json_wiping_free(): any other
 * function that frees must accept what malloc() has returned.
 */

json_t *agw_json_load(agw_str_t text, size_t flags, json_error_t *error);


/*
 * Between agw_json_wiping_begin() and _end() everything that jansson frees is
 * wiped: for keys and for bodies.  What is allocated between the two must be
 * freed between the two, or between a later pair of these calls.  jansson has
 * one allocator for the process, so no other thread may use it meanwhile.
 * A pair within another one changes nothing.
 */

typedef struct {
    json_malloc_t  malloc_fn;
    json_free_t    free_fn;
} agw_json_allocator_t;

void agw_json_wiping_begin(agw_json_allocator_t *former);
void agw_json_wiping_end(const agw_json_allocator_t *former);


/* what jansson allocates and frees by then */

void *agw_json_wiping_malloc(size_t size);
void agw_json_wiping_free(void *p);


/*
 * Members by name.  Each returns 1 and sets *out if the member has the type,
 * 0 if it is absent, -1 if it has another type.  A string is borrowed from the
 * object.  A real is not an integer; for an integer that is not 0 to
 * AGW_TIME_MAX the result is AGW_JSON_RANGE.
 */

#define AGW_JSON_RANGE   (-2)

int agw_json_string(const json_t *object, const char *name, agw_str_t *out);
int agw_json_time(const json_t *object, const char *name, int64_t *out);


#endif /* AGW_JSON_H_INCLUDED_ */
