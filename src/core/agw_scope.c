
/*
 * Scopes, word by word.
 */


#include "agw_scope.h"


int
agw_scope_next(agw_str_t *scope, agw_str_t *word)
{
    const unsigned char  *space;

    if (scope->len == 0) {
        return 0;
    }

    space = memchr(scope->data, ' ', scope->len);

    if (space == NULL) {
        *word = *scope;
        scope->data += scope->len;
        scope->len = 0;
        return 1;
    }

    word->data = scope->data;
    word->len = (size_t) (space - scope->data);

    scope->len -= word->len + 1;
    scope->data = space + 1;

    return 1;
}


int
agw_scope_has(agw_str_t scope, agw_str_t word)
{
    agw_str_t  next;

    while (agw_scope_next(&scope, &next)) {
        if (agw_str_eq(next, word)) {
            return 1;
        }
    }

    return 0;
}
