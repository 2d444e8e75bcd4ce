
/*
 * Attacks in the header of a token (protocol, section 8).  Each token here
 * carries the right MAC for its very bytes, from the server's own secret:
 * only the header can be why it is refused.
 */


#include "jws.h"


typedef struct {
    agw_reason_t  wanted;
    agw_str_t     header;
} jws_row_t;


static void
run(const agw_keyring_t *ring, const jws_row_t *rows, size_t count)
{
    size_t  i;

    for (i = 0; i < count; i++) {
        if (rows[i].wanted == AGW_OK) {
            jws_accepts(ring, jws_mint(rows[i].header), S(JWS_PAYLOAD),
                (const char *) rows[i].header.data);

        } else {
            jws_refuses(ring, jws_mint(rows[i].header), rows[i].wanted,
                (const char *) rows[i].header.data);
        }
    }
}


#define MALFORMED(s)   { AGW_MALFORMED_TOKEN, agw_string(s) }
#define MISMATCH(s)    { AGW_ALGORITHM_MISMATCH, agw_string(s) }
#define UNKNOWN(s)     { AGW_UNKNOWN_KEY, agw_string(s) }
#define REFUSED(s)     { JWS_REFUSED, agw_string(s) }
#define ACCEPTED(s)    { AGW_OK, agw_string(s) }

#define REST           ",\"typ\":\"JWT\",\"kid\":\"k1\"}"


static void
p8_1_algorithm(void **state)
{
    static const jws_row_t  rows[] = {
        MISMATCH("{\"alg\":\"none\"" REST),
        MISMATCH("{\"alg\":\"None\"" REST),
        MISMATCH("{\"alg\":\"nOnE\"" REST),
        MISMATCH("{\"alg\":\"NONE\"" REST),
        MISMATCH("{\"alg\":\"hs256\"" REST),
        MISMATCH("{\"alg\":\"HS256 \"" REST),
        MISMATCH("{\"alg\":\"HS25\"" REST),
        MISMATCH("{\"alg\":\"HS2566\"" REST),
        MISMATCH("{\"alg\":\"HS384\"" REST),
        MISMATCH("{\"alg\":\"HS512\"" REST),
        MISMATCH("{\"alg\":\"RS256\"" REST),
        MISMATCH("{\"alg\":\"ES256\"" REST),
        MISMATCH("{\"alg\":\"EdDSA\"" REST),
        REFUSED("{\"alg\":\"\"" REST),
        MALFORMED("{\"typ\":\"JWT\",\"kid\":\"k1\"}"),
        MALFORMED("{\"Alg\":\"HS256\"" REST),
        MALFORMED("{\"alg\":null" REST),
        MALFORMED("{\"alg\":true" REST),
        MALFORMED("{\"alg\":256" REST),
        MALFORMED("{\"alg\":[\"HS256\"]" REST),
        MALFORMED("{\"alg\":{\"HS256\":1}" REST),
        ACCEPTED("{\"alg\":\"HS256\"" REST),
        ACCEPTED("{\"kid\":\"k1\",\"typ\":\"JWT\",\"alg\":\"HS256\"}"),
    };

    (void) state;

    run(jws_servers.one, rows, UNIT_COUNT(rows));
    run(jws_servers.two, rows, UNIT_COUNT(rows));
}


/* the unsecured token of RFC 7515, A.5, and what libraries have let through */

static void
p8_1_none_without_a_signature(void **state)
{
    size_t              i;
    agw_str_t           input;
    static const char  *names[] = { "none", "None", "nOnE", "HS256" };

    (void) state;

    for (i = 0; i < UNIT_COUNT(names); i++) {
        input = mint_dot(
            mint_base64url(unit_format("{\"alg\":\"%s\"" REST, names[i])),
            mint_base64url(S(JWS_PAYLOAD)));

        jws_refuses(jws_servers.one, mint_dot(input, S("")),
            AGW_MALFORMED_TOKEN, names[i]);
        jws_refuses(jws_servers.one, input, AGW_MALFORMED_TOKEN, names[i]);
        jws_refuses(jws_servers.one, mint_dot(input, S("AA")), JWS_REFUSED,
            names[i]);
    }
}


