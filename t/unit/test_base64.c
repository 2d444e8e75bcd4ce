
/*
 * Base64 in both alphabets, against RFC 4648 and against OpenSSL.  What is
 * not the one canonical spelling is another name for the same bytes, and a
 * token with two names has two signatures.
 */


#include "mint.h"

#include "agw_base64.h"


typedef int (*decode_pt)(agw_str_t s, unsigned char *out, size_t *len);


static const char  url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789-_";
static const char  std_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789+/";


/* RFC 4648, section 10 */

static const struct {
    agw_str_t  bytes;
    agw_str_t  padded;
    agw_str_t  bare;
} vectors[] = {
    { agw_string(""), agw_string(""), agw_string("") },
    { agw_string("f"), agw_string("Zg=="), agw_string("Zg") },
    { agw_string("fo"), agw_string("Zm8="), agw_string("Zm8") },
    { agw_string("foo"), agw_string("Zm9v"), agw_string("Zm9v") },
    { agw_string("foob"), agw_string("Zm9vYg=="), agw_string("Zm9vYg") },
    { agw_string("fooba"), agw_string("Zm9vYmE="), agw_string("Zm9vYmE") },
    { agw_string("foobar"), agw_string("Zm9vYmFy"), agw_string("Zm9vYmFy") },
};


/* decodes from and into blocks of the promised sizes */

static int
decode(decode_pt f, agw_str_t text, agw_str_t *bytes)
{
    int             rc;
    size_t          len;
    unsigned char  *out;

    out = unit_alloc(AGW_BASE64_DECODED(text.len));
    len = (size_t) -1;

    rc = f(unit_copy(text), out, &len);
    assert_true(rc == 0 || rc == -1);

    if (rc == 0) {
        assert_true(len <= AGW_BASE64_DECODED(text.len));
        bytes->len = len;
        bytes->data = out;
    }

    return rc;
}


static void
accepts(decode_pt f, agw_str_t text, agw_str_t wanted)
{
    agw_str_t  bytes;

    unit_assert(decode(f, text, &bytes) == 0, "refused: %.*s",
        UNIT_ARG(text));
    unit_assert_str(bytes, wanted);
}


static void
refuses(decode_pt f, agw_str_t text)
{
    agw_str_t  bytes;

    unit_assert(decode(f, text, &bytes) == -1, "accepted: %.*s",
        UNIT_ARG(text));
}


static void
rfc4648_10_vectors(void **state)
{
    size_t          i, n;
    agw_str_t       text;
    unsigned char  *out;

    (void) state;

    for (i = 0; i < UNIT_COUNT(vectors); i++) {
        out = unit_alloc(AGW_BASE64URL_SIZE(vectors[i].bytes.len));
        n = agw_base64url_encode(unit_copy(vectors[i].bytes), out);

        text.len = n;
        text.data = out;
        unit_assert_str(text, vectors[i].bare);

        accepts(agw_base64url_decode, vectors[i].bare, vectors[i].bytes);
        accepts(agw_base64_decode, vectors[i].bare, vectors[i].bytes);
        accepts(agw_base64_decode, vectors[i].padded, vectors[i].bytes);
    }
}


static void
empty_without_a_pointer(void **state)
{
    size_t         len;
    unsigned char  byte;

    (void) state;

    assert_int_equal(agw_base64url_encode(UNIT_NONE, &byte), 0);

    len = 1;
    assert_int_equal(agw_base64url_decode(UNIT_NONE, &byte, &len), 0);
    assert_int_equal(len, 0);

    len = 1;
    assert_int_equal(agw_base64_decode(UNIT_NONE, &byte, &len), 0);
    assert_int_equal(len, 0);
}


static void
rfc4648_5_each_alphabet_is_its_own(void **state)
{
    (void) state;

    accepts(agw_base64url_decode, S("-_8"), S("\xfb\xff"));
    accepts(agw_base64_decode, S("+/8="), S("\xfb\xff"));
    accepts(agw_base64_decode, S("+/8"), S("\xfb\xff"));

    refuses(agw_base64url_decode, S("+/8"));
    refuses(agw_base64url_decode, S("+_8"));
    refuses(agw_base64url_decode, S("-/8"));
    refuses(agw_base64_decode, S("-_8="));
    refuses(agw_base64_decode, S("-/8="));
    refuses(agw_base64_decode, S("+_8="));
}


