
/*
 * The path rules of D6, a second time, as slowly and as
 * literally as they can be written; and both readings over pseudo-random
 * paths of the characters that matter.
 */


#include <ctype.h>

#include "unit.h"

#include "agw_grammar.h"
#include "agw_path.h"


#define LONGEST   64


/* the first escape of s, decoded; 0 where there is none */

static int
decode_one(unsigned char *s, size_t *len)
{
    char    hex[3];
    size_t  i;

    for (i = 0; i + 2 < *len; i++) {
        if (s[i] == '%' && isxdigit(s[i + 1]) && isxdigit(s[i + 2])) {
            hex[0] = (char) s[i + 1];
            hex[1] = (char) s[i + 2];
            hex[2] = '\0';

            s[i] = (unsigned char) strtoul(hex, NULL, 16);
            memmove(&s[i + 1], &s[i + 3], *len - i - 3);
            *len -= 2;

            return 1;
        }
    }

    return 0;
}


/* one segment, of which the caller has looked at the raw form */

static int
segment_is_plain(agw_str_t segment)
{
    size_t         i, len, dots, others;
    agw_str_t      decoded;
    unsigned char  s[LONGEST];

    len = segment.len;
    memcpy(s, segment.data, len);

    while (decode_one(s, &len)) {
        /* void */
    }

    for (i = 0; i < len; i++) {
        if (s[i] < 0x20 || s[i] == 0x7f || s[i] == '\\' || s[i] == '/') {
            return 0;
        }
    }

    decoded.len = len;
    decoded.data = s;

    if (!agw_is_utf8(decoded)) {
        return 0;
    }

    dots = 0;
    others = 0;

    for (i = 0; i < len && strchr(";?#", s[i]) == NULL; i++) {
        dots += s[i] == '.';
        others += s[i] != '.' && s[i] != ' ';
    }

    return dots == 0 || others != 0;
}


static int
path_is_plain(agw_str_t path)
{
    size_t     i, start;
    agw_str_t  segment;

    if (path.len == 0 || path.data[0] != '/'
        || memchr(path.data, '#', path.len) != NULL)
    {
        return 0;
    }

    for (start = 1, i = 1; i <= path.len; i++) {
        if (i < path.len && path.data[i] != '/') {
            continue;
        }

        segment.len = i - start;
        segment.data = &path.data[start];

        if (segment.len == 0 && i < path.len) {
            return 0;
        }

        if (!segment_is_plain(segment)) {
            return 0;
        }

        start = i + 1;
    }

    return 1;
}


static void
compare(agw_str_t path, size_t *plain)
{
    int           ok;
    agw_reason_t  reason;

    ok = path_is_plain(path);
    *plain += (size_t) ok;
    reason = agw_path_check(unit_copy(path));

    unit_assert(reason == (ok ? AGW_OK : AGW_AMBIGUOUS_PATH),
        "\"%.*s\": %s, and %splain", UNIT_ARG(path),
        agw_reason_info(reason)->name, ok ? "" : "not ");

    unit_free_all(NULL);
}


/* both answers have to be frequent, or the comparison says little */

static void
assert_balanced(size_t plain, size_t count)
{
    unit_assert(plain > count / 50 && plain < count - count / 50,
        "%zu of %zu are plain", plain, count);
}


static void
d6_random_characters(void **state)
{
    size_t             i, n, plain;
    uint32_t           seed;
    agw_str_t          path;
    unsigned char      text[16];
    static const char  alphabet[] = "./%25fFeE;#?\\ a";

    (void) state;

    seed = 6;
    plain = 0;

    for (i = 0; i < 200000; i++) {
        path.len = 1 + unit_random(&seed) % (sizeof(text) - 1);
        path.data = text;
        text[0] = '/';

        for (n = 1; n < path.len; n++) {
            text[n] = (unsigned char)
                alphabet[unit_random(&seed) % (sizeof(alphabet) - 1)];
        }

        compare(path, &plain);
    }

    assert_balanced(plain, 200000);
}


static void
d6_random_words(void **state)
{
    size_t                   i, n, plain;
    uint32_t                 seed;
    agw_str_t                path;
    unsigned char            text[LONGEST];
    const char              *word;
    static const char *const words[] = {
        "/", "/", "/", "/", "a", "b", "A1", ".", ".", "..", "%2e", "%252E",
        "%20", " ", ";", "%3b", "%253B", "?", "%3f", "%23", "%", "%25", "25",
        "2f", "%2f", "%5c", "%00", "%C3%A9", "\xc3\xa9", "%c3", "%a9",
        "%c0%af", "c", "e", "2", "%32", "%65", "%66", "x=1", "%7e",
    };

    (void) state;

    seed = 66;
    plain = 0;

    for (i = 0; i < 200000; i++) {
        text[0] = '/';
        path.len = 1;
        path.data = text;

        for (n = unit_random(&seed) % 8; n != 0; n--) {
            word = words[unit_random(&seed) % UNIT_COUNT(words)];
            memcpy(&text[path.len], word, strlen(word));
            path.len += strlen(word);
        }

        compare(path, &plain);
    }

    assert_balanced(plain, 200000);
}


/* every path of up to five characters of the dangerous few */

static void
d6_all_short_paths(void **state)
{
    size_t             i, n, len, rest, count, plain;
    agw_str_t          path;
    unsigned char      text[6];
    static const char  alphabet[] = "./;% 2a";

    (void) state;

    plain = 0;
    path.data = text;
    text[0] = '/';

    for (len = 0, count = 1; len <= 5; len++, count *= 7) {
        for (i = 0; i < count; i++) {
            rest = i;

            for (n = 1; n <= len; n++, rest /= 7) {
                text[n] = (unsigned char) alphabet[rest % 7];
            }

            path.len = len + 1;
            compare(path, &plain);
        }
    }

    assert_balanced(plain, 19608);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d6_random_characters),
        unit_case(d6_random_words),
        unit_case(d6_all_short_paths),
    };

    return cmocka_run_group_tests_name("path oracle", tests, NULL, NULL);
}
