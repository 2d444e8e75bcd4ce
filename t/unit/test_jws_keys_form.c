
/*
 * A token's form, its segments and its signature (protocol, section 8), with
 * every kind of key.
 */


#include "kinds.h"

#include "agw_claims.h"


static agw_str_t
part(agw_str_t token, size_t n)
{
    agw_str_t             s;
    const unsigned char  *dot;

    s = token;

    while (n-- > 0) {
        dot = memchr(s.data, '.', s.len);
        s.len -= (size_t) (dot + 1 - s.data);
        s.data = dot + 1;
    }

    dot = memchr(s.data, '.', s.len);
    s.len = dot ? (size_t) (dot - s.data) : s.len;

    return s;
}


static void
p8_7_base64url(void **state)
{
    size_t                  i, free_bits;
    kind_t                 *kind;
    agw_str_t               h, p, s, input, bad;
    unsigned char          *last;
    const char             *at;
    static const char       digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        "abcdefghijklmnopqrstuvwxyz0123456789-_";
    static const agw_str_t  extras[] = {
        agw_string("="), agw_string("=="), agw_string(" "),
        agw_string("\n"), agw_string("\r\n"), agw_string("\0"),
        agw_string("+"), agw_string("/"), agw_string("?"),
    };

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        h = part(kind_good(kind), 0);
        p = part(kind_good(kind), 1);

        for (i = 0; i < UNIT_COUNT(extras); i++) {
            kind_refuses(kind, kind_segments(kind, unit_cat(h, extras[i]), p),
                AGW_MALFORMED_TOKEN, "behind the header");
            kind_refuses(kind, kind_segments(kind, unit_cat(extras[i], h), p),
                AGW_MALFORMED_TOKEN, "before the header");
            kind_refuses(kind, kind_segments(kind, h, unit_cat(p, extras[i])),
                AGW_MALFORMED_TOKEN, "behind the payload");
            kind_refuses(kind, kind_segments(kind, h, unit_cat(extras[i], p)),
                AGW_MALFORMED_TOKEN, "before the payload");
            kind_refuses(kind, unit_cat(kind_good(kind), extras[i]),
                AGW_MALFORMED_TOKEN, "behind the signature");
            kind_refuses(kind, mint_dot(mint_dot(h, p), unit_cat(extras[i],
                part(kind_segments(kind, h, p), 2))), AGW_MALFORMED_TOKEN,
                "before the signature");
        }

        kind_refuses(kind, kind_segments(kind, h, S("AAAAA")),
            AGW_MALFORMED_TOKEN, "4n+1");
        kind_refuses(kind, kind_segments(kind, h, S("e31")),
            AGW_MALFORMED_TOKEN, "trailing bits");

        /* another spelling of the right signature */

        input = mint_dot(h, p);
        s = part(kind_segments(kind, h, p), 2);
        free_bits = s.len % 4 == 2 ? 16 : s.len % 4 == 3 ? 4 : 1;

        for (i = 1; i < free_bits; i++) {
            bad = unit_copy(s);
            last = (unsigned char *) &bad.data[bad.len - 1];
            at = strchr(digits, *last);
            assert_int_equal((size_t) (at - digits) % free_bits, 0);
            *last = (unsigned char) at[i];
            kind_refuses(kind, mint_dot(input, bad), AGW_MALFORMED_TOKEN,
                "trailing bits of the signature");
        }

        unit_free_all(NULL);
    }
}


static void
p8_8_segments(void **state)
{
    kind_t     *kind;
    agw_str_t   h, p, s;

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        h = part(kind_good(kind), 0);
        p = part(kind_good(kind), 1);
        s = part(kind_good(kind), 2);

        kind_refuses(kind, h, AGW_MALFORMED_TOKEN, "one");
        kind_refuses(kind, mint_dot(h, p), AGW_MALFORMED_TOKEN, "two");
        kind_refuses(kind, mint_dot(mint_dot(h, p), S("")), AGW_MALFORMED_TOKEN,
            "an empty signature");
        kind_refuses(kind, mint_dot(mint_dot(S(""), p), s), AGW_MALFORMED_TOKEN,
            "an empty header");
        kind_refuses(kind, kind_segments(kind, S(""), p), AGW_MALFORMED_TOKEN,
            "an empty header, signed");
        kind_refuses(kind, mint_dot(kind_good(kind), S("")),
            AGW_MALFORMED_TOKEN, "four, the last empty");
        kind_refuses(kind, mint_dot(kind_good(kind), s), AGW_MALFORMED_TOKEN,
            "four");
        kind_refuses(kind, mint_dot(mint_dot(kind_good(kind), s), s),
            AGW_MALFORMED_TOKEN, "five");
        kind_refuses(kind, kind_segments(kind, mint_dot(h, p), p),
            AGW_MALFORMED_TOKEN, "a dot in the header");
        kind_refuses(kind, unit_format("{\"protected\":\"%.*s\",\"payload\":"
            "\"%.*s\",\"signature\":\"%.*s\"}", UNIT_ARG(h), UNIT_ARG(p),
            UNIT_ARG(s)), AGW_MALFORMED_TOKEN, "flattened JSON");
        unit_free_all(NULL);
    }
}


