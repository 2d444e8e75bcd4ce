
/*
 * What an administrator sees of a store: partners with their API keys, JWKs and
 * certificates, businesses and revocations, one record each, whatever the
 * engine.
 */


#ifndef AGW_RECORD_H_INCLUDED_
#define AGW_RECORD_H_INCLUDED_


#include "agw.h"


#define AGW_NAME_MAX          256            /* bytes of UTF-8 */
#define AGW_SHA256_HEX        64
#define AGW_KEY_ID_SIZE       16             /* of those that are made here */
#define AGW_RECORD_TAG_SIZE   32
#define AGW_RECORD_JWK_MAX    2048           /* bytes of JSON */

/* a time must be below the year 2200: Unix seconds */

#define AGW_RECORD_TIME_MAX   7258118400LL


typedef enum {
    AGW_RECORD_NONE = 0,
    AGW_RECORD_PARTNER,
    AGW_RECORD_API_KEY,
    AGW_RECORD_JWK,
    AGW_RECORD_CERTIFICATE,
    AGW_RECORD_BUSINESS,
    AGW_RECORD_REVOCATION
} agw_record_kind_t;


/* members, as bits; agw_record_member_name() has the names */

#define AGW_MEMBER_PARTNER_ID     0x0001u
#define AGW_MEMBER_BUSINESS_ID    0x0002u
#define AGW_MEMBER_KEY_ID         0x0004u
#define AGW_MEMBER_KEY_SHA256     0x0008u
#define AGW_MEMBER_STATUS         0x0010u
#define AGW_MEMBER_NAME           0x0020u
#define AGW_MEMBER_SCOPES         0x0040u
#define AGW_MEMBER_CREATED_AT     0x0080u
#define AGW_MEMBER_NOT_BEFORE     0x0100u
#define AGW_MEMBER_EXPIRES_AT     0x0200u
#define AGW_MEMBER_LAST_USED_AT   0x0400u
#define AGW_MEMBER_KIND           0x0800u
#define AGW_MEMBER_ID             0x1000u
#define AGW_MEMBER_SEQ            0x2000u
#define AGW_MEMBER_TIME           0x4000u
#define AGW_MEMBER_KID            0x8000u
#define AGW_MEMBER_JWK           0x10000u
#define AGW_MEMBER_X5T           0x20000u
#define AGW_MEMBER_NOT_AFTER     0x40000u


/*
 * Strings are borrowed.  has says which members there are:
 *
 *     partner       partner_id, status; perhaps name, scopes
 *     API key       partner_id, key_id, key_sha256, not_before; perhaps name,
 *                   created_at, expires_at, last_used_at
 *     JWK           partner_id, kid, jwk
 *     certificate   partner_id, x5t; perhaps not_after
 *     business      business_id, partner_id, status
 *     revocation    id_kind, id, seq, time; partner_id if that is part of id,
 *                   or is the partner that revoked a business
 *
 * A partner without scopes may use all; one whose scopes are empty, none.
 */

typedef struct {
    agw_record_kind_t  kind;
    unsigned           has;          /* AGW_MEMBER_* */

    agw_str_t          partner_id;
    agw_str_t          business_id;
    agw_str_t          key_id;
    agw_str_t          key_sha256;   /* lower-case hex */
    agw_str_t          name;
    agw_str_t          scopes;       /* words, one space between */
    agw_str_t          kid;
    agw_str_t          jwk;          /* JSON, see agw_record_jwk() */
    agw_str_t          x5t;          /* a thumbprint: x5t#S256 */
    agw_str_t          id_kind;      /* of a revocation: "token", ... */
    agw_str_t          id;

    unsigned           active:1;     /* status: else disabled or archived */

    int64_t            created_at;   /* Unix seconds */
    int64_t            not_before;
    int64_t            expires_at;
    int64_t            last_used_at;
    int64_t            not_after;
    int64_t            seq;          /* the stamp of a revocation */
    int64_t            time;
} agw_record_t;


/* the name of one member, for example "not_before" */

const char *agw_record_member_name(unsigned member);


/*
 * Where the value of one member is: that of a string, or that of a number.
 * The other one is NULL; both are for AGW_MEMBER_STATUS.
 */

agw_str_t *agw_record_text(agw_record_t *record, unsigned member);
int64_t *agw_record_number(agw_record_t *record, unsigned member);


/* whether a string is the same in both */

int agw_record_same(const agw_record_t *one, const agw_record_t *other,
    unsigned member);


/*
 * Checks these members, and that the record has all of them that it must have.
 * Returns 0, or the member at fault.
 */

#define AGW_MEMBERS_ALL   0x7ffffu

unsigned agw_record_check(const agw_record_t *record, unsigned members);


/*
 * What a partner authenticates with, and the member that names it among those
 * of the partner: of a record of another kind it is 0.
 */

unsigned agw_record_credential(agw_record_kind_t kind);


/* "active", "disabled" or "archived" */

agw_str_t agw_record_status(const agw_record_t *record);


/*
 * Sets the status from a word of a store or a client.  Returns 0, or -1 if it
 * is none of that kind of record.
 */

int agw_record_set_status(agw_record_t *record, agw_str_t word);


/*
 * Changes the members of patch: to those of from, or, if from has none, to
 * none.
 */

void agw_record_patch(agw_record_t *record, const agw_record_t *from,
    unsigned patch);


/*
 * The key_id of an API key that was stored without one: a digest of the
 * digest, so that it is the same everywhere.  Writes AGW_KEY_ID_SIZE bytes;
 * returns 0, or -1 if OpenSSL fails.
 */

int agw_record_derive_key_id(agw_str_t key_sha256, unsigned char *buf);


/*
 * The entity tag without quotes: a digest of all stored members but
 * last_used_at.  Writes AGW_RECORD_TAG_SIZE bytes of hex; returns 0, or -1 if
 * OpenSSL fails.
 */

int agw_record_tag(const agw_record_t *record, unsigned char *buf);


#endif /* AGW_RECORD_H_INCLUDED_ */
