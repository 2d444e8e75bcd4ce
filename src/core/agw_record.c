
/*
 * The rules for records are the same on every engine, and those that the
 * CHECKs of a SQLite store have.
 */


#include <openssl/err.h>
#include <openssl/evp.h>

#include "agw_certificate.h"
#include "agw_grammar.h"
#include "agw_record.h"


#define AGW_RECORD_PARTNER_MUST    (AGW_MEMBER_PARTNER_ID|AGW_MEMBER_STATUS)
#define AGW_RECORD_API_KEY_MUST    (AGW_MEMBER_PARTNER_ID|AGW_MEMBER_KEY_ID   \
                                    |AGW_MEMBER_KEY_SHA256                    \
                                    |AGW_MEMBER_NOT_BEFORE)
#define AGW_RECORD_JWK_MUST        (AGW_MEMBER_PARTNER_ID|AGW_MEMBER_KID      \
                                    |AGW_MEMBER_JWK)
#define AGW_RECORD_CERTIFICATE_MUST  (AGW_MEMBER_PARTNER_ID|AGW_MEMBER_X5T)
#define AGW_RECORD_BUSINESS_MUST   (AGW_MEMBER_BUSINESS_ID                    \
                                    |AGW_MEMBER_PARTNER_ID|AGW_MEMBER_STATUS)


typedef enum {
    AGW_OF_ID = 0,
    AGW_OF_DIGEST,
    AGW_OF_STATUS,
    AGW_OF_NAME,
    AGW_OF_SCOPES,
    AGW_OF_JWK,
    AGW_OF_THUMBPRINT,
    AGW_OF_WORD,                     /* not checked here */
    AGW_OF_TIME,
    AGW_OF_STAMP
} agw_record_type_t;


typedef struct {
    unsigned           member;
    const char        *name;
    agw_record_type_t  type;
    size_t             offset;
} agw_record_member_t;


static const agw_record_member_t *agw_record_member(unsigned member);
static agw_str_t agw_record_text_of(const agw_record_t *record,
    const agw_record_member_t *m);
static int64_t agw_record_number_of(const agw_record_t *record,
    const agw_record_member_t *m);
static int agw_record_is_number(const agw_record_member_t *m);
static int agw_record_is_valid(const agw_record_t *record,
    const agw_record_member_t *m);
static int agw_is_digest(agw_str_t s);
static int agw_record_digest(EVP_MD_CTX *md, const agw_record_t *record,
    unsigned char *digest);
static void agw_record_hex(unsigned char *to, const unsigned char *from,
    size_t n);


static const agw_str_t  agw_status_active = agw_string("active");
static const agw_str_t  agw_status_disabled = agw_string("disabled");
static const agw_str_t  agw_status_archived = agw_string("archived");


static const agw_record_member_t  agw_record_members[] = {
    { AGW_MEMBER_PARTNER_ID, "partner_id", AGW_OF_ID,
      offsetof(agw_record_t, partner_id) },
    { AGW_MEMBER_BUSINESS_ID, "business_id", AGW_OF_ID,
      offsetof(agw_record_t, business_id) },
    { AGW_MEMBER_KEY_ID, "key_id", AGW_OF_ID,
      offsetof(agw_record_t, key_id) },
    { AGW_MEMBER_KEY_SHA256, "key_sha256", AGW_OF_DIGEST,
      offsetof(agw_record_t, key_sha256) },
    { AGW_MEMBER_STATUS, "status", AGW_OF_STATUS, 0 },
    { AGW_MEMBER_NAME, "name", AGW_OF_NAME, offsetof(agw_record_t, name) },
    { AGW_MEMBER_SCOPES, "scopes", AGW_OF_SCOPES,
      offsetof(agw_record_t, scopes) },
    { AGW_MEMBER_CREATED_AT, "created_at", AGW_OF_TIME,
      offsetof(agw_record_t, created_at) },
    { AGW_MEMBER_NOT_BEFORE, "not_before", AGW_OF_TIME,
      offsetof(agw_record_t, not_before) },
    { AGW_MEMBER_EXPIRES_AT, "expires_at", AGW_OF_TIME,
      offsetof(agw_record_t, expires_at) },
    { AGW_MEMBER_LAST_USED_AT, "last_used_at", AGW_OF_TIME,
      offsetof(agw_record_t, last_used_at) },
    { AGW_MEMBER_KID, "kid", AGW_OF_ID, offsetof(agw_record_t, kid) },
    { AGW_MEMBER_JWK, "jwk", AGW_OF_JWK, offsetof(agw_record_t, jwk) },
    { AGW_MEMBER_X5T, "x5t#S256", AGW_OF_THUMBPRINT,
      offsetof(agw_record_t, x5t) },
    { AGW_MEMBER_NOT_AFTER, "not_after", AGW_OF_TIME,
      offsetof(agw_record_t, not_after) },
    { AGW_MEMBER_KIND, "kind", AGW_OF_WORD, offsetof(agw_record_t, id_kind) },
    { AGW_MEMBER_ID, "id", AGW_OF_WORD, offsetof(agw_record_t, id) },
    { AGW_MEMBER_SEQ, "seq", AGW_OF_STAMP, offsetof(agw_record_t, seq) },
    { AGW_MEMBER_TIME, "time", AGW_OF_STAMP, offsetof(agw_record_t, time) },
    { 0, NULL, AGW_OF_WORD, 0 }
};


