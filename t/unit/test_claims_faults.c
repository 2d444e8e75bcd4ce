
/*
 * What is said of claims that are refused (D4): which claim,
 * and why, in words that are all ours.
 */


#include "unit.h"

#include "agw_claims.h"
#include "readers.h"


#define NO_ID  "not 1 to 128 of A-Za-z0-9._~-"


static void
says(agw_str_t text, const char *fault)
{
    agw_claims_t  c;

    assert_int_equal(unit_readers_agree(text), AGW_MALFORMED_CLAIMS);
    assert_int_equal(agw_claims_read(&c, text), AGW_MALFORMED_CLAIMS);
    assert_non_null(c.fault);
    unit_assert(strcmp(c.fault, fault) == 0, "%.*s: %s, not %s",
        UNIT_ARG(text), c.fault, fault);

    agw_claims_done(&c);
    assert_null(c.fault);
}


/* a good payload whose claim is that JSON, or absent where it is NULL */

static agw_str_t
with(const char *name, const char *value)
{
    size_t             i;
    agw_str_t          text;
    static const char  *good[][2] = {
        { "partner_id", "\"p\"" }, { "jti", "\"j\"" }, { "iat", "1000" },
        { "exp", "4600" },
    };

    text = value ? unit_format(",\"%s\":%s", name, value) : S("");

    for (i = 0; i < UNIT_COUNT(good); i++) {
        if (strcmp(good[i][0], name) != 0) {
            text = unit_cat(text, unit_format(",\"%s\":%s", good[i][0],
                good[i][1]));
        }
    }

    text = unit_cat(text, S("}"));
    *(unsigned char *) text.data = '{';

    return text;
}


static void
claim_says(const char *name, const char *value, const char *why)
{
    char  fault[128];

    snprintf(fault, sizeof(fault), "%s: %s", name, why);
    says(with(name, value), fault);
}


static void
d4_missing(void **state)
{
    (void) state;

    claim_says("partner_id", NULL, "missing");
    claim_says("jti", NULL, "missing");
    claim_says("iat", NULL, "missing");
    claim_says("exp", NULL, "missing");
}


static void
d4_type(void **state)
{
    size_t                   i, j;
    static const char *const strings[] = {
        "partner_id", "jti", "iss", "sub", "client_id", "business_id", "scope",
    };
    static const char *const times[] = { "iat", "exp", "nbf" };
    static const char *const values[] = {
        "null", "true", "1.5", "[]", "[1]", "{}", "[\"p\"]",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(values); i++) {
        for (j = 0; j < UNIT_COUNT(strings); j++) {
            claim_says(strings[j], values[i], "not a string");
        }

        for (j = 0; j < UNIT_COUNT(times); j++) {
            claim_says(times[j], values[i], "not an integer");
        }
    }

    claim_says("sub", "1", "not a string");
    claim_says("exp", "\"4600\"", "not an integer");
    claim_says("exp", "4600.0", "not an integer");
    claim_says("exp", "1e4", "not an integer");
}


#define X5T_SHORT  "BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJS"
#define X5T        X5T_SHORT "Y"
#define BITS       X5T_SHORT "Z"
#define X5T_REST   "wgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSY"


/* RFC 7800, section 3.1: one that is not understood is not ignored */

static void
d4_confirmation(void **state)
{
    size_t                    i;
    agw_claims_t              c;
    static const char *const  values[] = {
        "null", "true", "1", "\"\"", "\"" X5T "\"", "[]", "{}",
        "{\"jkt\":\"" X5T "\"}",
        "{\"x5t#S256\":null}",
        "{\"x5t#S256\":\"\"}",
        "{\"x5t#S256\":1}",
        "{\"x5t#s256\":\"" X5T "\"}",
        "{\"x5t#S256\":[\"" X5T "\"]}",
        "{\"x5t#S256\":{\"x5t#S256\":\"" X5T "\"}}",
        "{\"x5t#S256\":\"" X5T_SHORT "\"}",
        "{\"x5t#S256\":\"" X5T "A\"}",
        "{\"x5t#S256\":\"" X5T "=\"}",
        "{\"x5t#S256\":\"" BITS "\"}",
        "{\"x5t#S256\":\"+" X5T_REST "\"}",
        "{\"x5t#S256\":\" " X5T_REST "\"}",
        "{\"x5t#S256\":\"" X5T "\",\"jkt\":\"" X5T "\"}",
        "{\"kid\":\"k1\",\"x5t#S256\":\"" X5T "\"}",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(values); i++) {
        claim_says("cnf", values[i], "not of x5t#S256 alone, with the SHA-256 "
                   "of a certificate");
    }

    says(with("cnf", "{\"x5t#S256\":\"" X5T "\",\"x5t#S256\":\"" X5T "\"}"),
         "a repeated member");

    assert_int_equal(agw_claims_read(&c,
        with("cnf", "{\"x5t#S256\":\"" X5T "\"}")), AGW_OK);
    unit_assert_str(c.x5t, S("" X5T));
    agw_claims_done(&c);

    assert_int_equal(agw_claims_read(&c,
        with("cnf", "{ \"x5t\\u0023S256\" : \"" X5T "\" }")), AGW_OK);
    unit_assert_str(c.x5t, S("" X5T));
    agw_claims_done(&c);
}


