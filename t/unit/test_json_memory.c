
/*
 * jansson does not look whether the buffer of a string or a number could grow:
 * it goes on without the byte.  Without memory an API key of Redis lost its
 * "expires_at", and was good for ever; a business "tenant-10" became
 * "tenant-1"; and a JWK Set was no JSON any more, so it was a raw secret.
 *
 * Here each allocation of each reader of JSON fails in turn: alone, or with
 * all that follow.  What is read is right, or it is refused for want of memory.
 */


#include <errno.h>
#include <stdlib.h>

static void *short_malloc(size_t size);

/* this takes the place of the one in the library */

#define malloc short_malloc
#include "../../src/core/agw_json.c"
#undef malloc

#include "sign.h"

#include "agw_assertion.h"
#include "agw_claims.h"
#include "agw_jws.h"
#include "agw_key_format.h"
#include "agw_params.h"
#include "agw_record_json.h"


/* more than any text here needs */

#define ALLOCATIONS   2000

#define ES256         9              /* in sign_algs */


typedef enum {
    RIGHT = 0,
    NO_MEMORY,
    WRONG
} outcome_t;

/* reads a text once */

typedef outcome_t (*reader_pt)(agw_str_t text);


static size_t   left = SIZE_MAX;     /* allocations until one fails */
static size_t   after;               /* and as many until the next */
static size_t   failed;
static json_t  *wanted;              /* NULL: the text is refused */


static void *
short_malloc(size_t size)
{
    if (left == SIZE_MAX || left-- > 0) {
        return malloc(size);
    }

    failed++;
    left = after;
    errno = ENOMEM;

    return NULL;
}


/* returns how many allocations there were */

static size_t
fails_each(reader_pt reader, agw_str_t text, size_t next, const char *what)
{
    size_t     n;
    outcome_t  outcome;

    for (n = 0; n < ALLOCATIONS; n++) {
        failed = 0;
        after = next;
        left = n;

        outcome = reader(text);

        left = SIZE_MAX;
        mint_assert_no_errors(what);

        if (failed == 0) {
            unit_assert(outcome == RIGHT, "%s: with memory", what);
            return n;
        }

        unit_assert(outcome == NO_MEMORY, "%s: allocation %zu, outcome %d",
            what, n, outcome);
    }

    fail_msg("%s: over %d allocations", what, ALLOCATIONS);

    return 0;
}


static void
reads_or_refuses(reader_pt reader, agw_str_t text, const char *what)
{
    text = unit_copy(text);

    assert_in_range(fails_each(reader, text, 0, what), 1, ALLOCATIONS);
    assert_in_range(fails_each(reader, text, SIZE_MAX, what), 1, ALLOCATIONS);
}


static outcome_t
reads_object(agw_str_t text)
{
    json_t      *json;
    outcome_t    outcome;
    const char  *fault;

    json = agw_json_object(text, &fault);

    if (json == NULL && fault == agw_json_no_memory) {
        return NO_MEMORY;
    }

    outcome = (json == NULL) == (wanted == NULL)
              && (json == NULL || json_equal(json, wanted)) ? RIGHT : WRONG;

    json_decref(json);

    return outcome;
}


static outcome_t
reads_object_wiping(agw_str_t text)
{
    outcome_t             outcome;
    agw_json_allocator_t  former;

    agw_json_wiping_begin(&former);
    outcome = reads_object(text);
    agw_json_wiping_end(&former);

    return outcome;
}


/* buffers grow at 16 bytes, 32, 64 and so on */