/* one key, one algorithm: the other hash's MAC with the very same secret */

static void
p8_2_algorithm_is_the_keys(void **state)
{
    size_t              i;
    agw_str_t           header;
    static const char  *pairs[][2] = {
        { "HS384", "SHA384" }, { "HS512", "SHA512" },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(pairs); i++) {
        header = unit_format("{\"alg\":\"%s\"" REST, pairs[i][0]);
        jws_refuses(jws_servers.one, mint_token_with(pairs[i][1], header,
            S(JWS_PAYLOAD), mint_secret('1')), AGW_ALGORITHM_MISMATCH,
            pairs[i][0]);

        /* and the hash of one under the name of the other */

        jws_refuses(jws_servers.one, mint_token_with(pairs[i][1],
            S(JWS_HEADER), S(JWS_PAYLOAD), mint_secret('1')), JWS_REFUSED,
            pairs[i][1]);
    }

    header = S("{\"alg\":\"HS512\",\"typ\":\"JWT\",\"kid\":\"k2\"}");
    jws_accepts(jws_servers.two, mint_token_with("SHA512", header,
        S(JWS_PAYLOAD), mint_secret('2')), S(JWS_PAYLOAD), "k2");
    jws_refuses(jws_servers.two, mint_token_with("SHA512", header,
        S(JWS_PAYLOAD), mint_secret('1')), AGW_BAD_SIGNATURE,
        "k2 with k1's secret");

    header = S("{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k2\"}");
    jws_refuses(jws_servers.two, mint_token(header, S(JWS_PAYLOAD),
        mint_secret('2')), AGW_ALGORITHM_MISMATCH, "k2 as HS256");

    header = S("{\"alg\":\"HS512\",\"typ\":\"JWT\",\"kid\":\"k1\"}");
    jws_refuses(jws_servers.two, mint_token_with("SHA512", header,
        S(JWS_PAYLOAD), mint_secret('2')), AGW_ALGORITHM_MISMATCH,
        "k1 as HS512, with k2's secret");
}


/* the forger's own key, in each place where a header can carry one */

static void
p8_3_embedded_keys_are_never_read(void **state)
{
    size_t      i;
    agw_str_t   key, header;
    static const struct {
        const char  *before;
        const char  *after;
    } places[] = {
        { "\"jwk\":{\"kty\":\"oct\",\"kid\":\"k1\",\"k\":\"", "\"}" },
        { "\"jku\":\"http://127.0.0.1:1/?", "\"" },
        { "\"x5u\":\"file:///dev/null#", "\"" },
        { "\"x5c\":[\"", "\"]" },
        { "\"x5t\":\"", "\"" },
        { "\"k\":\"", "\",\"jwk\":null" },
    };

    (void) state;

    key = mint_base64url(mint_secret('f'));

    for (i = 0; i < UNIT_COUNT(places); i++) {
        header = unit_format("{\"alg\":\"HS256\",\"typ\":\"JWT\","
            "\"kid\":\"k1\",%s%.*s%s}", places[i].before, UNIT_ARG(key),
            places[i].after);

        jws_refuses(jws_servers.one, mint_token(header, S(JWS_PAYLOAD),
            mint_secret('f')), AGW_BAD_SIGNATURE, places[i].before);

        /* not even enough to be refused for it */

        jws_accepts(jws_servers.one, jws_mint(header), S(JWS_PAYLOAD),
            places[i].before);
    }

    jws_refuses(jws_servers.two, mint_token(
        S("{\"alg\":\"HS256\",\"typ\":\"JWT\",\"jwk\":{\"kty\":\"oct\"}}"),
        S(JWS_PAYLOAD), mint_secret('f')), AGW_BAD_SIGNATURE, "no kid");
}


#define KID(s)   "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":" s "}"


