
/*
 * Claims against a server's rules: each boundary in time from both sides,
 * then issuer and audience.
 */


#include "unit.h"

#include "agw_claims.h"


#define NEVER   9007199254740991     /* AGW_TIME_MAX */


/* claims of the times, with more members where more is not "" */

static void
make(agw_claims_t *c, int64_t iat, int64_t exp, const char *more)
{
    assert_int_equal(agw_claims_read(c, unit_format("{\"partner_id\":\"p\","
        "\"jti\":\"j\",\"iat\":%lld,\"exp\":%lld%s}", (long long) iat,
        (long long) exp, more)), AGW_OK);
}


static void
check(int64_t iat, int64_t exp, const char *more, int64_t leeway,
    int64_t now, agw_reason_t wanted)
{
    agw_claims_t        c;
    agw_reason_t        alone, whole;
    agw_claims_rules_t  rules;

    memset(&rules, 0, sizeof(rules));
    rules.leeway = leeway;
    rules.max_lifetime = NEVER;

    make(&c, iat, exp, more);
    alone = agw_claims_check_time(&c, leeway, now);
    whole = agw_claims_check(&c, &rules, now);
    agw_claims_done(&c);

    unit_assert(alone == wanted && whole == wanted,
        "iat %lld exp %lld%s leeway %lld now %lld: %s and %s, not %s",
        (long long) iat, (long long) exp, more, (long long) leeway,
        (long long) now, agw_reason_info(alone)->name,
        agw_reason_info(whole)->name, agw_reason_info(wanted)->name);
}


static void
p8_10_expired(void **state)
{
    int64_t  leeway;

    (void) state;

    for (leeway = 0; leeway <= 60; leeway++) {
        check(1000, 2000, "", leeway, 1000, AGW_OK);
        check(1000, 2000, "", leeway, 1999, AGW_OK);
        check(1000, 2000, "", leeway, 1999 + leeway, AGW_OK);
        check(1000, 2000, "", leeway, 2000 + leeway, AGW_EXPIRED);
        check(1000, 2000, "", leeway, 2001 + leeway, AGW_EXPIRED);
        check(1000, 2000, "", leeway, 4000000000, AGW_EXPIRED);
        check(1000, 1001, "", leeway, 1000, AGW_OK);
        check(1000, 1001, "", leeway, 1001 + leeway, AGW_EXPIRED);
    }
}


static void
p8_10_not_yet_valid(void **state)
{
    int64_t  leeway;

    (void) state;

    for (leeway = 0; leeway <= 60; leeway++) {
        check(1000, 2000, ",\"nbf\":1500", leeway, 1500, AGW_OK);
        check(1000, 2000, ",\"nbf\":1500", leeway, 1500 - leeway, AGW_OK);
        check(1000, 2000, ",\"nbf\":1500", leeway, 1499 - leeway,
            AGW_NOT_YET_VALID);
        check(1000, 2000, ",\"nbf\":0", leeway, 1000, AGW_OK);
        check(1000, 2000, ",\"nbf\":9007199254740991", leeway, 1500,
            AGW_NOT_YET_VALID);
    }
}


static void
p8_10_iat_ahead(void **state)
{
    int64_t  leeway, ahead;

    (void) state;

    for (leeway = 0; leeway <= 60; leeway++) {
        ahead = leeway > 5 ? leeway : 5;

        check(1000, 2000, "", leeway, 1000, AGW_OK);
        check(1000, 2000, "", leeway, 1000 - ahead, AGW_OK);
        check(1000, 2000, "", leeway, 999 - ahead, AGW_NOT_YET_VALID);
        check(1000, 2000, "", leeway, 0, AGW_NOT_YET_VALID);
    }
}


/* as far as claims and clocks go: an overflow would turn a refusal over */

static void
p8_10_ends_of_time(void **state)
{
    (void) state;

    check(0, 1, "", 0, 0, AGW_OK);
    check(0, 1, "", 60, 0, AGW_OK);
    check(0, NEVER, "", 60, NEVER - 1, AGW_OK);
    check(0, NEVER, "", 0, NEVER, AGW_EXPIRED);
    check(0, NEVER, "", 60, NEVER, AGW_OK);
    check(0, NEVER, "", 60, INT64_MAX, AGW_EXPIRED);
    check(NEVER - 1, NEVER, "", 60, 1000, AGW_NOT_YET_VALID);
    check(NEVER - 1, NEVER, "", 60, 0, AGW_NOT_YET_VALID);
    check(5, 100, "", 0, 0, AGW_OK);
    check(6, 100, "", 0, 0, AGW_NOT_YET_VALID);
    check(0, NEVER, ",\"nbf\":10", 60, 0, AGW_OK);
    check(0, NEVER, ",\"nbf\":9007199254740991", 0, 0, AGW_NOT_YET_VALID);
}


