
/*
 * What a server announces is held to limits before it is kept: nothing waits
 * for 100 MB, for four billion elements, or for the end of a line that has
 * none.
 */


#include "unit.h"

#include "agw_resp.h"


/* what is wrong with it, in one piece; *replies: those that were complete */

static const char *
scan(const char *text, size_t len, size_t *replies)
{
    agw_resp_t  resp;

    memset(&resp, 0, sizeof(resp));
    *replies = 0;

    return agw_resp_scan(&resp, (const uint8_t *) text, len, replies);
}


static void
accepted(const char *text, size_t expected)
{
    size_t       i, len, replies, sum;
    agw_resp_t   resp;
    const char  *why;

    len = strlen(text);
    why = scan(text, len, &replies);

    if (why) {
        fail_msg("\"%s\": %s", text, why);
    }

    assert_int_equal(replies, expected);

    /* and byte by byte */

    memset(&resp, 0, sizeof(resp));
    sum = 0;

    for (i = 0; i < len; i++) {
        assert_null(agw_resp_scan(&resp, (const uint8_t *) text + i, 1,
                                  &sum));
    }

    assert_int_equal(sum, expected);
    assert_int_equal(agw_resp_is_inside(&resp), 0);
}


static void
refused(const char *text)
{
    size_t       replies;
    agw_resp_t   resp;
    const char  *why;

    why = scan(text, strlen(text), &replies);

    if (why == NULL) {
        fail_msg("\"%s\" is taken", text);
    }

    /* and nothing that follows is taken */

    memset(&resp, 0, sizeof(resp));
    (void) agw_resp_scan(&resp, (const uint8_t *) text, strlen(text),
                         &replies);
    assert_non_null(agw_resp_scan(&resp, (const uint8_t *) "+OK\r\n", 5,
                                  &replies));
}


static void
replies_are_counted(void **state)
{
    (void) state;

    accepted("", 0);
    accepted("+OK\r\n", 1);
    accepted("+\r\n", 1);
    accepted("-ERR no\r\n:1\r\n:-1\r\n", 3);
    accepted("$0\r\n\r\n", 1);
    accepted("$-1\r\n*-1\r\n", 2);
    accepted("*0\r\n", 1);
    accepted("*2\r\n$1\r\na\r\n*1\r\n:7\r\n+OK\r\n", 2);
    accepted("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", 1);
    accepted("*3\r\n*0\r\n*-1\r\n$-1\r\n+x\r\n", 2);
}


static void
content_may_be_any_bytes(void **state)
{
    size_t  replies;

    (void) state;

    assert_null(scan("$6\r\n\0\r\n*\xff:\r\n", 12, &replies));
    assert_int_equal(replies, 1);
}


static void
what_has_begun_is_known(void **state)
{
    size_t       i, replies;
    agw_resp_t   resp;
    const char  *text = "*2\r\n$1\r\na\r\n:1\r\n";

    (void) state;

    for (i = 1; i < strlen(text); i++) {
        memset(&resp, 0, sizeof(resp));
        replies = 0;
        assert_null(agw_resp_scan(&resp, (const uint8_t *) text, i, &replies));
        assert_int_equal(replies, 0);
        assert_int_equal(agw_resp_is_inside(&resp), 1);
    }
}


static void
malformed_bytes_are_refused(void **state)
{
    (void) state;

    refused("HTTP/1.1 400 Bad Request\r\n");
    refused("\r\n");
    refused(" +OK\r\n");
    refused("+OK\n");
    refused("+O\rK\r\n");
    refused("-ERR\n");
    refused(":\r\n");
    refused(":-\r\n");
    refused(":1-\r\n");
    refused(":1.5\r\n");
    refused(":0x1\r\n");
    refused(":1\n");
    refused(":123456789012345678901\r\n");
    refused("$\r\n");
    refused("$-2\r\n");
    refused("$a\r\n");
    refused("$1\r\nab\r\n");
    refused("$2\r\nabcd");
    refused("$1\r\na\rb");
    refused("*-2\r\n");
    refused("*\r\n");
    refused("*1\r\nx");
}


static void
what_resp3_adds_is_refused(void **state)
{
    (void) state;

    refused("_\r\n");
    refused("#t\r\n");
    refused(",1.5\r\n");
    refused("(1\r\n");
    refused("!3\r\nERR\r\n");
    refused("=5\r\ntxt:a\r\n");
    refused("%1\r\n+a\r\n:1\r\n");
    refused("~1\r\n:1\r\n");
    refused(">1\r\n+a\r\n");
    refused("$?\r\n");
}


static void
too_much_is_refused_when_it_is_announced(void **state)
{
    (void) state;

    refused("$104857600\r\n");
    refused("$8388609\r\n");
    refused("$99999999999999999999\r\n");
    refused("*262145\r\n");
    refused("*4294967296\r\n");
    refused("*2147483647\r\n");
    refused("*1\r\n*262144\r\n");
    refused("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n");
}


/* each part is small */

static void
too_much_in_parts_is_refused(void **state)
{
    size_t       n, replies;
    uint8_t      piece[65536 + 16];
    agw_resp_t   resp;
    const char  *why;

    (void) state;

    memset(piece, 'x', sizeof(piece));
    memset(&resp, 0, sizeof(resp));
    replies = 0;

    assert_null(agw_resp_scan(&resp, (const uint8_t *) "*200\r\n", 6,
                              &replies));

    for (n = 0, why = NULL; n < 200 && why == NULL; n++) {
        why = agw_resp_scan(&resp, (const uint8_t *) "$65536\r\n", 8,
                            &replies);
        piece[65536] = '\r';
        piece[65537] = '\n';

        if (why == NULL) {
            why = agw_resp_scan(&resp, piece, 65538, &replies);
        }
    }

    assert_non_null(why);
    assert_in_range(n, 126, 129);

    /* a line without an end */

    memset(piece, 'x', sizeof(piece));
    memset(&resp, 0, sizeof(resp));
    piece[0] = '-';

    assert_non_null(agw_resp_scan(&resp, piece, sizeof(piece), &replies));
}


/* the limits are of a reply: there is no end to their number */

static void
limits_begin_anew_with_each_reply(void **state)
{
    size_t      n, replies;
    uint8_t    *text;
    agw_resp_t  resp;

    (void) state;

    text = unit_alloc(3 * 1024 * 1024 + 64);
    memset(&resp, 0, sizeof(resp));
    replies = 0;

    n = (size_t) snprintf((char *) text, 64, "$%d\r\n", 3 * 1024 * 1024);
    memset(text + n, 'x', 3 * 1024 * 1024);
    memcpy(text + n + 3 * 1024 * 1024, "\r\n", 2);
    n += 3 * 1024 * 1024 + 2;

    assert_null(agw_resp_scan(&resp, text, n, &replies));
    assert_null(agw_resp_scan(&resp, text, n, &replies));
    assert_null(agw_resp_scan(&resp, text, n, &replies));
    assert_null(agw_resp_scan(&resp, text, n, &replies));
    assert_int_equal(replies, 4);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_counted),
        cmocka_unit_test(content_may_be_any_bytes),
        cmocka_unit_test(what_has_begun_is_known),
        cmocka_unit_test(malformed_bytes_are_refused),
        cmocka_unit_test(what_resp3_adds_is_refused),
        cmocka_unit_test(too_much_is_refused_when_it_is_announced),
        cmocka_unit_test(too_much_in_parts_is_refused),
        unit_case(limits_begin_anew_with_each_reply)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
