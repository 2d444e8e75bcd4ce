
/*
 * The texts say what is accepted; none has a part of the input in it.
 */


#include "agw_grammar.h"
#include "agw_json.h"
#include "agw_key_file.h"
#include "agw_record_json.h"


#define AGW_RECORD_MEMBERS   19

/* members that a record may lack */

#define AGW_RECORD_OPTIONAL  (AGW_MEMBER_NAME|AGW_MEMBER_SCOPES               \
                              |AGW_MEMBER_CREATED_AT|AGW_MEMBER_EXPIRES_AT    \
                              |AGW_MEMBER_LAST_USED_AT|AGW_MEMBER_NOT_AFTER)

/* of those, the ones that are null where a credential lacks them */

#define AGW_RECORD_NULLS     (AGW_MEMBER_CREATED_AT|AGW_MEMBER_EXPIRES_AT     \
                              |AGW_MEMBER_LAST_USED_AT|AGW_MEMBER_NOT_AFTER)

#define AGW_ID_TEXT          "must be 1 to 128 characters of A-Z, a-z, 0-9, " \
                             ". _ ~ and -"
#define AGW_TIME_TEXT        "must be an integer, Unix seconds before the "   \
                             "year 2200"


static int agw_record_is_text(const agw_record_t *record, unsigned member);
static json_t *agw_record_value(const agw_record_t *record, unsigned member);
static json_t *agw_record_jwk(agw_str_t text);
static json_t *agw_record_words(agw_str_t scopes);
static unsigned agw_record_named(const char *name);
static int agw_record_read(agw_record_t *record, unsigned member,
    const json_t *value, unsigned char *buf);
static int agw_record_read_scopes(agw_record_t *record, const json_t *value,
    unsigned char *buf);
static int agw_record_read_jwk(agw_record_t *record, const json_t *value,
    unsigned char *buf);


json_t *
agw_record_to_json(const agw_record_t *record, unsigned members)
{
    int       failed;
    json_t   *object, *value;
    unsigned  i, member;

    object = json_object();
    failed = (object == NULL);

    for (i = 0; i < AGW_RECORD_MEMBERS && !failed; i++) {
        member = 1u << i;

        if (!(members & member)) {
            continue;
        }

        if (record->has & member) {

            if (!agw_record_is_text(record, member)) {
                continue;
            }

            value = agw_record_value(record, member);

        } else if (member & AGW_RECORD_NULLS) {
            value = json_null();

        } else {
            continue;
        }

        failed = json_object_set_new(object, agw_record_member_name(member),
                                     value)
                 != 0;
    }

    if (failed) {
        json_decref(object);
        return NULL;
    }

    return object;
}


/* a string has to be UTF-8; the words of scopes are looked at one by one */

static int
agw_record_is_text(const agw_record_t *record, unsigned member)
{
    agw_str_t     *text;
    agw_record_t   copy;

    copy = *record;
    text = agw_record_text(&copy, member);

    return text == NULL || (member & (AGW_MEMBER_SCOPES|AGW_MEMBER_JWK))
           || agw_is_utf8(*text);
}


/* NULL if memory ran out */

static json_t *
agw_record_value(const agw_record_t *record, unsigned member)
{
    agw_str_t     text;
    agw_record_t  copy;

    copy = *record;

    if (member == AGW_MEMBER_SCOPES) {
        return agw_record_words(copy.scopes);
    }

    if (member == AGW_MEMBER_JWK) {
        return agw_record_jwk(copy.jwk);
    }

    if (agw_record_number(&copy, member) != NULL) {
        return json_integer(*agw_record_number(&copy, member));
    }

    text = member == AGW_MEMBER_STATUS ? agw_record_status(&copy)
                                       : *agw_record_text(&copy, member);

    return json_stringn((const char *) text.data, text.len);
}


/*
 * Somebody may have written a private key, or a secret, into a store by hand;
 * or what is no JSON: null says that there is a JWK, and an import refuses it.
 */

