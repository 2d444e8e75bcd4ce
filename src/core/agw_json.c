
/*
 * jansson, with the bounds that it does not set: depth, and one object.
 */


#include <stdlib.h>

#include <openssl/crypto.h>

#include "agw_json.h"


/* precedes each allocation: its size, aligned for any type */

typedef union {
    size_t       size;
    max_align_t  align;
} agw_json_head_t;


static void agw_json_name(const char *said, unsigned char *buf,
    agw_str_t *member);
static const char *agw_json_fault(enum json_error_code code);
static int agw_json_shallow(agw_str_t text);


json_t *
agw_json_object(agw_str_t text)
{
    const char  *fault;

    return agw_json_object_or(text, &fault);
}


json_t *
agw_json_object_or(agw_str_t text, const char **fault)
{
    agw_str_t      member;
    unsigned char  buf[AGW_JSON_NAME_SIZE];

    return agw_json_object_naming(text, fault, buf, &member);
}


json_t *
agw_json_object_naming(agw_str_t text, const char **fault, unsigned char *buf,
    agw_str_t *member)
{
    json_t        *json;
    json_error_t   error;

    member->len = 0;
    member->data = buf;

    /* jansson ignores a NUL after a number */

    if (text.len == 0 || memchr(text.data, '\0', text.len) != NULL) {
        *fault = text.len ? "a NUL character" : "not JSON";
        return NULL;
    }

    if (!agw_json_shallow(text)) {
        *fault = "nested too deep";
        return NULL;
    }

    json = json_loadb((const char *) text.data, text.len,
                      JSON_REJECT_DUPLICATES, &error);

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


/*
 * Counts brackets outside strings before jansson recurses, since jansson's own
 * limit is fixed when it is built, and is in the thousands.
 */

static int
agw_json_shallow(agw_str_t text)
{
    int       quoted;
    size_t    i;
    unsigned  depth;

    depth = 0;
    quoted = 0;

    for (i = 0; i < text.len; i++) {

        if (quoted) {
            if (text.data[i] == '\\') {
                i++;

            } else if (text.data[i] == '"') {
                quoted = 0;
            }

            continue;
        }

        switch (text.data[i]) {

        case '"':
            quoted = 1;
            break;

        case '{':
        case '[':
            if (++depth > AGW_JSON_DEPTH_MAX) {
                return 0;
            }

            break;

        case '}':
        case ']':
            if (depth > 0) {
                depth--;
            }

            break;
        }
    }

    return 1;
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
