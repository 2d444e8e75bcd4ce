
/*
 * A hash table in memory that several processes share.  One process at a time
 * changes it, under the caller's lock; all read it meanwhile, without a lock.
 * It knows nothing about what it holds.
 *
 * A header, slots, and heads of chains are one block.  Slots are linked by
 * numbers, 0 being none, so that the block may be mapped anywhere.
 *
 * Why a reader never uses an incomplete slot:
 *
 * - A slot is filled before the one store (release) that links it, and a
 *   reader follows links by loads (acquire): a linked slot is whole.
 * - A slot that is unlinked keeps its contents and its way on, until the
 *   count of purges has been raised.  The raise is a read-modify-write
 *   (release) after the unlinking, and a fence (seq_cst) stands between it
 *   and the first store into the slot: the raise's own, or, where a later
 *   change of another process makes that store, the one that each change
 *   begins with.  A reader loads the count (acquire), looks up, fences, and
 *   loads the count again.  If it saw any store made after such a fence, the
 *   two fences synchronize (C11, 7.17.4), and the second load sees the raise:
 *   it looks again.  If it loaded the count after the raise, it also sees the
 *   slot unlinked, and never stands on it.
 *
 * All that a reader loads is stored and loaded by atomic operations.  If a
 * process dies while it changes the table, readers can still use it, and the
 * next change repairs it.
 */


#ifndef AGW_REVOKED_TABLE_H_INCLUDED_
#define AGW_REVOKED_TABLE_H_INCLUDED_


#include "agw.h"
#include "agw_siphash.h"


/* what every slot begins with */

typedef struct {
    agw_hash_t    id;
    uint32_t      next;              /* in the chain */
    uint32_t      kind;              /* the owner's, not 0; 0: not linked */
    uint32_t      link;              /* these two are the owner's */
    uint32_t      prev;              /* while it is linked */
} agw_revoked_slot_t;


typedef struct {
    uint64_t      purges;
    uint32_t      slot_size;         /* bytes, a multiple of 8 */
    uint32_t      capacity;          /* slots */
    uint32_t      heads;             /* a power of 2 */
    uint32_t      spare;             /* slots that are not used now */
    uint32_t      fresh;             /* those that were at some time */
    uint32_t      free;              /* a list of fresh ones, now spare */
    uint32_t      unlinked;          /* a list: not to be used yet */
    uint32_t      offset;            /* of the slots, from the table on */
    uint32_t      changing;          /* by a process, which may have died */
    uint32_t      unused;
} agw_revoked_table_t;


/* how many slots of that size fit into so many bytes, with their heads */

size_t agw_revoked_table_capacity(size_t bytes, size_t slot_size);


/*
 * Empties a table whose slots begin at slots, in the same block, aligned to
 * 8 bytes.
 */

void agw_revoked_table_init(agw_revoked_table_t *table, void *slots,
    size_t slot_size, size_t capacity);


/* the slot of a number, which is not 0 */

void *agw_revoked_slot(const agw_revoked_table_t *table, uint32_t n);


/*
 * Before and after a change.  agw_revoked_table_begin() returns 1 if a
 * process died between the two: then chains and free slots are in order
 * again, no process has any slot in hand, and link of each linked slot is 0.
 */

int agw_revoked_table_begin(agw_revoked_table_t *table);
void agw_revoked_table_end(agw_revoked_table_t *table);


/* the number of the slot of that kind and id, or 0; not locked */

uint32_t agw_revoked_table_find(const agw_revoked_table_t *table,
    uint32_t kind, agw_hash_t id);


/*
 * A reader's look-ups are between these two; the second returns whether what
 * was found in between holds.  Not locked.
 */

uint64_t agw_revoked_table_look(const agw_revoked_table_t *table);
int agw_revoked_table_looked(const agw_revoked_table_t *table,
    uint64_t before);


/* a zeroed slot, which is linked next; 0 if there is none */

uint32_t agw_revoked_table_take(agw_revoked_table_t *table);


/* links a slot: from then on readers find it */

void agw_revoked_table_link(agw_revoked_table_t *table, uint32_t n,
    uint32_t kind, agw_hash_t id);


/* unlinks it: from then on they do not, and "link" is the table's */

void agw_revoked_table_unlink(agw_revoked_table_t *table, uint32_t n);


/* makes unlinked slots free */

void agw_revoked_table_reclaim(agw_revoked_table_t *table);


#endif /* AGW_REVOKED_TABLE_H_INCLUDED_ */
