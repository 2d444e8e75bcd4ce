
#include "agw_revoked_table.h"


/* takes the place of a link while the table is repaired */

#define AGW_REVOKED_UNSEEN   0xffffffffu


static uint32_t agw_revoked_table_heads(size_t capacity);
static void agw_revoked_table_repair(agw_revoked_table_t *table);
static void agw_revoked_table_raise(agw_revoked_table_t *table);
static uint32_t *agw_revoked_head(const agw_revoked_table_t *table,
    agw_hash_t id);
static uint32_t *agw_revoked_chains(const agw_revoked_table_t *table);
static int agw_revoked_is(const agw_revoked_slot_t *slot, uint32_t kind,
    agw_hash_t id);


/* there are at most as many heads as slots */

size_t
agw_revoked_table_capacity(size_t bytes, size_t slot_size)
{
    size_t  n;

    n = bytes / (slot_size + sizeof(uint32_t));

    return n > UINT32_MAX / 2 ? UINT32_MAX / 2 : n;
}


/* as many as there are slots, or half as many */

static uint32_t
agw_revoked_table_heads(size_t capacity)
{
    uint32_t  heads;

    heads = 1;

    while (heads <= capacity / 2) {
        heads *= 2;
    }

    return heads;
}


void
agw_revoked_table_init(agw_revoked_table_t *table, void *slots,
    size_t slot_size, size_t capacity)
{
    memset(table, 0, sizeof(agw_revoked_table_t));

    table->offset = (uint32_t) ((char *) slots - (char *) table);
    table->slot_size = (uint32_t) slot_size;
    table->capacity = (uint32_t) capacity;
    table->spare = (uint32_t) capacity;
    table->heads = agw_revoked_table_heads(capacity);

    memset(agw_revoked_chains(table), 0, table->heads * sizeof(uint32_t));
}


void *
agw_revoked_slot(const agw_revoked_table_t *table, uint32_t n)
{
    return (char *) table + table->offset
           + (size_t) table->slot_size * (n - 1);
}


int
agw_revoked_table_begin(agw_revoked_table_t *table)
{
    int  died;

    died = (int) table->changing;

    __atomic_store_n(&table->changing, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);

    if (died) {
        agw_revoked_table_repair(table);
    }

    return died;
}


void
agw_revoked_table_end(agw_revoked_table_t *table)
{
    __atomic_store_n(&table->changing, 0, __ATOMIC_SEQ_CST);
}


/*
 * If another process changes a chain meanwhile, this may follow it anywhere,
 * but neither out of the table nor without end; and the caller then sees that
 * the count of purges has grown.
 */

uint32_t
agw_revoked_table_find(const agw_revoked_table_t *table, uint32_t kind,
    agw_hash_t id)
{
    uint32_t                   n, steps;
    const agw_revoked_slot_t  *slot;

    n = __atomic_load_n(agw_revoked_head(table, id), __ATOMIC_ACQUIRE);

    for (steps = 0; n != 0 && steps < table->capacity; steps++) {

        if (n > table->capacity) {
            return 0;
        }

        slot = agw_revoked_slot(table, n);

        if (agw_revoked_is(slot, kind, id)) {
            return n;
        }

        n = __atomic_load_n(&slot->next, __ATOMIC_ACQUIRE);
    }

    return 0;
}


uint64_t
agw_revoked_table_look(const agw_revoked_table_t *table)
{
    return __atomic_load_n(&table->purges, __ATOMIC_ACQUIRE);
}


int
agw_revoked_table_looked(const agw_revoked_table_t *table, uint64_t before)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);

    return __atomic_load_n(&table->purges, __ATOMIC_ACQUIRE) == before;
}


uint32_t
agw_revoked_table_take(agw_revoked_table_t *table)
{
    size_t               i;
    uint32_t             n;
    uint64_t            *word;
    agw_revoked_slot_t  *slot;

    n = table->free;

    if (n != 0) {
        slot = agw_revoked_slot(table, n);
        table->free = slot->link;

    } else if (table->fresh < table->capacity) {
        n = ++table->fresh;
        slot = agw_revoked_slot(table, n);

    } else {
        return 0;
    }

    /* a reader that is still at this slot will look again */

    word = (uint64_t *) slot;

    for (i = 0; i < table->slot_size / sizeof(uint64_t); i++) {
        __atomic_store_n(&word[i], 0, __ATOMIC_RELAXED);
    }

    __atomic_store_n(&table->spare, table->spare - 1, __ATOMIC_RELAXED);

    return n;
}


