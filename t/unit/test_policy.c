
/*
 * Decisions, as whole matrices: every combination of what a token, a
 * location and the store can say.
 */


#include "unit.h"

#include "agw_policy.h"


static agw_claims_t
claims(agw_str_t business_id, agw_str_t scope)
{
    agw_claims_t  c;

    memset(&c, 0, sizeof(c));
    c.kind = business_id.len ? AGW_KIND_BUSINESS : AGW_KIND_PARTNER;
    c.partner_id = S("p");
    c.business_id = unit_copy(business_id);
    c.scope = unit_copy(scope);

    return c;
}


static agw_reason_t
access(const agw_claims_t *c, unsigned require, agw_str_t scope,
    agw_str_t business_id)
{
    agw_requirement_t  requirement;

    memset(&requirement, 0, sizeof(requirement));
    requirement.require = require;
    requirement.scope = unit_copy(scope);
    requirement.business_id = unit_copy(business_id);

    return agw_policy_access(c, &requirement);
}


/* kind, then scope, then business */

static void
d8_require_business(void **state)
{
    size_t                  i, j, k, n;
    agw_claims_t            c;
    agw_reason_t            wanted, reason;
    static const agw_str_t  tokens[] = {
        agw_string(""), agw_string("A"), agw_string("B"), agw_string("a"),
        agw_string("AA"), agw_string("A."),
    };
    static const agw_str_t  urls[] = {
        agw_string(""), agw_string("A"), agw_string("B"), agw_string("AB"),
    };
    static const struct {
        int        has;
        agw_str_t  scope;
    } scopes[] = {
        { 0, agw_string("") },
        { 0, agw_string("other") },
        { 0, agw_string("business_access_not") },
        { 0, agw_string("not_business_access") },
        { 0, agw_string("Business_access") },
        { 0, agw_string("business access") },
        { 1, agw_string("business_access") },
        { 1, agw_string("a business_access") },
        { 1, agw_string("business_access b") },
        { 1, agw_string("a business_access b") },
    };

    (void) state;

    n = 0;

    for (i = 0; i < UNIT_COUNT(tokens); i++) {
        for (j = 0; j < UNIT_COUNT(urls); j++) {
            for (k = 0; k < UNIT_COUNT(scopes); k++) {
                c = claims(tokens[i], scopes[k].scope);
                wanted = AGW_WRONG_BUSINESS;

                if (agw_str_eq(tokens[i], urls[j])) {
                    wanted = AGW_OK;
                }

                if (urls[j].len == 0) {
                    wanted = AGW_NO_BUSINESS_IN_PATH;
                }

                if (!scopes[k].has) {
                    wanted = AGW_INSUFFICIENT_SCOPE;
                }

                if (tokens[i].len == 0) {
                    wanted = AGW_WRONG_KIND;
                }

                reason = access(&c, AGW_REQUIRE_BUSINESS,
                    S("business_access"), urls[j]);

                unit_assert(reason == wanted,
                    "token \"%.*s\", scope \"%.*s\", URL \"%.*s\": %s",
                    UNIT_ARG(tokens[i]), UNIT_ARG(scopes[k].scope),
                    UNIT_ARG(urls[j]), agw_reason_info(reason)->name);

                n += reason == AGW_OK;
            }
        }
    }

    /* A at A and B at B, each with four scopes, and nothing else */

    assert_int_equal(n, 8);
}


static void
d3_scope_of_a_location(void **state)
{
    agw_claims_t  c;

    (void) state;

    c = claims(S("A"), S("business_access"));
    assert_int_equal(access(&c, AGW_REQUIRE_BUSINESS, S("reports"), S("A")),
        AGW_INSUFFICIENT_SCOPE);

    c = claims(S("A"), S("business_access reports"));
    assert_int_equal(access(&c, AGW_REQUIRE_BUSINESS, S("reports"), S("A")),
        AGW_OK);
    assert_int_equal(access(&c, AGW_REQUIRE_BUSINESS, S("report"), S("A")),
        AGW_INSUFFICIENT_SCOPE);
    assert_int_equal(access(&c, AGW_REQUIRE_BUSINESS, S("reports"), S("B")),
        AGW_WRONG_BUSINESS);
}


/* every word of several, in any order; a requirement of nothing is refused */