static json_t *
agw_record_jwk(agw_str_t text)
{
    size_t       i;
    json_t      *jwk;
    const char  *fault;
    static const char *const  secrets[] = {
        "d", "p", "q", "dp", "dq", "qi", "oth", "k",
    };

    jwk = agw_json_object(text, &fault);

    if (jwk == NULL) {
        return fault == agw_json_no_memory ? NULL : json_null();
    }

    for (i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        (void) json_object_del(jwk, secrets[i]);
    }

    return jwk;
}


static json_t *
agw_record_words(agw_str_t scopes)
{
    size_t      i, begin;
    json_t     *words;
    agw_str_t   word;

    words = json_array();
    begin = 0;

    for (i = 0; i <= scopes.len && words != NULL; i++) {

        if (i < scopes.len && scopes.data[i] != ' ') {
            continue;
        }

        word.data = scopes.data + begin;
        word.len = i - begin;
        begin = i + 1;

        if (word.len == 0 || !agw_is_utf8(word)) {
            continue;
        }

        if (json_array_append_new(words,
                                  json_stringn((const char *) word.data,
                                               word.len))
            != 0)
        {
            json_decref(words);
            return NULL;
        }
    }

    return words;
}


int
agw_record_from_json(agw_record_t *record, const json_t *object,
    unsigned accepted, unsigned *named, unsigned char *buf,
    agw_record_fault_t *fault)
{
    unsigned     member;
    json_t      *value, *jwk;
    const char  *name;

    *named = 0;
    jwk = NULL;

    json_object_foreach((json_t *) object, name, value)
    {
        member = agw_record_named(name);

        fault->member = name;

        if (!(member & accepted)) {
            fault->accepted = "is not accepted here";
            return -1;
        }

        *named |= member;

        /* it has to agree with the kid, wherever that is */

        if (member == AGW_MEMBER_JWK) {
            jwk = value;
            continue;
        }

        if (json_is_null(value) && (member & AGW_RECORD_OPTIONAL)) {
            continue;
        }

        if (agw_record_read(record, member, value, buf) != 0) {
            fault->accepted = agw_record_accepted(record->kind, member);
            return -1;
        }

        record->has |= member;
    }

    if (jwk != NULL && agw_record_read_jwk(record, jwk, buf) != 0) {
        fault->member = agw_record_member_name(AGW_MEMBER_JWK);
        fault->accepted = agw_record_accepted(record->kind, AGW_MEMBER_JWK);
        return -1;
    }

    member = agw_record_check(record, *named & record->has);

    if (member != 0) {
        fault->member = agw_record_member_name(member);
        fault->accepted = agw_record_accepted(record->kind, member);
        return -1;
    }

    return 0;
}


static unsigned
agw_record_named(const char *name)
{
    unsigned  i;

    for (i = 0; i < AGW_RECORD_MEMBERS; i++) {
        if (strcmp(agw_record_member_name(1u << i), name) == 0) {
            return 1u << i;
        }
    }

    return 0;
}


static int
agw_record_read(agw_record_t *record, unsigned member, const json_t *value,
    unsigned char *buf)
{
    int64_t    *number;
    agw_str_t   text;

    if (member == AGW_MEMBER_SCOPES) {
        return agw_record_read_scopes(record, value, buf);
    }

    number = agw_record_number(record, member);

    if (number != NULL) {
        *number = json_integer_value(value);
        return json_is_integer(value) ? 0 : -1;
    }

    if (!json_is_string(value)) {
        return -1;
    }

    text.data = (const unsigned char *) json_string_value(value);
    text.len = json_string_length(value);

    if (member == AGW_MEMBER_STATUS) {
        return agw_record_set_status(record, text);
    }

    *agw_record_text(record, member) = text;

    return 0;
}


/* an array of words, each once */

static int
agw_record_read_scopes(agw_record_t *record, const json_t *value,
    unsigned char *buf)
{
    size_t     i, j, len;
    agw_str_t  word;
    json_t    *item;

    if (!json_is_array(value)) {
        return -1;
    }

    len = 0;

    json_array_foreach((json_t *) value, i, item)
    {
        word.data = (const unsigned char *) json_string_value(item);
        word.len = json_string_length(item);

        if (word.data == NULL || !agw_is_scope_word(word)
            || len + word.len + 1 > AGW_SCOPE_MAX)
        {
            return -1;
        }

        for (j = 0; j < i; j++) {
            if (json_equal(json_array_get(value, j), item)) {
                return -1;
            }
        }

        if (i > 0) {
            buf[len++] = ' ';
        }

        memcpy(buf + len, word.data, word.len);
        len += word.len;
    }

    record->scopes.data = buf;
    record->scopes.len = len;

    return 0;
}


