
/*
 * A token's form: segments, base64url, size, and that no other spelling of
 * a good token is one.  Where an attack changes what is signed, the MAC is
 * made afterwards, over the changed text: only the form is wrong.
 */


#include "jws.h"


static agw_str_t
header(void)
{
    return mint_base64url(S(JWS_HEADER));
}


static agw_str_t
payload(void)
{
    return mint_base64url(S(JWS_PAYLOAD));
}


static agw_str_t
signed_by_k1(agw_str_t head, agw_str_t body)
{
    return mint_segments(head, body, mint_secret('1'));
}


static agw_str_t
good(void)
{
    return jws_mint(S(JWS_HEADER));
}


static void
refuses(agw_str_t token, const char *label)
{
    jws_refuses(jws_servers.one, token, AGW_MALFORMED_TOKEN, label);
}


/* the signature segment of the good token */

static agw_str_t
signature(void)
{
    agw_str_t  s;

    s = good();
    s.data += s.len - 43;
    s.len = 43;

    return unit_copy(s);
}


/* RFC 7515, appendix A.1: the only key there is, so no kid is needed */

static void
rfc7515_a_1(void **state)
{
    size_t                   i;
    agw_str_t                body, input, sig;
    agw_keyring_t           *ring;
    agw_key_source_t         source;
    static unsigned char     secret[] = {
        3, 35, 53, 75, 43, 15, 165, 188, 131, 126, 6, 101, 119, 123, 166,
        143, 90, 179, 40, 230, 240, 84, 201, 40, 169, 15, 132, 178, 210, 80,
        46, 191, 211, 251, 90, 146, 210, 6, 71, 239, 150, 138, 180, 195, 119,
        98, 61, 34, 61, 46, 33, 114, 5, 46, 79, 8, 192, 205, 154, 245, 103,
        208, 128, 163,
    };
    static unsigned char     mac[] = {
        116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173,
        187, 186, 22, 212, 37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83,
        132, 141, 121,
    };

    (void) state;

    memset(&source, 0, sizeof(source));
    source.bytes.data = secret;
    source.bytes.len = sizeof(secret);
    source.alg = S("HS256");

    ring = agw_keyring_create();
    assert_int_equal(agw_key_file_load(ring, &source, NULL, NULL), 0);

    body = S("{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "
        "\"http://example.com/is_root\":true}");

    input = mint_dot(
        mint_base64url(S("{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}")),
        mint_base64url(body));

    for (i = 0; i < sizeof(mac); i++) {
        sig = (agw_str_t) { sizeof(mac), mac };
        assert_int_equal(jws_verify(ring,
            mint_dot(input, mint_base64url(sig)), body), AGW_OK);

        mac[i] ^= 1;
        assert_int_equal(jws_verify(ring,
            mint_dot(input, mint_base64url(sig)), body), AGW_BAD_SIGNATURE);
        mac[i] ^= 1;
    }

    agw_keyring_free(ring);
}


static void
p8_7_padding(void **state)
{
    agw_str_t  head, body;

    (void) state;

    refuses(signed_by_k1(header(), unit_cat(payload(), S("="))), "payload=");
    refuses(signed_by_k1(header(), unit_cat(payload(), S("=="))),
        "payload==");
    refuses(signed_by_k1(unit_cat(header(), S("=")), payload()), "header=");
    refuses(signed_by_k1(unit_cat(header(), S("==")), payload()),
        "header==");
    refuses(unit_cat(good(), S("=")), "signature=");
    refuses(unit_cat(good(), S("==")), "signature==");
    refuses(unit_cat(good(), S("===")), "signature===");

    /* each in its own right spelling of RFC 4648, section 4 */

    head = mint_base64(S(JWS_HEADER));
    body = mint_base64(S(JWS_PAYLOAD));
    assert_true(head.data[head.len - 1] == '=');
    assert_true(body.data[body.len - 1] == '=');
    refuses(signed_by_k1(head, payload()), "padded header");
    refuses(signed_by_k1(header(), body), "padded payload");
}