void
agw_revoked_table_link(agw_revoked_table_t *table, uint32_t n, uint32_t kind,
    agw_hash_t id)
{
    uint32_t            *head;
    agw_revoked_slot_t  *slot;

    slot = agw_revoked_slot(table, n);
    head = agw_revoked_head(table, id);

    __atomic_store_n(&slot->id.word[0], id.word[0], __ATOMIC_RELAXED);
    __atomic_store_n(&slot->id.word[1], id.word[1], __ATOMIC_RELAXED);
    __atomic_store_n(&slot->kind, kind, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->next, *head, __ATOMIC_RELAXED);

    __atomic_store_n(head, n, __ATOMIC_SEQ_CST);
}


/* a reader that is at this slot can still follow its link */

void
agw_revoked_table_unlink(agw_revoked_table_t *table, uint32_t n)
{
    uint32_t             k, *link;
    agw_revoked_slot_t  *slot, *before;

    slot = agw_revoked_slot(table, n);
    link = agw_revoked_head(table, slot->id);

    for (k = *link; k != n; k = *link) {
        before = agw_revoked_slot(table, k);
        link = &before->next;
    }

    __atomic_store_n(link, slot->next, __ATOMIC_SEQ_CST);

    slot->link = table->unlinked;
    table->unlinked = n;
}


void
agw_revoked_table_reclaim(agw_revoked_table_t *table)
{
    uint32_t             n;
    agw_revoked_slot_t  *slot;

    if (table->unlinked == 0) {
        return;
    }

    agw_revoked_table_raise(table);

    while (table->unlinked != 0) {
        n = table->unlinked;
        slot = agw_revoked_slot(table, n);

        table->unlinked = slot->link;

        __atomic_store_n(&slot->kind, 0, __ATOMIC_RELAXED);

        slot->link = table->free;
        table->free = n;
        __atomic_store_n(&table->spare, table->spare + 1, __ATOMIC_RELAXED);
    }
}


/* no reader takes what is stored after this for what was there before */

static void
agw_revoked_table_raise(agw_revoked_table_t *table)
{
    __atomic_add_fetch(&table->purges, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}


/* a process died: linked slots are complete, all others are free */

static void
agw_revoked_table_repair(agw_revoked_table_t *table)
{
    uint32_t             i, n, steps, spare;
    agw_revoked_slot_t  *slot;

    agw_revoked_table_raise(table);

    table->free = 0;
    table->unlinked = 0;
    spare = table->capacity - table->fresh;

    for (n = 1; n <= table->fresh; n++) {
        slot = agw_revoked_slot(table, n);
        slot->link = AGW_REVOKED_UNSEEN;
    }

    for (i = 0; i < table->heads; i++) {
        steps = 0;

        for (n = agw_revoked_chains(table)[i];
             n != 0 && steps <= table->capacity;
             n = slot->next)
        {
            slot = agw_revoked_slot(table, n);
            slot->link = 0;
            steps++;
        }
    }

    for (n = 1; n <= table->fresh; n++) {
        slot = agw_revoked_slot(table, n);

        if (slot->link == AGW_REVOKED_UNSEEN) {
            __atomic_store_n(&slot->kind, 0, __ATOMIC_RELAXED);

            slot->link = table->free;
            table->free = n;
            spare++;
        }
    }

    __atomic_store_n(&table->spare, spare, __ATOMIC_RELAXED);
}


static uint32_t *
agw_revoked_head(const agw_revoked_table_t *table, agw_hash_t id)
{
    return &agw_revoked_chains(table)[id.word[0] & (table->heads - 1)];
}


static uint32_t *
agw_revoked_chains(const agw_revoked_table_t *table)
{
    return agw_revoked_slot(table, table->capacity + 1);
}


static int
agw_revoked_is(const agw_revoked_slot_t *slot, uint32_t kind, agw_hash_t id)
{
    return __atomic_load_n(&slot->id.word[0], __ATOMIC_RELAXED) == id.word[0]
           && __atomic_load_n(&slot->id.word[1], __ATOMIC_RELAXED)
              == id.word[1]
           && __atomic_load_n(&slot->kind, __ATOMIC_RELAXED) == kind;
}