/*
 * What is stored is made from the key: nothing else of the JWK, and never a
 * private one.  The kid is that of the JWK, or else its thumbprint.  The
 * algorithm is the default if the JWK has none, unless that has two names:
 * then it is not stored, and either will do.
 */

static int
agw_record_read_jwk(agw_record_t *record, const json_t *value,
    unsigned char *buf)
{
    size_t      len;
    json_t     *public_jwk;
    agw_key_t  *key;
    agw_str_t   kid;

    key = agw_key_from_public_jwk(value, agw_empty);
    if (key == NULL) {
        return -1;
    }

    kid = agw_key_kid(key);
    public_jwk = agw_key_public_jwk(key);
    len = 0;

    if (json_object_get(value, "alg") == NULL
        && agw_alg_synonym(agw_key_alg(key)) != NULL)
    {
        (void) json_object_del(public_jwk, "alg");
    }

    if (public_jwk != NULL && agw_is_id(kid)
        && (!(record->has & AGW_MEMBER_KID)
            || agw_str_eq(record->kid, kid)))
    {
        len = json_dumpb(public_jwk, (char *) buf, AGW_RECORD_JWK_MAX,
                         JSON_COMPACT|JSON_SORT_KEYS);
    }

    if (len > 0 && len <= AGW_RECORD_JWK_MAX) {
        memcpy(buf + AGW_RECORD_JWK_MAX, kid.data, kid.len);

        record->jwk.data = buf;
        record->jwk.len = len;
        record->kid.data = buf + AGW_RECORD_JWK_MAX;
        record->kid.len = kid.len;
        record->has |= AGW_MEMBER_KID|AGW_MEMBER_JWK;

    } else {
        len = 0;
    }

    json_decref(public_jwk);
    agw_key_free(key);

    return len ? 0 : -1;
}


const char *
agw_record_accepted(agw_record_kind_t kind, unsigned member)
{
    switch (member) {

    case AGW_MEMBER_PARTNER_ID:
    case AGW_MEMBER_BUSINESS_ID:
    case AGW_MEMBER_KEY_ID:
        return AGW_ID_TEXT;

    case AGW_MEMBER_KEY_SHA256:
        return "must be 64 hexadecimal digits in lower case";

    case AGW_MEMBER_STATUS:
        return kind == AGW_RECORD_BUSINESS ? "must be active or archived"
                                           : "must be active or disabled";

    case AGW_MEMBER_NAME:
        return "must be a string of 1 to 256 bytes without control characters";

    case AGW_MEMBER_SCOPES:
        return "must be an array of different scope words, of 1024 bytes at "
               "most";

    case AGW_MEMBER_KID:
        return AGW_ID_TEXT ", and that of the jwk";

    case AGW_MEMBER_JWK:
        return "must be a public key as a JWK, for signatures, of an "
               "algorithm and a size that keys of the gateway may have, "
               "with a kid of 1 to 128 characters of A-Z, a-z, 0-9, . _ ~ "
               "and -, or none, and that of its kid if it stands beside one";

    case AGW_MEMBER_X5T:
        return "must be the SHA-256 of a certificate in DER, in base64url: 43 "
               "characters";

    case AGW_MEMBER_NOT_AFTER:
        return AGW_TIME_TEXT "; or null";

    case AGW_MEMBER_EXPIRES_AT:
        return AGW_TIME_TEXT ", and after not_before; or null";

    case AGW_MEMBER_KIND:
        return "must be token, owner, partner or business";

    case AGW_MEMBER_ID:
        return "must be the id of that kind: of a partner, a business, "
               "partner_id:jti of a token, partner_id:business_id of an owner";

    default:
        return AGW_TIME_TEXT;
    }
}
