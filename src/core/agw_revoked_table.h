
/*
 * A hash table in memory that several processes share.  One process at a time
 * changes it, under the caller's lock; all read it meanwhile, without a lock.
 * It does not know what its slots mean.
 *
 * A header, slots, and heads of chains are one block.  Slots are linked by
 * numbers, where 0 is none, so that the block may be mapped anywhere.
 *
 * Why a reader never uses an incomplete slot:
 *
 * - A slot is filled before one store (release) links it, and readers follow
 *   links by loads (acquire): a linked slot is complete.
 * - An unlinked slot keeps its contents and its link until the count of
 *   reclaims has been raised.  The raise is a read-modify-write (release)
 *   after the unlinking.  Between it and the first store into the slot there
 *   is a fence (seq_cst): that of the raise itself, or, if another process
 *   makes that store in a later change, the fence that begins each change.
 *   A reader loads the count (acquire), looks up, fences, and loads the count
 *   again.  If it saw a store that was made after such a fence, the two fences
 *   synchronize (C11, 7.17.4), and its second load sees the raise: then it
 *   repeats the look-up.  If its first load saw the raise, it also sees the
 *   slot unlinked, and does not reach it.
 *
 * All that a reader loads is stored and loaded by atomic operations.  If a
 * process dies while it changes the table, readers can still use it, and the
 * next change repairs it.
 */


#ifndef AGW_REVOKED_TABLE_H_INCLUDED_
#define AGW_REVOKED_TABLE_H_INCLUDED_


#include "agw.h"
#include "agw_siphash.h"


/*
 * What every slot begins with.  Of the hash 93 bits are kept: with a million
 * slots, an id that is none of them is taken for one once in 2^73 times.
 */

typedef struct {
    uint64_t          hash;          /* the first word */

    union {
        uint32_t      name;          /* rest and kind, for readers */

        struct {
            uint32_t  rest:29;       /* of the second word */
            uint32_t  kind:3;        /* the caller's, 1 to 7; 0: not linked */
        };
    };

    uint32_t          next;          /* in the chain */
    uint32_t          link;          /* link and prev are the caller's */
    uint32_t          prev;          /* while the slot is linked */
} agw_revoked_slot_t;


typedef struct {
    uint64_t      reclaims;          /* counted before slots are reused */
    uint32_t      slot_size;         /* bytes, a multiple of 8 */
    uint32_t      capacity;          /* slots */
    uint32_t      heads;             /* of chains, a power of 2 */
    uint32_t      free_count;        /* slots */
    uint32_t      high_water;        /* the highest slot that was ever used */
    uint32_t      free_list;         /* of the free slots up to that one */
    uint32_t      unlinked_list;     /* of slots to be reclaimed */
    uint32_t      offset;            /* of the slots, from the table on */
    uint32_t      changing;          /* a process is, or died while it was */
    uint32_t      padding;
} agw_revoked_table_t;


/* how many slots of that size fit into so many bytes, with heads of chains */

size_t agw_revoked_table_capacity(size_t bytes, size_t slot_size);


/*
 * Makes an empty table, whose slots begin at slots, in the same block, aligned
 * to 8 bytes.
 */

void agw_revoked_table_init(agw_revoked_table_t *table, void *slots,
    size_t slot_size, size_t capacity);


/* the slot that has this number, which must not be 0 */

void *agw_revoked_slot(const agw_revoked_table_t *table, uint32_t n);


/*
 * Called before and after a change.  agw_revoked_table_write_begin() returns 1
 * if a process died between the two.  Then it has repaired the table: each slot
 * is linked, with a link of 0, or free.
 */

int agw_revoked_table_write_begin(agw_revoked_table_t *table);
void agw_revoked_table_write_end(agw_revoked_table_t *table);


/* returns the number of the slot that has this kind and id, or 0; not locked */

uint32_t agw_revoked_table_find(const agw_revoked_table_t *table,
    uint32_t kind, agw_hash_t id);


/*
 * Before agw_revoked_table_find(): has the memory loaded that it is going to
 * read, the chain's head, and later, when that is there, the first slot.
 */

void agw_revoked_table_prefetch(const agw_revoked_table_t *table,
    agw_hash_t id);
void agw_revoked_table_prefetch_slot(const agw_revoked_table_t *table,
    agw_hash_t id);


/*
 * A reader calls them before and after its look-ups, the second with the result
 * of the first.  If the second returns 0, it has to repeat them all.  Not
 * locked.
 */

uint64_t agw_revoked_table_read_begin(const agw_revoked_table_t *table);
int agw_revoked_table_read_is_valid(const agw_revoked_table_t *table,
    uint64_t before);


/* returns a free slot, zeroed, which has to be linked next; or 0 */

uint32_t agw_revoked_table_alloc(agw_revoked_table_t *table);


/* links a slot: from then on readers find it */

void agw_revoked_table_link(agw_revoked_table_t *table, uint32_t n,
    uint32_t kind, agw_hash_t id);


/* unlinks it: readers no longer find it, and "link" is the table's */

void agw_revoked_table_unlink(agw_revoked_table_t *table, uint32_t n);


/* makes all unlinked slots free */

void agw_revoked_table_reclaim(agw_revoked_table_t *table);


#endif /* AGW_REVOKED_TABLE_H_INCLUDED_ */
