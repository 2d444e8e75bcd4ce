
/*
 * API keys that a scanner can tell: the form, the checksum, and how the random
 * bits are in it.
 */


#include "unit.h"

#include "agw_api_key.h"
#include "agw_record.h"


static agw_str_t
key_of(const unsigned char *random)
{
    unsigned char  *out, *in;

    in = unit_alloc(AGW_API_KEY_RANDOM);
    memcpy(in, random, AGW_API_KEY_RANDOM);

    out = unit_alloc(AGW_API_KEY_SIZE);
    agw_api_key_write(in, out);

    return (agw_str_t) { AGW_API_KEY_SIZE, out };
}


static void
p11_3_checksum(void **state)
{
    (void) state;

    assert_int_equal(agw_crc32(S("123456789")), 0xcbf43926);
    assert_int_equal(agw_crc32(S("")), 0);
}


/* 2^160 - 1 in base62, by another program, and zero */

static void
p11_3_the_random_bits(void **state)
{
    agw_str_t      key;
    unsigned char  random[AGW_API_KEY_RANDOM];

    (void) state;

    memset(random, 0xff, sizeof(random));
    key = key_of(random);
    assert_memory_equal(key.data, "agw_aWgEPTl1tmebfsQzFP4bxwgy80V", 31);
    assert_true(agw_api_key_is(key));

    memset(random, 0, sizeof(random));
    key = key_of(random);
    assert_memory_equal(key.data, "agw_000000000000000000000000000", 31);
    unit_assert_str(key, S("agw_0000000000000000000000000000Ljjnz"));
    assert_true(agw_api_key_is(key));

    random[AGW_API_KEY_RANDOM - 1] = 61;
    key = key_of(random);
    assert_memory_equal(key.data, "agw_00000000000000000000000000z", 31);
}


/* each change of one character is noticed */

static void
p11_3_a_change_is_noticed(void **state)
{
    size_t          i, j;
    agw_str_t       key, other;
    unsigned char  *p, random[AGW_API_KEY_RANDOM];
    const char      set[] = "0AZaz_-";

    (void) state;

    for (i = 0; i < sizeof(random); i++) {
        random[i] = i * 37 + 11;
    }

    key = key_of(random);
    assert_true(agw_api_key_is(key));

    for (i = 0; i < key.len; i++) {
        for (j = 0; j < sizeof(set) - 1; j++) {
            if (key.data[i] == (unsigned char) set[j]) {
                continue;
            }

            other = unit_copy(key);
            p = (unsigned char *) other.data;
            p[i] = set[j];
            assert_false(agw_api_key_is(other));
        }
    }

    other = unit_copy(key);
    other.len--;
    assert_false(agw_api_key_is(other));
    assert_false(agw_api_key_is(unit_cat(key, S("0"))));
    assert_false(agw_api_key_is(S("")));
}


static void
p11_3_key_ids(void **state)
{
    unsigned char  *out, random[AGW_KEY_ID_RANDOM];

    (void) state;

    out = unit_alloc(AGW_KEY_ID_SIZE);

    memset(random, 0, sizeof(random));
    agw_api_key_id_write(random, out);
    assert_memory_equal(out, "aaaaaaaaaaaaaaaa", AGW_KEY_ID_SIZE);

    memset(random, 0xff, sizeof(random));
    agw_api_key_id_write(random, out);
    assert_memory_equal(out, "7777777777777777", AGW_KEY_ID_SIZE);

    /* RFC 4648, section 10, in lower case */

    memcpy(random, "foobarfoob", sizeof(random));
    agw_api_key_id_write(random, out);
    assert_memory_equal(out, "mzxw6ytbojtg633c", AGW_KEY_ID_SIZE);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(p11_3_checksum),
        unit_case(p11_3_the_random_bits),
        unit_case(p11_3_a_change_is_noticed),
        unit_case(p11_3_key_ids),
    };

    return cmocka_run_group_tests_name("api_key", tests, NULL, NULL);
}
