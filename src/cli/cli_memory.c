
/*
 * One allocator for all libraries: what they free is wiped, so that no copy
 * of a token or of a key outlives its use.
 */


#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/crypto.h>

#include "agw_json.h"

#include "cli_memory.h"
#include "cli_options.h"


/* bytes of the stack that a request uses, and more */

#define CLI_MEMORY_STACK  131072


static void *cli_memory_malloc(size_t size);
static void *cli_memory_calloc(size_t count, size_t size);
static void *cli_memory_realloc(void *p, size_t size);
static char *cli_memory_strdup(const char *text);
static void *cli_memory_openssl_malloc(size_t size, const char *file, int line);
static void *cli_memory_openssl_realloc(void *p, size_t size, const char *file,
    int line);
static void cli_memory_openssl_free(void *p, const char *file, int line);
static void cli_memory_out(void) __attribute__((noreturn));


int
cli_memory_init(void)
{
    json_set_alloc_funcs(cli_alloc, cli_free);

    if (CRYPTO_set_mem_functions(cli_memory_openssl_malloc,
                                 cli_memory_openssl_realloc,
                                 cli_memory_openssl_free) != 1)
    {
        return -1;
    }

    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, cli_memory_malloc,
                                cli_free, cli_memory_realloc,
                                cli_memory_strdup, cli_memory_calloc)
           == CURLE_OK ? 0 : -1;
}


/* functions that are called with each size use the registers of that size */

__attribute__((noinline)) void
cli_memory_scrub(void)
{
    volatile size_t  size;
    volatile char   *p;
    char             stack[CLI_MEMORY_STACK];

    OPENSSL_cleanse(stack, sizeof(stack));
    p = stack;

    for (size = 1; size <= CLI_MEMORY_STACK / 2; size *= 2) {
        memmove((char *) p, (char *) p + size, size);
        memmove((char *) p + size / 2, (char *) p, size);
        p[0] = (char) memcmp((char *) p, (char *) p + size, size);
        p[0] = memchr((char *) p, 1, size) != NULL;
        memset((char *) p, 'a', size);
        p[size] = '\0';
        p[0] = (char) (strlen((char *) p) + strspn((char *) p, "abc")
                       + strcspn((char *) p, "xyz"));
        OPENSSL_cleanse(stack, sizeof(stack));
    }
}


void *
cli_alloc(size_t size)
{
    void  *p;

    p = cli_memory_malloc(size ? size : 1);

    if (p == NULL) {
        cli_memory_out();
    }

    return p;
}


void *
cli_realloc(void *p, size_t size)
{
    p = cli_memory_realloc(p, size ? size : 1);

    if (p == NULL) {
        cli_memory_out();
    }

    return p;
}


json_t *
cli_json(agw_str_t text)
{
    json_t      *json;
    const char  *fault;

    json = agw_json_object(text, &fault);

    if (json == NULL && fault == agw_json_no_memory) {
        cli_memory_out();
    }

    return json;
}


void
cli_free(void *p)
{
    if (p != NULL) {
        OPENSSL_cleanse(p, malloc_usable_size(p));
        free(p);
    }
}


char *
cli_strdup(const char *text)
{
    size_t   len;
    char    *p;

    len = strlen(text) + 1;
    p = cli_alloc(len);
    memcpy(p, text, len);

    return p;
}


char *
cli_printf(const char *format, ...)
{
    char     *p;
    va_list   args;

    va_start(args, format);
    p = cli_vprintf(format, args);
    va_end(args);

    return p;
}


char *
cli_vprintf(const char *format, va_list args)
{
    int       n;
    char     *p;
    va_list   again;

    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, args);

    p = cli_alloc(n < 0 ? 1 : (size_t) n + 1);
    p[0] = '\0';

    if (n > 0) {
        vsnprintf(p, (size_t) n + 1, format, again);
    }

    va_end(again);

    return p;
}


void
cli_buf_add(cli_buf_t *buf, const void *data, size_t len)
{
    if (buf->size - buf->len <= len) {
        buf->size = 2 * (buf->len + len) + 64;
        buf->data = cli_realloc(buf->data, buf->size);
    }

    if (len > 0) {
        memcpy(buf->data + buf->len, data, len);
        buf->len += len;
    }

    buf->data[buf->len] = '\0';
}


void
cli_buf_str(cli_buf_t *buf, const char *text)
{
    cli_buf_add(buf, text, strlen(text));
}


void
cli_buf_fill(cli_buf_t *buf, char c, size_t count)
{
    while (count-- > 0) {
        cli_buf_add(buf, &c, 1);
    }
}


void
cli_buf_free(cli_buf_t *buf)
{
    cli_free(buf->data);
    memset(buf, 0, sizeof(cli_buf_t));
}


static void *
cli_memory_malloc(size_t size)
{
    return malloc(size);
}


static void *
cli_memory_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}


/* realloc() itself would leave what it moves behind */

static void *
cli_memory_realloc(void *p, size_t size)
{
    void    *new;
    size_t   old;

    new = malloc(size);

    if (new == NULL || p == NULL) {
        return new;
    }

    old = malloc_usable_size(p);
    memcpy(new, p, old < size ? old : size);
    cli_free(p);

    return new;
}


static char *
cli_memory_strdup(const char *text)
{
    return strdup(text);
}


static void *
cli_memory_openssl_malloc(size_t size, const char *file, int line)
{
    (void) file;
    (void) line;

    return malloc(size);
}


static void *
cli_memory_openssl_realloc(void *p, size_t size, const char *file, int line)
{
    (void) file;
    (void) line;

    if (size == 0) {
        cli_free(p);
        return NULL;
    }

    return cli_memory_realloc(p, size);
}


static void
cli_memory_openssl_free(void *p, const char *file, int line)
{
    (void) file;
    (void) line;

    cli_free(p);
}


static void
cli_memory_out(void)
{
    fputs("auth-gateway: there is no memory\n", stderr);
    exit(CLI_EXIT_REFUSED);
}
