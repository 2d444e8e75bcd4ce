
/*
 * Reading claims (D4): what has to be there, of what type
 * and in what grammar.  Nothing here looks at a clock or a configuration.
 */


#include "unit.h"

#include "agw_claims.h"
#include "readers.h"


/* a token's members, each of which a test may replace or leave out */

typedef struct {
    const char  *name;
    const char  *value;              /* JSON */
} member_t;


static const member_t  partner[] = {
    { "sub", "\"p-1\"" },
    { "partner_id", "\"p-1\"" },
    { "client_id", "\"p-1\"" },
    { "iat", "1000" },
    { "exp", "4600" },
    { "jti", "\"j-1\"" },
};


/*
 * The members above, with name's value replaced or added, or left out where
 * value is NULL.
 */

static agw_str_t
payload(const char *name, const char *value)
{
    int        found;
    size_t     i;
    agw_str_t  text;

    text = S("{");
    found = 0;

    for (i = 0; i < UNIT_COUNT(partner); i++) {
        if (strcmp(partner[i].name, name) != 0) {
            text = unit_cat(text, unit_format("%s\"%s\":%s",
                text.len == 1 ? "" : ",", partner[i].name,
                partner[i].value));

        } else if (value != NULL) {
            text = unit_cat(text, unit_format("%s\"%s\":%s",
                text.len == 1 ? "" : ",", name, value));
            found = 1;
        }
    }

    if (!found && value != NULL) {
        text = unit_cat(text, unit_format(",\"%s\":%s", name, value));
    }

    return unit_cat(text, S("}"));
}


/* the claims are the caller's; payload is gone before they are looked at */

static void
reads(agw_claims_t *claims, agw_str_t text)
{
    memset(claims, 0xa5, sizeof(*claims));

    unit_assert(unit_readers_agree(text) == AGW_OK, "refused: %.*s",
        UNIT_ARG(text));
    assert_int_equal(agw_claims_read_json(claims, text), AGW_OK);
    assert_non_null(claims->json);

    memset((unsigned char *) text.data, 'x', text.len);
}


static void
accepts(const char *name, const char *value)
{
    agw_claims_t  claims;

    reads(&claims, payload(name, value));
    agw_claims_done(&claims);
    agw_claims_done(&claims);
}


static void
refuses_text(agw_str_t text)
{
    agw_claims_t  claims;

    memset(&claims, 0xa5, sizeof(claims));

    unit_assert(unit_readers_agree(text) == AGW_MALFORMED_CLAIMS, "read: %.*s",
        UNIT_ARG(text));
    assert_int_equal(agw_claims_read(&claims, text), AGW_MALFORMED_CLAIMS);

    /* it holds nothing, and giving nothing back is no mistake */

    assert_null(claims.json);
    agw_claims_done(&claims);
}


static void
refuses(const char *name, const char *value)
{
    refuses_text(payload(name, value));
}


static void
d4_partner_token(void **state)
{
    agw_claims_t  c;

    (void) state;

    reads(&c, payload("x", "[{\"any\":\"thing\"}]"));

    assert_int_equal(c.kind, AGW_KIND_PARTNER);
    unit_assert_str(c.partner_id, S("p-1"));
    unit_assert_str(c.jti, S("j-1"));
    assert_int_equal(c.business_id.len, 0);
    assert_int_equal(c.scope.len, 0);
    assert_int_equal(c.iss.len, 0);
    assert_int_equal(c.iat, 1000);
    assert_int_equal(c.exp, 4600);
    assert_int_equal(c.nbf, 0);

    agw_claims_done(&c);
    agw_claims_done(&c);
}


static void
d4_business_token(void **state)
{
    agw_claims_t  c;

    (void) state;

    reads(&c, unit_cat(S("{\"business_id\":\"b-1\",\"nbf\":1001,"
        "\"scope\":\"business_access more\",\"iss\":\"https://i.example\","),
        unit_cat(S("\"aud\":[\"a\"],\"iat\":1000,\"exp\":1001,"),
                 S("\"jti\":\"j\",\"partner_id\":\"p\"}"))));

    assert_int_equal(c.kind, AGW_KIND_BUSINESS);
    unit_assert_str(c.business_id, S("b-1"));
    unit_assert_str(c.partner_id, S("p"));
    unit_assert_str(c.scope, S("business_access more"));
    unit_assert_str(c.iss, S("https://i.example"));
    assert_int_equal(c.nbf, 1001);

    agw_claims_done(&c);
}


static void
p8_9_required(void **state)
{
    (void) state;

    refuses("partner_id", NULL);
    refuses("iat", NULL);
    refuses("exp", NULL);
    refuses("jti", NULL);

    accepts("sub", NULL);
    accepts("client_id", NULL);

    /* another case is another name */

    refuses_text(S("{\"Partner_id\":\"p\",\"iat\":1,\"exp\":2,\"jti\":\"j\"}"));
    refuses_text(S("{\"partner_id\":\"p\",\"iat\":1,\"EXP\":2,\"jti\":\"j\"}"));
}