static void
check_life(int64_t life, int64_t max, agw_reason_t wanted)
{
    agw_claims_t        c;
    agw_reason_t        reason;
    agw_claims_rules_t  rules;

    memset(&rules, 0, sizeof(rules));
    rules.max_lifetime = max;

    make(&c, 1000, 1000 + life, "");
    reason = agw_claims_check(&c, &rules, 1000);
    agw_claims_done(&c);

    unit_assert(reason == wanted, "%lld of %lld: %s", (long long) life,
        (long long) max, agw_reason_info(reason)->name);
}


static void
p8_10_life_over_max_lifetime(void **state)
{
    (void) state;

    check_life(3599, 3600, AGW_OK);
    check_life(3600, 3600, AGW_OK);
    check_life(3601, 3600, AGW_LIFETIME_EXCEEDED);
    check_life(86400, 86400, AGW_OK);
    check_life(86401, 86400, AGW_LIFETIME_EXCEEDED);
    check_life(1, 1, AGW_OK);
    check_life(2, 1, AGW_LIFETIME_EXCEEDED);
    check_life(NEVER - 1000, 86400, AGW_LIFETIME_EXCEEDED);
}


static void
check_names(const char *more, agw_str_t issuer, agw_str_t audience,
    agw_reason_t wanted)
{
    agw_claims_t        c;
    agw_reason_t        reason;
    agw_claims_rules_t  rules;

    rules.issuer = unit_copy(issuer);
    rules.audience = unit_copy(audience);
    rules.leeway = 0;
    rules.max_lifetime = 3600;

    make(&c, 1000, 4600, more);
    reason = agw_claims_check(&c, &rules, 1000);
    agw_claims_done(&c);

    unit_assert(reason == wanted, "%s: %s, not %s", more,
        agw_reason_info(reason)->name, agw_reason_info(wanted)->name);
}


static void
issuer(const char *more, agw_reason_t wanted)
{
    check_names(more, S("https://i.example/a"), UNIT_NONE, wanted);
}


static void
p8_11_issuer(void **state)
{
    (void) state;

    issuer(",\"iss\":\"https://i.example/a\"", AGW_OK);
    issuer(",\"iss\":\"https:\\/\\/i.example\\/a\"", AGW_OK);
    issuer("", AGW_WRONG_ISSUER);
    issuer(",\"iss\":\"\"", AGW_WRONG_ISSUER);
    issuer(",\"iss\":\"https://i.example/a/\"", AGW_WRONG_ISSUER);
    issuer(",\"iss\":\"https://i.example/\"", AGW_WRONG_ISSUER);
    issuer(",\"iss\":\"https://i.example/ab\"", AGW_WRONG_ISSUER);
    issuer(",\"iss\":\"https://I.example/a\"", AGW_WRONG_ISSUER);
    issuer(",\"iss\":\"https://i.example:443/a\"", AGW_WRONG_ISSUER);
    issuer(",\"iss\":\"https://i.example/%61\"", AGW_WRONG_ISSUER);
    issuer(",\"iss\":\"http://i.example/a\"", AGW_WRONG_ISSUER);
    issuer(",\"iss\":\" https://i.example/a\"", AGW_WRONG_ISSUER);
    issuer(",\"ISS\":\"https://i.example/a\"", AGW_WRONG_ISSUER);

    /* none configured: not compared */

    check_names(",\"iss\":\"https://x.example\"", S(""), S(""), AGW_OK);
    check_names("", UNIT_NONE, UNIT_NONE, AGW_OK);
}


static void
audience(const char *more, agw_reason_t wanted)
{
    check_names(more, UNIT_NONE, S("api"), wanted);
}


