
/*
 * jansson, with the bounds that it does not set: depth, and one object.
 */


#include <stdlib.h>

#include <openssl/crypto.h>

#include "agw_json.h"


/* a token of so many bytes may not fit into the first buffer of jansson, 16 */

#define AGW_JSON_TOKEN   14


/* precedes each allocation: its size, aligned for any type */

typedef union {
    size_t       size;
    max_align_t  align;
} agw_json_head_t;


/*
 * Of a text: how deep arrays and objects are in it, and how long the longest
 * token that is no whole string
 */

typedef struct {
    size_t  depth;
    size_t  token;
} agw_json_shape_t;


static json_t *agw_json_load_measured(agw_str_t text, size_t token,
    size_t flags, json_error_t *error);
static json_t *agw_json_load_second(agw_str_t text, size_t token,
    size_t flags, json_error_t *error);
static void agw_json_fail(json_error_t *error, enum json_error_code code);
static void agw_json_reading_begin(agw_json_allocator_t *former);
static int agw_json_reading_end(const agw_json_allocator_t *former);
static void *agw_json_reading_malloc(size_t size);
static void *agw_json_wiping_reading_malloc(size_t size);
static void *agw_json_or_none(void *p);
static void *agw_json_none(size_t size);
static void agw_json_name(const char *said, unsigned char *buf,
    agw_str_t *member);
static const char *agw_json_fault(enum json_error_code code);
static void agw_json_measure(agw_str_t text, agw_json_shape_t *shape);
static void agw_json_token(agw_json_shape_t *shape, size_t len);
static size_t agw_json_string_end(agw_str_t text, size_t i);


const char  agw_json_no_memory[] = "no memory to read it";


json_t *
agw_json_object(agw_str_t text, const char **fault)
{
    agw_str_t      member;
    unsigned char  buf[AGW_JSON_NAME_SIZE];

    return agw_json_object_naming(text, fault, buf, &member);
}


json_t *
agw_json_object_naming(agw_str_t text, const char **fault, unsigned char *buf,
    agw_str_t *member)
{
    json_t            *json;
    json_error_t       error;
    agw_json_shape_t   shape;

    member->len = 0;
    member->data = buf;

    /* jansson ignores a NUL after a number */

    if (text.len == 0 || memchr(text.data, '\0', text.len) != NULL) {
        *fault = text.len ? "a NUL character" : "not JSON";
        return NULL;
    }

    /* jansson's own limit is in the thousands, and fixed when it is built */

    agw_json_measure(text, &shape);

    if (shape.depth > AGW_JSON_DEPTH_MAX) {
        *fault = "nested too deep";
        return NULL;
    }

    json = agw_json_load_measured(text, shape.token, JSON_REJECT_DUPLICATES,
                                  &error);

    if (json == NULL) {
        *fault = agw_json_fault(json_error_code(&error));

        if (json_error_code(&error) == json_error_duplicate_key) {
            agw_json_name(error.text, buf, member);
        }

        return NULL;
    }

    if (!json_is_object(json)) {
        json_decref(json);
        *fault = "not a JSON object";
        return NULL;
    }

    return json;
}


/*
 * jansson appends each byte of a token to a buffer, and does not look whether
 * that has failed: it goes on without the byte.  A string is another one then,
 * a lost quotation mark is looked for beyond the buffer, and of what is no
 * string, or has a control character, a lost end stops the process, by an
 * assertion.
 *
 * So once an allocation has failed, all do: a string that lacks a byte cannot
 * be returned, since that takes another one.  And before a text with a long
 * token of the last kind there is a string that makes the buffer large enough.
 */

json_t *
agw_json_load(agw_str_t text, size_t flags, json_error_t *error)
{
    agw_json_shape_t  shape;

    agw_json_measure(text, &shape);

    return agw_json_load_measured(text, shape.token, flags, error);
}