static void
p4_2_every_word(void **state)
{
    size_t                   i;
    agw_claims_t             c;
    static const agw_str_t   with[] = {
        agw_string("business_access read write"),
        agw_string("read write business_access"),
        agw_string("a write business_access b read c"),
    };
    static const agw_str_t   without[] = {
        agw_string(""), agw_string("business_access"), agw_string("read"),
        agw_string("business_access read"), agw_string("read write"),
        agw_string("business_access reads write"),
        agw_string("business_access read xwrite"),
        agw_string("business_access READ write"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(with); i++) {
        c = claims(S("A"), with[i]);
        assert_int_equal(access(&c, AGW_REQUIRE_BUSINESS,
            S("business_access read write"), S("A")), AGW_OK);
        assert_int_equal(access(&c, AGW_REQUIRE_BUSINESS,
            S("business_access read write"), S("B")), AGW_WRONG_BUSINESS);
        assert_int_equal(access(&c, AGW_REQUIRE_BUSINESS, S(""), S("A")),
            AGW_INSUFFICIENT_SCOPE);
    }

    for (i = 0; i < UNIT_COUNT(without); i++) {
        c = claims(S("A"), without[i]);
        assert_int_equal(access(&c, AGW_REQUIRE_BUSINESS,
            S("business_access read write"), S("A")),
            AGW_INSUFFICIENT_SCOPE);
    }
}


/* after the kind, before the business and before the store is asked */

static void
p4_2_scope_of_a_partner_token(void **state)
{
    int                    enough;
    size_t                 i, j;
    agw_claims_t           c;
    agw_requirement_t      requirement;
    static const unsigned  places[] = {
        AGW_REQUIRE_PARTNER, AGW_REQUIRE_OWNER,
        AGW_REQUIRE_BUSINESS|AGW_REQUIRE_OWNER,
    };
    static const struct {
        int        enough;
        agw_str_t  scope;
    } scopes[] = {
        { 0, agw_string("") }, { 0, agw_string("read") },
        { 0, agw_string("write reads") }, { 1, agw_string("read write") },
        { 1, agw_string("write x read") },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(places); i++) {
        for (j = 0; j < UNIT_COUNT(scopes); j++) {
            enough = scopes[j].enough;
            c = claims(S(""), scopes[j].scope);

            memset(&requirement, 0, sizeof(requirement));
            requirement.require = places[i];
            requirement.scope = unit_copy(S("business_access read write"));
            requirement.scope_of_partner = unit_copy(S("read write"));

            if (places[i] == AGW_REQUIRE_PARTNER) {
                assert_int_equal(agw_policy_access(&c, &requirement),
                    enough ? AGW_OK : AGW_INSUFFICIENT_SCOPE);

                requirement.business_id = unit_copy(S("A"));
                assert_int_equal(agw_policy_access(&c, &requirement),
                    AGW_WRONG_KIND);
                continue;
            }

            assert_int_equal(agw_policy_access(&c, &requirement),
                enough ? AGW_NO_BUSINESS_IN_PATH : AGW_INSUFFICIENT_SCOPE);

            requirement.business_id = unit_copy(S("A"));
            assert_int_equal(agw_policy_access(&c, &requirement),
                enough ? AGW_NOT_OWNER : AGW_INSUFFICIENT_SCOPE);

            requirement.owned = 1;
            assert_int_equal(agw_policy_access(&c, &requirement),
                enough ? AGW_OK : AGW_INSUFFICIENT_SCOPE);
        }
    }
}


static void
p8_12_require_partner(void **state)
{
    size_t                  i;
    agw_claims_t            c;
    agw_reason_t            reason;
    static const agw_str_t  scopes[] = {
        agw_string(""), agw_string("reports"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(scopes); i++) {
        c = claims(S(""), scopes[i]);
        assert_int_equal(access(&c, AGW_REQUIRE_PARTNER,
            S("business_access"), S("")), AGW_OK);

        /* where the template matches, `partner` would open every business */

        reason = access(&c, AGW_REQUIRE_PARTNER, S("business_access"),
            S("A"));
        assert_int_not_equal(reason, AGW_OK);
        assert_int_equal(agw_reason_info(reason)->status, 403);
    }

    c = claims(S("A"), S("business_access"));
    assert_int_equal(access(&c, AGW_REQUIRE_PARTNER, S("business_access"),
        S("")), AGW_WRONG_KIND);
    assert_int_equal(access(&c, AGW_REQUIRE_PARTNER, S("business_access"),
        S("A")), AGW_WRONG_KIND);
}


/*
 * Every requirement with `owner` in it, against every kind of token, place
 * and answer of the store: who owns decides for partner tokens alone.
 */

static void
d3_require_owner(void **state)
{
    int                     owned, passed[2];
    size_t                  i, j, k;
    agw_claims_t            c;
    agw_requirement_t            requirement;
    agw_reason_t            wanted, reason;
    static const unsigned   places[] = {
        AGW_REQUIRE_OWNER, AGW_REQUIRE_BUSINESS|AGW_REQUIRE_OWNER,
    };
    static const agw_str_t  urls[] = {
        agw_string(""), agw_string("A"), agw_string("B"),
    };
    static const struct {
        agw_str_t  business_id, scope;
    } tokens[] = {
        { agw_string(""), agw_string("") },
        { agw_string(""), agw_string("reports") },
        { agw_string("A"), agw_string("business_access") },
        { agw_string("A"), agw_string("reports") },
        { agw_string("B"), agw_string("business_access") },
        { agw_string("a"), agw_string("business_access") },
    };

    (void) state;

    memset(passed, 0, sizeof(passed));

    for (i = 0; i < UNIT_COUNT(places); i++) {
        for (j = 0; j < UNIT_COUNT(tokens); j++) {
            c = claims(tokens[j].business_id, tokens[j].scope);

            for (k = 0; k < 2 * UNIT_COUNT(urls); k++) {
                owned = (int) (k % 2);

                memset(&requirement, 0, sizeof(requirement));
                requirement.require = places[i];
                requirement.scope = unit_copy(S("business_access"));
                requirement.business_id = unit_copy(urls[k / 2]);
                requirement.owned = owned & 1;

                wanted = owned ? AGW_OK : AGW_NOT_OWNER;

                if (requirement.business_id.len == 0) {
                    wanted = AGW_NO_BUSINESS_IN_PATH;
                }

                /* whatever the store said, it was not of this token */

                if (c.kind == AGW_KIND_BUSINESS) {
                    reason = access(&c, AGW_REQUIRE_BUSINESS,
                        S("business_access"), urls[k / 2]);
                    wanted = (places[i] & AGW_REQUIRE_BUSINESS)
                        ? reason : AGW_WRONG_KIND;
                }

                reason = agw_policy_access(&c, &requirement);

                unit_assert(reason == wanted,
                    "require %u, token \"%.*s\", scope \"%.*s\", URL "
                    "\"%.*s\", owned %d: %s", places[i],
                    UNIT_ARG(tokens[j].business_id),
                    UNIT_ARG(tokens[j].scope), UNIT_ARG(urls[k / 2]), owned,
                    agw_reason_info(reason)->name);

                passed[i] += reason == AGW_OK;
            }
        }
    }

    /* two tokens at two businesses, owned; and those of A and B, at home */

    assert_int_equal(passed[0], 4);
    assert_int_equal(passed[1], 4 + 4);
}


/* that the store says so opens nothing that does not ask it */

static void
d3_owned_elsewhere(void **state)
{
    size_t                 i;
    agw_claims_t           c;
    agw_requirement_t           requirement;
    static const unsigned  places[] = {
        AGW_REQUIRE_OFF, AGW_REQUIRE_PARTNER, AGW_REQUIRE_BUSINESS,
    };

    (void) state;

    c = claims(S(""), S(""));

    for (i = 0; i < UNIT_COUNT(places); i++) {
        memset(&requirement, 0, sizeof(requirement));
        requirement.require = places[i];
        requirement.scope = unit_copy(S("business_access"));
        requirement.business_id = unit_copy(S("A"));
        requirement.owned = 1;

        assert_int_equal(agw_policy_access(&c, &requirement), AGW_WRONG_KIND);
    }
}


/* every combination of bits, before, at and after each of the two times */

static void
p1_6_api_key(void **state)
{
    int                   ok;
    size_t                i, j, accepted;
    unsigned              bits;
    agw_api_key_row_t     row;
    static const int64_t  times[][2] = {
        { 0, 0 }, { 0, 1 }, { 0, 1000 }, { 999, 1000 }, { 1000, 1000 },
        { 1000, 1001 }, { 1001, 1002 }, { 1001, 999 }, { 0, 1001 },
        { 0, INT64_MAX }, { 1000, INT64_MAX }, { INT64_MAX, INT64_MAX },
        { 0, 999 }, { 0, -1 }, { -1, -1 },
    };
    static const int64_t  nows[] = { 0, 1, 998, 999, 1000, 1001, 4000000000 };

    (void) state;

    accepted = 0;

    for (bits = 0; bits < 16; bits++) {
        for (i = 0; i < UNIT_COUNT(times); i++) {
            for (j = 0; j < UNIT_COUNT(nows); j++) {
                memset(&row, 0, sizeof(row));
                row.partner_found = bits & 1;
                row.partner_active = bits >> 1 & 1;
                row.found = bits >> 2 & 1;
                row.expires = bits >> 3 & 1;
                row.not_before = times[i][0];
                row.expires_at = times[i][1];

                ok = row.partner_found && row.partner_active && row.found
                    && nows[j] >= times[i][0]
                    && (!row.expires || nows[j] < times[i][1]);
                accepted += (size_t) ok;

                unit_assert(agw_policy_api_key(&row, nows[j])
                    == (ok ? AGW_OK : AGW_INVALID_CLIENT),
                    "bits %x, from %lld to %lld, now %lld", bits,
                    (long long) times[i][0], (long long) times[i][1],
                    (long long) nows[j]);
            }
        }
    }

    assert_true(accepted > 50);

    /* a row that no engine has decided on */

    memset(&row, 0, sizeof(row));
    assert_int_equal(row.state, AGW_API_KEY_UNKNOWN_PARTNER);
}


/* each cause has words of its own, and the first that holds is said */

static void
d7_api_key_states(void **state)
{
    size_t              i, j;
    agw_api_key_row_t   row;
    static const struct {
        unsigned             partner_found, partner_active, found, expires;
        int64_t              not_before, expires_at;
        agw_api_key_state_t  wanted;
        const char          *text;
    } rows[] = {
        { 0, 0, 0, 0, 0, 0, AGW_API_KEY_UNKNOWN_PARTNER, "unknown partner" },
        { 0, 1, 1, 0, 0, 0, AGW_API_KEY_UNKNOWN_PARTNER, "unknown partner" },
        { 1, 0, 0, 0, 0, 0, AGW_API_KEY_DISABLED_PARTNER,
          "disabled partner" },
        { 1, 0, 1, 1, 0, 1, AGW_API_KEY_DISABLED_PARTNER,
          "disabled partner" },
        { 1, 1, 0, 0, 0, 0, AGW_API_KEY_WRONG, "wrong key" },
        { 1, 1, 0, 1, 2000, 1, AGW_API_KEY_WRONG, "wrong key" },
        { 1, 1, 1, 0, 1001, 0, AGW_API_KEY_NOT_YET_VALID,
          "key not yet valid" },
        { 1, 1, 1, 1, 0, 1000, AGW_API_KEY_EXPIRED, "expired key" },
        { 1, 1, 1, 1, 1000, 1001, AGW_API_KEY_GOOD, "good key" },
        { 1, 1, 1, 0, 0, 0, AGW_API_KEY_GOOD, "good key" },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        memset(&row, 0, sizeof(row));
        row.partner_found = rows[i].partner_found;
        row.partner_active = rows[i].partner_active;
        row.found = rows[i].found;
        row.expires = rows[i].expires;
        row.not_before = rows[i].not_before;
        row.expires_at = rows[i].expires_at;

        (void) agw_policy_api_key(&row, 1000);

        assert_int_equal(row.state, rows[i].wanted);
        assert_string_equal(agw_api_key_state_text(rows[i].wanted),
            rows[i].text);
        assert_true(strlen(rows[i].text) <= 32);

        /* what is nearer to good comes later */

        for (j = 0; j < i; j++) {
            assert_true(rows[j].wanted <= rows[i].wanted);
        }
    }
}


static void
p2_3_business(void **state)
{
    size_t              i;
    agw_business_row_t  row;
    static const struct {
        unsigned      partner_active, found, owned, active;
        agw_reason_t  wanted;
    } rows[] = {
        { 0, 0, 0, 0, AGW_REVOKED },
        { 0, 0, 0, 1, AGW_REVOKED },
        { 0, 0, 1, 0, AGW_REVOKED },
        { 0, 0, 1, 1, AGW_REVOKED },
        { 0, 1, 0, 0, AGW_REVOKED },
        { 0, 1, 0, 1, AGW_REVOKED },
        { 0, 1, 1, 0, AGW_REVOKED },
        { 0, 1, 1, 1, AGW_REVOKED },
        { 1, 0, 0, 0, AGW_UNKNOWN_BUSINESS },
        { 1, 0, 0, 1, AGW_UNKNOWN_BUSINESS },
        { 1, 0, 1, 0, AGW_UNKNOWN_BUSINESS },
        { 1, 0, 1, 1, AGW_UNKNOWN_BUSINESS },
        { 1, 1, 0, 0, AGW_NOT_OWNER },
        { 1, 1, 0, 1, AGW_NOT_OWNER },
        { 1, 1, 1, 0, AGW_ARCHIVED_BUSINESS },
        { 1, 1, 1, 1, AGW_OK },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        memset(&row, 0, sizeof(row));
        row.partner_active = rows[i].partner_active & 1;
        row.found = rows[i].found & 1;
        row.owned = rows[i].owned & 1;
        row.active = rows[i].active & 1;

        unit_assert(agw_policy_business(&row) == rows[i].wanted, "row %zu",
            i);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d8_require_business),
        unit_case(d3_scope_of_a_location),
        unit_case(p4_2_every_word),
        unit_case(p4_2_scope_of_a_partner_token),
        unit_case(p8_12_require_partner),
        unit_case(d3_require_owner),
        unit_case(d3_owned_elsewhere),
        unit_case(p1_6_api_key),
        unit_case(d7_api_key_states),
        unit_case(p2_3_business),
    };

    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