static void
d4_range(void **state)
{
    size_t                   i;
    static const char *const times[] = { "iat", "exp", "nbf" };

    (void) state;

    for (i = 0; i < UNIT_COUNT(times); i++) {
        claim_says(times[i], "-1", "out of range");
        claim_says(times[i], "9007199254740992", "out of range");
        claim_says(times[i], "9223372036854775807", "out of range");
        says(with(times[i], "9223372036854775808"), "a number out of range");
        says(with(times[i], "1e400"), "a number out of range");
    }
}


static void
d4_ids(void **state)
{
    size_t                   i;
    agw_str_t                id;
    static const char *const names[] = { "partner_id", "jti", "business_id" };

    (void) state;

    for (i = 0; i < UNIT_COUNT(names); i++) {
        claim_says(names[i], "\"\"", NO_ID);
        claim_says(names[i], "\"a b\"", NO_ID);
        claim_says(names[i], "\"a\\nexp: missing\"", NO_ID);
        claim_says(names[i], "\"\xc3\xa9\"", NO_ID);

        id = unit_format("\"%.*s\"%c", UNIT_ARG(unit_fill('a', 129)), '\0');
        claim_says(names[i], (const char *) id.data, NO_ID);
    }
}


static void
d4_agreement(void **state)
{
    (void) state;

    claim_says("sub", "\"q\"", "differs from partner_id");
    claim_says("sub", "\"\"", "differs from partner_id");
    claim_says("client_id", "\"q\"", "differs from partner_id");

    claim_says("exp", "1000", "not after iat");
    claim_says("exp", "0", "not after iat");
    says(with("iat", "4600"), "exp: not after iat");
}


static void
d4_scope(void **state)
{
    agw_str_t    scope;
    const char  *grammar = "not as RFC 6749 has it, or over 1024 bytes";

    (void) state;

    claim_says("scope", "\"\"", grammar);
    claim_says("scope", "\" a\"", grammar);
    claim_says("scope", "\"a\\\"\"", grammar);

    scope = unit_format("\"%.*s\"%c", UNIT_ARG(unit_fill('a', 1025)), '\0');
    claim_says("scope", (const char *) scope.data, grammar);

    claim_says("scope", "\"business_access\"",
        "business_access without business_id");
    claim_says("scope", "\"a business_access\"",
        "business_access without business_id");
}


static void
p8_6_no_json(void **state)
{
    (void) state;

    says(S(""), "not JSON");
    says(S("x"), "not JSON");
    says(S("{"), "not JSON");
    says(S("[]"), "not a JSON object");
    says(S("{\"a\":1}{\"b\":1}"), "not JSON");
    says(S("{\"a\":\"\xff\"}"), "not UTF-8");
    says(S("{\"a\":1}\0"), "a NUL character");
    says(S("{\"a\":\"\\u0000\"}"), "a NUL character");
    says(S("{\"\\u0000\":1}"), "a NUL character");
    says(with("x", "1,\"exp\":1"), "a repeated member");
    says(with("x", "{\"a\":1,\"a\":1}"), "a repeated member");
    says(with("x", "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]"), "nested too deep");
}


/* RFC 7519, section 4.1.3: the one fault that a check finds */

static void
p8_11_audience(void **state)
{
    size_t                   i;
    agw_claims_t             c;
    agw_claims_rules_t       rules;
    static const char *const values[][2] = {
        { "1", "aud: not a string or an array of strings" },
        { "null", "aud: not a string or an array of strings" },
        { "{\"api\":1}", "aud: not a string or an array of strings" },
        { "[\"api\",1]", "aud: an array, but not of strings" },
        { "[[\"api\"]]", "aud: an array, but not of strings" },
    };

    (void) state;

    memset(&rules, 0, sizeof(rules));
    rules.max_lifetime = 3600;

    for (i = 0; i < UNIT_COUNT(values); i++) {
        assert_int_equal(agw_claims_read(&c, with("aud", values[i][0])),
            AGW_OK);
        assert_null(c.fault);
        assert_int_equal(agw_claims_check(&c, &rules, 2000),
            AGW_MALFORMED_CLAIMS);
        assert_string_equal(c.fault, values[i][1]);
        agw_claims_done(&c);
    }
}


/* what has a reason of its own has no fault */

static void
d7_only_where_malformed(void **state)
{
    size_t               i;
    agw_claims_t         c;
    agw_claims_rules_t   rules;
    static const struct {
        int64_t       max;
        int64_t       now;
        agw_reason_t  wanted;
    } rows[] = {
        { 3600, 2000, AGW_OK },
        { 3599, 2000, AGW_LIFETIME_EXCEEDED },
        { 3600, 4600, AGW_EXPIRED },
        { 3600, 10, AGW_NOT_YET_VALID },
    };

    (void) state;

    memset(&rules, 0, sizeof(rules));

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        rules.max_lifetime = rows[i].max;

        assert_int_equal(agw_claims_read(&c, with("nbf", "0")), AGW_OK);
        assert_int_equal(agw_claims_check(&c, &rules, rows[i].now),
            rows[i].wanted);
        assert_null(c.fault);
        agw_claims_done(&c);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d4_missing),
        unit_case(d4_type),
        unit_case(d4_confirmation),
        unit_case(d4_range),
        unit_case(d4_ids),
        unit_case(d4_agreement),
        unit_case(d4_scope),
        unit_case(p8_6_no_json),
        unit_case(p8_11_audience),
        unit_case(d7_only_where_malformed),
    };

    return cmocka_run_group_tests_name("claims faults", tests, NULL, NULL);
}
