
/*
 * Two readers of claims, one answer: what the one-pass reader takes, the
 * general one reads alike, and what it leaves is judged by the general one
 * alone.
 */


#include "unit.h"

#include "agw_claims_flat.h"
#include "readers.h"


static const char  *members[] = {
    "\"iss\":\"https://issuer.example\"",
    "\"aud\":\"api\"",
    "\"sub\":\"p-1\"",
    "\"partner_id\":\"p-1\"",
    "\"client_id\":\"p-1\"",
    "\"business_id\":\"b-1\"",
    "\"scope\":\"business_access read\"",
    "\"iat\":1700000000",
    "\"exp\":1700003600",
    "\"seq\":1700000000000",
    "\"jti\":\"AAAAAAAAAAAAAAAAAAAAAA\"",
    "\"nbf\":0",
    "\"cnf\":{\"x5t#S256\":\"BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSY\"}",
};

#define MEMBERS  UNIT_COUNT(members)


/* an object of the members whose bits are set, beginning with that one */

static agw_str_t
object(unsigned set, size_t first)
{
    size_t     i, n;
    agw_str_t  text;

    text = S("{");

    for (i = 0; i < MEMBERS; i++) {
        n = (first + i) % MEMBERS;

        if (set & (1u << n)) {
            text = unit_cat(text, unit_format("%s%s",
                text.len == 1 ? "" : ",", members[n]));
        }
    }

    return unit_cat(text, S("}"));
}


static int
is_flat(agw_str_t text)
{
    agw_claims_t  claims;

    memset(&claims, 0xa5, sizeof(claims));

    return agw_claims_read_flat(&claims, text) == 0;
}


/* a reader that took nothing would agree with the other one as well */

static void
d4_own_tokens_take_one_pass(void **state)
{
    size_t        i;
    agw_str_t     text;
    agw_claims_t  c;
    static const struct {
        const char  *issuer;
        const char  *audience;
        const char  *business_id;
        const char  *scope;
        int64_t      seq;
        const char  *x5t;
    } tokens[] = {
        { "", "", "", "", AGW_SEQ_NONE, "" },
        { "", "", "", "", 0, "" },
        { "https://issuer.example", "api", "", "", 1700000000000, "" },
        { "https://issuer.example", "", "b-1", "business_access",
          AGW_STAMP_MAX, "BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSY" },
        { "", "api", "", "read write", AGW_SEQ_NONE,
          "BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSY" },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(tokens); i++) {
        memset(&c, 0, sizeof(c));

        c.partner_id = S("p-1");
        c.jti = S("j-1");
        c.iat = 1700000000;
        c.exp = 1700003600;
        c.seq = tokens[i].seq;
        c.business_id.data = (const unsigned char *) tokens[i].business_id;
        c.business_id.len = strlen(tokens[i].business_id);
        c.scope.data = (const unsigned char *) tokens[i].scope;
        c.scope.len = strlen(tokens[i].scope);
        c.x5t.data = (const unsigned char *) tokens[i].x5t;
        c.x5t.len = strlen(tokens[i].x5t);

        text = unit_write_claims(&c, unit_format("%s", tokens[i].issuer),
            unit_format("%s", tokens[i].audience));

        unit_assert(is_flat(text), "not in one pass: %.*s", UNIT_ARG(text));

        assert_int_equal(agw_claims_read(&c, text), AGW_OK);
        assert_null(c.json);
        assert_true(c.seq == tokens[i].seq);
        unit_assert_str(c.x5t, unit_format("%s", tokens[i].x5t));
        unit_assert(unit_readers_agree(text) == AGW_OK, "refused: %.*s",
            UNIT_ARG(text));
    }
}


static void
d4_every_set_of_members(void **state)
{
    size_t     n;
    unsigned   set;
    agw_str_t  text;

    (void) state;

    for (set = 0; set < 1u << MEMBERS; set++) {
        text = object(set, 0);
        (void) unit_readers_agree(text);

        if (set % 7 == 0) {
            for (n = 1; n < MEMBERS; n++) {
                (void) unit_readers_agree(object(set, n));
            }
        }

        (void) unit_free_all(NULL);
    }
}


/* RFC 7515, section 4: which of two the others mean, nobody knows */

