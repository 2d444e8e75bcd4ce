
/*
 * The inside of a set of revocations: entries, and an account for each partner
 * that has entries.
 *
 * An account is the slot of the partner's own cut-off, which also lists and
 * counts its other entries.  Accounts are in lists by the number of bits of
 * their counts, so that the largest is found without a look at each.
 */


#ifndef AGW_REVOKED_ACCOUNTS_H_INCLUDED_
#define AGW_REVOKED_ACCOUNTS_H_INCLUDED_


#include "agw_revoked_set.h"
#include "agw_revoked_table.h"


/* the share of the entries that one partner may have: one in so many */

#define AGW_REVOKED_SHARE     4

/* bits of a count, and none */

#define AGW_REVOKED_CLASSES   33


/*
 * Readers load the slot, stamp and time; the rest is the writer's.  The list
 * of an account, and that of a class of accounts, is a ring: "link" is the
 * next slot, "prev" the one before.
 */

typedef struct {
    agw_revoked_slot_t  slot;
    int64_t             stamp;       /* 0: an account without a cut-off */
    uint32_t            time;        /* Unix seconds, at most the largest */

    union {
        uint32_t        owner;       /* its account, or 0 */
        uint32_t        held;        /* of an account: by how many writes */
    };

    /* of an account */

    int64_t             high_stamp;  /* at least, of those in its list */
    uint32_t            high_time;   /* likewise */
    uint32_t            first;       /* of those */
    uint32_t            count;       /* of those: tokens and owners */
    uint32_t            businesses;  /* that it asked for; in no list */
} agw_revoked_entry_t;


/* what a process holds: writes that are not finished, and their slots */

typedef struct {
    uint16_t            writes;
    uint16_t            slots;
} agw_revoked_reserved_t;


struct agw_revoked_set_s {
    uint32_t             magic;
    uint32_t             layout;
    uint64_t             bytes;
    uint64_t             key[2];
    uint64_t             generation;
    int64_t              stamp;      /* the highest */
    int64_t              floor;
    uint32_t             swept;      /* the slot that was looked at last */
    uint32_t             unswept;    /* slots, since the floor was raised */
    uint32_t             writes;     /* of all seats */
    uint32_t             slots;      /* likewise */
    agw_revoked_reserved_t   seats[AGW_REVOKED_PROCESSES];
    uint32_t             classes[AGW_REVOKED_CLASSES];
    uint32_t             counted;    /* entries in accounts' lists */
    uint32_t             leaving;    /* a list: merged, and still linked */
    uint32_t             left;       /* of those */
    uint32_t             more;       /* to sweep; readers load it */
    agw_revoked_table_t  table;
};


/* of a slot's number, which is not 0 */

static inline agw_revoked_entry_t *
agw_revoked_entry(const agw_revoked_set_t *set, uint32_t n)
{
    return agw_revoked_slot(&set->table, n);
}


/*
 * Called before and after a change.  The first repairs what a process has left
 * that died during a change.
 */

void agw_revoked_begin(agw_revoked_set_t *set);
void agw_revoked_end(agw_revoked_set_t *set);


/* what an entry is found by */

agw_hash_t agw_revoked_id(const agw_revoked_set_t *set,
    const agw_revocation_t *revocation);


/* of two ids, neither of which contains a colon */

agw_hash_t agw_revoked_pair(const agw_revoked_set_t *set, agw_str_t first,
    agw_str_t second);


/* the account of a partner, or 0 if it has none or partner_id is empty */

uint32_t agw_revoked_account(const agw_revoked_set_t *set,
    agw_str_t partner_id);


/* tells readers that something has changed */

void agw_revoked_changed(agw_revoked_set_t *set);


/* raises stamp and time of an entry that readers may look at */

void agw_revoked_raise(agw_revoked_set_t *set, agw_revoked_entry_t *entry,
    int64_t stamp, uint32_t time);


/* creates the account of a partner; there has to be room */

uint32_t agw_revoked_open_account(agw_revoked_set_t *set, agw_hash_t id);


/* after an entry was linked, and after the stamp or time of one was raised */

void agw_revoked_enter(agw_revoked_set_t *set, uint32_t n);
void agw_revoked_note(agw_revoked_entry_t *by, int64_t stamp, uint32_t time);


/*
 * Removes an entry that is not above the floor, and its account if that was
 * its last; or an account without entries that no process holds.  No entry may
 * be leaving.  A removed slot can be used after agw_revoked_table_reclaim().
 */

void agw_revoked_sweep_slot(agw_revoked_set_t *set, uint32_t n);
void agw_revoked_close_account(agw_revoked_set_t *set, uint32_t n);


/* whether a token is refused by the cut-off of its partner, for good */

int agw_revoked_is_refused(const agw_revocation_t *revocation,
    const agw_revoked_entry_t *by);


/*
 * The account with the most tokens and owners, or 0 if no account has any.  If
 * more than a thousand are of about the same size, it is one of those.
 */

uint32_t agw_revoked_largest(const agw_revoked_set_t *set);


/*
 * Replaces a partner's tokens and owners by its cut-off: from then on they are
 * leaving, however many they are.
 */

void agw_revoked_merge(agw_revoked_set_t *set, uint32_t account);


/* the same, if its cut-off already refuses all that they refuse */

void agw_revoked_absorb(agw_revoked_set_t *set, uint32_t account);


/* removes some of those that are leaving; about 300 ns for each of them */

void agw_revoked_see_off(agw_revoked_set_t *set, uint32_t some);


/*
 * Makes so many slots free that no process holds, merging the largest accounts
 * if it has to; or returns AGW_REVOKED_SET_FULL.
 */

agw_revoked_result_t agw_revoked_make_room(agw_revoked_set_t *set,
    uint32_t needed);


/*
 * Rebuilds lists and counts after a process died.  Linked slots are complete,
 * and so is the account of each entry.
 */

void agw_revoked_recount(agw_revoked_set_t *set);


#endif /* AGW_REVOKED_ACCOUNTS_H_INCLUDED_ */
