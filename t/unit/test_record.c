
/*
 * Records of partners, API keys and businesses: what a store may hold, what a
 * change makes of one, and the entity tag, which two states must not share.
 */


#include "unit.h"

#include "agw_record.h"


#define DIGEST  "0123456789abcdef0123456789abcdef"                            \
                "0123456789abcdef0123456789abcdef"


static agw_record_t
partner(void)
{
    agw_record_t  r;

    memset(&r, 0, sizeof(r));
    r.kind = AGW_RECORD_PARTNER;
    r.has = AGW_MEMBER_PARTNER_ID|AGW_MEMBER_STATUS;
    r.partner_id = S("p");
    r.active = 1;

    return r;
}


static agw_record_t
api_key(void)
{
    agw_record_t  r;

    memset(&r, 0, sizeof(r));
    r.kind = AGW_RECORD_API_KEY;
    r.has = AGW_MEMBER_PARTNER_ID|AGW_MEMBER_KEY_ID|AGW_MEMBER_KEY_SHA256
            |AGW_MEMBER_NOT_BEFORE;
    r.partner_id = S("p");
    r.key_id = S("k");
    r.key_sha256 = S(DIGEST);

    return r;
}


static agw_record_t
business(void)
{
    agw_record_t  r;

    memset(&r, 0, sizeof(r));
    r.kind = AGW_RECORD_BUSINESS;
    r.has = AGW_MEMBER_BUSINESS_ID|AGW_MEMBER_PARTNER_ID|AGW_MEMBER_STATUS;
    r.business_id = S("b");
    r.partner_id = S("p");

    return r;
}


static unsigned
check(const agw_record_t *r)
{
    return agw_record_check(r, AGW_MEMBERS_ALL);
}


static void
p11_2_what_a_record_must_have(void **state)
{
    size_t        i, j;
    agw_record_t  r;
    struct {
        agw_record_t  record;
        unsigned      must;
    } kinds[] = {
        { partner(), AGW_MEMBER_PARTNER_ID|AGW_MEMBER_STATUS },
        { api_key(), AGW_MEMBER_PARTNER_ID|AGW_MEMBER_KEY_ID
                     |AGW_MEMBER_KEY_SHA256|AGW_MEMBER_NOT_BEFORE },
        { business(), AGW_MEMBER_BUSINESS_ID|AGW_MEMBER_PARTNER_ID
                      |AGW_MEMBER_STATUS },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(kinds); i++) {
        assert_int_equal(check(&kinds[i].record), 0);

        for (j = 0; j < 16; j++) {
            if (kinds[i].must & 1u << j) {
                r = kinds[i].record;
                r.has &= ~(1u << j);
                assert_int_equal(check(&r), 1u << j);
            }
        }
    }
}