static void
P8_6_a_member_twice(void **state)
{
    size_t     i, j;
    agw_str_t  all, text;

    (void) state;

    for (i = 0; i < MEMBERS; i++) {
        for (j = 0; j < MEMBERS; j++) {
            all = object((1u << MEMBERS) - 1, j);

            all.len--;
            text = unit_cat(all, unit_format(",%s}", members[i]));

            unit_assert(!is_flat(text), "%.*s", UNIT_ARG(text));
            assert_int_equal(unit_readers_agree(text), AGW_MALFORMED_CLAIMS);
        }
    }
}


/* each byte of a good payload replaced, left out, doubled, or the last */

static void
d4_every_byte_changed(void **state)
{
    size_t            i, j;
    agw_str_t         good, head, tail;
    static const int  bytes[] = {
        0, 1, '\t', '\n', ' ', '"', '\'', ',', '-', '.', '/', '0', '1', '9',
        ':', 'E', '[', '\\', ']', 'a', 'e', 'u', '{', '}', '~', 0x7f, 0x80,
        0xc3, 0xff
    };

    (void) state;

    good = unit_copy(object((1u << MEMBERS) - 1, 0));

    for (i = 0; i <= good.len; i++) {
        head.data = good.data;
        head.len = i;

        (void) unit_readers_agree(unit_copy(head));

        tail.data = good.data + i;
        tail.len = good.len - i;

        for (j = 0; j < UNIT_COUNT(bytes); j++) {
            (void) unit_readers_agree(unit_cat(unit_cat(head,
                unit_fill(bytes[j], 1)), tail));
        }

        if (tail.len == 0) {
            break;
        }

        (void) unit_readers_agree(unit_cat(head, tail));

        tail.data++;
        tail.len--;

        (void) unit_readers_agree(unit_cat(head, tail));

        for (j = 0; j < UNIT_COUNT(bytes); j++) {
            (void) unit_readers_agree(unit_cat(unit_cat(head,
                unit_fill(bytes[j], 1)), tail));
        }
    }
}


/* values of every type, as every member */

static void
d4_every_value(void **state)
{
    char                *colon;
    char                 name[32];
    size_t               i, j;
    agw_str_t            text;
    static const char   *values[] = {
        "\"\"", "\"p-1\"", "\"b-1\"", "\"p-2\"", "\"\\u0070-1\"", "\"p\\/1\"",
        "\"a b\"", "\" \"", "\"business_access\"", "\"caf\xc3\xa9\"",
        "\"\xff\"", "\"a\tb\"", "\"a\x7f\"", "\"\\\"\"", "\"", "p-1",
        "0", "1", "-0", "-1", "01", "00", "1.0", "1e3", "1E400", "+1", "0x1",
        "1700000000", "1700003600", "1700000001", "4503599627370496",
        "4503599627370497", "9007199254740991", "9007199254740992",
        "9223372036854775807", "9223372036854775808",
        "18446744073709551616", "99999999999999999999999999", "true", "false",
        "null", "{}", "[]", "[\"api\"]", "[\"api\",1]", "{\"a\":1}", "",
        " 1", "1 ", " \"p-1\"", "\"p-1\" "
    };

    (void) state;

    for (i = 0; i < MEMBERS; i++) {
        snprintf(name, sizeof(name), "%s", members[i]);

        colon = strchr(name, ':');
        assert_non_null(colon);
        *colon = '\0';

        for (j = 0; j < UNIT_COUNT(values); j++) {
            text = object(((1u << MEMBERS) - 1) & ~(1u << i), 0);
            text.len--;

            (void) unit_readers_agree(unit_cat(text,
                unit_format(",%s:%s}", name, values[j])));
        }
    }
}


/* the general reader's work, also where it is as good */

static void
d4_left_to_the_general_reader(void **state)
{
    size_t              i;
    agw_str_t           all, text;
    static const char  *more[] = {
        ",\"x\":1}", ",\"x\":{\"iss\":\"i\"}}", "}\n", "} ", " }",
        ",\"\":\"\"}", ",\"amr\":[\"pwd\"]}"
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(more); i++) {
        all = object((1u << MEMBERS) - 1, 0);
        all.len--;
        text = unit_cat(all, unit_format("%s", more[i]));

        unit_assert(!is_flat(text), "%.*s", UNIT_ARG(text));
        unit_assert(unit_readers_agree(text) == AGW_OK, "%.*s",
            UNIT_ARG(text));
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d4_own_tokens_take_one_pass),
        unit_case(d4_every_set_of_members),
        unit_case(P8_6_a_member_twice),
        unit_case(d4_every_byte_changed),
        unit_case(d4_every_value),
        unit_case(d4_left_to_the_general_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
