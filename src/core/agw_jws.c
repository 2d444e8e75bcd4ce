
/*
 * Three segments, each read once, in the order of design: size, structure,
 * key, algorithm, signature.  Nothing of the payload is decoded before the
 * signature holds.
 */


#include <jansson.h>

#include "agw_base64.h"
#include "agw_json.h"
#include "agw_jws.h"


#define AGW_HEADER_MAX  (AGW_KID_MAX * 6 + 64)


static int agw_jws_split(agw_str_t token, agw_str_t segment[3]);
static agw_reason_t agw_jws_header(agw_jws_t *jws,
    const agw_keyring_t *ring, agw_str_t text);
static size_t agw_jws_write_header(const agw_key_t *key, char *buf,
    size_t size);


agw_reason_t
agw_jws_verify(agw_jws_t *jws, const agw_keyring_t *ring, agw_str_t token,
    unsigned char *buf)
{
    size_t         len;
    agw_str_t      segment[3], header, signing_input, sig;
    agw_reason_t   reason;
    unsigned char  sig_buf[AGW_BASE64_DECODED(AGW_BASE64URL_SIZE(
                               AGW_SIG_MAX)) + 1];

    jws->key = NULL;
    jws->payload.len = 0;
    jws->payload.data = buf;

    if (token.len > AGW_TOKEN_MAX || agw_jws_split(token, segment) != 0) {
        return AGW_MALFORMED_TOKEN;
    }

    if (agw_base64url_decode(segment[0], buf, &len) != 0) {
        return AGW_MALFORMED_TOKEN;
    }

    header.data = buf;
    header.len = len;

    reason = agw_jws_header(jws, ring, header);
    if (reason != AGW_OK) {
        return reason;
    }

    if (segment[2].len > AGW_BASE64URL_SIZE(AGW_SIG_MAX)) {
        return AGW_BAD_SIGNATURE;
    }

    if (agw_base64url_decode(segment[2], sig_buf, &len) != 0) {
        return AGW_MALFORMED_TOKEN;
    }

    sig.data = sig_buf;
    sig.len = len;

    signing_input.data = token.data;
    signing_input.len = segment[0].len + 1 + segment[1].len;

    if (agw_key_verify(jws->key, signing_input, sig) != 0) {
        return AGW_BAD_SIGNATURE;
    }

    if (agw_base64url_decode(segment[1], buf, &len) != 0) {
        return AGW_MALFORMED_TOKEN;
    }

    jws->payload.len = len;

    return AGW_OK;
}


size_t
agw_jws_size(const agw_key_t *key, size_t payload_len)
{
    (void) key;                      /* every header and signature fits */

    return AGW_BASE64URL_SIZE(AGW_HEADER_MAX) + 1
           + AGW_BASE64URL_SIZE(payload_len) + 1
           + AGW_BASE64URL_SIZE(AGW_SIG_MAX);
}


int
agw_jws_sign(const agw_key_t *key, agw_str_t payload, unsigned char *out,
    size_t *len)
{
    char           header[AGW_HEADER_MAX];
    size_t         n, sig_len;
    agw_str_t      s;
    unsigned char  sig[AGW_SIG_MAX];

    s.data = (const unsigned char *) header;
    s.len = agw_jws_write_header(key, header, sizeof(header));

    if (s.len == 0) {
        return -1;
    }

    n = agw_base64url_encode(s, out);
    out[n++] = '.';
    n += agw_base64url_encode(payload, out + n);

    s.data = out;
    s.len = n;

    if (agw_key_sign(key, s, sig, &sig_len) != 0) {
        return -1;
    }

    s.data = sig;
    s.len = sig_len;

    out[n++] = '.';
    n += agw_base64url_encode(s, out + n);

    *len = n;

    return 0;
}


/* exactly three segments, none empty */

static int
agw_jws_split(agw_str_t token, agw_str_t segment[3])
{
    size_t                i, left;
    const unsigned char  *p, *dot;

    p = token.data;
    left = token.len;

    for (i = 0; i < 3; i++) {
        dot = left ? memchr(p, '.', left) : NULL;

        if ((i < 2) != (dot != NULL)) {
            return -1;
        }

        segment[i].data = p;
        segment[i].len = dot ? (size_t) (dot - p) : left;

        if (segment[i].len == 0) {
            return -1;
        }

        if (dot != NULL) {
            left -= segment[i].len + 1;
            p = dot + 1;
        }
    }

    return 0;
}


/*
 * Members that would choose a key or an algorithm for us (jwk, jku, x5u,
 * x5c) are not looked at (RFC 8725, section 3.10).  crit is refused whole:
 * no extension is understood (RFC 7515, section 4.1.11); and so is b64, with
 * which the payload would not be base64url (RFC 7797).
 */

static agw_reason_t
agw_jws_header(agw_jws_t *jws, const agw_keyring_t *ring, agw_str_t text)
{
    int                      has_kid;
    json_t                  *header;
    agw_str_t                alg, typ, kid;
    agw_reason_t             reason;
    static const agw_str_t   jwt = agw_string("JWT");

    header = agw_json_object(text);
    if (header == NULL) {
        return AGW_MALFORMED_TOKEN;
    }

    reason = AGW_MALFORMED_TOKEN;
    typ = jwt;

    has_kid = agw_json_string(header, "kid", &kid);

    if (agw_json_string(header, "alg", &alg) != 1
        || agw_json_string(header, "typ", &typ) == -1
        || !agw_str_eq(typ, jwt)
        || has_kid == -1
        || json_object_get(header, "crit") != NULL
        || json_object_get(header, "b64") != NULL)
    {
        goto done;
    }

    jws->key = agw_keyring_find(ring, has_kid ? &kid : NULL);

    if (jws->key == NULL) {
        reason = AGW_UNKNOWN_KEY;

    } else if (!agw_str_eq(agw_key_alg(jws->key)->name, alg)) {
        reason = AGW_ALGORITHM_MISMATCH;

    } else {
        reason = AGW_OK;
    }

done:

    json_decref(header);

    return reason;
}


/* returns the length, or 0 where it does not fit or memory ran out */

static size_t
agw_jws_write_header(const agw_key_t *key, char *buf, size_t size)
{
    size_t      len;
    json_t     *header;
    agw_str_t   alg, kid;

    alg = agw_key_alg(key)->name;
    kid = agw_key_kid(key);

    header = json_pack("{s:s%, s:s, s:s%}",
                       "alg", alg.data, alg.len,
                       "typ", "JWT",
                       "kid", kid.data, kid.len);
    if (header == NULL) {
        return 0;
    }

    len = json_dumpb(header, buf, size, JSON_COMPACT);

    json_decref(header);

    return len <= size ? len : 0;
}
