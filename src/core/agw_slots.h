
/*
 * The table under the index: a header, slots of 64 bytes, and heads of
 * chains, in one block.  Chains are linked by numbers, 0 being none, so that
 * the block may be mapped anywhere.
 *
 * A slot is filled before the one store that links it, and unlinked by one
 * store, so a reader always sees whole entries and whole chains.  A slot
 * that was unlinked is not used again before the count of purges has grown:
 * a reader that finds it grown looks again.
 */


#ifndef AGW_SLOTS_H_INCLUDED_
#define AGW_SLOTS_H_INCLUDED_


#include "agw_index.h"
#include "agw_siphash.h"


/* of a slot: agw_revoked_t, or this: it counts the tokens of a partner */

#define AGW_SLOT_TALLY   8


typedef struct {
    uint32_t      next;
    uint32_t      kind;              /* 0 where it is not linked */
    agw_hash_t    id;
    agw_hash_t    business;          /* of a token; zero where unknown */
    int64_t       cutoff;
    int64_t       expires_at;
    uint32_t      tally;             /* of a token: its partner's slot */
    uint32_t      tokens;            /* of a tally */
} agw_slot_t;


struct agw_index_s {
    uint32_t      magic;
    uint32_t      layout;
    uint64_t      bytes;
    uint64_t      key[2];
    uint64_t      generation;
    uint64_t      purges;
    int64_t       swept;             /* when it last was; 0: it would help */
    uint32_t      capacity;
    uint32_t      heads;             /* a power of 2 */
    uint32_t      spare;             /* slots that are not used now */
    uint32_t      fresh;             /* those that were at some time */
    uint32_t      free;              /* a chain of fresh ones, now spare */
    uint32_t      changing;          /* by a process, which may have died */
};


/* how many heads a table of that many slots has */

uint32_t agw_slots_heads(size_t capacity);


/* empties the table, whose other fields are set */

void agw_slots_clear(agw_index_t *index);


/* the slot of a number, which is not 0 */

agw_slot_t *agw_slot(const agw_index_t *index, uint32_t n);


/*
 * Before and after a change.  Where a process died between the two, the
 * next puts the table in order first.
 */

void agw_slots_begin(agw_index_t *index);
void agw_slots_end(agw_index_t *index);


/* the number of the slot of that kind and id, or 0; not locked */

uint32_t agw_slots_find(const agw_index_t *index, uint32_t kind,
    agw_hash_t id);


/* how many slots are not used */

uint32_t agw_slots_room(const agw_index_t *index);


/* a slot of zeros, of nobody until it is linked; 0 where there is none */

uint32_t agw_slots_take(agw_index_t *index);


/* from here on readers see it */

void agw_slots_link(agw_index_t *index, uint32_t n);


/* removes what has expired, is covered by a cut-off, or counts nothing */

void agw_slots_sweep(agw_index_t *index, int64_t now);


#endif /* AGW_SLOTS_H_INCLUDED_ */
