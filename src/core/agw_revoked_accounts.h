
/*
 * The inside of a set of revocations: entries, and an account for each partner
 * that has entries.
 *
 * An account is the entry of kind AGW_REVOCATION_PARTNER, the partner's
 * cut-off, which also lists and counts the partner's tokens and owners.
 * Accounts are sorted into classes by the number of bits of their counts, so
 * that the largest is found without a search of all.
 *
 * If entries are merged, their account's cut-off is raised instead: then they
 * are in the list of merged entries, until they are removed, some at a time.
 */


#ifndef AGW_REVOKED_ACCOUNTS_H_INCLUDED_
#define AGW_REVOKED_ACCOUNTS_H_INCLUDED_


#include "agw_revoked_set.h"
#include "agw_revoked_table.h"


/* one partner may have one in so many of the entries */

#define AGW_REVOKED_SHARE     4

/* a count has 0 to 32 bits */

#define AGW_REVOKED_CLASSES   33


/*
 * Readers load slot, stamp and time; only writers use the rest.  The entries of
 * an account, the accounts of a class, and merged entries are rings: "link" is
 * the next slot, "prev" the one before.
 */

typedef struct {
    agw_revoked_slot_t  slot;
    int64_t             stamp;       /* 0: an account without a cut-off */
    uint32_t            time;        /* Unix seconds, at most UINT32_MAX */

    union {
        uint32_t        account;     /* a slot, or 0 */
        uint32_t        reserved;    /* of an account: unfinished writes */
    };

    /* of an account: its tokens and owners */

    int64_t             high_stamp;  /* not below the highest of them */
    uint32_t            high_time;   /* likewise */
    uint32_t            first;       /* a slot, or 0 */
    uint32_t            count;

    uint32_t            businesses;  /* that the partner revoked; unlisted */
} agw_revoked_entry_t;


/* what a process has reserved: for how many writes, and how many slots */

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
    uint32_t             swept;      /* the last slot that was swept */
    uint32_t             unswept;    /* how many slots are to be swept */
    uint32_t             reserved_writes;    /* by all processes */
    uint32_t             reserved_slots;     /* likewise */
    agw_revoked_reserved_t  reserved[AGW_REVOKED_PROCESSES];
    uint32_t             classes[AGW_REVOKED_CLASSES];   /* slots, or 0 */
    uint32_t             mergeable;  /* entries that accounts list */
    uint32_t             merged;     /* the first merged entry's slot, or 0 */
    uint32_t             merged_count;
    uint32_t             to_sweep;   /* something; readers load it */
    agw_revoked_table_t  table;
    uint64_t             padding[6]; /* slots begin at a cache line, */
};

_Static_assert(sizeof(agw_revoked_set_t) % 64 == 0
               && sizeof(agw_revoked_entry_t) == 64, "and each is one");


/* the entry in the slot that has this number, which must not be 0 */

static inline agw_revoked_entry_t *
agw_revoked_entry(const agw_revoked_set_t *set, uint32_t n)
{
    return agw_revoked_slot(&set->table, n);
}


/*
 * Called before and after a change.  The first repairs the set if a process
 * died during a change.
 */

void agw_revoked_write_begin(agw_revoked_set_t *set);
void agw_revoked_write_end(agw_revoked_set_t *set);


/* the id by which the table finds an entry */

agw_hash_t agw_revoked_id(const agw_revoked_set_t *set,
    const agw_revocation_t *revocation);


/* the same, made from two ids, of which none contains a colon */

agw_hash_t agw_revoked_pair(const agw_revoked_set_t *set, agw_str_t first,
    agw_str_t second);


/* the account of a partner, or 0 if it has none or partner_id is empty */

uint32_t agw_revoked_account_find(const agw_revoked_set_t *set,
    agw_str_t partner_id);


/* after a change that readers must see */

void agw_revoked_next_generation(agw_revoked_set_t *set);


/* raises stamp and time of a linked entry */

void agw_revoked_raise(agw_revoked_set_t *set, agw_revoked_entry_t *entry,
    int64_t stamp, uint32_t time);


/* creates the account of a partner; a slot must be free */

uint32_t agw_revoked_account_open(agw_revoked_set_t *set, agw_hash_t id);


/* adds a linked entry to its account, and after its stamp or time was raised */

void agw_revoked_account_add(agw_revoked_set_t *set, uint32_t n);
void agw_revoked_account_raise(agw_revoked_entry_t *partner, int64_t stamp,
    uint32_t time);


/*
 * Removes an entry whose stamp is not above the floor, and its account if that
 * was its last; or an account without entries and reservations.  There may be
 * no merged entry.  agw_revoked_table_reclaim() then makes the slots free.
 */

void agw_revoked_sweep_slot(agw_revoked_set_t *set, uint32_t n);
void agw_revoked_account_close(agw_revoked_set_t *set, uint32_t n);


/* whether the cut-off of its partner refuses a token, for good */

int agw_revoked_is_refused(const agw_revocation_t *revocation,
    const agw_revoked_entry_t *partner);


/*
 * The account with the most tokens and owners, or 0 if none has any.  If more
 * than a thousand have about as many, it is one of those.
 */

uint32_t agw_revoked_largest(const agw_revoked_set_t *set);


/*
 * Raises a partner's cut-off so that it refuses all that the partner's tokens
 * and owners refuse, which become merged entries.  This takes the same time
 * however many they are.
 */

void agw_revoked_merge(agw_revoked_set_t *set, uint32_t account);


/* the same, if the cut-off already refuses all that */

void agw_revoked_merge_covered(agw_revoked_set_t *set, uint32_t account);


/* removes some of the merged entries, each in about 300 ns */

void agw_revoked_remove_merged(agw_revoked_set_t *set, uint32_t some);


/*
 * Makes so many slots free that are not reserved, and merges the largest
 * accounts if it must; or returns AGW_REVOKED_SET_FULL.
 */

agw_revoked_result_t agw_revoked_make_room(agw_revoked_set_t *set,
    uint32_t needed);


#endif /* AGW_REVOKED_ACCOUNTS_H_INCLUDED_ */