static void
d4_no_byte_is_lost(void **state)
{
    size_t         i;
    json_malloc_t  malloc_fn;
    json_free_t    free_fn;
    static const agw_str_t  texts[] = {
        agw_string("{\"business_id\":\"tenant-00000010\"}"),
        agw_string("{\"a name of 16 ch.\":1,\"a name of 15 ch\":2}"),
        agw_string("{\"n\":1234567890123456789,\"m\":-9007199254740991}"),
        agw_string("{\"r\":12345678901234567.125e1,\"t\":[true,null,{}]}"),
        agw_string("{\"not_before\":0,\"expires_at\":1700000000,\"name\":"
            "\"a name that is longer than the first and the second buffer of "
            "jansson, and than the third\"}"),
        agw_string("{\"\\u0061 name with an escape\":\"\\ud834\\udd1e and so "
            "on, and on\"}"),
        agw_string("{\"the same name twice\":1,\"the same name twice\":2}"),
        agw_string("{\"the text ends within a string, which is long"),
        agw_string("[\"it is no object, but a long string in an array\"]"),
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        wanted = json_loadb((const char *) texts[i].data, texts[i].len,
            JSON_REJECT_DUPLICATES, NULL);

        if (!json_is_object(wanted)) {
            json_decref(wanted);
            wanted = NULL;
        }

        reads_or_refuses(reads_object, texts[i], "an object");
        reads_or_refuses(reads_object_wiping, texts[i], "a wiped object");

        json_decref(wanted);
    }

    json_get_alloc_funcs(&malloc_fn, &free_fn);
    assert_true(malloc_fn == short_malloc && free_fn == free);
}


/*
 * Wherever the buffer has to grow: what follows a token is appended, too, and
 * is taken back, which ended the process by an assertion.
 */

static void
d4_tokens_of_each_length(void **state)
{
    size_t      i, len;
    agw_str_t   text;
    static const char  *formats[] = {
        "{\"n\":%.*s}", "{\"n\":-%.*s.5e1 }", "[%.*s", "{\"n\":%.*sx}",
        "{\"s\":\"%.*s\"}", "{\"s\":\"%.*s\\n\"}", "{\"%.*s\":1}",
        "{\"s\":\"%.*s\n\"}", "{\"s\":\"%.*s\x01", "{\"s\":\"%.*s\\\x01\"}",
        "{\"s\":\"%.*s", "{\"s\":tru%.*s}", "{\"s\":\"%.*s\xff\"}",
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(formats); i++) {
        for (len = 1; len <= 70; len++) {
            text = unit_fill(strstr(formats[i], "tru") ? 'e' : '1', len);
            text = unit_format(formats[i], UNIT_ARG(text));

            wanted = json_loadb((const char *) text.data, text.len,
                JSON_REJECT_DUPLICATES, NULL);

            if (!json_is_object(wanted)) {
                json_decref(wanted);
                wanted = NULL;
            }

            reads_or_refuses(reads_object, text, formats[i]);

            json_decref(wanted);
        }
    }
}


static outcome_t
reads_params(agw_str_t text)
{
    int           rc;
    int64_t       seconds;
    agw_str_t     secret;
    agw_params_t  params;

    memset(&params, 0, sizeof(params));

    rc = agw_params_read_json(&params, text);

    if (rc != 0) {
        return rc == AGW_PARAMS_NO_MEMORY ? NO_MEMORY : WRONG;
    }

    rc = agw_params_text(&params, "client_secret", &secret) == 0
         && agw_str_eq(secret, S("a secret of some length"))
         && agw_params_duration(&params, "session_duration", &seconds) == 1
         && seconds == 900;

    agw_params_done(&params);

    return rc ? RIGHT : WRONG;
}


static void
d4_a_body(void **state)
{
    (void) state;

    reads_or_refuses(reads_params, S("{\"client_secret\":\"a secret of some "
        "length\",\"session_duration\":900}"), "a body");
}


static outcome_t
reads_claims(agw_str_t text)
{
    outcome_t     outcome;
    agw_claims_t  claims;
    agw_reason_t  reason;

    reason = agw_claims_read(&claims, text);

    if (reason != AGW_OK) {
        return reason == AGW_INTERNAL_ERROR ? NO_MEMORY : WRONG;
    }

    outcome = agw_str_eq(claims.business_id, S("tenant-00000010"))
              && agw_str_eq(claims.partner_id, S("partner-of-16-ch"))
              && claims.nbf == 1700000000 ? RIGHT : WRONG;

    agw_claims_done(&claims);

    return outcome;
}


