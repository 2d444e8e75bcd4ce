
/*
 * Records as JSON: what an administrator sends and gets.
 */


#ifndef AGW_RECORD_JSON_H_INCLUDED_
#define AGW_RECORD_JSON_H_INCLUDED_


#include <jansson.h>

#include "agw_record.h"


/* a value that is not accepted; accepted is static */

typedef struct {
    const char    *member;           /* static, or that of the object */
    const char    *accepted;         /* "must be ...", or "is not ..." */
} agw_record_fault_t;


/*
 * An object with these members of a record.  Those that an API key may lack,
 * but name, are null, and so is a JWK that is not JSON.  A string that is not
 * UTF-8 is left out.  Returns a new reference, or NULL if memory ran out.
 */

json_t *agw_record_to_json(const agw_record_t *record, unsigned members);


#define AGW_RECORD_BUF_SIZE   (AGW_RECORD_JWK_MAX + AGW_ID_MAX)

/*
 * Reads the members of an object, of which only these are accepted; a member
 * that may be absent may be null.  record->kind is set before.  The strings of
 * the record are the object's; those of scopes and of a JWK are in buf, of
 * AGW_RECORD_BUF_SIZE bytes.  *named has all members that there were, null or
 * not.  Returns 0, or -1 and *fault.
 */

int agw_record_from_json(agw_record_t *record, const json_t *object,
    unsigned accepted, unsigned *named, unsigned char *buf,
    agw_record_fault_t *fault);


/* what a member must be: "must be ..." */

const char *agw_record_accepted(agw_record_kind_t kind, unsigned member);


#endif /* AGW_RECORD_JSON_H_INCLUDED_ */