static json_t *
agw_json_load_measured(agw_str_t text, size_t token, size_t flags,
    json_error_t *error)
{
    int                    failed;
    json_t                *json;
    agw_json_allocator_t   former;

    agw_json_reading_begin(&former);

    json = token < AGW_JSON_TOKEN
           ? json_loadb((const char *) text.data, text.len, flags, error)
           : agw_json_load_second(text, token, flags, error);

    failed = agw_json_reading_end(&former);

    if (failed) {
        json_decref(json);
        json = NULL;

        agw_json_fail(error, json_error_out_of_memory);
    }

    return json;
}


/* the second value of an array, ["xxxx",<text>] */

static json_t *
agw_json_load_second(agw_str_t text, size_t token, size_t flags,
    json_error_t *error)
{
    char    *buf, *p;
    size_t   size;
    json_t  *array, *json;

    size = sizeof("[\"\",]") - 1 + token + text.len;

    buf = agw_json_or_none(malloc(size));
    if (buf == NULL) {
        return NULL;
    }

    p = buf;
    *p++ = '[';
    *p++ = '"';
    memset(p, 'x', token);
    p += token;
    *p++ = '"';
    *p++ = ',';
    memcpy(p, text.data, text.len);
    p[text.len] = ']';

    array = json_loadb(buf, size, flags, error);

    OPENSSL_cleanse(buf, size);
    free(buf);

    if (array == NULL) {
        return NULL;
    }

    json = json_array_size(array) == 2 ? json_array_get(array, 1) : NULL;

    if (!json_is_object(json) && !json_is_array(json)
        && !(flags & JSON_DECODE_ANY))
    {
        json = NULL;
    }

    if (json == NULL) {
        agw_json_fail(error, json_error_invalid_syntax);
    }

    json_incref(json);
    json_decref(array);

    return json;
}


/* where json_error_code() finds it */

static void
agw_json_fail(json_error_t *error, enum json_error_code code)
{
    error->text[JSON_ERROR_TEXT_LENGTH - 1] = (char) code;
}


/*
 * When an allocation fails, another allocator takes the place of the one that
 * failed, and is found there: jansson has no argument for such a state, and
 * here is no variable.
 */

static void
agw_json_reading_begin(agw_json_allocator_t *former)
{
    json_get_alloc_funcs(&former->malloc_fn, &former->free_fn);

    json_set_alloc_funcs(former->free_fn == agw_json_wiping_free
                         ? agw_json_wiping_reading_malloc
                         : agw_json_reading_malloc, former->free_fn);
}


static int
agw_json_reading_end(const agw_json_allocator_t *former)
{
    agw_json_allocator_t  last;

    json_get_alloc_funcs(&last.malloc_fn, &last.free_fn);
    json_set_alloc_funcs(former->malloc_fn, former->free_fn);

    return last.malloc_fn == agw_json_none;
}


static void *
agw_json_reading_malloc(size_t size)
{
    return agw_json_or_none(malloc(size));
}


static void *
agw_json_wiping_reading_malloc(size_t size)
{
    return agw_json_or_none(agw_json_wiping_malloc(size));
}


static void *
agw_json_or_none(void *p)
{
    agw_json_allocator_t  now;

    if (p == NULL) {
        json_get_alloc_funcs(&now.malloc_fn, &now.free_fn);
        json_set_alloc_funcs(agw_json_none, now.free_fn);
    }

    return p;
}


static void *
agw_json_none(size_t size)
{
    (void) size;

    return NULL;
}


/* jansson says: duplicate object key near '"name"' */

static void
agw_json_name(const char *said, unsigned char *buf, agw_str_t *member)
{
    size_t       len;
    const char  *begin;

    begin = strstr(said, "near '\"");

    if (begin == NULL) {
        return;
    }

    begin += sizeof("near '\"") - 1;

    len = strspn(begin, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        "0123456789_-");

    if (len <= AGW_JSON_NAME_SIZE && begin[len] == '"') {
        memcpy(buf, begin, len);
        member->len = len;
    }
}