static void
d4_claims(void **state)
{
    (void) state;

    /* the flat reader takes no array */

    reads_or_refuses(reads_claims, S("{\"business_id\":\"tenant-00000010\","
        "\"partner_id\":\"partner-of-16-ch\",\"jti\":\"j\",\"scope\":"
        "\"business_access\",\"nbf\":1700000000,\"iat\":1700000000,"
        "\"exp\":1700000060,\"x\":[1]}"), "claims");
}


static agw_keyring_t  *ring;
static agw_reason_t    said;


static outcome_t
verifies(agw_str_t text)
{
    agw_jws_t      jws;
    agw_reason_t   reason;
    unsigned char  buf[AGW_JWS_BUF_SIZE];

    reason = agw_jws_verify(&jws, ring, text, buf);

    return reason == said ? RIGHT
           : reason == AGW_INTERNAL_ERROR ? NO_MEMORY : WRONG;
}


/* a kid that loses a byte may be that of another key */

static void
d4_a_header(void **state)
{
    agw_str_t  secret;

    (void) state;

    secret = mint_secret('s');
    ring = keys_ring(secret, "HS256", 0);

    said = AGW_OK;
    reads_or_refuses(verifies, mint_token(S("{\"alg\":\"HS256\",\"typ\":"
        "\"application/at+jwt\"}"), S("{}"), secret), "a token");

    said = AGW_MALFORMED_TOKEN;
    reads_or_refuses(verifies, mint_token(S("{\"alg\":\"HS256\",\"typ\":"
        "\"application/at+jwt+more\"}"), S("{}"), secret), "another typ");
    reads_or_refuses(verifies, mint_token(S("{\"alg\":\"HS256\",\"crit\":"
        "[\"an extension that is long\"]}"), S("{}"), secret), "crit");

    agw_keyring_free(ring);
}


static agw_str_t    stored;
static const char  *fault_said;


static outcome_t
reads_assertion(agw_str_t text)
{
    const char       *fault;
    agw_assertion_t   assertion;

    fault = agw_assertion_read(&assertion, text);

    if (fault == NULL) {
        fault = agw_str_eq(assertion.jti, S("an identifier that is long"))
                && agw_str_eq(assertion.kid, S("a-kid-of-some-length"))
                ? agw_assertion_verify(&assertion, text, stored)
                : "another value";
    }

    agw_assertion_done(&assertion);

    if (fault == agw_json_no_memory) {
        return NO_MEMORY;
    }

    return (fault == NULL) == (fault_said == NULL)
           && (fault == NULL || strcmp(fault, fault_said) == 0)
           ? RIGHT : WRONG;
}


/* the key of a store, too, whose "x" may become that of another */

static void
d4_an_assertion(void **state)
{
    json_t     *jwk;
    agw_str_t   text, kid;

    (void) state;

    kid = S("a-kid-of-some-length");

    text = sign_segments(ES256, keys_get("P-256"),
        mint_base64url(S("{\"alg\":\"ES256\",\"kid\":"
        "\"a-kid-of-some-length\"}")), mint_base64url(S("{\"iss\":"
        "\"a-partner-of-some-length\",\"sub\":\"a-partner-of-some-length\","
        "\"aud\":\"https://issuer.example\",\"exp\":1700000060,\"jti\":"
        "\"an identifier that is long\"}")));

    jwk = keys_jwk("P-256", 0);
    json_object_set_new(jwk, "kid", keys_json(kid));
    stored = keys_text(jwk);

    fault_said = NULL;
    reads_or_refuses(reads_assertion, text, "an assertion");

    jwk = keys_jwk("P-384", 0);
    json_object_set_new(jwk, "kid", keys_json(kid));
    stored = keys_text(jwk);

    fault_said = "alg, kid: not those of the key";
    reads_or_refuses(reads_assertion, text, "another key");
}


static agw_key_format_t  format_said;


static outcome_t
finds_format(agw_str_t text)
{
    agw_str_t         rest;
    agw_key_format_t  format;

    format = agw_key_format(text, &rest);

    return format == format_said ? RIGHT
           : format == AGW_FORMAT_UNKNOWN ? NO_MEMORY : WRONG;
}


