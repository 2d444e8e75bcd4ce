
#include "agw_revoked_accounts.h"


/* accounts of one class that are compared with each other */

#define AGW_REVOKED_COMPARED  1024


static int agw_revoked_is_superseded(const agw_revoked_entry_t *entry,
    const agw_revoked_entry_t *by);
static void agw_revoked_put_in(agw_revoked_set_t *set, uint32_t *first,
    uint32_t n);
static void agw_revoked_take_out(agw_revoked_set_t *set, uint32_t *first,
    uint32_t n);
static void agw_revoked_set_count_of(agw_revoked_set_t *set,
    uint32_t account, uint32_t count);
static unsigned agw_revoked_class(uint32_t count);


void
agw_revoked_begin(agw_revoked_set_t *set)
{
    if (agw_revoked_table_begin(&set->table)) {
        agw_revoked_recount(set);
    }
}


void
agw_revoked_end(agw_revoked_set_t *set)
{
    __atomic_store_n(&set->more, set->leaving != 0 || set->unswept != 0,
                     __ATOMIC_RELAXED);

    agw_revoked_table_end(&set->table);
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
agw_revoked_account(const agw_revoked_set_t *set, agw_str_t partner_id)
{
    return partner_id.len == 0
           ? 0 : agw_revoked_table_find(&set->table, AGW_REVOCATION_PARTNER,
                                        agw_siphash(set->key, partner_id));
}


void
agw_revoked_changed(agw_revoked_set_t *set)
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

    agw_revoked_changed(set);
}


uint32_t
agw_revoked_open_account(agw_revoked_set_t *set, agw_hash_t id)
{
    uint32_t  n;

    n = agw_revoked_table_take(&set->table);

    agw_revoked_table_link(&set->table, n, AGW_REVOCATION_PARTNER, id);
    agw_revoked_put_in(set, &set->classes[0], n);

    return n;
}


void
agw_revoked_enter(agw_revoked_set_t *set, uint32_t n)
{
    agw_revoked_entry_t  *entry, *by;

    entry = agw_revoked_entry(set, n);

    if (entry->slot.kind == AGW_REVOCATION_PARTNER || entry->owner == 0) {
        return;
    }

    by = agw_revoked_entry(set, entry->owner);

    if (entry->slot.kind == AGW_REVOCATION_BUSINESS) {
        by->businesses++;
        return;
    }

    if (agw_revoked_is_superseded(entry, by)) {
        agw_revoked_put_in(set, &set->leaving, n);
        set->left++;
        return;
    }

    agw_revoked_note(by, entry->stamp, entry->time);
    agw_revoked_put_in(set, &by->first, n);
    agw_revoked_set_count_of(set, entry->owner, by->count + 1);
}


/* the highest that the entries of an account have */

void
agw_revoked_note(agw_revoked_entry_t *by, int64_t stamp, uint32_t time)
{
    if (stamp > by->high_stamp) {
        by->high_stamp = stamp;
    }

    if (time > by->high_time) {
        by->high_time = time;
    }
}


static int
agw_revoked_is_superseded(const agw_revoked_entry_t *entry,
    const agw_revoked_entry_t *by)
{
    return entry->stamp <= by->stamp && entry->time <= by->time;
}


void
agw_revoked_sweep_slot(agw_revoked_set_t *set, uint32_t n)
{
    uint32_t              account;
    agw_revoked_entry_t  *entry, *by;

    entry = agw_revoked_entry(set, n);

    if (entry->slot.kind == AGW_REVOCATION_PARTNER) {
        agw_revoked_close_account(set, n);
        return;
    }

    if (entry->slot.kind == 0 || entry->stamp > set->floor) {
        return;
    }

    account = entry->owner;

    if (account != 0) {
        by = agw_revoked_entry(set, account);

        if (entry->slot.kind == AGW_REVOCATION_BUSINESS) {
            by->businesses--;

        } else {
            agw_revoked_take_out(set, &by->first, n);
            agw_revoked_set_count_of(set, account, by->count - 1);
        }
    }

    agw_revoked_table_unlink(&set->table, n);

    if (account != 0) {
        agw_revoked_close_account(set, account);
    }
}


/*
 * Entries that are leaving still name their account.  It may be looked at
 * again after it was removed, which ends its place in a ring.
 */

void
agw_revoked_close_account(agw_revoked_set_t *set, uint32_t n)
{
    agw_revoked_entry_t  *entry;

    entry = agw_revoked_entry(set, n);

    if (entry->stamp > set->floor || entry->slot.prev == 0
        || set->leaving != 0)
    {
        return;
    }

    __atomic_store_n(&entry->stamp, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&entry->time, 0, __ATOMIC_SEQ_CST);

    /* a process that died may have held these slots */

    if (entry->count != 0 || entry->businesses != 0
        || (entry->held != 0 && set->writes != 0))
    {
        return;
    }

    agw_revoked_take_out(set, &set->classes[0], n);
    agw_revoked_table_unlink(&set->table, n);

    entry->slot.prev = 0;
}


