
/*
 * The Authorization header.  What a client meant as a token or a secret is
 * taken whole or not at all.
 */


#include "mint.h"

#include "agw_base64.h"
#include "agw_credentials.h"
#include "agw_grammar.h"


/* in place of a reason: any but AGW_OK */

#define NOT_OK   AGW_REASONS


static void
bearer(agw_str_t value, agw_reason_t wanted, agw_str_t token)
{
    agw_str_t     got;
    agw_reason_t  reason;

    value = unit_copy(value);
    memset(&got, 0, sizeof(got));
    reason = agw_bearer_parse(value, &got);

    unit_assert(wanted == NOT_OK ? reason != AGW_OK : reason == wanted,
        "\"%.*s\": %s", UNIT_ARG(value), agw_reason_info(reason)->name);

    if (reason == AGW_OK) {
        unit_assert_str(got, token);
        assert_true(got.data >= value.data
            && got.data + got.len <= value.data + value.len);
    }
}


static void
p4_1_bearer(void **state)
{
    (void) state;

    bearer(S("Bearer abc"), AGW_OK, S("abc"));
    bearer(S("bearer abc"), AGW_OK, S("abc"));
    bearer(S("BEARER abc"), AGW_OK, S("abc"));
    bearer(S("bEaReR abc"), AGW_OK, S("abc"));
    bearer(S("Bearer  abc"), AGW_OK, S("abc"));
    bearer(S("Bearer        abc"), AGW_OK, S("abc"));
    bearer(S("Bearer e30.e30.-_~+/A9=="), AGW_OK, S("e30.e30.-_~+/A9=="));
    bearer(S("Bearer a"), AGW_OK, S("a"));
    bearer(S("Bearer Bearer"), AGW_OK, S("Bearer"));
    bearer(unit_cat(S("Bearer "), unit_fill('a', 100000)), AGW_OK,
        unit_fill('a', 100000));
}


static void
p4_2_no_credentials(void **state)
{
    (void) state;

    bearer(UNIT_NONE, AGW_NO_CREDENTIALS, S(""));
    bearer(S(""), AGW_NO_CREDENTIALS, S(""));
    bearer(S("Basic YTpi"), AGW_NO_CREDENTIALS, S(""));
    bearer(S("Basic"), AGW_NO_CREDENTIALS, S(""));
    bearer(S("Digest username=\"Bearer abc\""), AGW_NO_CREDENTIALS, S(""));
    bearer(S("Bear abc"), AGW_NO_CREDENTIALS, S(""));
    bearer(S("Beare"), AGW_NO_CREDENTIALS, S(""));
    bearer(S("BearerX abc"), AGW_NO_CREDENTIALS, S(""));
    bearer(S("Bearerabc"), AGW_NO_CREDENTIALS, S(""));
    bearer(S("Token abc"), AGW_NO_CREDENTIALS, S(""));
    bearer(S("DPoP abc"), AGW_NO_CREDENTIALS, S(""));
}


