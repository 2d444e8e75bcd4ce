
/*
 * One byte after another, but for the content of strings, and for strings that
 * are here as a whole, as nearly all are.  What is refused is what RESP2 does
 * not have, and what no reply that we ask for needs.
 */


#include "agw_resp.h"


#define AGW_RESP_DIGITS_MAX  20
#define AGW_RESP_SHORT       5               /* "$" and four digits */


enum {
    AGW_RESP_TYPE = 0,
    AGW_RESP_TEXT,                   /* of a status or an error */
    AGW_RESP_NUMBER,
    AGW_RESP_LF,                     /* of the line */
    AGW_RESP_STRING,
    AGW_RESP_STRING_CR,
    AGW_RESP_STRING_LF
};


static size_t agw_resp_whole_string(const agw_resp_t *resp, const uint8_t *p,
    size_t n);
static const char *agw_resp_byte(agw_resp_t *resp, uint8_t c,
    size_t *replies);
static const char *agw_resp_type(agw_resp_t *resp, uint8_t c);
static const char *agw_resp_digit(agw_resp_t *resp, uint8_t c);
static const char *agw_resp_line_end(agw_resp_t *resp, size_t *replies);
static const char *agw_resp_array(agw_resp_t *resp, size_t *replies);
static void agw_resp_value_end(agw_resp_t *resp, size_t *replies);


const char *
agw_resp_scan(agw_resp_t *resp, const uint8_t *p, size_t n, size_t *replies)
{
    size_t       len;
    const char  *why;

    if (resp->broken) {
        return "a reply that is malformed";
    }

    while (n) {
        why = NULL;

        if (resp->state == AGW_RESP_STRING) {
            len = n < resp->length ? n : resp->length;
            resp->length -= len;

            if (resp->length == 0) {
                resp->state = AGW_RESP_STRING_CR;
            }

            resp->bytes += len;

        } else {
            len = agw_resp_whole_string(resp, p, n);

            if (len) {
                resp->bytes += len;
                agw_resp_value_end(resp, replies);

            } else {
                len = 1;
                resp->bytes++;
                why = agw_resp_byte(resp, *p, replies);
            }
        }

        if (why == NULL && resp->bytes > AGW_RESP_BYTES_MAX) {
            why = "a reply that is too long";
        }

        if (why) {
            resp->broken = 1;
            return why;
        }

        p += len;
        n -= len;
    }

    return NULL;
}


int
agw_resp_is_inside(const agw_resp_t *resp)
{
    return resp->depth != 0 || resp->state != AGW_RESP_TYPE;
}


/* its bytes, "$<length>CRLF<string>CRLF"; 0: it has to be read by the byte */

static size_t
agw_resp_whole_string(const agw_resp_t *resp, const uint8_t *p, size_t n)
{
    size_t  i, len;

    if (resp->state != AGW_RESP_TYPE || n < sizeof("$0\r\n\r\n") - 1
        || p[0] != '$')
    {
        return 0;
    }

    len = 0;

    for (i = 1; i < AGW_RESP_SHORT && p[i] >= '0' && p[i] <= '9'; i++) {
        len = len * 10 + (p[i] - '0');
    }

    if (i == 1 || n - i < len + 4
        || p[i] != '\r' || p[i + 1] != '\n'
        || p[i + 2 + len] != '\r' || p[i + 3 + len] != '\n'
        || resp->bytes + i + len + 4 > AGW_RESP_BYTES_MAX)
    {
        return 0;
    }

    return i + len + 4;
}


static const char *
agw_resp_byte(agw_resp_t *resp, uint8_t c, size_t *replies)
{
    switch (resp->state) {

    case AGW_RESP_TYPE:
        return agw_resp_type(resp, c);

    case AGW_RESP_TEXT:
        if (c == '\n') {
            return "a line that ends without a carriage return";
        }

        if (c == '\r') {
            resp->state = AGW_RESP_LF;
            return NULL;
        }

        return ++resp->length > AGW_RESP_LINE_MAX ? "a line that is too long"
                                                  : NULL;

    case AGW_RESP_NUMBER:
        return agw_resp_digit(resp, c);

    case AGW_RESP_LF:
        return c == '\n' ? agw_resp_line_end(resp, replies)
                         : "a line that has a carriage return in it";

    case AGW_RESP_STRING_CR:
        resp->state = AGW_RESP_STRING_LF;
        return c == '\r' ? NULL : "a string that is longer than its length";

    default: /* AGW_RESP_STRING_LF */
        if (c != '\n') {
            return "a string that is longer than its length";
        }

        agw_resp_value_end(resp, replies);
        return NULL;
    }
}


static const char *
agw_resp_type(agw_resp_t *resp, uint8_t c)
{
    switch (c) {

    case '+':
    case '-':
        resp->state = AGW_RESP_TEXT;
        break;

    case ':':
    case '$':
    case '*':
        resp->state = AGW_RESP_NUMBER;
        break;

    default:
        return "a reply that is not RESP2";
    }

    resp->type = c;
    resp->length = 0;
    resp->number = 0;
    resp->minus = 0;

    return NULL;
}


/* of a length the value matters, and of an integer only the form */

static const char *
agw_resp_digit(agw_resp_t *resp, uint8_t c)
{
    if (c == '\r') {
        resp->state = AGW_RESP_LF;
        return resp->length > resp->minus ? NULL : "a number without a digit";
    }

    if (c == '-' && resp->length == 0) {
        resp->minus = 1;
        resp->length = 1;
        return NULL;
    }

    if (c < '0' || c > '9' || ++resp->length > AGW_RESP_DIGITS_MAX) {
        return "a number that is malformed";
    }

    if (resp->type == ':') {
        return NULL;
    }

    resp->number = resp->number * 10 + (c - '0');

    if (resp->number > AGW_RESP_BYTES_MAX) {
        return "a reply that is too long";
    }

    return NULL;
}


static const char *
agw_resp_line_end(agw_resp_t *resp, size_t *replies)
{
    if (resp->type != '$' && resp->type != '*') {
        agw_resp_value_end(resp, replies);
        return NULL;
    }

    if (resp->minus) {
        if (resp->number != 1) {
            return "a negative length";
        }

        agw_resp_value_end(resp, replies);
        return NULL;
    }

    if (resp->type == '*') {
        return agw_resp_array(resp, replies);
    }

    resp->length = resp->number;
    resp->state = resp->length ? AGW_RESP_STRING : AGW_RESP_STRING_CR;

    if (resp->number > AGW_RESP_BYTES_MAX - resp->bytes) {
        return "a reply that is too long";
    }

    return NULL;
}


static const char *
agw_resp_array(agw_resp_t *resp, size_t *replies)
{
    if (resp->number == 0) {
        agw_resp_value_end(resp, replies);
        return NULL;
    }

    if (resp->number > AGW_RESP_ELEMENTS_MAX - resp->elements) {
        return "a reply with too many elements";
    }

    if (resp->depth == AGW_RESP_DEPTH_MAX) {
        return "a reply that is nested too deep";
    }

    resp->elements += resp->number;
    resp->left[resp->depth++] = resp->number;
    resp->state = AGW_RESP_TYPE;

    return NULL;
}


/* the end of a value is that of each array whose last element it is */

static void
agw_resp_value_end(agw_resp_t *resp, size_t *replies)
{
    resp->state = AGW_RESP_TYPE;

    while (resp->depth) {
        if (--resp->left[resp->depth - 1]) {
            return;
        }

        resp->depth--;
    }

    resp->bytes = 0;
    resp->elements = 0;
    (*replies)++;
}
