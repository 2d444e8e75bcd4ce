
#include "agw_slots.h"


/* in place of a count of tokens, while the table is put in order */

#define AGW_SLOT_UNSEEN   0x80000000u


static void agw_slots_repair(agw_index_t *index);
static int agw_slots_is_dead(const agw_index_t *index,
    const agw_slot_t *slot, int64_t now);
static int agw_slots_is_covered(const agw_index_t *index,
    const agw_slot_t *slot, agw_revoked_t kind, agw_hash_t id);
static uint32_t *agw_slots_head_of(const agw_index_t *index, agw_hash_t id);
static uint32_t *agw_slots_chains(const agw_index_t *index);
static int agw_same_hash(agw_hash_t a, agw_hash_t b);


/* as many as there are slots, or half */

uint32_t
agw_slots_heads(size_t capacity)
{
    uint32_t  heads;

    heads = 1;

    while (heads <= capacity / 2) {
        heads *= 2;
    }

    return heads;
}


/* slots come first: they are the ones with an alignment */

agw_slot_t *
agw_slot(const agw_index_t *index, uint32_t n)
{
    return (agw_slot_t *) (index + 1) + (n - 1);
}


void
agw_slots_begin(agw_index_t *index)
{
    if (index->changing) {
        agw_slots_repair(index);
    }

    __atomic_store_n(&index->changing, 1, __ATOMIC_SEQ_CST);
}


void
agw_slots_end(agw_index_t *index)
{
    __atomic_store_n(&index->changing, 0, __ATOMIC_SEQ_CST);
}


/*
 * The number of the slot, or 0.  A chain that another process changes may
 * lead anywhere, but never out of the index or on for ever; then the caller
 * finds the count of purges grown.
 */

uint32_t
agw_slots_find(const agw_index_t *index, uint32_t kind, agw_hash_t id)
{
    uint32_t           n, steps;
    const agw_slot_t  *slot;

    n = __atomic_load_n(agw_slots_head_of(index, id), __ATOMIC_ACQUIRE);

    for (steps = 0; n != 0 && steps < index->capacity; steps++) {

        if (n > index->capacity) {
            return 0;
        }

        slot = agw_slot(index, n);

        if (agw_same_hash(slot->id, id) && slot->kind == kind) {
            return n;
        }

        n = __atomic_load_n(&slot->next, __ATOMIC_ACQUIRE);
    }

    return 0;
}


uint32_t
agw_slots_take(agw_index_t *index)
{
    uint32_t  n;

    n = index->free;

    if (n != 0) {
        index->free = agw_slot(index, n)->next;

    } else if (index->fresh < index->capacity) {
        n = ++index->fresh;

    } else {
        return 0;
    }

    memset(agw_slot(index, n), 0, sizeof(agw_slot_t));

    index->spare--;

    return n;
}


uint32_t
agw_slots_room(const agw_index_t *index)
{
    return index->spare;
}


/* from here on readers see it */

void
agw_slots_link(agw_index_t *index, uint32_t n)
{
    uint32_t    *head;
    agw_slot_t  *slot;

    slot = agw_slot(index, n);
    head = agw_slots_head_of(index, slot->id);

    slot->next = *head;

    __atomic_store_n(head, n, __ATOMIC_SEQ_CST);
}


void
agw_slots_clear(agw_index_t *index)
{
    index->fresh = 0;
    index->free = 0;
    index->spare = index->capacity;

    memset(agw_slots_chains(index), 0, index->heads * sizeof(uint32_t));
}


/*
 * Twice over everything: tallies that are left with no token go in the
 * second turn.
 */

