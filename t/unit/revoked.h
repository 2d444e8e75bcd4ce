
/* A set of a test's own, entries for it, and whether its inside is in order. */


#ifndef REVOKED_H_INCLUDED_
#define REVOKED_H_INCLUDED_


#include "unit.h"

#include "agw_revoked_accounts.h"


#define NOW     1700000000
#define AHEAD   60


/* the bytes of a set with room for that many entries */

static inline size_t
set_bytes(size_t entries)
{
    return sizeof(agw_revoked_set_t)
           + entries * (sizeof(agw_revoked_entry_t) + sizeof(uint32_t));
}


/* in memory that was used before */

static inline agw_revoked_set_t *
set_of(size_t entries)
{
    void                  *p;
    size_t                 size;
    static const uint64_t  key[2] = { 3, 4 };

    size = set_bytes(entries);
    p = unit_alloc(size);
    memset(p, 0xa5, size);

    return agw_revoked_set_create(p, size, key);
}


/* id is a jti or a business */

static inline agw_revocation_t
entry_of(agw_revocation_kind_t kind, agw_str_t partner, agw_str_t id,
    int64_t stamp)
{
    agw_revocation_t  entry;

    memset(&entry, 0, sizeof(entry));

    entry.kind = kind;
    entry.partner_id = partner;
    entry.stamp = stamp;
    entry.time = NOW;

    if (kind == AGW_REVOCATION_TOKEN) {
        entry.jti = id;

    } else if (kind != AGW_REVOCATION_PARTNER) {
        entry.business_id = id;
    }

    return entry;
}


static inline agw_revoked_result_t
add(agw_revoked_set_t *set, agw_revocation_kind_t kind, agw_str_t partner,
    agw_str_t id, int64_t stamp)
{
    agw_revocation_t  entry;

    entry = entry_of(kind, partner, id, stamp);

    return agw_revoked_set_add(set, &entry);
}


static inline agw_revoked_result_t
reserve(agw_revoked_set_t *set, agw_revocation_kind_t kind, agw_str_t partner,
    unsigned process)
{
    agw_revocation_t  entry;

    entry = entry_of(kind, partner, S("x"), 0);

    return agw_revoked_set_reserve(set, &entry, process);
}


static inline void
release(agw_revoked_set_t *set, agw_revocation_kind_t kind, agw_str_t partner,
    unsigned process)
{
    agw_revocation_t  entry;

    entry = entry_of(kind, partner, S("x"), 0);

    agw_revoked_set_release(set, &entry, process);
}


/* the result of a look-up of a token with a seq */

static inline agw_revoked_lookup_t
lookup(const agw_revoked_set_t *set, agw_str_t partner, agw_str_t business,
    agw_str_t jti, int64_t seq)
{
    uint64_t             generation;
    agw_revoked_token_t  token;

    token.partner_id = partner;
    token.business_id = business;
    token.jti = jti;
    token.seq = seq;
    token.iat = NOW;
    token.ahead = AHEAD;

    return agw_revoked_set_lookup(set, &token, &generation);
}


/* and of one without */

static inline agw_revoked_lookup_t
lookup_iat(const agw_revoked_set_t *set, agw_str_t partner, agw_str_t business,
    agw_str_t jti, int64_t iat)
{
    uint64_t             generation;
    agw_revoked_token_t  token;

    token.partner_id = partner;
    token.business_id = business;
    token.jti = jti;
    token.seq = -1;
    token.iat = iat;
    token.ahead = AHEAD;

    return agw_revoked_set_lookup(set, &token, &generation);
}


/* sweeps until there is nothing more to look at */

static inline void
sweep(agw_revoked_set_t *set)
{
    while (agw_revoked_set_sweep(set)) {
        /* void */
    }
}


/* "t<n>" in a block of its own */

static inline agw_str_t
numbered(unsigned n)
{
    return unit_format("t%u", n);
}


static inline agw_revoked_entry_t *
account_of(const agw_revoked_set_t *set, agw_str_t partner)
{
    uint32_t  n;

    n = agw_revoked_account_find(set, partner);

    return n == 0 ? NULL : agw_revoked_entry(set, n);
}


/* how many are in a ring, of which each is of that owner */

static inline uint32_t
ring_count(const agw_revoked_set_t *set, uint32_t first, uint32_t owner)
{
    uint32_t              n, count;
    agw_revoked_entry_t  *entry, *next;

    if (first == 0) {
        return 0;
    }

    n = first;
    count = 0;

    do {
        assert_in_range(n, 1, set->table.high_water);

        entry = agw_revoked_entry(set, n);
        next = agw_revoked_entry(set, entry->slot.link);

        assert_int_equal(next->slot.prev, n);
        assert_true(entry->slot.kind != 0);
        assert_true(owner == 0 || entry->account == owner);

        n = entry->slot.link;
        count++;

        assert_in_range(count, 1, set->table.high_water);

    } while (n != first);

    return count;
}


/* slots that are linked, each in the chain of its id, and none twice */