static const char *
agw_json_fault(enum json_error_code code)
{
    switch (code) {

    case json_error_out_of_memory:
        return agw_json_no_memory;

    case json_error_duplicate_key:
        return "a repeated member";

    case json_error_numeric_overflow:
        return "a number out of range";

    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a NUL character";

    case json_error_invalid_utf8:
        return "not UTF-8";

    default:
        return "not JSON";
    }
}


void
agw_json_wiping_begin(agw_json_allocator_t *former)
{
    json_get_alloc_funcs(&former->malloc_fn, &former->free_fn);

    if (former->free_fn != agw_json_wiping_free) {
        json_set_alloc_funcs(agw_json_wiping_malloc, agw_json_wiping_free);
    }
}


void
agw_json_wiping_end(const agw_json_allocator_t *former)
{
    json_set_alloc_funcs(former->malloc_fn, former->free_fn);
}


int
agw_json_string(const json_t *object, const char *name, agw_str_t *out)
{
    json_t  *value;

    value = json_object_get(object, name);

    if (value == NULL) {
        return 0;
    }

    if (!json_is_string(value)) {
        return -1;
    }

    out->data = (const unsigned char *) json_string_value(value);
    out->len = json_string_length(value);

    return 1;
}


int
agw_json_time(const json_t *object, const char *name, int64_t *out)
{
    json_t      *value;
    json_int_t   n;

    value = json_object_get(object, name);

    if (value == NULL) {
        return 0;
    }

    if (!json_is_integer(value)) {
        return -1;
    }

    n = json_integer_value(value);

    if (n < 0 || n > AGW_TIME_MAX) {
        return AGW_JSON_RANGE;
    }

    *out = n;

    return 1;
}


/* of what is no JSON, at least as far as jansson reads it */

static void
agw_json_measure(agw_str_t text, agw_json_shape_t *shape)
{
    size_t  i, begin, depth;

    shape->depth = 0;
    shape->token = 0;

    begin = 0;
    depth = 0;

    for (i = 0; i < text.len; i++) {

        switch (text.data[i]) {

        case '"':
            agw_json_token(shape, i - begin);

            begin = i;
            i = agw_json_string_end(text, i);

            if (i != text.len && text.data[i] == '"') {
                begin = i + 1;
            }

            continue;

        case '{':
        case '[':
            if (++depth > shape->depth) {
                shape->depth = depth;
            }

            break;

        case '}':
        case ']':
            if (depth > 0) {
                depth--;
            }

            break;

        case ',':
        case ':':
        case ' ':
        case '\t':
        case '\r':
        case '\n':
            break;

        default:
            continue;
        }

        agw_json_token(shape, i - begin);

        begin = i + 1;
    }

    agw_json_token(shape, text.len - begin);
}


static void
agw_json_token(agw_json_shape_t *shape, size_t len)
{
    if (len > shape->token) {
        shape->token = len;
    }
}


/*
 * Where a string ends that begins at i: at its quotation mark, or else at a
 * control character, where jansson ends too, or at the end of the text.
 */

static size_t
agw_json_string_end(agw_str_t text, size_t i)
{
    for (i++; i < text.len; i++) {

        if (text.data[i] == '"' || text.data[i] < 0x20) {
            return i;
        }

        if (text.data[i] == '\\') {
            i++;
        }
    }

    return text.len;
}


void *
agw_json_wiping_malloc(size_t size)
{
    agw_json_head_t  *head;

    head = malloc(sizeof(agw_json_head_t) + size);
    if (head == NULL) {
        return NULL;
    }

    head->size = size;

    return head + 1;
}


void
agw_json_wiping_free(void *p)
{
    agw_json_head_t  *head;

    if (p == NULL) {
        return;
    }

    head = (agw_json_head_t *) p - 1;

    OPENSSL_cleanse(p, head->size);
    free(head);
}
