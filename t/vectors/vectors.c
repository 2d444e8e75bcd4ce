
/*
 * Wycheproof's test vectors of JSON Web Signatures and Keys: each group's
 * key is read as a key file would be, and each of its tokens verified, by
 * the code that serves.  What fails is printed, and the last line counts.
 *
 * Exit status: 0 all passed, 1 some failed, 2 nothing was run.
 */


#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "agw_jws.h"
#include "agw_key_file.h"


typedef enum {
    VECTOR_REFUSED = 0,
    VECTOR_EITHER
} vector_outcome_t;


/* where this project is stricter than the file, on purpose */

typedef struct {
    json_int_t         id;
    const char        *comment;
    vector_outcome_t   outcome;
    const char        *reason;
} vector_stricter_t;


typedef struct {
    int         stricter;            /* the file is the one of the table */
    unsigned    passed;
    unsigned    failed;
} vectors_t;


static void run_group(vectors_t *vectors, const json_t *group);
static agw_keyring_t *load_group(const json_t *group);
static void run_test(vectors_t *vectors, const agw_keyring_t *ring,
    const json_t *test);
static int verifies(const agw_keyring_t *ring, const json_t *test);
static const char *fault(const vectors_t *vectors, const json_t *test,
    int verified);
static const vector_stricter_t *find_stricter(const vectors_t *vectors,
    const json_t *test);
static const char *text(const json_t *object, const char *name);


#define STRICTER_SCHEMA   "json_web_signature_schema_v1.json"

static const vector_stricter_t  stricter[] = {
    { 346, "Figure20", VECTOR_REFUSED,
      "the token's alg (PS384) is not the key's (PS256)" },
    { 347, "Figure27", VECTOR_REFUSED,
      "the token's alg (ES512) is not the key's (ES521), and neither is used" },
    { 349, "Figure13", VECTOR_EITHER,
      "the private key's key_ops are malformed (\"sign, verify\")" },
    { 350, "Figure20", VECTOR_REFUSED,
      "the token's alg (PS384) is not the key's (PS256)" },
    { 351, "Figure27", VECTOR_REFUSED,
      "the token's alg (ES512) is not the key's (ES521), and neither is used" },
    { 367, "invalidBase64Padding", VECTOR_EITHER,
      "the file has the same bytes as 357, which is valid" },
    { 370, "invalidBase64PaddingInPayload", VECTOR_EITHER,
      "the file has the same bytes as 357, which is valid" },
    { 372, "InvalidCharacterInsertedInHeader", VECTOR_REFUSED,
      "a character outside base64url (RFC 7515, section 2)" },
    { 373, "InvalidCharacterInsertedInPayload", VECTOR_REFUSED,
      "a character outside base64url (RFC 7515, section 2)" }
};


int
main(int argc, char *argv[])
{
    size_t         i;
    json_t        *json, *groups;
    vectors_t      vectors;
    json_error_t   error;

    if (argc != 2 || argv[1][0] == '\0') {
        fputs("usage: make vectors FILE=path\n\n"
              "path is a file in Wycheproof's format, as its\n"
              "json_web_signature_test.json or json_web_key_test.json.\n",
              stderr);
        return 2;
    }

    json = json_load_file(argv[1], 0, &error);
    if (json == NULL) {
        fprintf(stderr, "%s:%d: %s\n", argv[1], error.line, error.text);
        return 2;
    }

    memset(&vectors, 0, sizeof(vectors));
    vectors.stricter = strcmp(text(json, "schema"), STRICTER_SCHEMA) == 0;

    groups = json_object_get(json, "testGroups");

    for (i = 0; i < json_array_size(groups); i++) {
        run_group(&vectors, json_array_get(groups, i));
    }

    json_decref(json);

    if (vectors.passed + vectors.failed == 0) {
        fprintf(stderr, "%s: no test in it\n", argv[1]);
        return 2;
    }

    printf("%u passed, %u failed\n", vectors.passed, vectors.failed);

    return vectors.failed ? 1 : 0;
}


