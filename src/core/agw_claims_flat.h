
/*
 * Reading claims without a JSON parser, if the payload is as plain as those of
 * agw_claims_write().
 */


#ifndef AGW_CLAIMS_FLAT_H_INCLUDED_
#define AGW_CLAIMS_FLAT_H_INCLUDED_


#include "agw_claims.h"


/*
 * Reads a payload that is one flat object without white space, which has only
 * claims of agw_claims_t, each at most once, in any order, with strings of
 * printable ASCII without escapes.  Returns 0 and sets what jansson would have
 * read, borrowed from the payload.  Returns -1 for any other payload, which
 * may be valid nevertheless; then claims is undefined.
 */

int agw_claims_read_flat(agw_claims_t *claims, agw_str_t payload);


#endif /* AGW_CLAIMS_FLAT_H_INCLUDED_ */