const char *
agw_record_member_name(unsigned member)
{
    return agw_record_member(member)->name;
}


static const agw_record_member_t *
agw_record_member(unsigned member)
{
    const agw_record_member_t  *m;

    for (m = agw_record_members; m->member != 0 && m->member != member; m++) {
        /* void */
    }

    return m;
}


agw_str_t *
agw_record_text(agw_record_t *record, unsigned member)
{
    const agw_record_member_t  *m;

    m = agw_record_member(member);

    return m->type == AGW_OF_STATUS || agw_record_is_number(m)
           ? NULL : (agw_str_t *) ((unsigned char *) record + m->offset);
}


int64_t *
agw_record_number(agw_record_t *record, unsigned member)
{
    const agw_record_member_t  *m;

    m = agw_record_member(member);

    return agw_record_is_number(m)
           ? (int64_t *) ((unsigned char *) record + m->offset) : NULL;
}


int
agw_record_same(const agw_record_t *one, const agw_record_t *other,
    unsigned member)
{
    const agw_record_member_t  *m;

    m = agw_record_member(member);

    return agw_str_eq(agw_record_text_of(one, m),
                      agw_record_text_of(other, m));
}


static agw_str_t
agw_record_text_of(const agw_record_t *record, const agw_record_member_t *m)
{
    return *(const agw_str_t *) ((const unsigned char *) record + m->offset);
}


static int64_t
agw_record_number_of(const agw_record_t *record, const agw_record_member_t *m)
{
    return *(const int64_t *) ((const unsigned char *) record + m->offset);
}


static int
agw_record_is_number(const agw_record_member_t *m)
{
    return m->type == AGW_OF_TIME || m->type == AGW_OF_STAMP;
}


unsigned
agw_record_check(const agw_record_t *record, unsigned members)
{
    unsigned                    must;
    const agw_record_member_t  *m;

    static const unsigned  musts[] = {
        [AGW_RECORD_PARTNER] = AGW_RECORD_PARTNER_MUST,
        [AGW_RECORD_API_KEY] = AGW_RECORD_API_KEY_MUST,
        [AGW_RECORD_JWK] = AGW_RECORD_JWK_MUST,
        [AGW_RECORD_CERTIFICATE] = AGW_RECORD_CERTIFICATE_MUST,
        [AGW_RECORD_BUSINESS] = AGW_RECORD_BUSINESS_MUST,
        [AGW_RECORD_REVOCATION] = 0
    };

    must = musts[record->kind];

    for (m = agw_record_members; m->member != 0; m++) {

        if (!(members & m->member)) {
            continue;
        }

        if (record->has & m->member ? !agw_record_is_valid(record, m)
                                    : must & m->member)
        {
            return m->member;
        }
    }

    if ((members & (AGW_MEMBER_NOT_BEFORE|AGW_MEMBER_EXPIRES_AT))
        && (record->has & AGW_MEMBER_EXPIRES_AT)
        && record->expires_at <= record->not_before)
    {
        return AGW_MEMBER_EXPIRES_AT;
    }

    return 0;
}


static int
agw_record_is_valid(const agw_record_t *record, const agw_record_member_t *m)
{
    int64_t    n;
    agw_str_t  text;

    switch (m->type) {

    case AGW_OF_TIME:
        n = agw_record_number_of(record, m);
        return n >= 0 && n <= AGW_RECORD_TIME_MAX;

    case AGW_OF_STATUS:
    case AGW_OF_STAMP:
        return 1;

    default:
        break;
    }

    text = agw_record_text_of(record, m);

    switch (m->type) {

    case AGW_OF_ID:
        return agw_is_id(text);

    case AGW_OF_DIGEST:
        return agw_is_digest(text);

    case AGW_OF_NAME:
        return text.len >= 1 && text.len <= AGW_NAME_MAX
               && agw_is_utf8(text) && !agw_has_control(text);

    case AGW_OF_SCOPES:
        return text.len == 0 || agw_is_scope(text);

    case AGW_OF_JWK:
        return text.len >= 2 && text.len <= AGW_RECORD_JWK_MAX
               && text.data[0] == '{' && agw_is_utf8(text)
               && !agw_has_control(text);

    case AGW_OF_THUMBPRINT:
        return agw_is_thumbprint(text);

    default:
        return 1;
    }
}