void
agw_slots_sweep(agw_index_t *index, int64_t now)
{
    uint32_t     i, n, freed, turn, *link;
    agw_slot_t  *slot;

    freed = 0;

    for (turn = 0; turn < 2; turn++) {
        for (i = 0; i < index->heads; i++) {
            link = &agw_slots_chains(index)[i];

            while (*link != 0) {
                n = *link;
                slot = agw_slot(index, n);

                if (!agw_slots_is_dead(index, slot, now)) {
                    link = &slot->next;
                    continue;
                }

                if (slot->kind == AGW_REVOKED_TOKEN) {
                    agw_slot(index, slot->tally)->tokens--;
                }

                /* a reader that stands on it still finds its way on */

                __atomic_store_n(link, slot->next, __ATOMIC_SEQ_CST);

                slot->kind = 0;
                slot->tally = freed;
                freed = n;
            }
        }
    }

    if (freed == 0) {
        return;
    }

    __atomic_add_fetch(&index->purges, 1, __ATOMIC_SEQ_CST);

    while (freed != 0) {
        slot = agw_slot(index, freed);
        n = slot->tally;

        slot->next = index->free;
        index->free = freed;
        index->spare++;

        freed = n;
    }
}


static int
agw_slots_is_dead(const agw_index_t *index, const agw_slot_t *slot,
    int64_t now)
{
    if (slot->kind == AGW_SLOT_TALLY) {
        return slot->tokens == 0;
    }

    if (now >= slot->expires_at) {
        return 1;
    }

    return slot->kind == AGW_REVOKED_TOKEN
           && (agw_slots_is_covered(index, slot, AGW_REVOKED_BUSINESS,
                                    slot->business)
               || agw_slots_is_covered(index, slot, AGW_REVOKED_PARTNER,
                                agw_slot(index, slot->tally)->id));
}


/* whether a cut-off refuses that token, for as long */

static int
agw_slots_is_covered(const agw_index_t *index, const agw_slot_t *slot,
    agw_revoked_t kind, agw_hash_t id)
{
    uint32_t           n;
    const agw_slot_t  *by;

    n = agw_slots_find(index, kind, id);

    if (n == 0) {
        return 0;
    }

    by = agw_slot(index, n);

    return slot->cutoff > 0 && slot->cutoff <= by->cutoff
           && slot->expires_at <= by->expires_at;
}


/*
 * Somebody died: what is linked is whole, so the rest is free.  The tallies
 * are counted anew.
 */

static void
agw_slots_repair(agw_index_t *index)
{
    uint32_t     i, n, steps;
    agw_slot_t  *slot;

    __atomic_add_fetch(&index->purges, 1, __ATOMIC_SEQ_CST);

    index->free = 0;
    index->spare = index->capacity - index->fresh;

    /* the mark of a slot that no chain leads to */

    for (n = 1; n <= index->fresh; n++) {
        agw_slot(index, n)->tokens |= AGW_SLOT_UNSEEN;
    }

    for (i = 0; i < index->heads; i++) {
        steps = 0;

        for (n = agw_slots_chains(index)[i];
             n != 0 && steps <= index->capacity;
             n = slot->next)
        {
            slot = agw_slot(index, n);
            slot->tokens = 0;
            steps++;
        }
    }

    for (n = 1; n <= index->fresh; n++) {
        slot = agw_slot(index, n);

        if (slot->tokens & AGW_SLOT_UNSEEN) {
            slot->tokens = 0;
            slot->kind = 0;
            slot->next = index->free;
            index->free = n;
            index->spare++;
        }
    }

    for (n = 1; n <= index->fresh; n++) {
        slot = agw_slot(index, n);

        if (slot->kind == AGW_REVOKED_TOKEN) {
            agw_slot(index, slot->tally)->tokens++;
        }
    }

    /* an entry that is there, and that nobody was told of */

    __atomic_add_fetch(&index->generation, 1, __ATOMIC_SEQ_CST);
}


static uint32_t *
agw_slots_head_of(const agw_index_t *index, agw_hash_t id)
{
    return &agw_slots_chains(index)[id.word[0] & (index->heads - 1)];
}


static uint32_t *
agw_slots_chains(const agw_index_t *index)
{
    return (uint32_t *) agw_slot(index, index->capacity + 1);
}


static int
agw_same_hash(agw_hash_t a, agw_hash_t b)
{
    return a.word[0] == b.word[0] && a.word[1] == b.word[1];
}