static void
p8_4_kid(void **state)
{
    static const jws_row_t  rows[] = {
        UNKNOWN(KID("\"\"")),
        UNKNOWN(KID("\"k\"")),
        UNKNOWN(KID("\"K1\"")),
        UNKNOWN(KID("\"k11\"")),
        UNKNOWN(KID("\"k1 \"")),
        UNKNOWN(KID("\"k3\"")),
        UNKNOWN(KID("\"0\"")),
        UNKNOWN(KID("\"../../../../../../dev/null\"")),
        UNKNOWN(KID("\"/dev/null\"")),
        UNKNOWN(KID("\"file:///etc/passwd\"")),
        UNKNOWN(KID("\"k1' OR '1'='1\"")),
        UNKNOWN(KID("\"x' UNION SELECT 'k1';--\"")),
        UNKNOWN(KID("\"k1|id\"")),
        UNKNOWN(KID("\"k1\\n\"")),
        UNKNOWN(KID("\"\xc3\xa9\"")),
        MALFORMED(KID("\"k1\\u0000\"")),
        MALFORMED(KID("\"k1\\u0000x\"")),
        MALFORMED(KID("\"k1\0\"")),
        MALFORMED(KID("null")),
        MALFORMED(KID("1")),
        MALFORMED(KID("true")),
        MALFORMED(KID("[\"k1\"]")),
        MALFORMED(KID("{\"k1\":1}")),
        ACCEPTED(KID("\"\\u006b1\"")),
    };

    (void) state;

    run(jws_servers.one, rows, UNIT_COUNT(rows));
    run(jws_servers.two, rows, UNIT_COUNT(rows));
}


static void
p8_4_long_kid(void **state)
{
    size_t  len;

    (void) state;

    for (len = 200; len < 5000; len += 100) {
        jws_refuses(jws_servers.one, jws_mint(unit_format(
            "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"%.*s\"}",
            UNIT_ARG(unit_fill('k', len)))), AGW_UNKNOWN_KEY, "long kid");
        unit_free_all(NULL);
    }

    jws_refuses(jws_servers.one, jws_mint(unit_format(
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"%.*s\"}",
        UNIT_ARG(unit_fill('k', 10240)))), AGW_MALFORMED_TOKEN, "10 KB");
}


static void
p8_4_absent_kid(void **state)
{
    agw_str_t  token;

    (void) state;

    token = jws_mint(S("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"));
    jws_accepts(jws_servers.one, token, S(JWS_PAYLOAD), "one key");
    jws_accepts(jws_servers.two, token, S(JWS_PAYLOAD), "two keys");

    /* of the algorithm that the header names, there is the other one */

    token = jws_mint(S("{\"alg\":\"HS512\",\"typ\":\"JWT\"}"));
    jws_refuses(jws_servers.one, token, AGW_UNKNOWN_KEY, "HS512");
    jws_refuses(jws_servers.two, token, AGW_BAD_SIGNATURE, "HS512");

    token = jws_mint(S("{\"alg\":\"none\",\"typ\":\"JWT\"}"));
    jws_refuses(jws_servers.one, token, AGW_UNKNOWN_KEY, "none");
    jws_refuses(jws_servers.two, token, AGW_UNKNOWN_KEY, "none, two keys");
}


#define MORE(s)   "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\"," s "}"


static void
p8_5_crit_and_b64(void **state)
{
    static const jws_row_t  rows[] = {
        MALFORMED(MORE("\"crit\":[\"exp\"],\"exp\":1")),
        MALFORMED(MORE("\"crit\":[\"b64\"],\"b64\":true")),
        MALFORMED(MORE("\"crit\":[\"b64\"],\"b64\":false")),
        MALFORMED(MORE("\"crit\":[\"alg\"]")),
        MALFORMED(MORE("\"crit\":[]")),
        MALFORMED(MORE("\"crit\":null")),
        MALFORMED(MORE("\"crit\":\"exp\"")),
        MALFORMED(MORE("\"crit\":{}")),
        MALFORMED(MORE("\"crit\":false")),
        MALFORMED(MORE("\"b64\":false")),
        ACCEPTED(MORE("\"Crit\":[\"exp\"]")),
        ACCEPTED(MORE("\"x\":{\"crit\":[\"x\"],\"b64\":false}")),
    };

    (void) state;

    run(jws_servers.one, rows, UNIT_COUNT(rows));

    /* RFC 7797: a payload that is not encoded, with and without a dot */

    jws_refuses(jws_servers.one, mint_segments(
        mint_base64url(S(MORE("\"b64\":false,\"crit\":[\"b64\"]"))),
        S("$02"), mint_secret('1')), AGW_MALFORMED_TOKEN, "$02");
    jws_refuses(jws_servers.one, mint_segments(
        mint_base64url(S(MORE("\"b64\":false"))), S("$.02"),
        mint_secret('1')), AGW_MALFORMED_TOKEN, "$.02");
}