static void
run_group(vectors_t *vectors, const json_t *group)
{
    size_t          i;
    json_t         *tests;
    agw_keyring_t  *ring;

    ring = load_group(group);
    tests = json_object_get(group, "tests");

    for (i = 0; i < json_array_size(tests); i++) {
        run_test(vectors, ring, json_array_get(tests, i));
    }

    agw_keyring_free(ring);
}


/* a key that is refused leaves the ring empty: no token of its verifies */

static agw_keyring_t *
load_group(const json_t *group)
{
    char              *file;
    json_t            *key;
    agw_keyring_t     *ring;
    agw_key_source_t   source;

    key = json_object_get(group, "public");

    if (key == NULL) {
        key = json_object_get(group, "private");
    }

    ring = agw_keyring_create();
    file = json_dumps(key, JSON_COMPACT | JSON_ENCODE_ANY);

    if (ring == NULL || file == NULL) {
        fputs("a group without a key, or memory ran out\n", stderr);
        exit(2);
    }

    memset(&source, 0, sizeof(source));
    source.bytes.data = (unsigned char *) file;
    source.bytes.len = strlen(file);
    source.verify = 1;

    (void) agw_key_file_load(ring, &source, NULL, NULL);

    free(file);

    return ring;
}


static void
run_test(vectors_t *vectors, const agw_keyring_t *ring, const json_t *test)
{
    int                       verified;
    json_int_t                id;
    const char               *wrong;
    const vector_stricter_t  *row;

    verified = verifies(ring, test);
    wrong = fault(vectors, test, verified);
    id = json_integer_value(json_object_get(test, "tcId"));

    if (ERR_peek_error() != 0) {
        wrong = "left something in OpenSSL's error queue";
        ERR_clear_error();
    }

    if (wrong != NULL) {
        vectors->failed++;
        printf("%" JSON_INTEGER_FORMAT " %s: %s\n", id,
               text(test, "comment"), wrong);
        return;
    }

    vectors->passed++;
    row = find_stricter(vectors, test);

    if (row != NULL && !verified) {
        printf("%" JSON_INTEGER_FORMAT " %s: refused on purpose: %s\n", id,
               row->comment, row->reason);
    }
}


static int
verifies(const agw_keyring_t *ring, const json_t *test)
{
    json_t         *jws;
    agw_jws_t       verified;
    agw_str_t       token;
    unsigned char   buf[AGW_JWS_BUF_SIZE];

    jws = json_object_get(test, "jws");

    /* another serialisation than the compact one would be an object */

    if (!json_is_string(jws)) {
        return 0;
    }

    token.data = (const unsigned char *) json_string_value(jws);
    token.len = json_string_length(jws);

    return agw_jws_verify(&verified, ring, token, buf) == AGW_OK;
}


/* what is wrong with the outcome, or NULL */

static const char *
fault(const vectors_t *vectors, const json_t *test, int verified)
{
    const char               *result;
    const vector_stricter_t  *row;

    row = find_stricter(vectors, test);
    result = text(test, "result");

    if (row != NULL) {
        return row->outcome == VECTOR_REFUSED && verified
               ? "verified, and is to be refused here" : NULL;
    }

    if (strcmp(result, "valid") == 0) {
        return verified ? NULL : "valid, and refused";
    }

    if (strcmp(result, "invalid") == 0) {
        return verified ? "invalid, and verified" : NULL;
    }

    return strcmp(result, "acceptable") == 0 ? NULL : "of no known result";
}


static const vector_stricter_t *
find_stricter(const vectors_t *vectors, const json_t *test)
{
    size_t      i;
    json_int_t  id;

    id = json_integer_value(json_object_get(test, "tcId"));

    for (i = 0; i < sizeof(stricter) / sizeof(stricter[0]); i++) {
        if (vectors->stricter
            && stricter[i].id == id
            && strcmp(stricter[i].comment, text(test, "comment")) == 0)
        {
            return &stricter[i];
        }
    }

    return NULL;
}


/* a member that is a string, or the empty one */

static const char *
text(const json_t *object, const char *name)
{
    const char  *value;

    value = json_string_value(json_object_get(object, name));

    return value ? value : "";
}
