
#include "agw_revoked_accounts.h"


/* at most so many accounts of a class are compared */

#define AGW_REVOKED_COMPARED  1024


static void agw_revoked_recount(agw_revoked_set_t *set);
static int agw_revoked_entry_is_covered(const agw_revoked_entry_t *entry,
    const agw_revoked_entry_t *partner);
static void agw_revoked_ring_insert(agw_revoked_set_t *set, uint32_t *first,
    uint32_t n);
static void agw_revoked_ring_remove(agw_revoked_set_t *set, uint32_t *first,
    uint32_t n);
static void agw_revoked_account_resize(agw_revoked_set_t *set,
    uint32_t account, uint32_t count);
static unsigned agw_revoked_class(uint32_t count);


void
agw_revoked_write_begin(agw_revoked_set_t *set)
{
    if (agw_revoked_table_write_begin(&set->table)) {
        agw_revoked_recount(set);
    }
}


void
agw_revoked_write_end(agw_revoked_set_t *set)
{
    __atomic_store_n(&set->to_sweep, set->merged != 0 || set->unswept != 0,
                     __ATOMIC_RELAXED);

    agw_revoked_table_write_end(&set->table);
}


agw_hash_t
agw_revoked_id(const agw_revoked_set_t *set,
    const agw_revocation_t *revocation)
{
    switch (revocation->kind) {

    case AGW_REVOCATION_TOKEN:
        return agw_revoked_pair(set, revocation->partner_id,
                                revocation->jti);

    case AGW_REVOCATION_OWNER:
        return agw_revoked_pair(set, revocation->partner_id,
                                revocation->business_id);

    case AGW_REVOCATION_BUSINESS:
        return agw_siphash(set->key, revocation->business_id);

    default:
        return agw_siphash(set->key, revocation->partner_id);
    }
}


agw_hash_t
agw_revoked_pair(const agw_revoked_set_t *set, agw_str_t first,
    agw_str_t second)
{
    agw_str_t       id;
    unsigned char   buf[2 * AGW_ID_MAX + 1];

    id.data = buf;
    id.len = 0;

    if (first.len - 1 < AGW_ID_MAX && second.len - 1 < AGW_ID_MAX) {
        memcpy(buf, first.data, first.len);
        buf[first.len] = ':';
        memcpy(buf + first.len + 1, second.data, second.len);

        id.len = first.len + 1 + second.len;
    }

    return agw_siphash(set->key, id);
}


uint32_t
agw_revoked_account_find(const agw_revoked_set_t *set, agw_str_t partner_id)
{
    return partner_id.len == 0
           ? 0 : agw_revoked_table_find(&set->table, AGW_REVOCATION_PARTNER,
                                        agw_siphash(set->key, partner_id));
}


void
agw_revoked_next_generation(agw_revoked_set_t *set)
{
    __atomic_add_fetch(&set->generation, 1, __ATOMIC_SEQ_CST);
}


void
agw_revoked_raise(agw_revoked_set_t *set, agw_revoked_entry_t *entry,
    int64_t stamp, uint32_t time)
{
    if (time <= entry->time && stamp <= entry->stamp) {
        return;
    }

    if (time > entry->time) {
        __atomic_store_n(&entry->time, time, __ATOMIC_SEQ_CST);
    }

    if (stamp > entry->stamp) {
        __atomic_store_n(&entry->stamp, stamp, __ATOMIC_SEQ_CST);
    }

    agw_revoked_next_generation(set);
}


uint32_t
agw_revoked_account_open(agw_revoked_set_t *set, agw_hash_t id)
{
    uint32_t  n;

    n = agw_revoked_table_alloc(&set->table);

    agw_revoked_table_link(&set->table, n, AGW_REVOCATION_PARTNER, id);
    agw_revoked_ring_insert(set, &set->classes[0], n);

    return n;
}


void
agw_revoked_account_add(agw_revoked_set_t *set, uint32_t n)
{
    agw_revoked_entry_t  *entry, *partner;

    entry = agw_revoked_entry(set, n);

    if (entry->slot.kind == AGW_REVOCATION_PARTNER || entry->account == 0) {
        return;
    }

    partner = agw_revoked_entry(set, entry->account);

    if (entry->slot.kind == AGW_REVOCATION_BUSINESS) {
        partner->businesses++;
        return;
    }

    if (agw_revoked_entry_is_covered(entry, partner)) {
        agw_revoked_ring_insert(set, &set->merged, n);
        set->merged_count++;
        return;
    }

    agw_revoked_account_raise(partner, entry->stamp, entry->time);
    agw_revoked_ring_insert(set, &partner->first, n);
    agw_revoked_account_resize(set, entry->account, partner->count + 1);
}