static inline uint32_t
linked_count(const agw_revoked_set_t *set)
{
    uint32_t                    i, n, count, *heads;
    const agw_revoked_table_t  *table;

    table = &set->table;
    heads = agw_revoked_slot(table, table->capacity + 1);
    count = 0;

    for (i = 0; i < table->heads; i++) {
        for (n = heads[i]; n != 0; n = agw_revoked_entry(set, n)->slot.next) {
            assert_in_range(n, 1, table->high_water);
            assert_in_range(agw_revoked_entry(set, n)->slot.kind,
                AGW_REVOCATION_TOKEN, AGW_REVOCATION_PARTNER);
            assert_int_equal(agw_revoked_entry(set, n)->slot.hash
                & (table->heads - 1), i);
            assert_in_range(++count, 1, table->high_water);
        }
    }

    return count;
}


/* an account, whose list and counts are what the slots say */

static inline void
account_is_in_order(const agw_revoked_set_t *set, uint32_t account)
{
    uint32_t              n, businesses;
    agw_revoked_entry_t  *by, *entry;

    by = agw_revoked_entry(set, account);
    businesses = 0;

    assert_int_equal(ring_count(set, by->first, account), by->count);

    for (n = 1; n <= set->table.high_water; n++) {
        entry = agw_revoked_entry(set, n);

        if (entry->slot.kind == AGW_REVOCATION_BUSINESS
            && entry->account == account)
        {
            businesses++;
        }
    }

    assert_int_equal(by->businesses, businesses);

    n = by->first;

    while (n != 0) {
        entry = agw_revoked_entry(set, n);
        assert_true(entry->stamp <= by->high_stamp);
        assert_true(entry->time <= by->high_time);

        n = entry->slot.link == by->first ? 0 : entry->slot.link;
    }
}


/* what is reserved is what all processes reserved, and is free */

static inline void
reserved_is_in_order(const agw_revoked_set_t *set)
{
    uint32_t  n, writes, slots;

    writes = 0;
    slots = 0;

    for (n = 0; n < AGW_REVOKED_PROCESSES; n++) {
        writes += set->reserved[n].writes;
        slots += set->reserved[n].slots;
    }

    assert_int_equal(set->reserved_writes, writes);
    assert_int_equal(set->reserved_slots, slots);
    assert_true(set->reserved_slots <= set->table.free_count);
}


/* how many accounts have a count of that many bits */

static inline uint32_t
class_count(const agw_revoked_set_t *set, unsigned bits)
{
    uint32_t              n;
    agw_revoked_entry_t  *entry;

    n = set->classes[bits];

    while (n != 0) {
        entry = agw_revoked_entry(set, n);

        assert_int_equal(entry->slot.kind, AGW_REVOCATION_PARTNER);
        assert_int_equal((uint64_t) entry->count >> bits, 0);
        assert_true(bits == 0 || entry->count >> (bits - 1) == 1);

        n = entry->slot.link == set->classes[bits] ? 0 : entry->slot.link;
    }

    return ring_count(set, set->classes[bits], 0);
}


/* nobody changes it, and all that is counted twice agrees */

static inline void
is_in_order(const agw_revoked_set_t *set)
{
    uint32_t                    i, n, linked, spare, listed, accounts, more;
    agw_revoked_entry_t        *entry;
    const agw_revoked_table_t  *table;

    table = &set->table;

    assert_int_equal(table->changing, 0);
    assert_int_equal(table->unlinked_list, 0);
    assert_int_equal(agw_revoked_set_is_unswept(set),
        set->merged != 0 || set->unswept != 0);

    spare = table->capacity - table->high_water;

    for (n = table->free_list; n != 0;
         n = agw_revoked_entry(set, n)->slot.link)
    {
        assert_int_equal(agw_revoked_entry(set, n)->slot.kind, 0);
        assert_in_range(++spare, 1, table->capacity);
    }

    linked = linked_count(set);

    assert_int_equal(spare, table->free_count);
    assert_int_equal(linked + spare, table->capacity);

    listed = 0;
    accounts = 0;
    more = 0;

    for (i = 0; i < AGW_REVOKED_CLASSES; i++) {
        accounts += class_count(set, i);
    }

    for (n = 1; n <= table->high_water; n++) {
        entry = agw_revoked_entry(set, n);

        if (entry->slot.kind == AGW_REVOCATION_PARTNER) {
            account_is_in_order(set, n);
            listed += entry->count;
            accounts--;

        } else if (entry->slot.kind == AGW_REVOCATION_TOKEN
                   || entry->slot.kind == AGW_REVOCATION_OWNER)
        {
            assert_int_equal(agw_revoked_entry(set, entry->account)->slot.kind,
                AGW_REVOCATION_PARTNER);
            more++;
        }
    }

    assert_int_equal(accounts, 0);
    assert_int_equal(listed, set->mergeable);
    assert_int_equal(ring_count(set, set->merged, 0), set->merged_count);
    assert_int_equal(listed + set->merged_count, more);

    reserved_is_in_order(set);
}


static inline void
none_is_there_twice(const agw_revoked_set_t *set)
{
    uint32_t              n, k;
    agw_revoked_entry_t  *a, *b;

    for (n = 1; n <= set->table.high_water; n++) {
        a = agw_revoked_entry(set, n);

        if (a->slot.kind == 0) {
            continue;
        }

        for (k = 1; k < n; k++) {
            b = agw_revoked_entry(set, k);

            assert_false(a->slot.kind == b->slot.kind
                && a->slot.hash == b->slot.hash
                && a->slot.rest == b->slot.rest);
        }
    }
}


#endif /* REVOKED_H_INCLUDED_ */
