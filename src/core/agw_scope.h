
/*
 * Scopes: sets of words (RFC 6749, section 3.3).
 */


#ifndef AGW_SCOPE_H_INCLUDED_
#define AGW_SCOPE_H_INCLUDED_


#include "agw.h"


/* the scope of every business token, and of no other */

#define AGW_BUSINESS_ACCESS  "business_access"


/*
 * Takes the next word off *scope, a set of words (RFC 6749, section 3.3) that
 * is a scope by agw_is_scope().  Returns 1 and sets *word, or 0 at the end.
 */

int agw_scope_next(agw_str_t *scope, agw_str_t *word);


/* whether word is one of the words of scope, compared byte for byte */

int agw_scope_has(agw_str_t scope, agw_str_t word);


/* whether scope has each of the words; it has those of an empty set */

int agw_scope_has_all(agw_str_t scope, agw_str_t words);


/* which words a token may have */

typedef struct {
    agw_str_t     configured;        /* without business_access */
    agw_str_t     listed;            /* of the partner, in the store */
    unsigned      limited:1;         /* the store has a list; else any word */
    unsigned      business:1;        /* a business token: business_access too */
} agw_scope_limits_t;


/*
 * Whether each word that a request asks for may be granted.  asked is a scope,
 * or empty.
 */

int agw_scope_may_ask(agw_str_t asked, const agw_scope_limits_t *limits);


/*
 * Writes the scope of a business token: business_access, and the configured
 * words that are asked for, or all of them if asked is empty, as far as the
 * list has them.  buf has AGW_SCOPE_GRANT_SIZE(configured.len) bytes.  Returns
 * the length.
 */

#define AGW_SCOPE_GRANT_SIZE(len)   (sizeof(AGW_BUSINESS_ACCESS) + (len))

size_t agw_scope_grant(agw_str_t asked, const agw_scope_limits_t *limits,
    unsigned char *buf);


#endif /* AGW_SCOPE_H_INCLUDED_ */