static void
p8_6_duplicate_members(void **state)
{
    static const jws_row_t  rows[] = {
        MALFORMED(MORE("\"alg\":\"none\"")),
        MALFORMED("{\"alg\":\"none\",\"alg\":\"HS256\"" REST),
        MALFORMED(MORE("\"alg\":\"HS256\"")),
        MALFORMED(MORE("\"\\u0061lg\":\"none\"")),
        MALFORMED(MORE("\"kid\":\"k2\"")),
        MALFORMED(MORE("\"kid\":\"k1\"")),
        MALFORMED(MORE("\"typ\":\"at+jwt\"")),
        MALFORMED(MORE("\"x\":1,\"x\":2")),
        MALFORMED(MORE("\"x\":{\"a\":1,\"a\":2}")),
        MALFORMED(MORE("\"x\":[[{\"a\":1,\"a\":2}]]")),
        ACCEPTED(MORE("\"x\":{\"alg\":\"none\",\"kid\":\"k2\"}")),
        ACCEPTED(MORE("\"ALG\":\"none\",\"x\":[1,1]")),
    };

    (void) state;

    run(jws_servers.one, rows, UNIT_COUNT(rows));
    run(jws_servers.two, rows, UNIT_COUNT(rows));
}


static void
p8_15_nesting(void **state)
{
    size_t     depth;
    agw_str_t  token;

    (void) state;

    for (depth = 1; depth < 40; depth++) {
        token = jws_mint(unit_cat(
            unit_cat(S("{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k1\","
                       "\"x\":"), unit_repeat(S("["), depth)),
            unit_cat(unit_repeat(S("]"), depth), S("}"))));

        /* the header itself is the first level */

        if (depth <= 15) {
            jws_accepts(jws_servers.one, token, S(JWS_PAYLOAD), "depth");

        } else {
            jws_refuses(jws_servers.one, token, AGW_MALFORMED_TOKEN,
                "depth");
        }
    }

    jws_refuses(jws_servers.one, jws_mint(unit_repeat(S("["), 5000)),
        AGW_MALFORMED_TOKEN, "5000 brackets");
}


static void
p8_16_header_text(void **state)
{
    static const jws_row_t  rows[] = {
        MALFORMED("[]"), MALFORMED("\"HS256\""), MALFORMED("null"),
        MALFORMED("1"), MALFORMED("{}"), MALFORMED("{"), MALFORMED(" "),
        MALFORMED("[" JWS_HEADER "]"),
        MALFORMED(JWS_HEADER "x"),
        MALFORMED(JWS_HEADER "{}"),
        MALFORMED(JWS_HEADER "\0"),
        MALFORMED("\xef\xbb\xbf" JWS_HEADER),
        MALFORMED("\xff\xfe{\0\"\0a\0\"\0:\0" "1\0}\0"),
        MALFORMED("{\0\"\0a\0l\0g\0\"\0:\0\"\0H\0S\0" "2\0" "5\0" "6\0\"\0}\0"),
        MALFORMED(MORE("\"x\":\"\\u0000\"")),
        MALFORMED(MORE("\"\\u0000\":1")),
        MALFORMED(MORE("\"x\":\"\0\"")),
        MALFORMED(MORE("\"x\":1\0")),
        MALFORMED(MORE("\"x\":\"\xff\"")),
        MALFORMED(MORE("\"x\":\"\xc0\xaf\"")),
        MALFORMED(MORE("\"x\":\"\xed\xa0\x80\"")),
        MALFORMED(MORE("\"x\":\"\\ud800\"")),
        MALFORMED(MORE("\"x\":1,")),
        ACCEPTED(" \r\n" JWS_HEADER "\t"),
        ACCEPTED(MORE("\"x\":\"\xc3\xa9\"")),
    };

    (void) state;

    run(jws_servers.one, rows, UNIT_COUNT(rows));
}


