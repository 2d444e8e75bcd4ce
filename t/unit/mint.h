
/*
 * Tokens made without the code under test: base64url, HMAC and the joining
 * of segments, from OpenSSL alone, so that a forger's every choice can be
 * signed with the right secret.
 */


#ifndef MINT_H_INCLUDED_
#define MINT_H_INCLUDED_


#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "unit.h"


/* the secrets of the tests: 64 bytes that are no key of any other form */

static inline agw_str_t
mint_secret(int fill)
{
    return unit_fill(fill, 64);
}


/* standard base64, with its padding */

static inline agw_str_t
mint_base64(agw_str_t s)
{
    int             n;
    agw_str_t       text;
    unsigned char  *p;

    /* EVP_EncodeBlock() writes a terminator */

    p = unit_alloc((s.len + 2) / 3 * 4 + 1);

    n = EVP_EncodeBlock(p, s.len == 0 ? p : s.data, (int) s.len);
    assert_true(n >= 0);

    text.len = (size_t) n;
    text.data = p;

    return unit_copy(text);
}


static inline agw_str_t
mint_base64url(agw_str_t s)
{
    size_t          i;
    agw_str_t       text;
    unsigned char  *p;

    text = mint_base64(s);

    while (text.len != 0 && text.data[text.len - 1] == '=') {
        text.len--;
    }

    text = unit_copy(text);
    p = (unsigned char *) text.data;

    for (i = 0; i < text.len; i++) {
        if (p[i] == '+') {
            p[i] = '-';
        }

        if (p[i] == '/') {
            p[i] = '_';
        }
    }

    return text;
}


static inline agw_str_t
mint_hmac(const char *digest, agw_str_t secret, agw_str_t data)
{
    unsigned       n;
    agw_str_t      mac;
    unsigned char  md[EVP_MAX_MD_SIZE];

    assert_non_null(HMAC(EVP_get_digestbyname(digest), secret.data,
        (int) secret.len, data.data, data.len, md, &n));

    mac.len = n;
    mac.data = md;

    return unit_copy(mac);
}


static inline agw_str_t
mint_dot(agw_str_t a, agw_str_t b)
{
    return unit_cat(unit_cat(a, S(".")), b);
}


/* a token from segments as they are: the MAC is right for these very bytes */

static inline agw_str_t
mint_segments(agw_str_t header, agw_str_t payload, agw_str_t secret)
{
    agw_str_t  input;

    input = mint_dot(header, payload);

    return mint_dot(input,
        mint_base64url(mint_hmac("SHA256", secret, input)));
}


static inline agw_str_t
mint_token(agw_str_t header, agw_str_t payload, agw_str_t secret)
{
    return mint_segments(mint_base64url(header), mint_base64url(payload),
        secret);
}


static inline agw_str_t
mint_token_with(const char *digest, agw_str_t header, agw_str_t payload,
    agw_str_t secret)
{
    agw_str_t  input;

    input = mint_dot(mint_base64url(header), mint_base64url(payload));

    return mint_dot(input, mint_base64url(mint_hmac(digest, secret, input)));
}


/* P8.18 nothing is left behind for the next caller of OpenSSL */

static inline void
mint_assert_no_errors(const char *label)
{
    unsigned long  code;

    code = ERR_peek_error();
    ERR_clear_error();

    unit_assert(code == 0, "%s: OpenSSL's queue holds %lx", label, code);
}


#endif /* MINT_H_INCLUDED_ */
