
/*
 * Scopes as sets of words (RFC 6749, section 3.3).
 */


#ifndef AGW_SCOPE_H_INCLUDED_
#define AGW_SCOPE_H_INCLUDED_


#include "agw.h"


/* the scope of every business token, and of no other */

#define AGW_BUSINESS_ACCESS  "business_access"


/*
 * Takes the next word off *scope, which is a scope by agw_is_scope().
 * Returns 1 and sets *word, or 0 at the end.
 */

int agw_scope_next(agw_str_t *scope, agw_str_t *word);


/* whether scope has that whole word, byte for byte */

int agw_scope_has(agw_str_t scope, agw_str_t word);


#endif /* AGW_SCOPE_H_INCLUDED_ */