static void
p8_7_padding(void **state)
{
    size_t                  i;
    static const agw_str_t  texts[] = {
        agw_string("Zg=="), agw_string("Zg="), agw_string("Zm8="),
        agw_string("Zm9v="), agw_string("Zm9v=="), agw_string("="),
        agw_string("=="), agw_string("===="), agw_string("=Zg"),
        agw_string("Z=g"), agw_string("Zm=8"), agw_string("Zg%3D%3D"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        refuses(agw_base64url_decode, texts[i]);
    }
}


static void
rfc4648_4_padding_is_whole_or_none(void **state)
{
    size_t                  i;
    static const agw_str_t  texts[] = {
        agw_string("Zg="), agw_string("Zg==="), agw_string("Zm8=="),
        agw_string("Zm9v="), agw_string("Zm9v=="), agw_string("Zm9v===="),
        agw_string("="), agw_string("=="), agw_string("==="),
        agw_string("===="), agw_string("=Zg="), agw_string("Z==="),
        agw_string("Z=g="), agw_string("Zg=g"), agw_string("Zg==Zg=="),
        agw_string("Zg==Zm9v"), agw_string("Zg== "), agw_string("Zg=\n="),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        refuses(agw_base64_decode, texts[i]);
    }
}


/* one more byte at each place of "Zm9v", and one byte in each one's stead */

static void
p8_7_white_space(void **state)
{
    size_t                  i, at;
    agw_str_t               head, text;
    static const agw_str_t  spaces[] = {
        agw_string(" "), agw_string("\t"), agw_string("\r"),
        agw_string("\n"), agw_string("\v"), agw_string("\f"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(spaces); i++) {
        for (at = 0; at <= 4; at++) {
            head = S("Zm9v");
            head.len = at;
            head = unit_cat(head, spaces[i]);

            text = S("Zm9v");
            text.data += at;
            text.len -= at;
            refuses(agw_base64url_decode, unit_cat(head, text));
            refuses(agw_base64_decode, unit_cat(head, text));

            text = S("Zm9vYmFy");
            text.data += at + 1;
            text.len = 3;
            refuses(agw_base64url_decode, unit_cat(head, text));
            refuses(agw_base64_decode, unit_cat(head, text));
        }

        refuses(agw_base64url_decode, spaces[i]);
        refuses(agw_base64_decode, spaces[i]);
    }
}


/* every byte in every place of a group: the alphabet's 64 and no other */

static void
p8_7_foreign_bytes(void **state)
{
    int            b;
    size_t         at;
    agw_str_t      text, bytes;
    unsigned char  group[4];

    (void) state;

    text.len = sizeof(group);
    text.data = group;

    for (at = 0; at < sizeof(group); at++) {
        for (b = 0; b < 256; b++) {
            memset(group, 'A', sizeof(group));
            group[at] = (unsigned char) b;

            unit_assert((decode(agw_base64url_decode, text, &bytes) == 0)
                == (b != 0 && strchr(url_alphabet, b) != NULL),
                "base64url, byte %02x at %zu", b, at);

            /* at the end one '=' is padding: of "AAA", whose bits are zero */

            unit_assert((decode(agw_base64_decode, text, &bytes) == 0)
                == ((b != 0 && strchr(std_alphabet, b) != NULL)
                    || (b == '=' && at == 3)),
                "base64, byte %02x at %zu", b, at);
        }
    }
}


static void
p8_7_length_4n_1(void **state)
{
    size_t  n;

    (void) state;

    for (n = 1; n < 90; n += 4) {
        refuses(agw_base64url_decode, unit_fill('A', n));
        refuses(agw_base64_decode, unit_fill('A', n));
        refuses(agw_base64_decode,
            unit_cat(unit_fill('A', n), S("===")));
    }
}


/* all 64 last characters: a quarter, or a sixteenth, of them is canonical */

static void
p8_7_trailing_bits(void **state)
{
    int        ok;
    size_t     i, n;
    agw_str_t  text, bytes;

    (void) state;

    for (n = 2; n <= 3; n++) {
        for (i = 0; i < 64; i++) {
            ok = (i & (n == 2 ? 0x0f : 0x03)) == 0;

            text = unit_format("Zm9v%.*s%c", (int) n - 1, "Zm",
                url_alphabet[i]);
            unit_assert((decode(agw_base64url_decode, text, &bytes) == 0)
                == ok, "base64url %.*s", UNIT_ARG(text));

            text = unit_format("Zm9v%.*s%c", (int) n - 1, "Zm",
                std_alphabet[i]);
            unit_assert((decode(agw_base64_decode, text, &bytes) == 0)
                == ok, "base64 %.*s", UNIT_ARG(text));

            text = unit_cat(text, n == 2 ? S("==") : S("="));
            unit_assert((decode(agw_base64_decode, text, &bytes) == 0)
                == ok, "base64 %.*s", UNIT_ARG(text));
        }
    }
}


static void
agrees_with_openssl(void **state)
{
    size_t          i, len, n;
    uint32_t        seed;
    agw_str_t       s, text;
    unsigned char  *out;

    (void) state;

    seed = 4648;

    for (len = 0; len < 200; len++) {
        s = unit_fill(0, len);

        for (i = 0; i < len; i++) {
            ((unsigned char *) s.data)[i] =
                (unsigned char) (unit_random(&seed) >> 8);
        }

        out = unit_alloc(AGW_BASE64URL_SIZE(len));
        n = agw_base64url_encode(s, out);
        assert_int_equal(n, AGW_BASE64URL_SIZE(len));

        text.len = n;
        text.data = out;
        unit_assert_str(text, mint_base64url(s));

        accepts(agw_base64url_decode, text, s);
        accepts(agw_base64_decode, mint_base64(s), s);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(rfc4648_10_vectors),
        unit_case(empty_without_a_pointer),
        unit_case(rfc4648_5_each_alphabet_is_its_own),
        unit_case(p8_7_padding),
        unit_case(rfc4648_4_padding_is_whole_or_none),
        unit_case(p8_7_white_space),
        unit_case(p8_7_foreign_bytes),
        unit_case(p8_7_length_4n_1),
        unit_case(p8_7_trailing_bits),
        unit_case(agrees_with_openssl),
    };

    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