void
agw_revoked_account_raise(agw_revoked_entry_t *partner, int64_t stamp,
    uint32_t time)
{
    if (stamp > partner->high_stamp) {
        partner->high_stamp = stamp;
    }

    if (time > partner->high_time) {
        partner->high_time = time;
    }
}


static int
agw_revoked_entry_is_covered(const agw_revoked_entry_t *entry,
    const agw_revoked_entry_t *partner)
{
    return entry->stamp <= partner->stamp && entry->time <= partner->time;
}


void
agw_revoked_sweep_slot(agw_revoked_set_t *set, uint32_t n)
{
    uint32_t              account;
    agw_revoked_entry_t  *entry, *partner;

    entry = agw_revoked_entry(set, n);

    if (entry->slot.kind == AGW_REVOCATION_PARTNER) {
        agw_revoked_account_close(set, n);
        return;
    }

    if (entry->slot.kind == 0 || entry->stamp > set->floor) {
        return;
    }

    account = entry->account;

    if (account != 0) {
        partner = agw_revoked_entry(set, account);

        if (entry->slot.kind == AGW_REVOCATION_BUSINESS) {
            partner->businesses--;

        } else {
            agw_revoked_ring_remove(set, &partner->first, n);
            agw_revoked_account_resize(set, account, partner->count - 1);
        }
    }

    agw_revoked_table_unlink(&set->table, n);

    if (account != 0) {
        agw_revoked_account_close(set, account);
    }
}


/*
 * Merged entries still name their account, which therefore stays while there
 * are any.  An account that was closed before has no "prev".
 */

void
agw_revoked_account_close(agw_revoked_set_t *set, uint32_t n)
{
    agw_revoked_entry_t  *entry;

    entry = agw_revoked_entry(set, n);

    if (entry->stamp > set->floor || entry->slot.prev == 0
        || set->merged != 0)
    {
        return;
    }

    __atomic_store_n(&entry->stamp, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&entry->time, 0, __ATOMIC_SEQ_CST);

    /* if nothing is reserved now, the process that reserved it has died */

    if (entry->count != 0 || entry->businesses != 0
        || (entry->reserved != 0 && set->reserved_writes != 0))
    {
        return;
    }

    agw_revoked_ring_remove(set, &set->classes[0], n);
    agw_revoked_table_unlink(&set->table, n);

    entry->slot.prev = 0;
}


int
agw_revoked_is_refused(const agw_revocation_t *revocation,
    const agw_revoked_entry_t *partner)
{
    return revocation->kind == AGW_REVOCATION_TOKEN && revocation->seq_known
           && revocation->seq < partner->stamp;
}


uint32_t
agw_revoked_largest(const agw_revoked_set_t *set)
{
    uint32_t              n, first, most, i;
    unsigned              bits;
    agw_revoked_entry_t  *entry;

    bits = AGW_REVOKED_CLASSES - 1;

    while (bits > 0 && set->classes[bits] == 0) {
        bits -= 1;
    }

    if (bits == 0) {
        return 0;
    }

    first = set->classes[bits];
    most = first;
    n = first;

    for (i = 0; i < AGW_REVOKED_COMPARED; i++) {
        entry = agw_revoked_entry(set, n);

        if (entry->count > agw_revoked_entry(set, most)->count) {
            most = n;
        }

        n = entry->slot.link;

        /* the largest that there can be; all are larger than half of that */

        if (n == first || entry->count == UINT32_MAX >> (32 - bits)) {
            break;
        }
    }

    return most;
}


/* readers see the cut-off before the entries that it replaces are removed */

void
agw_revoked_merge(agw_revoked_set_t *set, uint32_t account)
{
    uint32_t              last;
    agw_revoked_entry_t  *partner, *first, *merged;

    partner = agw_revoked_entry(set, account);

    if (partner->count == 0) {
        return;
    }

    agw_revoked_raise(set, partner, partner->high_stamp, partner->high_time);

    /* two rings become one */

    if (set->merged == 0) {
        set->merged = partner->first;

    } else {
        first = agw_revoked_entry(set, partner->first);
        merged = agw_revoked_entry(set, set->merged);
        last = first->slot.prev;

        agw_revoked_entry(set, merged->slot.prev)->slot.link = partner->first;
        agw_revoked_entry(set, last)->slot.link = set->merged;
        first->slot.prev = merged->slot.prev;
        merged->slot.prev = last;
    }

    set->merged_count += partner->count;

    partner->first = 0;

    agw_revoked_account_resize(set, account, 0);
}


