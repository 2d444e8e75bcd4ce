
/*
 * Memory that is wiped when it is given back, whoever allocates it, and a
 * buffer that grows.
 */


#ifndef CLI_MEMORY_H_INCLUDED_
#define CLI_MEMORY_H_INCLUDED_


#include <stdarg.h>
#include <stddef.h>

#include <jansson.h>

#include "agw.h"


/*
 * jansson, OpenSSL and libcurl allocate from here afterwards.  Called first,
 * before any of them has allocated.  Returns 0, or -1.
 */

int cli_memory_init(void);


/*
 * Overwrites the stack below the caller, and the vector registers, in which
 * memcpy() and its like leave what they moved.  For the end of a secret.
 */

void cli_memory_scrub(void);


/* as those of libc; without memory the program ends with a message */

void *cli_alloc(size_t size);
void *cli_realloc(void *p, size_t size);
char *cli_strdup(const char *text);
char *cli_printf(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
char *cli_vprintf(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));

/* agw_json_object(), likewise */

json_t *cli_json(agw_str_t text);

/* wipes; NULL is allowed */

void cli_free(void *p);


/* zeroed before its first use; data has a NUL behind len once it is not NULL */

typedef struct {
    char    *data;
    size_t   len;
    size_t   size;
} cli_buf_t;

void cli_buf_add(cli_buf_t *buf, const void *data, size_t len);
void cli_buf_str(cli_buf_t *buf, const char *text);
void cli_buf_fill(cli_buf_t *buf, char c, size_t count);

/* empties it; the memory is wiped, and freed */

void cli_buf_free(cli_buf_t *buf);


#endif /* CLI_MEMORY_H_INCLUDED_ */