static void
p8_11_audience(void **state)
{
    (void) state;

    audience(",\"aud\":\"api\"", AGW_OK);
    audience(",\"aud\":[\"api\"]", AGW_OK);
    audience(",\"aud\":[\"x\",\"api\"]", AGW_OK);
    audience(",\"aud\":[\"api\",\"x\"]", AGW_OK);
    audience(",\"aud\":[\"x\",\"\\u0061pi\",\"y\"]", AGW_OK);

    audience("", AGW_WRONG_AUDIENCE);
    audience(",\"aud\":\"\"", AGW_WRONG_AUDIENCE);
    audience(",\"aud\":\"ap\"", AGW_WRONG_AUDIENCE);
    audience(",\"aud\":\"api2\"", AGW_WRONG_AUDIENCE);
    audience(",\"aud\":\"API\"", AGW_WRONG_AUDIENCE);
    audience(",\"aud\":\"x api\"", AGW_WRONG_AUDIENCE);
    audience(",\"aud\":\"api,x\"", AGW_WRONG_AUDIENCE);
    audience(",\"aud\":[]", AGW_WRONG_AUDIENCE);
    audience(",\"aud\":[\"x\"]", AGW_WRONG_AUDIENCE);
    audience(",\"aud\":[\"API\",\"ap\",\"\"]", AGW_WRONG_AUDIENCE);
    audience(",\"AUD\":\"api\"", AGW_WRONG_AUDIENCE);

    /* RFC 7519, section 4.1.3: a string, or an array of strings */

    audience(",\"aud\":1", AGW_MALFORMED_CLAIMS);
    audience(",\"aud\":null", AGW_MALFORMED_CLAIMS);
    audience(",\"aud\":true", AGW_MALFORMED_CLAIMS);
    audience(",\"aud\":{\"api\":1}", AGW_MALFORMED_CLAIMS);
    audience(",\"aud\":[1]", AGW_MALFORMED_CLAIMS);
    audience(",\"aud\":[1,\"api\"]", AGW_MALFORMED_CLAIMS);
    audience(",\"aud\":[\"api\",1]", AGW_MALFORMED_CLAIMS);
    audience(",\"aud\":[\"api\",null]", AGW_MALFORMED_CLAIMS);
    audience(",\"aud\":[[\"api\"]]", AGW_MALFORMED_CLAIMS);
    audience(",\"aud\":[{\"api\":1}]", AGW_MALFORMED_CLAIMS);

    check_names(",\"aud\":\"x\"", UNIT_NONE, UNIT_NONE, AGW_OK);
    check_names(",\"aud\":[\"x\"]", UNIT_NONE, UNIT_NONE, AGW_OK);
    check_names("", UNIT_NONE, UNIT_NONE, AGW_OK);
}


/* D8: time, then issuer, then audience; lifetime first */

static void
d8_order(void **state)
{
    size_t              i;
    agw_claims_t        c;
    agw_claims_rules_t  rules;
    static const struct {
        int64_t       max;
        int64_t       now;
        const char   *more;
        agw_reason_t  wanted;
    } rows[] = {
        { 3599, 9999, ",\"iss\":\"x\",\"aud\":\"x\"", AGW_LIFETIME_EXCEEDED },
        { 3600, 9999, ",\"iss\":\"x\",\"aud\":\"x\"", AGW_EXPIRED },
        { 3600, 10, ",\"iss\":\"x\",\"aud\":\"x\"", AGW_NOT_YET_VALID },
        { 3600, 1000, ",\"iss\":\"x\",\"aud\":\"x\"", AGW_WRONG_ISSUER },
        { 3600, 1000, ",\"iss\":\"i\",\"aud\":\"x\"", AGW_WRONG_AUDIENCE },
        { 3600, 1000, ",\"iss\":\"i\",\"aud\":\"a\"", AGW_OK },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        rules.issuer = S("i");
        rules.audience = S("a");
        rules.leeway = 0;
        rules.max_lifetime = rows[i].max;

        make(&c, 1000, 4600, rows[i].more);
        unit_assert(agw_claims_check(&c, &rules, rows[i].now)
            == rows[i].wanted, "row %zu", i);
        agw_claims_done(&c);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(p8_10_expired),
        unit_case(p8_10_not_yet_valid),
        unit_case(p8_10_iat_ahead),
        unit_case(p8_10_ends_of_time),
        unit_case(p8_10_life_over_max_lifetime),
        unit_case(p8_11_issuer),
        unit_case(p8_11_audience),
        unit_case(d8_order),
    };

    return cmocka_run_group_tests_name("claims check", tests, NULL, NULL);
}