int
agw_revoked_is_refused(const agw_revocation_t *revocation,
    const agw_revoked_entry_t *by)
{
    return revocation->kind == AGW_REVOCATION_TOKEN && revocation->seq_known
           && revocation->seq < by->stamp;
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

        /* all of its class are larger than half of that */

        if (n == first || entry->count == UINT32_MAX >> (32 - bits)) {
            break;
        }
    }

    return most;
}


/* the cut-off is published before what it replaces is removed */

void
agw_revoked_merge(agw_revoked_set_t *set, uint32_t account)
{
    uint32_t              last;
    agw_revoked_entry_t  *by, *first, *leaving;

    by = agw_revoked_entry(set, account);

    if (by->count == 0) {
        return;
    }

    agw_revoked_raise(set, by, by->high_stamp, by->high_time);

    /* two rings become one */

    if (set->leaving == 0) {
        set->leaving = by->first;

    } else {
        first = agw_revoked_entry(set, by->first);
        leaving = agw_revoked_entry(set, set->leaving);
        last = first->slot.prev;

        agw_revoked_entry(set, leaving->slot.prev)->slot.link = by->first;
        agw_revoked_entry(set, last)->slot.link = set->leaving;
        first->slot.prev = leaving->slot.prev;
        leaving->slot.prev = last;
    }

    set->left += by->count;

    by->first = 0;

    agw_revoked_set_count_of(set, account, 0);
}


void
agw_revoked_absorb(agw_revoked_set_t *set, uint32_t account)
{
    agw_revoked_entry_t  *by;

    by = agw_revoked_entry(set, account);

    if (by->stamp >= by->high_stamp && by->time >= by->high_time) {
        agw_revoked_merge(set, account);
    }
}


/* an entry that was raised after the merge stays */

void
agw_revoked_see_off(agw_revoked_set_t *set, uint32_t some)
{
    uint32_t              n;
    agw_revoked_entry_t  *entry;

    while (some-- != 0 && set->leaving != 0) {
        n = set->leaving;
        entry = agw_revoked_entry(set, n);

        agw_revoked_take_out(set, &set->leaving, n);
        set->left--;

        if (agw_revoked_is_superseded(entry,
                                      agw_revoked_entry(set, entry->owner)))
        {
            agw_revoked_table_unlink(&set->table, n);

        } else {
            agw_revoked_enter(set, n);
        }
    }

    agw_revoked_table_reclaim(&set->table);
}


void
agw_revoked_recount(agw_revoked_set_t *set)
{
    uint32_t              n;
    agw_revoked_entry_t  *entry;

    memset(set->classes, 0, sizeof(set->classes));

    set->counted = 0;
    set->leaving = 0;
    set->left = 0;
    set->writes = 0;
    set->slots = 0;

    for (n = 0; n < AGW_REVOKED_PROCESSES; n++) {
        set->writes += set->seats[n].writes;
        set->slots += set->seats[n].slots;
    }

    for (n = 1; n <= set->table.fresh; n++) {
        entry = agw_revoked_entry(set, n);

        if (entry->slot.kind == AGW_REVOCATION_PARTNER) {
            entry->first = 0;
            entry->count = 0;
            entry->businesses = 0;
            entry->high_stamp = 0;
            entry->high_time = 0;

            agw_revoked_put_in(set, &set->classes[0], n);
        }
    }

    for (n = 1; n <= set->table.fresh; n++) {
        entry = agw_revoked_entry(set, n);

        if (entry->slot.kind != 0) {
            agw_revoked_enter(set, n);
        }

        if (entry->slot.kind != 0 && entry->stamp > set->stamp) {
            __atomic_store_n(&set->stamp, entry->stamp, __ATOMIC_RELAXED);
        }
    }

    set->unswept = set->table.capacity;

    /* an entry that is there, and that nobody was told of */

    agw_revoked_changed(set);
}


static void
agw_revoked_put_in(agw_revoked_set_t *set, uint32_t *first, uint32_t n)
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
agw_revoked_take_out(agw_revoked_set_t *set, uint32_t *first, uint32_t n)
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
agw_revoked_set_count_of(agw_revoked_set_t *set, uint32_t account,
    uint32_t count)
{
    unsigned              before, after;
    agw_revoked_entry_t  *by;

    by = agw_revoked_entry(set, account);

    before = agw_revoked_class(by->count);
    after = agw_revoked_class(count);

    set->counted += count - by->count;
    by->count = count;

    if (count == 0) {
        by->high_stamp = 0;
        by->high_time = 0;
    }

    if (before != after) {
        agw_revoked_take_out(set, &set->classes[before], account);
        agw_revoked_put_in(set, &set->classes[after], account);
    }
}


static unsigned
agw_revoked_class(uint32_t count)
{
    return count == 0 ? 0 : 32 - (unsigned) __builtin_clz(count);
}
