
/*
 * Three segments, each read once, in the order of design: size, structure,
 * key, algorithm, signature.  Nothing of the payload is decoded before the
 * signature holds.
 */


#include <jansson.h>

#include "agw_base64.h"
#include "agw_json.h"
#include "agw_jws.h"


static int agw_jws_split(agw_str_t token, agw_str_t segment[3]);
static agw_reason_t agw_jws_read_header(agw_jws_t *jws,
    const agw_keyring_t *ring, agw_str_t segment, unsigned char *buf);
static int agw_jws_is_typ(agw_str_t typ, const agw_key_t *key);


agw_reason_t
agw_jws_verify(agw_jws_t *jws, const agw_keyring_t *ring, agw_str_t token,
    unsigned char *buf)
{
    size_t         len;
    agw_str_t      segment[3], signing_input, sig;
    agw_reason_t   reason;
    unsigned char  sig_buf[AGW_BASE64_DECODED(AGW_BASE64URL_SIZE(
                               AGW_SIG_MAX)) + 1];

    jws->key = NULL;
    jws->payload.len = 0;
    jws->payload.data = buf;

    if (token.len > AGW_TOKEN_MAX || agw_jws_split(token, segment) != 0) {
        return AGW_MALFORMED_TOKEN;
    }

    /* the bytes of our own headers are known, and need no reading */

    jws->key = agw_keyring_find_header(ring, segment[0]);

    if (jws->key == NULL) {
        reason = agw_jws_read_header(jws, ring, segment[0], buf);

        if (reason != AGW_OK) {
            return reason;
        }
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


int
agw_jws_payload(agw_str_t token, unsigned char *buf, agw_str_t *payload)
{
    agw_str_t  segment[3];

    if (token.len > AGW_TOKEN_MAX || agw_jws_split(token, segment) != 0) {
        return -1;
    }

    payload->data = buf;

    return agw_base64url_decode(segment[1], buf, &payload->len);
}


size_t
agw_jws_size(const agw_key_t *key, size_t payload_len)
{
    return agw_key_header(key).len + 1
           + AGW_BASE64URL_SIZE(payload_len) + 1
           + AGW_BASE64URL_SIZE(agw_key_sig_size(key));
}


int
agw_jws_sign(const agw_key_t *key, agw_str_t payload, unsigned char *out,
    size_t *len)
{
    size_t         n, sig_len;
    agw_str_t      s;
    unsigned char  sig[AGW_SIG_MAX];

    s = agw_key_header(key);

    memcpy(out, s.data, s.len);
    n = s.len;

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


/* exactly three segments; the payload alone may be empty */

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

        if (segment[i].len == 0 && i != 1) {
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
agw_jws_read_header(agw_jws_t *jws, const agw_keyring_t *ring,
    agw_str_t segment, unsigned char *buf)
{
    int            has_typ, has_kid;
    json_t        *header;
    agw_str_t      text, alg, typ, kid;
    agw_reason_t   reason;

    text.data = buf;

    if (agw_base64url_decode(segment, buf, &text.len) != 0) {
        return AGW_MALFORMED_TOKEN;
    }

    header = agw_json_object(text);
    if (header == NULL) {
        return AGW_MALFORMED_TOKEN;
    }

    reason = AGW_MALFORMED_TOKEN;

    has_typ = agw_json_string(header, "typ", &typ);
    has_kid = agw_json_string(header, "kid", &kid);

    if (agw_json_string(header, "alg", &alg) != 1
        || has_typ == -1
        || has_kid == -1
        || json_object_get(header, "crit") != NULL
        || json_object_get(header, "b64") != NULL)
    {
        goto done;
    }

    jws->key = has_kid ? agw_keyring_find(ring, kid)
               : agw_keyring_count(ring) == 1 ? agw_keyring_key(ring, 0) : NULL;

    if (has_typ && !agw_jws_is_typ(typ, jws->key)) {
        goto done;
    }

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


/*
 * RFC 8725, section 3.11.  Another issuer may follow RFC 9068, section 2.1.
 */

static int
agw_jws_is_typ(agw_str_t typ, const agw_key_t *key)
{
    static const agw_str_t  jwt = agw_string("JWT");
    static const agw_str_t  at_jwt = agw_string("at+jwt");
    static const agw_str_t  full_at_jwt = agw_string("application/at+jwt");

    if (agw_str_eq(typ, jwt)) {
        return 1;
    }

    return key != NULL && agw_key_issuer(key).len
           && (agw_str_eq(typ, at_jwt) || agw_str_eq(typ, full_at_jwt));
}
