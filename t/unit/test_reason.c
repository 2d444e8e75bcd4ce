
/*
 * D7, restated: the answer to each reason, in each dialect.
 */


#include "unit.h"

#include "agw_reason.h"


/* NGX_HTTP_AGW_REFUSAL_SIZE */

#define REFUSAL_SIZE  1024


static const struct {
    agw_reason_t  reason;
    const char   *name;
    unsigned      status;
    const char   *error;
    const char   *thred;
    const char   *type;
    const char   *value;
} rows[] = {

#define REASON(reason, name, status, error, code, type, value)  \
    { reason, #name, status, #error, #code, #type, #value },

#include "reasons.def"

#undef REASON

};


static void
d7_table(void **state)
{
    size_t                    i;
    const agw_reason_info_t  *info;

    (void) state;

    /* every reason has its row here, and AGW_OK its own below */

    assert_int_equal(UNIT_COUNT(rows), AGW_REASONS - 1);

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        info = agw_reason_info(rows[i].reason);
        assert_non_null(info);

        assert_string_equal(info->name, rows[i].name);
        unit_assert(info->status == rows[i].status, "%s: %u", rows[i].name,
            info->status);
        assert_string_equal(info->error, rows[i].error);
        assert_string_equal(info->thred_code, rows[i].thred);
        assert_string_equal(info->layer_type, rows[i].type);

        if (strcmp(rows[i].value, "NONE") == 0) {
            assert_null(info->layer_enum);
            assert_true(info->status >= 500);

        } else {
            assert_non_null(info->layer_enum);
            assert_string_equal(info->layer_enum, rows[i].value);
        }
    }
}


static void
d7_ok(void **state)
{
    const agw_reason_info_t  *info;

    (void) state;

    info = agw_reason_info(AGW_OK);
    assert_non_null(info);
    assert_string_equal(info->name, "ok");
    assert_int_equal(info->status, 200);
    assert_null(info->error);
}


static void
d7_what_is_no_reason(void **state)
{
    size_t            i;
    static const int  numbers[] = {
        AGW_REASONS, AGW_REASONS + 1, -1, 1000, INT32_MAX, INT32_MIN,
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(numbers); i++) {
        unit_assert(agw_reason_info((agw_reason_t) numbers[i])
            == agw_reason_info(AGW_INTERNAL_ERROR), "%d", numbers[i]);
    }
}


/* %x20-21 / %x23-5B / %x5D-7E */

static void
assert_quotable(const char *text)
{
    assert_non_null(text);
    assert_true(text[0] != '\0');

    for (; *text != '\0'; text++) {
        assert_true(*text >= 0x20 && *text <= 0x7e && *text != '"'
            && *text != '\\');
    }
}


static void
p0_2_strings_stand_as_they_are(void **state)
{
    size_t                    i;
    const agw_reason_info_t  *info;

    (void) state;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        info = agw_reason_info(rows[i].reason);

        assert_quotable(info->name);
        assert_quotable(info->error);
        assert_quotable(info->thred_code);
        assert_quotable(info->layer_type);
        assert_quotable(info->description);

        if (info->layer_enum != NULL) {
            assert_quotable(info->layer_enum);
        }

        /* a sentence, not a word */

        assert_true(strlen(info->description) >= 10);
        assert_non_null(strchr(info->description, ' '));
    }
}


/* P2.3: no oracle.  Only the Layer format says that a business is archived */

static void
p2_3_three_businesses_one_answer(void **state)
{
    size_t                    i;
    const agw_reason_info_t  *unknown, *info;
    static const agw_reason_t  others[] = {
        AGW_NOT_OWNER, AGW_ARCHIVED_BUSINESS,
    };

    (void) state;

    unknown = agw_reason_info(AGW_UNKNOWN_BUSINESS);

    for (i = 0; i < UNIT_COUNT(others); i++) {
        info = agw_reason_info(others[i]);
        assert_int_equal(info->status, unknown->status);
        assert_string_equal(info->error, unknown->error);
        assert_string_equal(info->thred_code, unknown->thred_code);
        assert_string_equal(info->description, unknown->description);
    }

    info = agw_reason_info(AGW_NOT_OWNER);
    assert_string_equal(info->layer_type, unknown->layer_type);
    assert_string_equal(info->layer_enum, unknown->layer_enum);
}


/* the body of src/services/ngx_http_agw_refusal.c, as long as it can be */

static int
layer_length(const agw_reason_info_t *info)
{
    const char  *value;

    value = info->layer_enum ? info->layer_enum : "";

    return snprintf(NULL, 0,
        "{\"type\":\"%s\",\"description\":\"%s\",\"error_enum\":\"%s\","
        "\"meta\":{}", info->layer_type, info->description, value);
}


static void
p3_4_the_longest_refusal_fits(void **state)
{
    int                       len, longest;
    size_t                    i;
    const agw_reason_info_t  *info;

    (void) state;

    longest = 0;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        info = agw_reason_info(rows[i].reason);
        len = 2 * layer_length(info)
              + (int) strlen(",\"errors\":[" "}]}");

        unit_assert(len < REFUSAL_SIZE, "%s: %d", rows[i].name, len);

        if (len > longest) {
            longest = len;
        }
    }

    /* or nothing was measured */

    assert_true(longest > 200);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d7_table),
        unit_case(d7_ok),
        unit_case(d7_what_is_no_reason),
        unit_case(p0_2_strings_stand_as_they_are),
        unit_case(p2_3_three_businesses_one_answer),
        unit_case(p3_4_the_longest_refusal_fits),
    };

    return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
