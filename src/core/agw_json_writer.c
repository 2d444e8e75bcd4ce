
/*
 * Nothing is written past the end of the buffer, nor after a failure.
 */


#include "agw_grammar.h"
#include "agw_json_writer.h"


#define AGW_INTEGER_DIGITS  20


static void agw_json_writer_name(agw_json_writer_t *w, const char *name);


void
agw_json_writer_begin(agw_json_writer_t *w, unsigned char *buf, size_t size)
{
    w->p = buf;
    w->last = buf + size;
    w->failed = 0;
    w->member = 0;
}


void
agw_json_writer_copy(agw_json_writer_t *w, agw_str_t bytes)
{
    if (w->failed || bytes.len > (size_t) (w->last - w->p)) {
        w->failed = 1;
        return;
    }

    if (bytes.len != 0) {
        memcpy(w->p, bytes.data, bytes.len);
        w->p += bytes.len;
    }
}


void
agw_json_writer_string(agw_json_writer_t *w, const char *name, agw_str_t value)
{
    static const agw_str_t  quote = agw_string("\"");
    static const agw_str_t  end = agw_string("\",");

    if (value.len == 0) {
        return;
    }

    if (agw_span_plain(value) != value.len) {
        w->failed = 1;
        return;
    }

    agw_json_writer_name(w, name);
    agw_json_writer_copy(w, quote);
    agw_json_writer_copy(w, value);
    agw_json_writer_copy(w, end);

    w->member = 1;
}


void
agw_json_writer_integer(agw_json_writer_t *w, const char *name, int64_t value)
{
    agw_str_t       digits;
    unsigned char   buf[AGW_INTEGER_DIGITS + 1], *p;

    if (value < 0) {
        w->failed = 1;
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

    agw_json_writer_name(w, name);
    agw_json_writer_copy(w, digits);

    w->member = 1;
}


void
agw_json_writer_object(agw_json_writer_t *w, const char *name,
    const char *inner, agw_str_t value)
{
    static const agw_str_t  begin = agw_string("{");
    static const agw_str_t  comma = agw_string(",");

    if (value.len == 0) {
        return;
    }

    agw_json_writer_name(w, name);
    agw_json_writer_copy(w, begin);
    agw_json_writer_string(w, inner, value);

    if (!w->failed) {
        w->p[-1] = '}';
    }

    agw_json_writer_copy(w, comma);
}


int
agw_json_writer_end(agw_json_writer_t *w)
{
    if (w->failed || !w->member) {
        return -1;
    }

    w->p[-1] = '}';

    return 0;
}


static void
agw_json_writer_name(agw_json_writer_t *w, const char *name)
{
    agw_str_t               text;
    static const agw_str_t  quote = agw_string("\"");
    static const agw_str_t  end = agw_string("\":");

    text.data = (const unsigned char *) name;
    text.len = strlen(name);

    agw_json_writer_copy(w, quote);
    agw_json_writer_copy(w, text);
    agw_json_writer_copy(w, end);
}
