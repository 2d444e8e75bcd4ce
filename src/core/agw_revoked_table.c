
#include "agw_revoked_table.h"


/* the link of a slot that the repair has not reached in a chain */

#define AGW_REVOKED_UNREACHED   0xffffffffu


static uint32_t agw_revoked_table_heads(size_t capacity);
static void agw_revoked_table_repair(agw_revoked_table_t *table);
static void agw_revoked_table_count_reclaim(agw_revoked_table_t *table);
static uint32_t *agw_revoked_head(const agw_revoked_table_t *table,
    uint64_t hash);
static uint32_t *agw_revoked_chains(const agw_revoked_table_t *table);
static uint32_t agw_revoked_name(uint32_t kind, agw_hash_t id);


/* each slot may have a head of a chain */

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
    table->free_count = (uint32_t) capacity;
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
agw_revoked_table_write_begin(agw_revoked_table_t *table)
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
agw_revoked_table_write_end(agw_revoked_table_t *table)
{
    __atomic_store_n(&table->changing, 0, __ATOMIC_SEQ_CST);
}


/*
 * If another process changes a chain meanwhile, this may go on in another
 * chain, but it stays inside the table and ends; and
 * agw_revoked_table_read_is_valid() then returns 0.
 */

uint32_t
agw_revoked_table_find(const agw_revoked_table_t *table, uint32_t kind,
    agw_hash_t id)
{
    uint32_t                   n, steps, name;
    const agw_revoked_slot_t  *slot;

    name = agw_revoked_name(kind, id);
    n = __atomic_load_n(agw_revoked_head(table, id.word[0]), __ATOMIC_ACQUIRE);

    for (steps = 0; n != 0 && steps < table->capacity; steps++) {

        if (n > table->capacity) {
            return 0;
        }

        slot = agw_revoked_slot(table, n);

        if (__atomic_load_n(&slot->hash, __ATOMIC_RELAXED) == id.word[0]
            && __atomic_load_n(&slot->name, __ATOMIC_RELAXED) == name)
        {
            return n;
        }

        n = __atomic_load_n(&slot->next, __ATOMIC_ACQUIRE);
    }

    return 0;
}


void
agw_revoked_table_prefetch(const agw_revoked_table_t *table, agw_hash_t id)
{
    __builtin_prefetch(agw_revoked_head(table, id.word[0]));
}


void
agw_revoked_table_prefetch_slot(const agw_revoked_table_t *table,
    agw_hash_t id)
{
    uint32_t  n;

    n = __atomic_load_n(agw_revoked_head(table, id.word[0]), __ATOMIC_ACQUIRE);

    if (n != 0) {
        __builtin_prefetch(agw_revoked_slot(table, n));
    }
}


uint64_t
agw_revoked_table_read_begin(const agw_revoked_table_t *table)
{
    return __atomic_load_n(&table->reclaims, __ATOMIC_ACQUIRE);
}


int
agw_revoked_table_read_is_valid(const agw_revoked_table_t *table,
    uint64_t before)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);

    return __atomic_load_n(&table->reclaims, __ATOMIC_ACQUIRE) == before;
}


uint32_t
agw_revoked_table_alloc(agw_revoked_table_t *table)
{
    size_t               i;
    uint32_t             n;
    uint64_t            *word;
    agw_revoked_slot_t  *slot;

    n = table->free_list;

    if (n != 0) {
        slot = agw_revoked_slot(table, n);
        table->free_list = slot->link;

    } else if (table->high_water < table->capacity) {
        n = ++table->high_water;
        slot = agw_revoked_slot(table, n);

    } else {
        return 0;
    }

    /* a reader that is still at this slot will repeat its look-up */

    word = (uint64_t *) slot;

    for (i = 0; i < table->slot_size / sizeof(uint64_t); i++) {
        __atomic_store_n(&word[i], 0, __ATOMIC_RELAXED);
    }

    __atomic_store_n(&table->free_count, table->free_count - 1,
                     __ATOMIC_RELAXED);

    return n;
}


void
agw_revoked_table_link(agw_revoked_table_t *table, uint32_t n, uint32_t kind,
    agw_hash_t id)
{
    uint32_t            *head;
    agw_revoked_slot_t  *slot;

    slot = agw_revoked_slot(table, n);
    head = agw_revoked_head(table, id.word[0]);

    __atomic_store_n(&slot->hash, id.word[0], __ATOMIC_RELAXED);
    __atomic_store_n(&slot->name, agw_revoked_name(kind, id),
                     __ATOMIC_RELAXED);
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
    link = agw_revoked_head(table, slot->hash);

    for (k = *link; k != n; k = *link) {
        before = agw_revoked_slot(table, k);
        link = &before->next;
    }

    __atomic_store_n(link, slot->next, __ATOMIC_SEQ_CST);

    slot->link = table->unlinked_list;
    table->unlinked_list = n;
}


void
agw_revoked_table_reclaim(agw_revoked_table_t *table)
{
    uint32_t             n;
    agw_revoked_slot_t  *slot;

    if (table->unlinked_list == 0) {
        return;
    }

    agw_revoked_table_count_reclaim(table);

    while (table->unlinked_list != 0) {
        n = table->unlinked_list;
        slot = agw_revoked_slot(table, n);

        table->unlinked_list = slot->link;

        __atomic_store_n(&slot->name, 0, __ATOMIC_RELAXED);

        slot->link = table->free_list;
        table->free_list = n;
        __atomic_store_n(&table->free_count, table->free_count + 1,
                         __ATOMIC_RELAXED);
    }
}


/* a reader that sees what is stored after this repeats its look-up */

static void
agw_revoked_table_count_reclaim(agw_revoked_table_t *table)
{
    __atomic_add_fetch(&table->reclaims, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}


/* linked slots are complete; all others become free */

static void
agw_revoked_table_repair(agw_revoked_table_t *table)
{
    uint32_t             i, n, steps, spare;
    agw_revoked_slot_t  *slot;

    agw_revoked_table_count_reclaim(table);

    table->free_list = 0;
    table->unlinked_list = 0;
    spare = table->capacity - table->high_water;

    for (n = 1; n <= table->high_water; n++) {
        slot = agw_revoked_slot(table, n);
        slot->link = AGW_REVOKED_UNREACHED;
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

    for (n = 1; n <= table->high_water; n++) {
        slot = agw_revoked_slot(table, n);

        if (slot->link == AGW_REVOKED_UNREACHED) {
            __atomic_store_n(&slot->name, 0, __ATOMIC_RELAXED);

            slot->link = table->free_list;
            table->free_list = n;
            spare++;
        }
    }

    __atomic_store_n(&table->free_count, spare, __ATOMIC_RELAXED);
}


static uint32_t *
agw_revoked_head(const agw_revoked_table_t *table, uint64_t hash)
{
    return &agw_revoked_chains(table)[hash & (table->heads - 1)];
}


static uint32_t *
agw_revoked_chains(const agw_revoked_table_t *table)
{
    return agw_revoked_slot(table, table->capacity + 1);
}


static uint32_t
agw_revoked_name(uint32_t kind, agw_hash_t id)
{
    agw_revoked_slot_t  slot;

    slot.name = 0;
    slot.rest = id.word[1] & 0x1fffffff;
    slot.kind = kind & 7;

    return slot.name;
}
