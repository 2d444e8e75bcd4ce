
/*
 * Claims on their way out: as the payload of a token of ours, and one by
 * one as text for a header.  The story of the latter: a CR LF in a proxied
 * header is a second header.
 */


#include "unit.h"

#include "agw_claims.h"
#include "readers.h"


static agw_claims_t
partner_claims(void)
{
    agw_claims_t  c;

    memset(&c, 0, sizeof(c));
    c.kind = AGW_KIND_PARTNER;
    c.partner_id = S("p-1");
    c.jti = S("j-1");
    c.iat = 1700000000;
    c.exp = 1700003600;
    c.seq = AGW_SEQ_NONE;

    return c;
}


static json_t *
written(const agw_claims_t *c, agw_str_t issuer, agw_str_t audience)
{
    json_t     *json;
    agw_str_t   text;

    text = unit_write_claims(c, issuer, audience);

    json = json_loadb((const char *) text.data, text.len,
        JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_object(json));

    return json;
}


static void
assert_text(json_t *json, const char *name, agw_str_t wanted)
{
    json_t     *value;
    agw_str_t   s;

    value = json_object_get(json, name);
    unit_assert(json_is_string(value), "%s is no string", name);

    s.len = json_string_length(value);
    s.data = (const unsigned char *) json_string_value(value);
    unit_assert_str(s, wanted);
}


static void
assert_number(json_t *json, const char *name, int64_t wanted)
{
    json_t  *value;

    value = json_object_get(json, name);
    unit_assert(json_is_integer(value), "%s is no integer", name);
    assert_true(json_integer_value(value) == wanted);
}


static void
d4_partner_token(void **state)
{
    json_t        *json;
    agw_claims_t   c;

    (void) state;

    c = partner_claims();
    json = written(&c, UNIT_NONE, UNIT_NONE);

    assert_text(json, "sub", S("p-1"));
    assert_text(json, "partner_id", S("p-1"));
    assert_text(json, "client_id", S("p-1"));
    assert_text(json, "jti", S("j-1"));
    assert_number(json, "iat", 1700000000);
    assert_number(json, "exp", 1700003600);
    assert_int_equal(json_object_size(json), 6);
    json_decref(json);

    c.scope = S("reports:read");
    json = written(&c, S("https://i.example"), S(""));
    assert_text(json, "scope", S("reports:read"));
    assert_text(json, "iss", S("https://i.example"));
    assert_int_equal(json_object_size(json), 8);
    json_decref(json);
}


static void
d4_seq(void **state)
{
    size_t                i;
    json_t               *json;
    agw_claims_t          c;
    unsigned char         buf[AGW_CLAIMS_SIZE];
    static const int64_t  stamps[] = { 0, 1, 1790000000000, AGW_STAMP_MAX };

    (void) state;

    for (i = 0; i < UNIT_COUNT(stamps); i++) {
        c = partner_claims();
        c.seq = stamps[i];
        json = written(&c, UNIT_NONE, UNIT_NONE);

        assert_number(json, "seq", stamps[i]);
        assert_int_equal(json_object_size(json), 7);
        json_decref(json);
    }

    /* what is no stamp and no absence is not to be signed */

    c.seq = AGW_SEQ_MALFORMED;
    assert_int_equal(agw_claims_write(&c, S("{"), buf, sizeof(buf), &i), -1);
}


static void
d4_business_token(void **state)
{
    json_t        *json;
    agw_claims_t   c;

    (void) state;

    c = partner_claims();
    c.kind = AGW_KIND_BUSINESS;
    c.business_id = S("b-1");
    c.scope = S("business_access");
    json = written(&c, S("https://i.example"), S("api"));

    assert_text(json, "business_id", S("b-1"));
    assert_text(json, "scope", S("business_access"));
    assert_text(json, "iss", S("https://i.example"));
    assert_text(json, "aud", S("api"));
    assert_text(json, "sub", S("p-1"));
    assert_int_equal(json_object_size(json), 10);
    json_decref(json);
}