static void
p8_7_white_space(void **state)
{
    size_t                  i, at;
    agw_str_t               a, b;
    static const agw_str_t  spaces[] = {
        agw_string(" "), agw_string("\t"), agw_string("\r\n"),
        agw_string("\n"), agw_string("\0"), agw_string("\xc2\xa0"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(spaces); i++) {
        refuses(unit_cat(good(), spaces[i]), "behind");
        refuses(unit_cat(spaces[i], good()), "before");

        refuses(signed_by_k1(unit_cat(spaces[i], header()), payload()),
            "before, and signed");
        refuses(signed_by_k1(unit_cat(header(), spaces[i]), payload()),
            "behind the header");
        refuses(signed_by_k1(header(), unit_cat(spaces[i], payload())),
            "before the payload");
        refuses(signed_by_k1(header(), unit_cat(payload(), spaces[i])),
            "behind the payload");
        refuses(mint_dot(mint_dot(header(), payload()),
            unit_cat(spaces[i], signature())), "before the signature");

        for (at = 0; at <= payload().len; at++) {
            a = payload();
            b = payload();
            a.len = at;
            b.data += at;
            b.len -= at;
            refuses(signed_by_k1(header(),
                unit_cat(unit_cat(a, spaces[i]), b)), "in the payload");
        }

        unit_free_all(NULL);
    }
}


/* what standard base64 would have written, in all three segments */

static void
p8_7_plus_and_slash(void **state)
{
    int         i, found;
    char       *c;
    agw_str_t   head, body, token;

    (void) state;

    head = mint_base64(S("{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\","
        "\"x\":\">\?>\?>\?>\?\"} "));
    assert_true(memchr(head.data, '/', head.len) != NULL
        || memchr(head.data, '+', head.len) != NULL);
    assert_null(memchr(head.data, '=', head.len));
    refuses(signed_by_k1(head, payload()), "header");

    body = S("\xfb\xef\xbe\xff\xff\xff");
    jws_accepts(jws_servers.one, signed_by_k1(header(), S("----____")), body,
        "the same in base64url");
    refuses(signed_by_k1(header(), S("++++////")), "payload");
    refuses(signed_by_k1(header(), S("----___/")), "payload, last");
    refuses(signed_by_k1(header(), S("+---____")), "payload, first");

    /* a signature that has such a character, found by trying */

    for (i = 0, found = 0; i < 200 && found < 4; i++) {
        token = unit_copy(mint_token(S(JWS_HEADER),
            unit_format("{\"n\":%d}", i), mint_secret('1')));

        for (c = (char *) token.data + token.len - 43;
             c < (char *) token.data + token.len;
             c++)
        {
            if (*c == '-' || *c == '_') {
                *c = *c == '-' ? '+' : '/';
                refuses(token, "signature");
                found++;
                break;
            }
        }
    }

    assert_int_equal(found, 4);
}


static void
p8_7_length_4n_1(void **state)
{
    size_t     i;
    agw_str_t  body;

    (void) state;

    for (i = 1; i < 40; i += 4) {
        body = unit_fill('A', i);
        refuses(signed_by_k1(header(), body), "payload");
        refuses(signed_by_k1(body, payload()), "header");
        refuses(mint_dot(mint_dot(header(), payload()), body), "signature");
    }

    body = unit_cat(payload(), unit_fill('A', (5 - payload().len % 4) % 4));
    assert_int_equal(body.len % 4, 1);
    refuses(signed_by_k1(header(), body), "payload, and more");
}


/* two spellings of one MAC are one token with two names */

static void
p8_7_trailing_bits(void **state)
{
    int                i;
    agw_str_t          token;
    const char        *at;
    unsigned char     *last;
    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        "abcdefghijklmnopqrstuvwxyz0123456789-_";

    (void) state;

    token = unit_copy(good());
    last = (unsigned char *) &token.data[token.len - 1];
    at = strchr(digits, *last);
    assert_non_null(at);
    assert_int_equal((at - digits) % 4, 0);

    for (i = 1; i < 4; i++) {
        *last = (unsigned char) at[i];
        refuses(token, "signature");
    }

    /* "{}" is e30, whose last two bits are free; "{" is ew, with four */

    jws_accepts(jws_servers.one, signed_by_k1(header(), S("e30")), S("{}"),
        "e30");
    refuses(signed_by_k1(header(), S("e31")), "e31");
    refuses(signed_by_k1(header(), S("e32")), "e32");
    refuses(signed_by_k1(header(), S("e33")), "e33");
    refuses(signed_by_k1(header(), S("ex")), "ex");
    refuses(signed_by_k1(header(), S("e_")), "e_");
}


static void
p8_8_segments(void **state)
{
    agw_str_t  h, p, s, input;

    (void) state;

    h = header();
    p = payload();
    s = signature();
    input = mint_dot(h, p);

    refuses(UNIT_NONE, "nothing");
    refuses(S(""), "empty");
    refuses(S("."), "one dot");
    refuses(S(".."), "two dots");
    refuses(S("..."), "three dots");
    refuses(S("...."), "four dots");
    refuses(h, "one segment");
    refuses(input, "two segments");
    refuses(mint_dot(input, S("")), "no signature");
    refuses(mint_dot(mint_dot(input, s), S("")), "a dot at the end");
    refuses(mint_dot(S(""), mint_dot(input, s)), "a dot at the start");
    refuses(mint_dot(mint_dot(input, s), s), "four segments");
    refuses(mint_dot(mint_dot(mint_dot(input, s), s), s), "five segments");
    refuses(mint_dot(mint_dot(h, S("")), mint_dot(p, s)), "four, one empty");
    refuses(mint_dot(mint_dot(S(""), p), s), "no header");

    /* an empty header, under its right MAC */

    refuses(signed_by_k1(S(""), p), "no header, signed");
    refuses(signed_by_k1(S(""), S("")), "neither, signed");
    refuses(signed_by_k1(input, p), "a dot in the header");
    refuses(signed_by_k1(h, mint_dot(p, p)), "a dot in the payload");
}


static void
p8_8_other_serialisations(void **state)
{
    agw_str_t  jwe;

    (void) state;

    refuses(unit_format("{\"protected\":\"%.*s\",\"payload\":\"%.*s\","
        "\"signature\":\"%.*s\"}", UNIT_ARG(header()), UNIT_ARG(payload()),
        UNIT_ARG(signature())), "flattened");
    refuses(unit_format("{\"payload\":\"%.*s\",\"signatures\":[{"
        "\"protected\":\"%.*s\",\"signature\":\"%.*s\"}]}",
        UNIT_ARG(payload()), UNIT_ARG(header()), UNIT_ARG(signature())),
        "general");
    refuses(unit_format("{\"x\":\"%.*s\"}", UNIT_ARG(good())), "quoted");

    jwe = mint_base64url(S("{\"alg\":\"dir\",\"enc\":\"A256GCM\","
        "\"typ\":\"JWT\",\"kid\":\"k1\"}"));
    refuses(unit_format("%.*s..AAAA.AAAA.AAAA", UNIT_ARG(jwe)), "JWE");
    refuses(unit_format("%.*s.AAAA.AAAA.AAAA.AAAA", UNIT_ARG(jwe)), "JWE");

    refuses(unit_cat(S("Bearer "), good()), "with a scheme");
    refuses(unit_format("%.*s,%.*s", UNIT_ARG(good()), UNIT_ARG(good())),
        "two tokens");
    refuses(unit_format("\"%.*s\"", UNIT_ARG(good())), "in quotes");
}


/* payloads of every length around the limit, under the right MAC */

static void
p8_15_size(void **state)
{
    size_t     n, accepted, refused;
    agw_str_t  token;

    (void) state;

    accepted = 0;
    refused = 0;

    for (n = 6050; n < 6130; n++) {
        token = mint_token(S(JWS_HEADER), unit_fill('x', n),
            mint_secret('1'));

        if (token.len <= 8192) {
            jws_accepts(jws_servers.one, token, unit_fill('x', n), "size");
            accepted += token.len >= 8191;

        } else {
            refuses(token, "size");
            refused += token.len <= 8194;
        }

        unit_free_all(NULL);
    }

    assert_true(accepted != 0 && refused != 0);

    refuses(unit_fill('A', 100000), "one long segment");
    refuses(unit_fill('.', 100000), "dots");
    refuses(signed_by_k1(header(), unit_fill('A', 1000000)), "a megabyte");
}


static void
p8_18_every_bit_counts(void **state)
{
    size_t          i;
    agw_str_t       token;
    unsigned char  *p;

    (void) state;

    for (i = 0; i < good().len * 8; i++) {
        token = unit_copy(good());
        p = (unsigned char *) token.data;
        p[i / 8] ^= (unsigned char) (1 << i % 8);

        jws_refuses(jws_servers.one, token, JWS_REFUSED, "one bit");
        jws_refuses(jws_servers.two, token, JWS_REFUSED, "one bit");
        unit_free_all(NULL);
    }
}


static void
p8_18_every_byte_counts(void **state)
{
    size_t     i;
    agw_str_t  token, rest, byte;

    (void) state;

    for (i = 0; i < good().len; i++) {
        token = good();
        token.len = i;
        jws_refuses(jws_servers.one, token, JWS_REFUSED, "cut short");

        rest = good();
        rest.data += i + 1;
        rest.len -= i + 1;
        jws_refuses(jws_servers.one, rest, JWS_REFUSED, "begun late");
        jws_refuses(jws_servers.one, unit_cat(token, rest), JWS_REFUSED,
            "one left out");

        byte.data = rest.data - 1;
        byte.len = 1;
        jws_refuses(jws_servers.one,
            unit_cat(unit_cat(token, byte), unit_cat(byte, rest)),
            JWS_REFUSED, "one doubled");
        unit_free_all(NULL);
    }

    for (i = 0; i < 256; i++) {
        byte = unit_fill((int) i, 1);
        jws_refuses(jws_servers.one, unit_cat(good(), byte), JWS_REFUSED,
            "one behind");
        jws_refuses(jws_servers.one, unit_cat(byte, good()), JWS_REFUSED,
            "one before");
        unit_free_all(NULL);
    }
}


static void
p8_18_lengths_of_a_signature(void **state)
{
    size_t     n;
    agw_str_t  mac, input;

    (void) state;

    for (n = 1; n < 130; n++) {
        input = mint_dot(header(), payload());
        mac = mint_hmac("SHA256", mint_secret('1'), input);
        mac = unit_repeat(mac, 5);
        mac.len = n;

        if (n == 32) {
            continue;
        }

        jws_refuses(jws_servers.one, mint_dot(input, mint_base64url(mac)),
            JWS_REFUSED, "length");
        unit_free_all(NULL);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(rfc7515_a_1),
        unit_case(p8_7_padding),
        unit_case(p8_7_white_space),
        unit_case(p8_7_plus_and_slash),
        unit_case(p8_7_length_4n_1),
        unit_case(p8_7_trailing_bits),
        unit_case(p8_8_segments),
        unit_case(p8_8_other_serialisations),
        unit_case(p8_15_size),
        unit_case(p8_18_every_bit_counts),
        unit_case(p8_18_every_byte_counts),
        unit_case(p8_18_lengths_of_a_signature),
    };

    return cmocka_run_group_tests_name("jws", tests, jws_setup, jws_teardown);
}
