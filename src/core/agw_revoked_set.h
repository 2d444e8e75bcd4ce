
/*
 * The set of revocations, in memory that several processes share.  One process
 * at a time changes it, under the caller's lock; all others read it meanwhile,
 * without a lock.
 *
 * An entry that is not of a single token refuses all older tokens of a partner,
 * of a business, or of a partner for a business (its owner).
 *
 * Entries are ordered by stamps: integers that the store gives, and that only
 * grow.  A token has the last stamp that was given before it was issued (seq),
 * and so is older than each entry with a greater stamp.  For a token without
 * seq, iat is compared with the time of the entry.
 *
 * Entries are never evicted.  If one partner's entries take more than a
 * quarter of the room, or if no room is left and that partner has the most,
 * they are merged into one that refuses all older tokens of that partner.
 */


#ifndef AGW_REVOKED_SET_H_INCLUDED_
#define AGW_REVOKED_SET_H_INCLUDED_


#include "agw.h"


typedef struct agw_revoked_set_s  agw_revoked_set_t;


typedef enum {
    AGW_REVOCATION_TOKEN = 1,        /* one token, whatever its seq or iat */
    AGW_REVOCATION_OWNER,            /* of a partner, for a business */
    AGW_REVOCATION_BUSINESS,         /* of all partners, for a business */
    AGW_REVOCATION_PARTNER           /* of a partner */
} agw_revocation_kind_t;

/* one more than the last kind: a size for arrays that kinds index */

#define AGW_REVOCATION_KINDS   5


/*
 * Ids that the kind does not have are empty.  The partner_id of a business is
 * that of the partner that revoked it, if one did.
 */

typedef struct {
    agw_revocation_kind_t  kind;
    agw_str_t              partner_id;   /* of a token, an owner, a partner */
    agw_str_t              business_id;  /* of an owner, a business */
    agw_str_t              jti;          /* of a token */
    int64_t                stamp;        /* 1 to AGW_STAMP_MAX */
    int64_t                time;         /* Unix seconds */
    int64_t                seq;          /* of a token, if it is known */
    unsigned               seq_known:1;
} agw_revocation_t;


typedef enum {
    AGW_REVOKED_SET_OK = 0,
    AGW_REVOKED_SET_FULL,            /* of entries that cannot be merged */
    AGW_REVOKED_SET_SHARE_USED       /* a quarter is one partner's businesses */
} agw_revoked_result_t;


typedef enum {
    AGW_LOOKUP_NOT_REVOKED = 0,
    AGW_LOOKUP_REVOKED,
    AGW_LOOKUP_BELOW_FLOOR,          /* older than any entry that is kept */
    AGW_LOOKUP_RETRY_LOCKED          /* the set kept changing */
} agw_revoked_lookup_t;


/*
 * A token as it is looked up.  business_id is empty if it has none; seq is
 * AGW_SEQ_NONE if it has none that is trusted.  ahead is how far iat may be
 * ahead of the clock, in seconds.
 */

typedef struct {
    agw_str_t       partner_id;
    agw_str_t       business_id;
    agw_str_t       jti;
    int64_t         seq;
    int64_t         iat;
    int64_t         ahead;
} agw_revoked_token_t;


/*
 * How many processes can change a set: each has a number below this.  Each can
 * reserve room for 65535 writes.
 */

#define AGW_REVOKED_PROCESSES   1024


/* how many entries a set of that many bytes holds; 0 if too small */

size_t agw_revoked_set_capacity(size_t size);


/*
 * Makes an empty set of size bytes at p, aligned for any type, with 128
 * random bits for its hash.  The capacity must not be 0.
 */

agw_revoked_set_t *agw_revoked_set_create(void *p, size_t size,
    const uint64_t key[2]);


/* whether p is a set of this layout and size, made by some process */

int agw_revoked_set_is_valid(const void *p, size_t size);


/*
 * Reserves room for an entry that the process of that number is about to write
 * to the store, and makes room if it is short.  Until it is released,
 * agw_revoked_set_add() of that entry cannot fail.  Stamp and time are not
 * used; partner_id must not be empty.  Locked.
 */

agw_revoked_result_t agw_revoked_set_reserve(agw_revoked_set_t *set,
    const agw_revocation_t *revocation, unsigned process);


/* gives back what was reserved for this entry; locked */

void agw_revoked_set_release(agw_revoked_set_t *set,
    const agw_revocation_t *revocation, unsigned process);


/* releases all that a process has reserved, if it died or starts; locked */

void agw_revoked_set_release_all(agw_revoked_set_t *set, unsigned process);


/*
 * Adds an entry, or raises stamp and time of the existing one, which are never
 * lowered.  Makes room if it is short.  If there is still none, raises instead
 * the entry of the partner, which refuses all that this one would.  Returns
 * AGW_REVOKED_SET_OK, always if room was reserved, and released under the same
 * lock; or AGW_REVOKED_SET_FULL, and nothing has changed.  Locked.
 */

agw_revoked_result_t agw_revoked_set_add(agw_revoked_set_t *set,
    const agw_revocation_t *revocation);


/*
 * Adds n entries, one after the other, sooner than n calls of
 * agw_revoked_set_add().  Returns AGW_REVOKED_SET_FULL if there was no room for
 * one of them; the others are added.  Locked.
 */

agw_revoked_result_t agw_revoked_set_add_some(agw_revoked_set_t *set,
    const agw_revocation_t *revocations, size_t n);


/*
 * From now on a token whose seq is below the floor is AGW_LOOKUP_BELOW_FLOOR.
 * The floor is never lowered.  Entries whose stamps are not above it are no
 * longer needed: agw_revoked_set_sweep() removes some thousands at a time, and
 * returns 1 as long as there are more.  Locked.
 */

void agw_revoked_set_raise_floor(agw_revoked_set_t *set, int64_t floor);
int agw_revoked_set_sweep(agw_revoked_set_t *set);


/* whether there is anything to sweep; not locked */

int agw_revoked_set_is_unswept(const agw_revoked_set_t *set);


/* how many entries there are, and how many there can be; not locked */

size_t agw_revoked_set_count(const agw_revoked_set_t *set);
size_t agw_revoked_set_size(const agw_revoked_set_t *set);


/* raises the highest stamp to one that the store has given; locked */

void agw_revoked_set_raise_stamp(agw_revoked_set_t *set, int64_t stamp);


/* the highest stamp, or 0; the floor; not locked */

int64_t agw_revoked_set_stamp(const agw_revoked_set_t *set);
int64_t agw_revoked_set_floor(const agw_revoked_set_t *set);


/*
 * A number that changes with each change of the set, before
 * agw_revoked_set_add() or _raise_floor() returns; never 0.  As long as it is
 * the generation that agw_revoked_set_lookup() returned with
 * AGW_LOOKUP_NOT_REVOKED, that token is not revoked.  Not locked.
 */

uint64_t agw_revoked_set_generation(const agw_revoked_set_t *set);


/*
 * Whether a token is revoked, and the generation for which that is so.  After
 * AGW_LOOKUP_RETRY_LOCKED the caller has to repeat it with the lock held, which
 * never returns that.  Not locked.
 */

agw_revoked_lookup_t agw_revoked_set_lookup(const agw_revoked_set_t *set,
    const agw_revoked_token_t *token, uint64_t *generation);


#endif /* AGW_REVOKED_SET_H_INCLUDED_ */
