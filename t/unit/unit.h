
/*
 * What every unit test shares: cmocka, byte strings whose last byte is the
 * last of a heap block (so that a sanitizer or valgrind sees a read past
 * it), and a generator of pseudo-random numbers that is the same each run.
 */


#ifndef UNIT_H_INCLUDED_
#define UNIT_H_INCLUDED_


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agw.h"


#define S(literal)       ((agw_str_t) agw_string(literal))
#define UNIT_NONE        ((agw_str_t) { 0, NULL })
#define UNIT_COUNT(a)    (sizeof(a) / sizeof((a)[0]))

/* for "%.*s" */

#define UNIT_ARG(s)      (int) (s).len, (const char *) (s).data

#define unit_assert(condition, ...)                                           \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fail_msg(__VA_ARGS__);                                            \
        }                                                                     \
    } while (0)

/* a test whose unit_alloc() blocks are freed after it */

#define unit_case(f)     cmocka_unit_test_teardown(f, unit_free_all)


typedef struct unit_block_s  unit_block_t;

struct unit_block_s {
    unit_block_t  *next;
    void          *data;
};


static unit_block_t  *unit_blocks;


/* a block of exactly len bytes, freed when the test ends */

static inline unsigned char *
unit_alloc(size_t len)
{
    unit_block_t  *block;

    block = malloc(sizeof(unit_block_t));
    assert_non_null(block);

    block->data = malloc(len);
    assert_true(len == 0 || block->data != NULL);

    block->next = unit_blocks;
    unit_blocks = block;

    return block->data;
}


static inline int
unit_free_all(void **state)
{
    unit_block_t  *block;

    (void) state;

    while (unit_blocks != NULL) {
        block = unit_blocks;
        unit_blocks = block->next;
        free(block->data);
        free(block);
    }

    return 0;
}


static inline agw_str_t
unit_copy(agw_str_t s)
{
    agw_str_t       copy;
    unsigned char  *p;

    p = unit_alloc(s.len);

    if (s.len != 0) {
        memcpy(p, s.data, s.len);
    }

    copy.len = s.len;
    copy.data = p;

    return copy;
}


static inline agw_str_t
unit_cat(agw_str_t a, agw_str_t b)
{
    agw_str_t       s;
    unsigned char  *p;

    p = unit_alloc(a.len + b.len);

    if (a.len != 0) {
        memcpy(p, a.data, a.len);
    }

    if (b.len != 0) {
        memcpy(p + a.len, b.data, b.len);
    }

    s.len = a.len + b.len;
    s.data = p;

    return s;
}


static inline agw_str_t
unit_fill(int byte, size_t len)
{
    agw_str_t       s;
    unsigned char  *p;

    p = unit_alloc(len);

    if (len != 0) {
        memset(p, byte, len);
    }

    s.len = len;
    s.data = p;

    return s;
}


/* count copies of s in a row */

static inline agw_str_t
unit_repeat(agw_str_t s, size_t count)
{
    size_t          i;
    agw_str_t       all;
    unsigned char  *p;

    p = unit_alloc(s.len * count);

    for (i = 0; i < count; i++) {
        memcpy(p + i * s.len, s.data, s.len);
    }

    all.len = s.len * count;
    all.data = p;

    return all;
}


__attribute__((format(printf, 1, 2)))
static inline agw_str_t
unit_format(const char *format, ...)
{
    int        n;
    char       text[16384];
    va_list    args;
    agw_str_t  s;

    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    assert_in_range(n, 0, sizeof(text) - 1);

    s.len = (size_t) n;
    s.data = (unsigned char *) text;

    return unit_copy(s);
}


static inline void
unit_assert_str(agw_str_t got, agw_str_t wanted)
{
    unit_assert(agw_str_eq(got, wanted), "got \"%.*s\", wanted \"%.*s\"",
        UNIT_ARG(got), UNIT_ARG(wanted));
}


/* xorshift; the seed is not zero */

static inline uint32_t
unit_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;

    return *seed;
}


#endif /* UNIT_H_INCLUDED_ */