/*
 * RFC 7515 lets a JWS say nothing: its signature is looked at like another's,
 * and it is the claims that are then missing.
 */

static void
p8_8_an_empty_payload_has_no_claims(void **state)
{
    kind_t         *kind;
    agw_str_t       head, token;
    agw_claims_t    claims;

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        head = part(kind_good(kind), 0);
        token = kind_segments(kind, head, S(""));
        assert_int_equal(jws_verify(kind->one, token, S("")), AGW_OK);

        /* of the same length, and of another payload */

        kind_refuses(kind, mint_dot(mint_dot(head, S("")),
            part(kind_good(kind), 2)), AGW_BAD_SIGNATURE, "another's");
        kind_refuses(kind, mint_dot(mint_dot(head, S("e30")),
            part(token, 2)), AGW_BAD_SIGNATURE, "with a payload");
        kind_refuses(kind, mint_dot(head, S(".")), AGW_MALFORMED_TOKEN,
            "no signature");
        unit_free_all(NULL);
    }

    assert_int_equal(agw_claims_read(&claims, S("")), AGW_MALFORMED_CLAIMS);
    assert_int_equal(agw_claims_read(&claims, UNIT_NONE),
        AGW_MALFORMED_CLAIMS);
}


/* what stands in the third segment of a good token, decoded */

static agw_str_t
raw_signature(const kind_t *kind, agw_str_t input)
{
    return sign_by_openssl(kind->alg, sign_key(kind->alg), input);
}


static void
p8_13_signatures_of_another_form(void **state)
{
    size_t      i, n, size;
    kind_t     *kind;
    agw_str_t   input, sig;

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        size = sign_algs[kind->alg].size;
        input = mint_dot(part(kind_good(kind), 0),
            part(kind_good(kind), 1));
        sig = raw_signature(kind, input);

        for (n = 1; n < size + 20; n++) {
            if (n != size) {
                kind_refuses(kind, mint_dot(input, mint_base64url(
                    (agw_str_t) { n, unit_repeat(sig, 22).data })),
                    AGW_BAD_SIGNATURE, "a length");
            }

            if (n % 50 == 0) {
                unit_free_all(NULL);
                input = mint_dot(part(kind_good(kind), 0),
                    part(kind_good(kind), 1));
                sig = raw_signature(kind, input);
            }
        }

        for (i = 0; i < 256; i += 51) {
            kind_refuses(kind, mint_dot(input, mint_base64url(
                unit_fill((int) i, size))), AGW_BAD_SIGNATURE, "one byte");
        }

        kind_refuses(kind, mint_dot(input, mint_base64url(
            unit_cat((agw_str_t) { size / 2, sig.data },
            unit_fill(0, size / 2)))), AGW_BAD_SIGNATURE, "s of zero");
        kind_refuses(kind, mint_dot(input, mint_base64url(
            unit_cat(unit_fill(0, size / 2),
            (agw_str_t) { size / 2, sig.data + size / 2 }))),
            AGW_BAD_SIGNATURE, "r of zero");
        unit_free_all(NULL);
    }
}


/* the longest that there is room for, and one that there is not */

static void
p8_13_signatures_without_end(void **state)
{
    size_t      n;
    kind_t     *kind;
    agw_str_t   input;

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        input = mint_dot(part(kind_good(kind), 0),
            part(kind_good(kind), 1));

        for (n = AGW_SIG_MAX - 3; n < AGW_SIG_MAX + 4; n++) {
            kind_refuses(kind, mint_dot(input, mint_base64url(
                unit_fill(1, n))), AGW_BAD_SIGNATURE, "long");
        }

        kind_refuses(kind, mint_dot(input, unit_fill('A', 8000)),
            AGW_BAD_SIGNATURE, "8000 characters");
        kind_refuses(kind, mint_dot(input, unit_fill('A', 9000)),
            AGW_MALFORMED_TOKEN, "9000 characters");
        unit_free_all(NULL);
    }
}