static int
agw_is_digest(agw_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if (!((s.data[i] >= '0' && s.data[i] <= '9')
              || (s.data[i] >= 'a' && s.data[i] <= 'f')))
        {
            return 0;
        }
    }

    return s.len == AGW_SHA256_HEX;
}


unsigned
agw_record_credential(agw_record_kind_t kind)
{
    return kind == AGW_RECORD_API_KEY ? AGW_MEMBER_KEY_ID
           : kind == AGW_RECORD_JWK ? AGW_MEMBER_KID
           : kind == AGW_RECORD_CERTIFICATE ? AGW_MEMBER_X5T : 0;
}


agw_str_t
agw_record_status(const agw_record_t *record)
{
    if (record->active) {
        return agw_status_active;
    }

    return record->kind == AGW_RECORD_BUSINESS ? agw_status_archived
                                               : agw_status_disabled;
}


int
agw_record_set_status(agw_record_t *record, agw_str_t word)
{
    agw_str_t  other;

    record->active = 0;
    other = agw_record_status(record);

    record->active = agw_str_eq(word, agw_status_active);

    return record->active || agw_str_eq(word, other) ? 0 : -1;
}


void
agw_record_patch(agw_record_t *record, const agw_record_t *from,
    unsigned patch)
{
    size_t                      size;
    const agw_record_member_t  *m;

    for (m = agw_record_members; m->member != 0; m++) {

        if (!(patch & m->member)) {
            continue;
        }

        record->has &= ~m->member;
        record->has |= from->has & m->member;

        if (m->type == AGW_OF_STATUS) {
            record->active = from->active;
            continue;
        }

        size = agw_record_is_number(m) ? sizeof(int64_t) : sizeof(agw_str_t);

        memcpy((unsigned char *) record + m->offset,
               (const unsigned char *) from + m->offset, size);
    }
}


int
agw_record_derive_key_id(agw_str_t key_sha256, unsigned char *buf)
{
    unsigned       len;
    unsigned char  digest[EVP_MAX_MD_SIZE];

    if (EVP_Digest(key_sha256.data, key_sha256.len, digest, &len,
                   EVP_sha256(), NULL) != 1)
    {
        ERR_clear_error();
        return -1;
    }

    agw_record_hex(buf, digest, AGW_KEY_ID_SIZE / 2);

    return 0;
}


int
agw_record_tag(const agw_record_t *record, unsigned char *buf)
{
    int            rc;
    EVP_MD_CTX    *md;
    unsigned char  digest[EVP_MAX_MD_SIZE];

    md = EVP_MD_CTX_new();

    rc = md ? agw_record_digest(md, record, digest) : -1;

    EVP_MD_CTX_free(md);

    if (rc != 0) {
        ERR_clear_error();
        return -1;
    }

    agw_record_hex(buf, digest, AGW_RECORD_TAG_SIZE / 2);

    return 0;
}


/* no string has a NUL in it, so that ends it */

static int
agw_record_digest(EVP_MD_CTX *md, const agw_record_t *record,
    unsigned char *digest)
{
    int                         ok;
    int64_t                     n;
    agw_str_t                   text;
    const agw_record_member_t  *m;

    ok = EVP_DigestInit_ex(md, EVP_sha256(), NULL);

    for (m = agw_record_members; ok && m->member != 0; m++) {

        if (!(record->has & m->member)
            || m->member == AGW_MEMBER_LAST_USED_AT)
        {
            continue;
        }

        ok = EVP_DigestUpdate(md, m->name, strlen(m->name) + 1);

        if (agw_record_is_number(m)) {
            n = agw_record_number_of(record, m);
            ok = ok && EVP_DigestUpdate(md, &n, sizeof(int64_t));
            continue;
        }

        text = m->type == AGW_OF_STATUS ? agw_record_status(record)
                                        : agw_record_text_of(record, m);

        ok = ok && EVP_DigestUpdate(md, text.data, text.len)
                && EVP_DigestUpdate(md, "", 1);
    }

    return ok && EVP_DigestFinal_ex(md, digest, NULL) ? 0 : -1;
}


static void
agw_record_hex(unsigned char *to, const unsigned char *from, size_t n)
{
    size_t                      i;
    static const unsigned char  hex[] = "0123456789abcdef";

    for (i = 0; i < n; i++) {
        *to++ = hex[from[i] >> 4];
        *to++ = hex[from[i] & 15];
    }
}
