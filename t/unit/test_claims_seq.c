
/*
 * The stamp in a token (D4): a name that another issuer may
 * use for anything, so it is read where it is a stamp, and refused by nobody
 * here where it is none.
 */


#include "unit.h"

#include "agw_claims.h"
#include "readers.h"


#define START  "{\"partner_id\":\"p\",\"jti\":\"j\",\"iat\":1,\"exp\":2"


static void
reads(const char *more, int64_t wanted)
{
    agw_str_t     text;
    agw_claims_t  c;

    text = unit_format(START "%s}", more);

    unit_assert(unit_readers_agree(text) == AGW_OK, "refused: %s", more);
    assert_int_equal(agw_claims_read(&c, text), AGW_OK);
    unit_assert(c.seq == wanted, "%s: %lld, not %lld", more,
        (long long) c.seq, (long long) wanted);

    agw_claims_done(&c);
}


/* also beside a claim that the one-pass reader does not know */

static void
seq_is(const char *value, int64_t wanted)
{
    char  text[64];

    snprintf(text, sizeof(text), ",\"seq\":%s", value);
    reads(text, wanted);

    snprintf(text, sizeof(text), ",\"x\":1,\"seq\":%s", value);
    reads(text, wanted);
}


static void
d4_a_stamp(void **state)
{
    (void) state;

    seq_is("0", 0);
    seq_is("-0", 0);
    seq_is("1", 1);
    seq_is("1790000000000", 1790000000000);
    seq_is("4503599627370495", AGW_STAMP_MAX - 1);
    seq_is("4503599627370496", AGW_STAMP_MAX);
}


static void
d4_absent(void **state)
{
    (void) state;

    reads("", AGW_SEQ_NONE);
    reads(",\"Seq\":1", AGW_SEQ_NONE);
    reads(",\"x\":{\"seq\":1}", AGW_SEQ_NONE);
}


static void
d4_no_stamp(void **state)
{
    size_t                   i;
    static const char *const values[] = {
        "\"1\"", "\"\"", "true", "false", "null", "1.0", "1.5", "1e3", "-1",
        "-2", "-9223372036854775808", "4503599627370497", "9007199254740991",
        "9007199254740992", "9223372036854775807", "[]", "[1]", "{}",
        "{\"seq\":1}",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(values); i++) {
        seq_is(values[i], AGW_SEQ_MALFORMED);
    }
}


/* what is refused whatever its name is */

static void
p8_6_no_json(void **state)
{
    size_t                   i;
    static const char *const values[] = {
        "1,\"seq\":1", "01", "9223372036854775808", "1e400", "",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(values); i++) {
        assert_int_equal(unit_readers_agree(unit_format(START
            ",\"seq\":%s}", values[i])), AGW_MALFORMED_CLAIMS);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d4_a_stamp),
        unit_case(d4_absent),
        unit_case(d4_no_stamp),
        unit_case(p8_6_no_json),
    };

    return cmocka_run_group_tests_name("claims seq", tests, NULL, NULL);
}