static void
round_trip(agw_claims_t *c, agw_str_t issuer, agw_str_t audience)
{
    agw_str_t           text;
    agw_claims_t        got;
    agw_claims_rules_t  rules;

    text = unit_write_claims(c, issuer, audience);

    assert_int_equal(unit_readers_agree(text), AGW_OK);
    assert_int_equal(agw_claims_read(&got, text), AGW_OK);

    assert_int_equal(got.kind, c->kind);
    unit_assert_str(got.partner_id, c->partner_id);
    unit_assert_str(got.business_id, c->business_id);
    unit_assert_str(got.scope, c->scope);
    unit_assert_str(got.jti, c->jti);
    unit_assert_str(got.iss, issuer);
    assert_true(got.iat == c->iat && got.exp == c->exp && got.nbf == 0
        && got.seq == c->seq);

    rules.issuer = issuer;
    rules.audience = audience;
    rules.leeway = 0;
    rules.max_lifetime = c->exp - c->iat;
    assert_int_equal(agw_claims_check(&got, &rules, c->iat), AGW_OK);

    agw_claims_done(&got);
}


static void
written_claims_are_read(void **state)
{
    size_t                  i;
    agw_claims_t            c;
    static const agw_str_t  names[] = {
        agw_string(""), agw_string("https://i.example/path?q"),
        agw_string("with \"quotes\" and \\backslashes\\"),
        agw_string("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
        agw_string("\x01\n\x7f</script>"), agw_string("\\u0041"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(names); i++) {
        c = partner_claims();
        round_trip(&c, names[i], UNIT_NONE);
        round_trip(&c, UNIT_NONE, names[i]);
        round_trip(&c, names[i], names[i]);

        c.kind = AGW_KIND_BUSINESS;
        c.seq = 1790000000000 + (int64_t) i;
        c.business_id = S("b~1._");
        c.scope = S("business_access a!#$%&'()*+,-./:;<=>?@[]^_`{|}~");
        round_trip(&c, names[i], names[i]);
    }
}


/* every size below what is needed is refused, and not written past */

static void
sizes(void **state)
{
    size_t          len, size, n;
    agw_claims_t    c;
    unsigned char  *buf;

    (void) state;

    c = partner_claims();
    c.kind = AGW_KIND_BUSINESS;
    c.partner_id = unit_fill('p', 128);
    c.business_id = unit_fill('b', 128);
    c.jti = unit_fill('j', 128);
    c.scope = unit_fill('s', 1024);
    c.iat = AGW_TIME_MAX - 1;
    c.exp = AGW_TIME_MAX;
    c.seq = AGW_STAMP_MAX;

    round_trip(&c, UNIT_NONE, UNIT_NONE);
    round_trip(&c, unit_fill('\x01', 1000), unit_fill('"', 1000));

    len = unit_write_claims(&c, UNIT_NONE, UNIT_NONE).len;

    for (size = 0; size < len; size++) {
        buf = unit_alloc(size);
        unit_assert(agw_claims_write(&c, S("{"), buf, size, &n) == -1,
            "%zu of %zu bytes", size, len);
    }

    buf = unit_alloc(len);
    assert_int_equal(agw_claims_write(&c, S("{"), buf, len, &n), 0);
    assert_true(n == len);
}


/* a claim that would need an escape is nobody's id and no scope */

static void
claims_that_are_none(void **state)
{
    size_t                  i;
    agw_claims_t            c;
    unsigned char           buf[AGW_CLAIMS_SIZE];
    static const agw_str_t  values[] = {
        agw_string("\""), agw_string("a\\"), agw_string("a\nb"),
        agw_string("\x7f"), agw_string("caf\xc3\xa9"), agw_string("a\0b"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(values); i++) {
        size_t      n;
        agw_str_t  *fields[] = { &c.partner_id, &c.business_id, &c.scope,
                                 &c.jti };

        for (n = 0; n < UNIT_COUNT(fields); n++) {
            size_t  len;

            c = partner_claims();
            *fields[n] = values[i];

            unit_assert(agw_claims_write(&c, S("{"), buf, sizeof(buf), &len)
                == -1, "field %zu, value %zu", n, i);
        }
    }

    c = partner_claims();
    c.iat = -1;
    assert_int_equal(agw_claims_write(&c, S("{"), buf, sizeof(buf), &i), -1);
}


/* the text of the claim x, whose value is this JSON */

static void
is_text(agw_str_t value, agw_str_t wanted)
{
    agw_str_t       json, text;
    agw_claims_t    c;
    unsigned char  *buf;

    json = unit_cat(S("{\"partner_id\":\"p\",\"jti\":\"j\",\"iat\":1,"
        "\"exp\":2,\"xx\":\"other\",\"X\":\"other\",\"x\":"),
        unit_cat(value, S("}")));
    assert_int_equal(agw_claims_read_json(&c, json), AGW_OK);

    buf = unit_alloc(AGW_CLAIM_BUF_SIZE);
    text = agw_claim_text(c.json, unit_copy(S("x")), buf);

    unit_assert(agw_str_eq(text, wanted), "%.*s: \"%.*s\"", UNIT_ARG(value),
        UNIT_ARG(text));

    agw_claims_done(&c);
}


static void
d3_claim_strings(void **state)
{
    int  b;

    (void) state;

    is_text(S("\"plain text\""), S("plain text"));
    is_text(S("\" \""), S(" "));
    is_text(S("\"~\""), S("~"));
    is_text(S("\"a\\\"b\\\\c\\/d\""), S("a\"b\\c/d"));
    is_text(S("\"\""), S(""));
    is_text(S("\"a\\r\\nX-Partner-Id: b\""), S(""));
    is_text(S("\"a\\n\""), S(""));
    is_text(S("\"\\ta\""), S(""));
    is_text(S("\"caf\xc3\xa9\""), S(""));
    is_text(S("\"\\u2028\""), S(""));

    for (b = 1; b < 0x100; b++) {
        is_text(unit_format("\"a\\u%04xz\"", b), b < 0x20 || b > 0x7e
            ? S("") : unit_format("a%cz", b));
    }
}


static void
d3_claim_length(void **state)
{
    size_t  n;

    (void) state;

    for (n = 250; n < 260; n++) {
        is_text(unit_format("\"%.*s\"", UNIT_ARG(unit_fill('a', n))),
            n <= 256 ? unit_fill('a', n) : S(""));
    }

    is_text(unit_format("\"%.*s\"", UNIT_ARG(unit_fill('a', 5000))), S(""));
}


static void
d3_claim_types(void **state)
{
    (void) state;

    is_text(S("0"), S("0"));
    is_text(S("7"), S("7"));
    is_text(S("-7"), S("-7"));
    is_text(S("9223372036854775807"), S("9223372036854775807"));
    is_text(S("-9223372036854775808"), S("-9223372036854775808"));
    is_text(S("true"), S("true"));
    is_text(S("false"), S("false"));

    is_text(S("null"), S(""));
    is_text(S("1.0"), S(""));
    is_text(S("1.5"), S(""));
    is_text(S("1e3"), S(""));
    is_text(S("[]"), S(""));
    is_text(S("[\"a\"]"), S(""));
    is_text(S("{}"), S(""));
    is_text(S("{\"x\":\"a\"}"), S(""));
}


static void
d3_claim_names(void **state)
{
    size_t                  i;
    agw_claims_t            c;
    unsigned char           buf[AGW_CLAIM_BUF_SIZE];
    static const agw_str_t  absent[] = {
        agw_string(""), agw_string("y"), agw_string("partner"),
        agw_string("partner_id\0"), agw_string("partner_idx"),
        agw_string("\0partner_id"), agw_string("PARTNER_ID"),
        agw_string("\xff"),
    };

    (void) state;

    assert_int_equal(agw_claims_read_json(&c, S("{\"partner_id\":\"p\","
        "\"jti\":\"j\",\"iat\":1,\"exp\":2,\"caf\xc3\xa9\":\"x\"}")), AGW_OK);

    for (i = 0; i < UNIT_COUNT(absent); i++) {
        unit_assert(agw_claim_text(c.json, unit_copy(absent[i]), buf).len == 0,
            "row %zu", i);
    }

    assert_int_equal(agw_claim_text(c.json, UNIT_NONE, buf).len, 0);
    assert_int_equal(agw_claim_text(c.json, unit_fill('n', 5000), buf).len, 0);

    /* the name is not terminated: what follows it is not read */

    unit_assert_str(agw_claim_text(c.json, unit_copy(S("partner_id")), buf),
        S("p"));
    unit_assert_str(agw_claim_text(c.json, (agw_str_t) { 3,
        (const unsigned char *) "iat_and_more" }, buf), S("1"));
    unit_assert_str(agw_claim_text(c.json, S("caf\xc3\xa9"), buf), S("x"));

    agw_claims_done(&c);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d4_partner_token),
        unit_case(d4_business_token),
        unit_case(d4_seq),
        unit_case(written_claims_are_read),
        unit_case(sizes),
        unit_case(claims_that_are_none),
        unit_case(d3_claim_strings),
        unit_case(d3_claim_length),
        unit_case(d3_claim_types),
        unit_case(d3_claim_names),
    };

    return cmocka_run_group_tests_name("claims text", tests, NULL, NULL);
}