static void
d4_ids(void **state)
{
    size_t                   i, j;
    static const char *const names[] = { "jti", "business_id", "partner_id" };
    static const char *const bad[] = {
        "\"\"", "\" \"", "\"a b\"", "\"a/b\"", "\"..%2f\"", "\"a\\\\b\"",
        "\"a\\\"b\"", "\"a\\nb\"", "\"a\\u000d\\u000a\"", "\"\\u0007\"",
        "\"\\u007f\"", "\"\\u0000\"", "\"a\\u0000b\"", "\"\xc3\xa9\"",
        "\"a:b\"", "\"a+b\"", "\"a=\"", "\"a@b\"", "\"{a}\"", "\"a,b\"",
        "\"\xff\"", "\"\xc0\xaf\"", "1", "1.5", "true", "false", "null",
        "[]", "[\"p-1\"]", "{}",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(names); i++) {
        for (j = 0; j < UNIT_COUNT(bad); j++) {
            refuses(names[i], bad[j]);
        }

        unit_free_all(NULL);
    }

    accepts("jti", "\"A-Za.z0_9~\"");
    accepts("business_id", "\"A-Za.z0_9~\"");
    accepts("jti", "\"\\u0061\"");
}


static void
d4_id_length(void **state)
{
    size_t        i;
    agw_str_t     id;
    agw_claims_t  c;
    const char   *names[] = { "jti", "business_id" };

    (void) state;

    for (i = 0; i < UNIT_COUNT(names); i++) {
        id = unit_format("\"%.*s\"", UNIT_ARG(unit_fill('a', 128)));
        accepts(names[i], (char *) unit_cat(id, S("\0")).data);

        id = unit_format("\"%.*s\"", UNIT_ARG(unit_fill('a', 129)));
        refuses(names[i], (char *) unit_cat(id, S("\0")).data);
    }

    for (i = 128; i <= 129; i++) {
        id = unit_format("{\"partner_id\":\"%.*s\",\"iat\":1,\"exp\":2,"
            "\"jti\":\"j\"}", UNIT_ARG(unit_fill('a', i)));

        if (i == 128) {
            reads(&c, id);
            assert_int_equal(c.partner_id.len, 128);
            agw_claims_done(&c);

        } else {
            refuses_text(id);
        }
    }
}


static void
d4_sub_and_client_id_agree(void **state)
{
    size_t                   i, j;
    static const char *const names[] = { "sub", "client_id", "partner_id" };
    static const char *const bad[] = {
        "\"p-2\"", "\"P-1\"", "\"p-1 \"", "\"p-\"", "\"p-11\"", "\"\"",
        "\"p-1\\u0000\"", "1", "null", "true", "[]", "[\"p-1\"]", "{}",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(names); i++) {
        for (j = 0; j < UNIT_COUNT(bad); j++) {
            refuses(names[i], bad[j]);
        }
    }

    accepts("sub", "\"\\u0070-1\"");
}


static void
p8_9_times(void **state)
{
    size_t                   i, j;
    static const char *const names[] = { "iat", "exp", "nbf" };
    static const char *const bad[] = {
        "\"4600\"", "\"\"", "true", "false", "null", "4600.0", "4600.5",
        "4.6e3", "46e2", "1E3", "-1", "-4600", "-9223372036854775808",
        "9007199254740992", "9223372036854775807", "9223372036854775808",
        "18446744073709551616", "1e400", "[]", "[4600]", "{}",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(names); i++) {
        for (j = 0; j < UNIT_COUNT(bad); j++) {
            refuses(names[i], bad[j]);
        }
    }

    accepts("iat", "0");
    accepts("nbf", "0");
    accepts("nbf", "9007199254740991");
    accepts("exp", "9007199254740991");
}


static void
d4_exp_is_after_iat(void **state)
{
    (void) state;

    refuses("exp", "999");
    refuses("exp", "1000");
    accepts("exp", "1001");
    refuses("exp", "0");
    refuses("iat", "4600");
    refuses("iat", "4601");
    refuses("iat", "9007199254740991");
    accepts("iat", "4599");
}


static void
d4_scope(void **state)
{
    size_t                   i;
    agw_str_t                scope;
    static const char *const bad[] = {
        "\"\"", "\" \"", "\" a\"", "\"a \"", "\"a  b\"", "\"a\\tb\"",
        "\"a\\nb\"", "\"a\\\"b\"", "\"a\\\\b\"", "\"\\u0000\"",
        "\"\\u007f\"", "\"\xc3\xa9\"", "1", "true", "null", "[\"a\"]", "{}",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(bad); i++) {
        refuses("scope", bad[i]);
    }

    accepts("scope", "\"a\"");
    accepts("scope", "\"a b https://example.com/x\"");

    scope = unit_format("\"%.*s\"", UNIT_ARG(unit_fill('a', 1024)));
    accepts("scope", (char *) unit_cat(scope, S("\0")).data);
    scope = unit_format("\"%.*s\"", UNIT_ARG(unit_fill('a', 1025)));
    refuses("scope", (char *) unit_cat(scope, S("\0")).data);
}