#define TYP(s)   "{\"alg\":\"HS256\",\"kid\":\"k1\",\"typ\":" s "}"


static void
p8_17_typ(void **state)
{
    static const jws_row_t  rows[] = {
        MALFORMED(TYP("\"application/\"")), MALFORMED(TYP("\"JOSE\"")),
        MALFORMED(TYP("\"text/jwt\"")), MALFORMED(TYP("\"application\"")),
        MALFORMED(TYP("\"application/jwt;x=1\"")),
        MALFORMED(TYP("\"application/jwt \"")), MALFORMED(TYP("\"/jwt\"")),
        MALFORMED(TYP("\" application/jwt\"")),
        MALFORMED(TYP("\"application/application/jwt\"")),
        MALFORMED(TYP("\"application/JWS\"")),
        MALFORMED(TYP("\"applicationjwt\"")),
        MALFORMED(TYP("\"xpplication/jwt\"")),
        MALFORMED(TYP("\"at jwt\"")), MALFORMED(TYP("\"at+jwt+jwt\"")),
        MALFORMED(TYP("\"\xe2\x84\xaawt\"")), MALFORMED(TYP("\"*\"")),
        MALFORMED(TYP("\"JWS\"")), MALFORMED(TYP("\"JWE\"")),
        MALFORMED(TYP("\"secevent+jwt\"")), MALFORMED(TYP("\"dpop+jwt\"")),
        MALFORMED(TYP("\"\"")), MALFORMED(TYP("\"JW\"")),
        MALFORMED(TYP("\"JWTS\"")), MALFORMED(TYP("\"JWT \"")),
        MALFORMED(TYP("\"JWT,at+jwt\"")), MALFORMED(TYP("\"J\\u0000WT\"")),
        MALFORMED(TYP("null")), MALFORMED(TYP("1")), MALFORMED(TYP("true")),
        MALFORMED(TYP("[\"JWT\"]")), MALFORMED(TYP("{}")),
        ACCEPTED(TYP("\"JWT\"")), ACCEPTED(TYP("\"jwt\"")),
        ACCEPTED(TYP("\"jWt\"")), ACCEPTED(TYP("\"at+jwt\"")),
        ACCEPTED(TYP("\"AT+JWT\"")), ACCEPTED(TYP("\"at+JWT\"")),
        ACCEPTED(TYP("\"application/jwt\"")),
        ACCEPTED(TYP("\"APPLICATION/JWT\"")),
        ACCEPTED(TYP("\"application/at+jwt\"")),
        ACCEPTED(TYP("\"Application/At+Jwt\"")),
        ACCEPTED(TYP("\"application\\/jwt\"")),
    };

    (void) state;

    run(jws_servers.one, rows, UNIT_COUNT(rows));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(p8_1_algorithm),
        unit_case(p8_1_none_without_a_signature),
        unit_case(p8_2_algorithm_is_the_keys),
        unit_case(p8_3_embedded_keys_are_never_read),
        unit_case(p8_4_kid),
        unit_case(p8_4_long_kid),
        unit_case(p8_4_absent_kid),
        unit_case(p8_5_crit_and_b64),
        unit_case(p8_6_duplicate_members),
        unit_case(p8_15_nesting),
        unit_case(p8_16_header_text),
        unit_case(p8_17_typ),
    };

    return cmocka_run_group_tests_name("jws header", tests, jws_setup,
        jws_teardown);
}