static void
p4_2_malformed_bearer(void **state)
{
    size_t                  i;
    static const agw_str_t  values[] = {
        agw_string("Bearer"), agw_string("Bearer "), agw_string("Bearer   "),
        agw_string("bearer"), agw_string("Bearer a b"),
        agw_string("Bearer a,b"), agw_string("Bearer a, Bearer b"),
        agw_string("Bearer \"abc\""), agw_string("Bearer token=\"abc\""),
        agw_string("Bearer =abc"), agw_string("Bearer ="),
        agw_string("Bearer a=b"), agw_string("Bearer a:b"),
        agw_string("Bearer a%20b"), agw_string("Bearer a\tb"),
        agw_string("Bearer \tabc"), agw_string("Bearer abc\0"),
        agw_string("Bearer \0abc"), agw_string("Bearer abc\r\nX: y"),
        agw_string("Bearer caf\xc3\xa9"), agw_string("Bearer \xff"),
        agw_string("Bearer {abc}"), agw_string("Bearer <abc>"),
        agw_string("Bearer abc;x"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(values); i++) {
        bearer(values[i], AGW_MALFORMED_CREDENTIALS, S(""));
    }

    /* no scheme that ends like this one: whether it is another is open */

    bearer(S("Bearer\tabc"), NOT_OK, S(""));
    bearer(S("Bearer\0abc"), NOT_OK, S(""));
    bearer(S("Bearer,abc"), NOT_OK, S(""));
    bearer(S("Bearer=abc"), NOT_OK, S(""));
    bearer(S("Bearer:abc"), NOT_OK, S(""));
    bearer(S("Bearer\xc2\xa0" "abc"), NOT_OK, S(""));
}


/* all that holds of any answer to any value */

static agw_reason_t
basic(agw_str_t value, agw_basic_t *parsed)
{
    size_t              i, size;
    agw_reason_t        reason;
    agw_credentials_t  *client;
    unsigned char      *buf;

    value = unit_copy(value);
    size = 2 * AGW_BASE64_DECODED(value.len);
    buf = unit_alloc(size);
    memset(parsed, 0xa5, sizeof(*parsed));

    reason = agw_basic_parse(value, parsed, buf);

    if (reason != AGW_OK) {
        return reason;
    }

    assert_in_range(parsed->nreadings, 1, 2);

    for (i = 0; i < parsed->nreadings; i++) {
        client = &parsed->readings[i];

        assert_true(client->id.len == 0 || (client->id.data >= buf
            && client->id.data + client->id.len <= buf + size));
        assert_true(client->secret.len == 0 || (client->secret.data >= buf
            && client->secret.data + client->secret.len <= buf + size));
        assert_false(agw_has_control(client->id));
        assert_false(agw_has_control(client->secret));
    }

    return AGW_OK;
}


/* the text within Basic, which is encoded here */

static void
reads(agw_str_t text, size_t n, agw_str_t id, agw_str_t secret,
    agw_str_t raw_id, agw_str_t raw_secret)
{
    agw_str_t    value;
    agw_basic_t  b;

    value = mint_base64(text);

    assert_int_equal(basic(unit_cat(S("Basic "), value), &b), AGW_OK);
    unit_assert(b.nreadings == n, "%.*s: %zu readings", UNIT_ARG(text),
        b.nreadings);

    unit_assert_str(b.readings[0].id, id);
    unit_assert_str(b.readings[0].secret, secret);
    unit_assert_str(b.readings[n - 1].id, raw_id);
    unit_assert_str(b.readings[n - 1].secret, raw_secret);
}


static void
once(agw_str_t text, agw_str_t id, agw_str_t secret)
{
    reads(text, 1, id, secret, id, secret);
}


static void
p1_1_one_reading(void **state)
{
    (void) state;

    once(S("id:secret"), S("id"), S("secret"));
    once(S("0b5c8d5e-7a3f-4d8e-9c1a-2b3c4d5e6f70:k_~.-"),
        S("0b5c8d5e-7a3f-4d8e-9c1a-2b3c4d5e6f70"), S("k_~.-"));

    /* RFC 7617, section 2: the example, and the first ':' */

    once(S("Aladdin:open sesame"), S("Aladdin"), S("open sesame"));
    once(S("id:a:b:c"), S("id"), S("a:b:c"));
    once(S("id::"), S("id"), S(":"));

    /* empty halves are halves: whether they are anybody is not asked here */

    once(S("id:"), S("id"), S(""));
    once(S(":secret"), S(""), S("secret"));
    once(S(":"), S(""), S(""));

    once(S("caf\xc3\xa9:\xe2\x82\xac"), S("caf\xc3\xa9"),
        S("\xe2\x82\xac"));
    once(S("a&b=c:d&e=f;g/h?i#j"), S("a&b=c"), S("d&e=f;g/h?i#j"));
}


static void
p1_1_two_readings(void **state)
{
    (void) state;

    reads(S("a1b2%2Dc:k"), 2, S("a1b2-c"), S("k"), S("a1b2%2Dc"), S("k"));
    reads(S("id:a%2fb"), 2, S("id"), S("a/b"), S("id"), S("a%2fb"));
    reads(S("id:a+b"), 2, S("id"), S("a b"), S("id"), S("a+b"));
    reads(S("a+b:c"), 2, S("a b"), S("c"), S("a+b"), S("c"));
    reads(S("i%64:s%65c"), 2, S("id"), S("sec"), S("i%64"), S("s%65c"));

    /* split first, then decoded: an encoded colon is no separator */

    reads(S("a%3Ab:c%3ad"), 2, S("a:b"), S("c:d"), S("a%3Ab"),
        S("c%3ad"));

    /* decoded once */

    reads(S("id:%2541"), 2, S("id"), S("%41"), S("id"), S("%2541"));
}


/* a '%' that does not decode, in either half: raw only, both halves */

static void
p1_1_raw_only(void **state)
{
    size_t                  i;
    static const agw_str_t  bad[] = {
        agw_string("100%"), agw_string("%"), agw_string("%4"),
        agw_string("a%zzb"), agw_string("%4g"), agw_string("%%41"),
        agw_string("%41%"), agw_string("a+b%"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(bad); i++) {
        once(unit_cat(S("id:"), bad[i]), S("id"), bad[i]);
        once(unit_cat(bad[i], S(":secret")), bad[i], S("secret"));
        once(unit_cat(S("a%2Db:"), bad[i]), S("a%2Db"), bad[i]);
        once(unit_cat(bad[i], S(":a+b")), bad[i], S("a+b"));
    }
}


static void
p1_1_scheme(void **state)
{
    size_t                  i;
    agw_str_t               value;
    agw_basic_t             b;
    static const agw_str_t  schemes[] = {
        agw_string("Basic "), agw_string("basic "), agw_string("BASIC "),
        agw_string("bAsIc "), agw_string("Basic  "),
        agw_string("Basic      "),
    };
    static const agw_str_t  others[] = {
        agw_string("Bearer "), agw_string("Basi "), agw_string("BasicX "),
        agw_string("Basic"), agw_string("Digest "), agw_string("Basic2 "),
    };

    (void) state;

    value = mint_base64(S("id:secret"));

    for (i = 0; i < UNIT_COUNT(schemes); i++) {
        assert_int_equal(basic(unit_cat(schemes[i], value), &b), AGW_OK);
        unit_assert_str(b.readings[0].id, S("id"));
        unit_assert_str(b.readings[0].secret, S("secret"));
    }

    for (i = 0; i < UNIT_COUNT(others); i++) {
        assert_int_equal(basic(unit_cat(others[i], value), &b),
            AGW_NO_CREDENTIALS);
    }

    assert_int_equal(basic(UNIT_NONE, &b), AGW_NO_CREDENTIALS);
    assert_int_equal(basic(S(""), &b), AGW_NO_CREDENTIALS);
    assert_int_equal(basic(S("Bearer"), &b), AGW_NO_CREDENTIALS);
    assert_int_equal(basic(S("Basi"), &b), AGW_NO_CREDENTIALS);

    assert_int_not_equal(basic(unit_cat(S("Basic\t"), value), &b), AGW_OK);
    assert_int_not_equal(basic(unit_cat(S("Basic,"), value), &b), AGW_OK);
    assert_int_not_equal(basic(unit_cat(S("Basic\0"), value), &b), AGW_OK);
}


static void
malformed(agw_str_t value)
{
    agw_basic_t   b;
    agw_reason_t  reason;

    reason = basic(unit_cat(S("Basic "), value), &b);

    unit_assert(reason == AGW_MALFORMED_CREDENTIALS, "\"%.*s\": %s",
        UNIT_ARG(value), agw_reason_info(reason)->name);
}


static void
p1_1_malformed_base64(void **state)
{
    agw_basic_t  b;

    (void) state;

    assert_int_equal(basic(S("Basic"), &b), AGW_MALFORMED_CREDENTIALS);

    malformed(S(""));
    malformed(S("  "));
    malformed(S("="));
    malformed(S("YTpi YTpi"));
    malformed(S("YTpi\tYTpi"));
    malformed(S("YTpi, Basic YTpi"));
    malformed(S("YT pi"));
    malformed(S("\tYTpi"));
    malformed(S("YTpi\0"));
    malformed(S("YTpi=="));
    malformed(S("YTpiY"));
    malformed(S("YTpiYw="));
    malformed(S("YTpiYx=="));
    malformed(S("YTpiYx"));
    malformed(S("\"YTpi\""));
    malformed(S("id:secret"));
    malformed(S("Og-_"));
    malformed(S("Ojo_"));
    malformed(S("Ojo-"));

    /* and the same, well-formed */

    once(S("::?"), S(""), S(":?"));
    assert_int_equal(basic(S("Basic YTpiYw"), &b), AGW_OK);
    unit_assert_str(b.readings[0].secret, S("bc"));
    assert_int_equal(basic(S("Basic YTpiYw=="), &b), AGW_OK);
    unit_assert_str(b.readings[0].secret, S("bc"));
}


static void
p1_1_malformed_text(void **state)
{
    int        c;
    agw_str_t  byte;

    (void) state;

    malformed(mint_base64(S("no colon")));
    malformed(mint_base64(S("no%3Acolon")));
    malformed(mint_base64(S("x")));

    for (c = 0; c < 0x80; c++) {
        if (c >= 0x20 && c != 0x7f) {
            continue;
        }

        byte = unit_fill(c, 1);
        malformed(mint_base64(unit_cat(unit_cat(S("i"), byte), S("d:s"))));
        malformed(mint_base64(unit_cat(unit_cat(S("id:s"), byte), S("t"))));
        malformed(mint_base64(unit_cat(S("id:s"), byte)));
        malformed(mint_base64(unit_cat(byte, S("id:s"))));
    }
}


/* never decoded into a reading; whether it is one raw is open */

static void
p1_1_encoded_control_bytes(void **state)
{
    int           c;
    agw_str_t     text;
    agw_basic_t   b;
    agw_reason_t  reason;

    (void) state;

    for (c = 0; c < 0x80; c++) {
        if (c >= 0x20 && c != 0x7f) {
            continue;
        }

        text = unit_format("id%%%02x:s", c);
        reason = basic(unit_cat(S("Basic "), mint_base64(text)), &b);
        assert_true(reason == AGW_MALFORMED_CREDENTIALS
            || (reason == AGW_OK && b.nreadings == 1));

        text = unit_format("id:s%%%02X", c);
        reason = basic(unit_cat(S("Basic "), mint_base64(text)), &b);
        assert_true(reason == AGW_MALFORMED_CREDENTIALS
            || (reason == AGW_OK && b.nreadings == 1));
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(p4_1_bearer),
        unit_case(p4_2_no_credentials),
        unit_case(p4_2_malformed_bearer),
        unit_case(p1_1_one_reading),
        unit_case(p1_1_two_readings),
        unit_case(p1_1_raw_only),
        unit_case(p1_1_scheme),
        unit_case(p1_1_malformed_base64),
        unit_case(p1_1_malformed_text),
        unit_case(p1_1_encoded_control_bytes),
    };

    return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