static void
d4_business_access_needs_a_business(void **state)
{
    (void) state;

    refuses("scope", "\"business_access\"");
    refuses("scope", "\"a business_access\"");
    refuses("scope", "\"business_access a\"");
    refuses("scope", "\"a business_access b\"");
    refuses("scope", "\"business\\u005faccess\"");

    /* it is a word, not a text */

    accepts("scope", "\"business_access_not\"");
    accepts("scope", "\"not_business_access\"");
    accepts("scope", "\"Business_access\"");
    accepts("scope", "\"business access\"");

    accepts("business_id", "\"b\"");
    accepts("business_id", "\"b\",\"scope\":\"business_access\"");

    /* a business that is nothing does not make a partner token */

    refuses("business_id", "null");
    refuses("business_id", "\"\",\"scope\":\"business_access\"");
    refuses("business_id", "null,\"scope\":\"business_access\"");
}


static void
rfc7519_4_1_1_issuer_is_a_string(void **state)
{
    (void) state;

    accepts("iss", "\"https://i.example\"");
    accepts("iss", "\"\xc3\xa9 \\\"x\\\"\"");
    refuses("iss", "1");
    refuses("iss", "null");
    refuses("iss", "true");
    refuses("iss", "[\"https://i.example\"]");
    refuses("iss", "{}");
    refuses("iss", "\"a\\u0000b\"");
}


static void
p8_6_duplicate_members(void **state)
{
    (void) state;

    refuses("x", "1,\"partner_id\":\"p-1\"");
    refuses("x", "1,\"partner_id\":\"p-2\"");
    refuses("x", "1,\"exp\":9999");
    refuses("x", "1,\"\\u0065xp\":9999");
    refuses("x", "1,\"x\":1");
    refuses("x", "{\"a\":1,\"a\":2}");
    refuses("x", "[[{\"a\":1,\"a\":2}]]");
    refuses("business_id", "\"a\",\"business_id\":\"b\"");
    accepts("x", "{\"partner_id\":\"p-2\",\"exp\":1,\"business_id\":\"b\"}");
}


static void
p8_15_depth(void **state)
{
    (void) state;

    accepts("x", "[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]");
    refuses("x", "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]");
}


static void
p8_16_text(void **state)
{
    (void) state;

    refuses_text(UNIT_NONE);
    refuses_text(S(""));
    refuses_text(S("{}"));
    refuses_text(S("[]"));
    refuses_text(S("null"));
    refuses_text(S("\"a\""));
    refuses_text(unit_cat(S("["), unit_cat(payload("x", "1"), S("]"))));
    refuses_text(unit_cat(payload("x", "1"), S("x")));
    refuses_text(unit_cat(payload("x", "1"), S("{}")));
    refuses_text(unit_cat(payload("x", "1"), S("\0")));
    refuses_text(unit_cat(S("\xef\xbb\xbf"), payload("x", "1")));
    refuses("x", "\"\\u0000\"");
    refuses("x", "\"\xed\xa0\x80\"");
    refuses("x", "\"\xff\"");
    refuses("\\u0000", "1");
    refuses("x", "01");
    refuses("x", "NaN");
}


/* every start of a good payload, and every byte of it as it should not be */

static void
p8_16_cut_and_changed(void **state)
{
    int             b;
    size_t          i;
    agw_str_t       text, whole;
    agw_claims_t    c;
    unsigned char  *p;

    (void) state;

    whole = payload("x", "1");

    for (text = whole, text.len = 0; text.len < whole.len; text.len++) {
        refuses_text(unit_copy(text));
    }

    for (i = 0; i < whole.len; i++) {
        for (b = 0; b < 256; b++) {
            text = unit_copy(whole);
            p = (unsigned char *) text.data;
            p[i] = (unsigned char) b;

            if (b < 0x09 || b >= 0x80) {
                refuses_text(text);

            } else if (agw_claims_read(&c, text) == AGW_OK) {
                agw_claims_done(&c);
            }
        }

        whole = payload("x", "1");
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d4_partner_token),
        unit_case(d4_business_token),
        unit_case(p8_9_required),
        unit_case(d4_ids),
        unit_case(d4_id_length),
        unit_case(d4_sub_and_client_id_agree),
        unit_case(p8_9_times),
        unit_case(d4_exp_is_after_iat),
        unit_case(d4_scope),
        unit_case(d4_business_access_needs_a_business),
        unit_case(rfc7519_4_1_1_issuer_is_a_string),
        unit_case(p8_6_duplicate_members),
        unit_case(p8_15_depth),
        unit_case(p8_16_text),
        unit_case(p8_16_cut_and_changed),
    };

    return cmocka_run_group_tests_name("claims", tests, NULL, NULL);
}