void
agw_revoked_merge_covered(agw_revoked_set_t *set, uint32_t account)
{
    agw_revoked_entry_t  *partner;

    partner = agw_revoked_entry(set, account);

    if (partner->stamp >= partner->high_stamp
        && partner->time >= partner->high_time)
    {
        agw_revoked_merge(set, account);
    }
}


/* an entry that was raised after the merge goes back to its account */

void
agw_revoked_remove_merged(agw_revoked_set_t *set, uint32_t some)
{
    uint32_t              n;
    agw_revoked_entry_t  *entry;

    while (some-- != 0 && set->merged != 0) {
        n = set->merged;
        entry = agw_revoked_entry(set, n);

        agw_revoked_ring_remove(set, &set->merged, n);
        set->merged_count--;

        if (agw_revoked_entry_is_covered(entry,
                                      agw_revoked_entry(set, entry->account)))
        {
            agw_revoked_table_unlink(&set->table, n);

        } else {
            agw_revoked_account_add(set, n);
        }
    }

    agw_revoked_table_reclaim(&set->table);
}


/*
 * Rebuilds lists and counts after a process died.  Linked slots are complete,
 * and so is the account of each entry.
 */

static void
agw_revoked_recount(agw_revoked_set_t *set)
{
    uint32_t              n;
    agw_revoked_entry_t  *entry;

    memset(set->classes, 0, sizeof(set->classes));

    set->mergeable = 0;
    set->merged = 0;
    set->merged_count = 0;
    set->reserved_writes = 0;
    set->reserved_slots = 0;

    for (n = 0; n < AGW_REVOKED_PROCESSES; n++) {
        set->reserved_writes += set->reserved[n].writes;
        set->reserved_slots += set->reserved[n].slots;
    }

    for (n = 1; n <= set->table.high_water; n++) {
        entry = agw_revoked_entry(set, n);

        if (entry->slot.kind == AGW_REVOCATION_PARTNER) {
            entry->first = 0;
            entry->count = 0;
            entry->businesses = 0;
            entry->high_stamp = 0;
            entry->high_time = 0;

            agw_revoked_ring_insert(set, &set->classes[0], n);
        }
    }

    for (n = 1; n <= set->table.high_water; n++) {
        entry = agw_revoked_entry(set, n);

        if (entry->slot.kind != 0) {
            agw_revoked_account_add(set, n);
        }

        if (entry->slot.kind != 0 && entry->stamp > set->stamp) {
            __atomic_store_n(&set->stamp, entry->stamp, __ATOMIC_RELAXED);
        }
    }

    set->unswept = set->table.capacity;

    /* there may be an entry that readers were not told of */

    agw_revoked_next_generation(set);
}


static void
agw_revoked_ring_insert(agw_revoked_set_t *set, uint32_t *first, uint32_t n)
{
    agw_revoked_entry_t  *entry, *next, *last;

    entry = agw_revoked_entry(set, n);

    if (*first == 0) {
        entry->slot.link = n;
        entry->slot.prev = n;
        *first = n;
        return;
    }

    next = agw_revoked_entry(set, *first);
    last = agw_revoked_entry(set, next->slot.prev);

    entry->slot.link = *first;
    entry->slot.prev = next->slot.prev;
    last->slot.link = n;
    next->slot.prev = n;
}


static void
agw_revoked_ring_remove(agw_revoked_set_t *set, uint32_t *first, uint32_t n)
{
    agw_revoked_entry_t  *entry;

    entry = agw_revoked_entry(set, n);

    if (entry->slot.link == n) {
        *first = 0;
        return;
    }

    agw_revoked_entry(set, entry->slot.link)->slot.prev = entry->slot.prev;
    agw_revoked_entry(set, entry->slot.prev)->slot.link = entry->slot.link;

    if (*first == n) {
        *first = entry->slot.link;
    }
}


static void
agw_revoked_account_resize(agw_revoked_set_t *set, uint32_t account,
    uint32_t count)
{
    unsigned              before, after;
    agw_revoked_entry_t  *partner;

    partner = agw_revoked_entry(set, account);

    before = agw_revoked_class(partner->count);
    after = agw_revoked_class(count);

    set->mergeable += count - partner->count;
    partner->count = count;

    if (count == 0) {
        partner->high_stamp = 0;
        partner->high_time = 0;
    }

    if (before != after) {
        agw_revoked_ring_remove(set, &set->classes[before], account);
        agw_revoked_ring_insert(set, &set->classes[after], account);
    }
}


static unsigned
agw_revoked_class(uint32_t count)
{
    return count == 0 ? 0 : 32 - (unsigned) __builtin_clz(count);
}
