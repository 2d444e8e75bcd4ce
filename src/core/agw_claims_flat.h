
/*
 * Claims without a JSON reader, where the payload is as plain as those that
 * agw_claims_write() makes.
 */


#ifndef AGW_CLAIMS_FLAT_H_INCLUDED_
#define AGW_CLAIMS_FLAT_H_INCLUDED_


#include "agw_claims.h"


/*
 * Reads a payload that is one flat object without white space, of no claims
 * but those of agw_claims_t, each once, in any order, their strings free of
 * escapes and of all but printable ASCII.  Returns 0 and sets what is there,
 * borrowed from the payload: what jansson would have read.  Returns -1 for
 * any other payload, which may be as good; claims is undefined then.
 */

int agw_claims_read_flat(agw_claims_t *claims, agw_str_t payload);


#endif /* AGW_CLAIMS_FLAT_H_INCLUDED_ */
