
/*
 * Nothing is written past the room, and nothing at all once it failed.
 */


#include "agw_grammar.h"
#include "agw_json_text.h"


#define AGW_INTEGER_DIGITS  20


static void agw_json_text_name(agw_json_text_t *t, const char *name);


void
agw_json_text_begin(agw_json_text_t *t, unsigned char *buf, size_t size)
{
    t->p = buf;
    t->last = buf + size;
    t->failed = 0;
    t->member = 0;
}


void
agw_json_text_copy(agw_json_text_t *t, agw_str_t bytes)
{
    if (t->failed || bytes.len > (size_t) (t->last - t->p)) {
        t->failed = 1;
        return;
    }

    if (bytes.len != 0) {
        memcpy(t->p, bytes.data, bytes.len);
        t->p += bytes.len;
    }
}


void
agw_json_text_string(agw_json_text_t *t, const char *name, agw_str_t value)
{
    static const agw_str_t  quote = agw_string("\"");
    static const agw_str_t  end = agw_string("\",");

    if (value.len == 0) {
        return;
    }

    if (agw_plain(value) != value.len) {
        t->failed = 1;
        return;
    }

    agw_json_text_name(t, name);
    agw_json_text_copy(t, quote);
    agw_json_text_copy(t, value);
    agw_json_text_copy(t, end);

    t->member = 1;
}


void
agw_json_text_integer(agw_json_text_t *t, const char *name, int64_t value)
{
    agw_str_t       digits;
    unsigned char   buf[AGW_INTEGER_DIGITS + 1], *p;

    if (value < 0) {
        t->failed = 1;
        return;
    }

    p = buf + sizeof(buf);
    *--p = ',';

    do {
        *--p = (unsigned char) ('0' + value % 10);
        value /= 10;
    } while (value != 0);

    digits.data = p;
    digits.len = (size_t) (buf + sizeof(buf) - p);

    agw_json_text_name(t, name);
    agw_json_text_copy(t, digits);

    t->member = 1;
}


int
agw_json_text_end(agw_json_text_t *t)
{
    if (t->failed || !t->member) {
        return -1;
    }

    t->p[-1] = '}';

    return 0;
}


static void
agw_json_text_name(agw_json_text_t *t, const char *name)
{
    agw_str_t               text;
    static const agw_str_t  quote = agw_string("\"");
    static const agw_str_t  end = agw_string("\":");

    text.data = (const unsigned char *) name;
    text.len = strlen(name);

    agw_json_text_copy(t, quote);
    agw_json_text_copy(t, text);
    agw_json_text_copy(t, end);
}