static void
p11_2_values_of_members(void **state)
{
    char          name[AGW_NAME_MAX + 2];
    size_t        i;
    agw_record_t  r;

    static const agw_str_t  bad_ids[] = {
        agw_string(""), agw_string("a b"), agw_string("a/b"),
        agw_string("a:b"), agw_string("\xc3\xa9"), agw_string("a\0b"),
    };
    static const agw_str_t  bad_digests[] = {
        agw_string(""), agw_string("0123"),
        agw_string("0123456789ABCDEF0123456789abcdef0123456789abcdef"
                   "0123456789abcdef"),
        agw_string(DIGEST "0"),
    };
    static const agw_str_t  bad_names[] = {
        agw_string(""), agw_string("a\nb"), agw_string("\xff"),
        agw_string("a\0b"), agw_string("\x7f"),
    };
    static const agw_str_t  bad_scopes[] = {
        agw_string(" "), agw_string("a  b"), agw_string("a\"b"),
        agw_string("a "), agw_string(" a"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(bad_ids); i++) {
        r = business();
        r.business_id = unit_copy(bad_ids[i]);
        assert_int_equal(check(&r), AGW_MEMBER_BUSINESS_ID);
    }

    for (i = 0; i < UNIT_COUNT(bad_digests); i++) {
        r = api_key();
        r.key_sha256 = unit_copy(bad_digests[i]);
        assert_int_equal(check(&r), AGW_MEMBER_KEY_SHA256);
    }

    r = partner();
    r.has |= AGW_MEMBER_NAME|AGW_MEMBER_SCOPES;
    r.name = S("Caf\xc3\xa9 \"O'Brien\"");
    r.scopes = S("");
    assert_int_equal(check(&r), 0);
    r.scopes = S("a b https://x/y");
    assert_int_equal(check(&r), 0);

    for (i = 0; i < UNIT_COUNT(bad_scopes); i++) {
        r.scopes = unit_copy(bad_scopes[i]);
        assert_int_equal(check(&r), AGW_MEMBER_SCOPES);
    }

    r.scopes = S("a");

    for (i = 0; i < UNIT_COUNT(bad_names); i++) {
        r.name = unit_copy(bad_names[i]);
        assert_int_equal(check(&r), AGW_MEMBER_NAME);
    }

    memset(name, 'x', sizeof(name));
    r.name.data = (unsigned char *) name;
    r.name.len = AGW_NAME_MAX;
    assert_int_equal(check(&r), 0);
    r.name.len = AGW_NAME_MAX + 1;
    assert_int_equal(check(&r), AGW_MEMBER_NAME);
}


static void
p11_3_times_of_an_api_key(void **state)
{
    size_t        i;
    agw_record_t  r;
    static const struct {
        int64_t   not_before;
        int64_t   expires_at;
        unsigned  fault;
    } times[] = {
        { 0, 1, 0 },
        { 5, 5, AGW_MEMBER_EXPIRES_AT },
        { 6, 5, AGW_MEMBER_EXPIRES_AT },
        { -1, 5, AGW_MEMBER_NOT_BEFORE },
        { 0, AGW_RECORD_TIME_MAX, 0 },
        { 0, AGW_RECORD_TIME_MAX + 1, AGW_MEMBER_EXPIRES_AT },
        { AGW_RECORD_TIME_MAX + 1, 5, AGW_MEMBER_NOT_BEFORE },
        { 1700000000000, 1, AGW_MEMBER_NOT_BEFORE },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(times); i++) {
        r = api_key();
        r.has |= AGW_MEMBER_EXPIRES_AT;
        r.not_before = times[i].not_before;
        r.expires_at = times[i].expires_at;
        assert_int_equal(check(&r), times[i].fault);
    }
}


static void
p11_2_status(void **state)
{
    agw_record_t  p, b;

    (void) state;

    p = partner();
    b = business();

    assert_int_equal(agw_record_set_status(&p, S("disabled")), 0);
    assert_false(p.active);
    unit_assert_str(agw_record_status(&p), S("disabled"));
    assert_int_equal(agw_record_set_status(&p, S("active")), 0);
    assert_true(p.active);
    assert_int_equal(agw_record_set_status(&p, S("archived")), -1);
    assert_int_equal(agw_record_set_status(&p, S("Active")), -1);
    assert_int_equal(agw_record_set_status(&p, S("")), -1);

    assert_int_equal(agw_record_set_status(&b, S("archived")), 0);
    unit_assert_str(agw_record_status(&b), S("archived"));
    assert_int_equal(agw_record_set_status(&b, S("disabled")), -1);
}


static void
p11_2_a_patch_changes_what_it_names(void **state)
{
    agw_record_t  r, from;

    (void) state;

    r = partner();
    r.has |= AGW_MEMBER_NAME|AGW_MEMBER_SCOPES;
    r.name = S("n");
    r.scopes = S("a");

    from = partner();
    from.has |= AGW_MEMBER_SCOPES;
    from.active = 0;
    from.partner_id = S("other");
    from.scopes = S("b");

    agw_record_patch(&r, &from, AGW_MEMBER_SCOPES);
    unit_assert_str(r.scopes, S("b"));
    unit_assert_str(r.name, S("n"));
    unit_assert_str(r.partner_id, S("p"));
    assert_true(r.active);

    agw_record_patch(&r, &from, AGW_MEMBER_NAME|AGW_MEMBER_STATUS);
    assert_int_equal(r.has & AGW_MEMBER_NAME, 0);
    assert_int_not_equal(r.has & AGW_MEMBER_STATUS, 0);
    assert_false(r.active);
}


static agw_str_t
tag(agw_record_t r)
{
    unsigned char  *buf;

    buf = unit_alloc(AGW_RECORD_TAG_SIZE);
    assert_int_equal(agw_record_tag(&r, buf), 0);

    return (agw_str_t) { AGW_RECORD_TAG_SIZE, buf };
}


/* a use changes no tag, everything else does; members do not run together */

static void
p11_2_entity_tags(void **state)
{
    size_t        i, j, n;
    agw_str_t     tags[12];
    agw_record_t  r;

    (void) state;

    n = 0;

    r = partner();
    tags[n++] = tag(r);
    r.active = 0;
    tags[n++] = tag(r);
    r.has |= AGW_MEMBER_NAME;
    r.name = S("a");
    tags[n++] = tag(r);
    r.has |= AGW_MEMBER_SCOPES;
    tags[n++] = tag(r);
    r.scopes = S("a");
    tags[n++] = tag(r);
    r.has &= ~AGW_MEMBER_NAME;
    tags[n++] = tag(r);

    r = api_key();
    tags[n++] = tag(r);
    r.has |= AGW_MEMBER_CREATED_AT;
    tags[n++] = tag(r);
    r.has ^= AGW_MEMBER_CREATED_AT|AGW_MEMBER_EXPIRES_AT;
    tags[n++] = tag(r);
    r.expires_at = 1;
    tags[n++] = tag(r);

    for (i = 0; i < n; i++) {
        for (j = 0; j < i; j++) {
            assert_false(agw_str_eq(tags[i], tags[j]));
        }
    }

    r.has |= AGW_MEMBER_LAST_USED_AT;
    r.last_used_at = 7;
    unit_assert_str(tag(r), tags[n - 1]);

    r.partner_id = unit_copy(S("p"));
    unit_assert_str(tag(r), tags[n - 1]);
}


/* the same as: printf %s <digest> | sha256sum | head -c 16 */

static void
p11_3_key_id_of_a_key_without_one(void **state)
{
    unsigned char  *buf;

    (void) state;

    buf = unit_alloc(AGW_KEY_ID_SIZE);
    assert_int_equal(agw_record_derive_key_id(unit_copy(S(DIGEST)), buf), 0);

    unit_assert_str(((agw_str_t) { AGW_KEY_ID_SIZE, buf }),
                    S("a8ae6e6ee929abea"));
}


static void
p11_1_names_of_members(void **state)
{
    (void) state;

    assert_string_equal(agw_record_member_name(AGW_MEMBER_PARTNER_ID),
                        "partner_id");
    assert_string_equal(agw_record_member_name(AGW_MEMBER_TIME), "time");
    assert_null(agw_record_member_name(0));
}


static void
p11_1_values_of_members(void **state)
{
    size_t        i;
    unsigned      member;
    agw_record_t  r;

    (void) state;

    r = partner();

    for (i = 0; i < 15; i++) {
        member = 1u << i;

        assert_int_equal((agw_record_text(&r, member) != NULL)
                         + (agw_record_number(&r, member) != NULL),
                         member != AGW_MEMBER_STATUS);
    }

    assert_ptr_equal(agw_record_text(&r, AGW_MEMBER_NAME), &r.name);
    assert_ptr_equal(agw_record_number(&r, AGW_MEMBER_SEQ), &r.seq);
}


/* one that somebody stored otherwise does not hinder another change */

static void
p11_2_only_what_is_changed_is_checked(void **state)
{
    agw_record_t  r;

    (void) state;

    r = partner();
    r.has |= AGW_MEMBER_NAME;
    r.name = S("a\nb");

    assert_int_equal(agw_record_check(&r, AGW_MEMBER_STATUS), 0);
    assert_int_equal(agw_record_check(&r, AGW_MEMBER_NAME), AGW_MEMBER_NAME);

    r = api_key();
    r.has |= AGW_MEMBER_EXPIRES_AT;
    r.not_before = 9;
    r.expires_at = 9;

    assert_int_equal(agw_record_check(&r, AGW_MEMBER_NAME), 0);
    assert_int_equal(agw_record_check(&r, AGW_MEMBER_NOT_BEFORE),
                     AGW_MEMBER_EXPIRES_AT);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(p11_2_what_a_record_must_have),
        unit_case(p11_2_values_of_members),
        unit_case(p11_3_times_of_an_api_key),
        unit_case(p11_2_status),
        unit_case(p11_2_a_patch_changes_what_it_names),
        unit_case(p11_2_entity_tags),
        unit_case(p11_3_key_id_of_a_key_without_one),
        unit_case(p11_1_names_of_members),
        unit_case(p11_1_values_of_members),
        unit_case(p11_2_only_what_is_changed_is_checked),
    };

    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
