
/*
 * Flat JSON objects, written into exactly the room that there is.
 */


#include <jansson.h>

#include "unit.h"

#include "agw_json_writer.h"


/* {"a":"x y","n":0,"m":9223372036854775807} into size bytes */

static int
write_object(agw_json_writer_t *t, size_t size, unsigned char **buf)
{
    *buf = unit_alloc(size);

    agw_json_writer_begin(t, *buf, size);
    agw_json_writer_copy(t, S("{"));
    agw_json_writer_string(t, "a", S("x y"));
    agw_json_writer_string(t, "left_out", UNIT_NONE);
    agw_json_writer_integer(t, "n", 0);
    agw_json_writer_integer(t, "m", INT64_MAX);

    return agw_json_writer_end(t);
}


static void
every_size(void **state)
{
    size_t            size;
    unsigned char    *buf;
    agw_json_writer_t   t;
    static const agw_str_t  wanted =
        agw_string("{\"a\":\"x y\",\"n\":0,\"m\":9223372036854775807}");

    (void) state;

    for (size = 0; size < wanted.len; size++) {
        unit_assert(write_object(&t, size, &buf) == -1, "%zu bytes", size);
        assert_true(t.p <= buf + size);
    }

    for (size = wanted.len; size < wanted.len + 3; size++) {
        assert_int_equal(write_object(&t, size, &buf), 0);
        unit_assert_str(((agw_str_t) { (size_t) (t.p - buf), buf }), wanted);
    }
}


/* the only comma that an end may replace is that of a member */

static void
without_a_member(void **state)
{
    unsigned char     buf[1], *none;
    agw_json_writer_t   t;

    (void) state;

    none = unit_alloc(0);
    agw_json_writer_begin(&t, none, 0);
    assert_int_equal(agw_json_writer_end(&t), -1);

    agw_json_writer_begin(&t, buf, sizeof(buf));
    agw_json_writer_copy(&t, S("{"));
    agw_json_writer_string(&t, "a", UNIT_NONE);
    assert_int_equal(agw_json_writer_end(&t), -1);
    assert_int_equal(buf[0], '{');
}


/* one byte at a time: what a reader would not read back fails */

static void
every_byte(void **state)
{
    int               c, rc;
    json_t           *json;
    unsigned char     byte, buf[64];
    agw_json_writer_t   t;

    (void) state;

    for (c = 0; c < 256; c++) {
        byte = (unsigned char) c;

        agw_json_writer_begin(&t, buf, sizeof(buf));
        agw_json_writer_copy(&t, S("{"));
        agw_json_writer_string(&t, "a", (agw_str_t) { 1, &byte });
        rc = agw_json_writer_end(&t);

        assert_int_equal(rc == 0, c >= 0x20 && c <= 0x7e && c != '"'
            && c != '\\');

        if (rc != 0) {
            continue;
        }

        json = json_loadb((char *) buf, (size_t) (t.p - buf), 0, NULL);
        assert_non_null(json);
        assert_memory_equal(json_string_value(json_object_get(json, "a")),
            &byte, 1);
        json_decref(json);
    }
}


static void
numbers(void **state)
{
    size_t            i;
    unsigned char     buf[64];
    agw_json_writer_t   t;
    static const int64_t  values[] = { -1, INT64_MIN };

    (void) state;

    for (i = 0; i < UNIT_COUNT(values); i++) {
        agw_json_writer_begin(&t, buf, sizeof(buf));
        agw_json_writer_copy(&t, S("{"));
        agw_json_writer_integer(&t, "n", values[i]);
        agw_json_writer_integer(&t, "m", 1);
        assert_int_equal(agw_json_writer_end(&t), -1);
    }
}


/* RFC 7800, section 3.1 */

static void
rfc7800_an_object_in_it(void **state)
{
    size_t              n;
    unsigned char       buf[64];
    agw_json_writer_t   t;
    static const char   wanted[] = "{\"n\":1,\"cnf\":{\"x\":\"y\"}}";

    (void) state;

    for (n = 0; n <= sizeof(wanted); n++) {
        agw_json_writer_begin(&t, buf, n);
        agw_json_writer_copy(&t, S("{"));
        agw_json_writer_integer(&t, "n", 1);
        agw_json_writer_object(&t, "none", "x", S(""));
        agw_json_writer_object(&t, "cnf", "x", S("y"));

        assert_int_equal(agw_json_writer_end(&t),
            n < sizeof(wanted) - 1 ? -1 : 0);
    }

    assert_memory_equal(buf, wanted, sizeof(wanted) - 1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(every_size),
        unit_case(without_a_member),
        unit_case(every_byte),
        unit_case(numbers),
        unit_case(rfc7800_an_object_in_it),
    };

    return cmocka_run_group_tests_name("json text", tests, NULL, NULL);
}
