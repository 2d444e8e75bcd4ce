
/*
 * Both schemes are a name, spaces, and the rest.
 */


#include "agw_base64.h"
#include "agw_credentials.h"
#include "agw_decoding.h"
#include "agw_grammar.h"


static agw_reason_t agw_scheme_parse(agw_str_t value, agw_str_t scheme,
    agw_str_t *rest);
static int agw_credentials_decode(agw_credentials_t *to,
    const agw_credentials_t *from, unsigned char *buf);


agw_reason_t
agw_bearer_parse(agw_str_t value, agw_str_t *token)
{
    agw_reason_t  reason;

    reason = agw_bearer_split(value, token);
    if (reason != AGW_OK) {
        return reason;
    }

    return agw_is_b64token(*token) ? AGW_OK : AGW_MALFORMED_CREDENTIALS;
}


agw_reason_t
agw_bearer_split(agw_str_t value, agw_str_t *token)
{
    static const agw_str_t  bearer = agw_string("Bearer");
    static const agw_str_t  usual = agw_string("Bearer ");

    /* the spelling of nearly all clients */

    if (agw_str_begins(value, usual)
        && value.len > usual.len && value.data[usual.len] != ' ')
    {
        token->data = value.data + usual.len;
        token->len = value.len - usual.len;

        return AGW_OK;
    }

    return agw_scheme_parse(value, bearer, token);
}


agw_reason_t
agw_basic_parse(agw_str_t value, agw_basic_t *basic, unsigned char *buf)
{
    size_t                   len;
    agw_str_t                text;
    agw_reason_t             reason;
    agw_credentials_t       *raw, *decoded;
    const unsigned char     *colon;
    static const agw_str_t   scheme = agw_string("Basic");

    reason = agw_scheme_parse(value, scheme, &text);
    if (reason != AGW_OK) {
        return reason;
    }


    if (agw_base64_decode(text, buf, &len) != 0) {
        return AGW_MALFORMED_CREDENTIALS;
    }

    text.data = buf;
    text.len = len;

    colon = len ? memchr(buf, ':', len) : NULL;

    if (colon == NULL) {
        return AGW_MALFORMED_CREDENTIALS;
    }

    decoded = &basic->readings[0];
    raw = &basic->readings[1];

    raw->id.data = buf;
    raw->id.len = (size_t) (colon - buf);
    raw->secret.data = colon + 1;
    raw->secret.len = len - raw->id.len - 1;

    basic->nreadings = 2;

    if (agw_credentials_decode(decoded, raw, buf + len) != 0
        || (agw_str_eq(decoded->id, raw->id)
            && agw_str_eq(decoded->secret, raw->secret)))
    {
        *decoded = *raw;
        basic->nreadings = 1;
    }

    /* the raw reading follows, in case they are not form-encoded */

    if (agw_has_control(decoded->id) || agw_has_control(decoded->secret)) {
        return AGW_MALFORMED_CREDENTIALS;
    }

    return AGW_OK;
}


static agw_reason_t
agw_scheme_parse(agw_str_t value, agw_str_t scheme, agw_str_t *rest)
{
    size_t     i;
    agw_str_t  name;

    name.data = value.data;

    for (i = 0; i < value.len && value.data[i] != ' '; i++) { /* void */ }

    name.len = i;

    if (!agw_same_nocase(name, scheme)) {
        return AGW_NO_CREDENTIALS;
    }

    while (i < value.len && value.data[i] == ' ') {
        i++;
    }

    if (i == value.len) {
        return AGW_MALFORMED_CREDENTIALS;
    }

    rest->data = value.data + i;
    rest->len = value.len - i;

    return AGW_OK;
}


/* -1 if a half cannot be form-encoded: then only the raw reading is left */

static int
agw_credentials_decode(agw_credentials_t *to, const agw_credentials_t *from,
    unsigned char *buf)
{
    if (agw_form_decode(from->id, buf, &to->id.len) != 0) {
        return -1;
    }

    to->id.data = buf;
    buf += to->id.len;

    if (agw_form_decode(from->secret, buf, &to->secret.len) != 0) {
        return -1;
    }

    to->secret.data = buf;

    return 0;
}
