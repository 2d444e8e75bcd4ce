
/*
 * Checked in this order: size, structure, key, algorithm, signature.  The
 * payload is not decoded before the signature is verified.
 */


#include <jansson.h>

#include "agw_base64.h"
#include "agw_grammar.h"
#include "agw_json.h"
#include "agw_jws.h"


/* the keys that may have signed a token: one if it names one of ours */

typedef struct {
    size_t            n;
    const agw_key_t  *key[AGW_KEYRING_TRIED];
} agw_jws_keys_t;


static int agw_jws_split(agw_str_t token, agw_str_t segment[3]);
static agw_reason_t agw_jws_read_header(agw_jws_keys_t *keys,
    const agw_keyring_t *ring, agw_str_t segment, unsigned char *buf);
static agw_reason_t agw_jws_find_keys(agw_jws_keys_t *keys,
    const agw_keyring_t *ring, const json_t *header, agw_str_t alg);
static int agw_jws_is_typ(agw_str_t typ);
static agw_reason_t agw_jws_find_signer(agw_jws_t *jws,
    const agw_jws_keys_t *keys, agw_str_t signing_input, agw_str_t segment);


agw_reason_t
agw_jws_verify(agw_jws_t *jws, const agw_keyring_t *ring, agw_str_t token,
    unsigned char *buf)
{
    size_t          len;
    agw_str_t       segment[3], signing_input;
    agw_reason_t    reason;
    agw_jws_keys_t  keys;

    jws->key = NULL;
    jws->payload.len = 0;
    jws->payload.data = buf;

    if (token.len > AGW_TOKEN_MAX || agw_jws_split(token, segment) != 0) {
        return AGW_MALFORMED_TOKEN;
    }

    /* our own headers are known byte for byte, and are not parsed */

    keys.n = 1;
    keys.key[0] = agw_keyring_find_header(ring, segment[0]);
    reason = AGW_OK;

    if (keys.key[0] == NULL) {
        reason = agw_jws_read_header(&keys, ring, segment[0], buf);
    }

    if (keys.n == 1) {
        jws->key = keys.key[0];
    }

    if (reason != AGW_OK) {
        return reason;
    }

    signing_input.data = token.data;
    signing_input.len = segment[0].len + 1 + segment[1].len;

    reason = agw_jws_find_signer(jws, &keys, signing_input, segment[2]);
    if (reason != AGW_OK) {
        return reason;
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


/* exactly three segments, of which only the payload may be empty */

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
 * Members that would choose a key or an algorithm (jwk, jku, x5u, x5c) are
 * ignored (RFC 8725, section 3.10).  Any crit is refused, since no extension
 * is supported (RFC 7515, section 4.1.11), and so is any b64, with which the
 * payload would not be base64url (RFC 7797).
 */

static agw_reason_t
agw_jws_read_header(agw_jws_keys_t *keys, const agw_keyring_t *ring,
    agw_str_t segment, unsigned char *buf)
{
    int            has_typ;
    json_t        *header;
    agw_str_t      text, alg, typ;
    const char    *fault;
    agw_reason_t   reason;

    keys->n = 0;
    text.data = buf;

    if (agw_base64url_decode(segment, buf, &text.len) != 0) {
        return AGW_MALFORMED_TOKEN;
    }

    header = agw_json_object(text, &fault);

    if (header == NULL) {
        return fault == agw_json_no_memory ? AGW_INTERNAL_ERROR
                                           : AGW_MALFORMED_TOKEN;
    }

    reason = AGW_MALFORMED_TOKEN;

    has_typ = agw_json_string(header, "typ", &typ);

    if (agw_json_string(header, "alg", &alg) == 1
        && (has_typ == 0 || (has_typ == 1 && agw_jws_is_typ(typ)))
        && json_object_get(header, "crit") == NULL
        && json_object_get(header, "b64") == NULL)
    {
        reason = agw_jws_find_keys(keys, ring, header, alg);
    }

    json_decref(header);

    return reason;
}


/* alg may choose among several keys, but never the algorithm of a key */

static agw_reason_t
agw_jws_find_keys(agw_jws_keys_t *keys, const agw_keyring_t *ring,
    const json_t *header, agw_str_t alg)
{
    int        has_kid;
    agw_str_t  kid;

    has_kid = agw_json_string(header, "kid", &kid);

    if (has_kid == -1) {
        return AGW_MALFORMED_TOKEN;
    }

    keys->key[0] = has_kid ? agw_keyring_find(ring, kid) : NULL;

    if (keys->key[0] != NULL) {
        keys->n = 1;

        return agw_str_eq(agw_key_alg(keys->key[0])->name, alg)
               ? AGW_OK : AGW_ALGORITHM_MISMATCH;
    }

    keys->n = agw_keyring_candidates(ring, alg, has_kid, keys->key);

    return keys->n != 0 ? AGW_OK : AGW_UNKNOWN_KEY;
}


/*
 * Whether typ is a media type of access tokens (RFC 7515, section 4.1.9): that
 * of RFC 7519, section 5.1, or of RFC 9068, section 2.1.  No other may be
 * accepted (RFC 8725, section 3.11).
 */

static int
agw_jws_is_typ(agw_str_t typ)
{
    agw_str_t               head;
    static const agw_str_t  prefix = agw_string("application/");
    static const agw_str_t  jwt = agw_string("JWT");
    static const agw_str_t  at_jwt = agw_string("at+jwt");

    head = typ;

    if (head.len > prefix.len) {
        head.len = prefix.len;

        if (agw_same_nocase(head, prefix)) {
            typ.data += prefix.len;
            typ.len -= prefix.len;
        }
    }

    return agw_same_nocase(typ, jwt) || agw_same_nocase(typ, at_jwt);
}


/* sets jws->key to the first of the keys that verifies the signature */

static agw_reason_t
agw_jws_find_signer(agw_jws_t *jws, const agw_jws_keys_t *keys,
    agw_str_t signing_input, agw_str_t segment)
{
    size_t         i;
    agw_str_t      sig;
    unsigned char  buf[AGW_BASE64_DECODED(AGW_BASE64URL_SIZE(AGW_SIG_MAX))
                       + 1];

    if (segment.len > AGW_BASE64URL_SIZE(AGW_SIG_MAX)) {
        return AGW_BAD_SIGNATURE;
    }

    sig.data = buf;

    if (agw_base64url_decode(segment, buf, &sig.len) != 0) {
        return AGW_MALFORMED_TOKEN;
    }

    for (i = 0; i < keys->n; i++) {

        switch (agw_key_verify(keys->key[i], signing_input, sig)) {

        case AGW_SIGNATURE_VALID:
            jws->key = keys->key[i];
            return AGW_OK;

        case AGW_SIGNATURE_INVALID:
            break;

        case AGW_SIGNATURE_UNCHECKED:
            return AGW_INTERNAL_ERROR;
        }
    }

    return AGW_BAD_SIGNATURE;
}