static outcome_t
loads_keys(agw_str_t text)
{
    outcome_t         outcome;
    agw_keyring_t    *keys;
    agw_key_source_t  source;

    memset(&source, 0, sizeof(source));

    source.bytes = text;
    source.alg = S("HS256");

    keys = agw_keyring_create();
    assert_non_null(keys);

    if (agw_key_file_load(keys, &source, NULL, NULL) != 0) {
        outcome = agw_keyring_count(keys) == 0 ? NO_MEMORY : WRONG;

    } else {
        outcome = agw_keyring_count(keys) == 1
                  && agw_str_eq(agw_key_kid(agw_keyring_key(keys, 0)),
                                S("a-kid-of-some-length")) ? RIGHT : WRONG;
    }

    agw_keyring_free(keys);

    return outcome;
}


static void
d4_a_key_file(void **state)
{
    json_t     *jwk;
    agw_str_t   text;

    (void) state;

    jwk = keys_jwk_oct(mint_secret('s'));
    json_object_set_new(jwk, "kid", json_string("a-kid-of-some-length"));
    text = keys_text(jwk);

    format_said = AGW_FORMAT_JSON;
    reads_or_refuses(finds_format, text, "the format of a JWK");
    reads_or_refuses(loads_keys, text, "a JWK");

    format_said = AGW_FORMAT_BYTES;
    reads_or_refuses(finds_format, S("12345678901234567890123456789012"),
        "a secret of digits");
}


static agw_record_t  record;


static outcome_t
shows(agw_str_t text)
{
    json_t     *json;
    outcome_t   outcome;

    (void) text;

    json = agw_record_to_json(&record, record.has);

    if (json == NULL) {
        return NO_MEMORY;
    }

    outcome = json_equal(json, wanted) ? RIGHT : WRONG;
    json_decref(json);

    return outcome;
}


/*
 * A member that could not be made was left out: a partner whose scopes are
 * missing may use all of them, once that is imported.
 */

static void
d4_a_record(void **state)
{
    (void) state;

    memset(&record, 0, sizeof(record));

    record.kind = AGW_RECORD_PARTNER;
    record.has = AGW_MEMBER_PARTNER_ID|AGW_MEMBER_STATUS|AGW_MEMBER_NAME
                 |AGW_MEMBER_SCOPES;
    record.active = 1;
    record.partner_id = S("a-partner-of-some-length");
    record.name = S("a name");
    record.scopes = S("some more of.them");

    wanted = json_pack("{s:s, s:s, s:s, s:[s, s, s]}", "partner_id",
        "a-partner-of-some-length", "status", "active", "name", "a name",
        "scopes", "some", "more", "of.them");
    assert_non_null(wanted);

    reads_or_refuses(shows, S("a partner"), "a partner");
    json_decref(wanted);

    memset(&record, 0, sizeof(record));

    record.kind = AGW_RECORD_JWK;
    record.has = AGW_MEMBER_KID|AGW_MEMBER_JWK;
    record.kid = S("a-kid-of-some-length");
    record.jwk = S("{\"kty\":\"a type that is long\",\"d\":\"private\"}");

    wanted = json_pack("{s:s, s:{s:s}}", "kid", "a-kid-of-some-length", "jwk",
        "kty", "a type that is long");
    assert_non_null(wanted);

    reads_or_refuses(shows, S("a JWK"), "a JWK");
    json_decref(wanted);

    record.jwk = S("{\"kty\":\"a type that is long\",\"d\":\"private\"");

    wanted = json_pack("{s:s, s:n}", "kid", "a-kid-of-some-length", "jwk");
    assert_non_null(wanted);

    reads_or_refuses(shows, S("no JWK"), "no JWK");
    json_decref(wanted);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(d4_no_byte_is_lost),
        unit_case(d4_tokens_of_each_length),
        unit_case(d4_a_body),
        unit_case(d4_claims),
        unit_case(d4_a_header),
        unit_case(d4_an_assertion),
        unit_case(d4_a_key_file),
        unit_case(d4_a_record),
    };

    json_set_alloc_funcs(short_malloc, free);

    return cmocka_run_group_tests_name("JSON without memory", tests, NULL,
        keys_free_all);
}