static void
p8_18_every_byte_counts(void **state)
{
    size_t           i;
    kind_t          *kind;
    agw_str_t        token, bad;
    unsigned char   *p;

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        token = kind_good(kind);

        for (i = 0; i < token.len; i++) {
            bad = unit_copy(token);
            p = (unsigned char *) &bad.data[i];
            *p ^= (unsigned char) (1 << i % 8);

            unit_assert(jws_verify(kind->one, bad, UNIT_NONE) != AGW_OK
                && jws_verify(kind->two, bad, UNIT_NONE) != AGW_OK,
                "%s: byte %zu", kind->name, i);

            bad = token;
            bad.len = i;
            unit_assert(jws_verify(kind->one, bad, UNIT_NONE) != AGW_OK,
                "%s: cut to %zu bytes", kind->name, i);
        }

        kind_accepts(kind, token, "after all of them");
        unit_free_all(NULL);
    }
}


/*
 * A header that is byte for byte our own is not read.  That it means the
 * same as one that is: the same members, spelled in every other way.
 */

static void
headers_in_other_spellings(void **state)
{
    size_t              i;
    kind_t             *kind;
    agw_str_t           head;
    static const char  *spellings[] = {
        "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"k1\"}",
        " {\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"k1\"}\n",
        "{ \"alg\" : \"%s\" , \"typ\" : \"JWT\" , \"kid\" : \"k1\" }",
        "{\r\n\t\"kid\":\"k1\",\r\n\t\"alg\":\"%s\"\r\n}",
        "{\"kid\":\"k1\",\"typ\":\"JWT\",\"alg\":\"%s\"}",
        "{\"\\u0061lg\":\"%s\",\"typ\":\"J\\u0057T\",\"kid\":\"k\\u0031\"}",
        "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"k1\",\"x\":null}",
    };

    (void) state;

    for (kind = kinds; kind < kinds + KINDS; kind++) {
        for (i = 0; i < UNIT_COUNT(spellings); i++) {
            char  text[200];

            snprintf(text, sizeof(text), spellings[i], kind->name);
            head = mint_base64url(unit_format("%s", text));

            assert_ptr_equal(agw_keyring_find_header(kind->one, head),
                i == 0 ? agw_keyring_key(kind->one, 0) : NULL);
            assert_ptr_equal(agw_keyring_find_header(kind->two, head),
                i == 0 ? agw_keyring_key(kind->two, 0) : NULL);

            kind_accepts(kind, kind_segments(kind, head,
                mint_base64url(S(JWS_PAYLOAD))), text);
            assert_int_equal(jws_verify(kind->two, kind_segments(kind, head,
                mint_base64url(S(JWS_PAYLOAD))), S(JWS_PAYLOAD)), AGW_OK);
        }

        unit_assert_str(agw_key_header(agw_keyring_key(kind->one, 0)),
            part(kind_good(kind), 0));
        assert_null(agw_keyring_find_header(kind->one, UNIT_NONE));
        assert_null(agw_keyring_find_header(kind->one, S("")));
    }
}


/* what each key signs is read by OpenSSL, and by its public half alone */

static void
d4_tokens_of_every_algorithm(void **state)
{
    size_t            i, len;
    agw_str_t         token;
    agw_keyring_t    *ring, *public;
    unsigned char    *out;
    const agw_key_t  *key;

    (void) state;

    for (i = 3; i < UNIT_COUNT(sign_algs); i++) {
        ring = keys_ring(keys_private_pem(sign_key(i), NULL),
            sign_algs[i].alg, 0);
        public = keys_ring(keys_public_pem(sign_key(i)), sign_algs[i].alg,
            1);
        key = agw_keyring_signer(ring);

        len = agw_jws_size(key, strlen(JWS_PAYLOAD));
        out = unit_alloc(len);
        token.data = out;
        token.len = len;
        assert_int_equal(agw_jws_sign(key, S(JWS_PAYLOAD), out, &len), 0);
        mint_assert_no_errors("agw_jws_sign");
        assert_int_equal(len, token.len);

        unit_assert_str(part(token, 0), mint_base64url(unit_format(
            "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%.*s\"}",
            sign_algs[i].alg, UNIT_ARG(agw_key_kid(key)))));
        assert_int_equal(jws_verify(ring, token, S(JWS_PAYLOAD)), AGW_OK);
        assert_int_equal(jws_verify(public, token, S(JWS_PAYLOAD)), AGW_OK);

        /* which does not sign itself */

        assert_int_equal(agw_jws_sign(agw_keyring_key(public, 0),
            S(JWS_PAYLOAD), out, &len), -1);

        agw_keyring_free(ring);
        agw_keyring_free(public);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(p8_7_base64url),
        unit_case(p8_8_segments),
        unit_case(p8_8_an_empty_payload_has_no_claims),
        unit_case(p8_13_signatures_of_another_form),
        unit_case(p8_13_signatures_without_end),
        unit_case(p8_18_every_byte_counts),
        unit_case(headers_in_other_spellings),
        unit_case(d4_tokens_of_every_algorithm),
    };

    return cmocka_run_group_tests_name("jws keys form", tests, kinds_setup,
        kinds_teardown);
}
