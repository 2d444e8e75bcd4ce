
#include "agw_scope.h"


static int agw_scope_may_have(agw_str_t word,
    const agw_scope_limits_t *limits);


static const agw_str_t  agw_business_access =
                            agw_string(AGW_BUSINESS_ACCESS);


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


int
agw_scope_has_all(agw_str_t scope, agw_str_t words)
{
    agw_str_t  word;

    while (agw_scope_next(&words, &word)) {
        if (!agw_scope_has(scope, word)) {
            return 0;
        }
    }

    return 1;
}


int
agw_scope_may_ask(agw_str_t asked, const agw_scope_limits_t *limits)
{
    agw_str_t  word;

    while (agw_scope_next(&asked, &word)) {

        if (limits->business && agw_str_eq(word, agw_business_access)) {
            continue;
        }

        if (!agw_scope_may_have(word, limits)) {
            return 0;
        }
    }

    return 1;
}


size_t
agw_scope_grant(agw_str_t asked, const agw_scope_limits_t *limits,
    unsigned char *buf)
{
    agw_str_t       left, word;
    unsigned char  *p;

    p = buf;

    memcpy(p, agw_business_access.data, agw_business_access.len);
    p += agw_business_access.len;

    left = limits->configured;

    while (agw_scope_next(&left, &word)) {

        if ((asked.len && !agw_scope_has(asked, word))
            || !agw_scope_may_have(word, limits))
        {
            continue;
        }

        *p++ = ' ';
        memcpy(p, word.data, word.len);
        p += word.len;
    }

    return (size_t) (p - buf);
}


static int
agw_scope_may_have(agw_str_t word, const agw_scope_limits_t *limits)
{
    return agw_scope_has(limits->configured, word)
           && (!limits->limited || agw_scope_has(limits->listed, word));
}
