
/*
 * Readers see an entry before they see the generation change, and the cut-off
 * that replaces an entry before the entry is removed.
 */


#include "agw_revoked_accounts.h"


#define AGW_REVOKED_MAGIC     0x61677773       /* "agws" */
#define AGW_REVOKED_LAYOUT    2

#define AGW_REVOKED_TRIES     8

/* entries whose memory is loaded while others are added */

#define AGW_REVOKED_AHEAD     16

/* slots that are swept at a time */

#define AGW_REVOKED_SWEEP     4096


static agw_revoked_result_t agw_revoked_add_ahead(agw_revoked_set_t *set,
    const agw_revocation_t *revocations, size_t n);
static agw_revoked_result_t agw_revoked_add_one(agw_revoked_set_t *set,
    const agw_revocation_t *revocation, agw_hash_t id, agw_hash_t partner);
static int agw_revoked_is_covered(const agw_revocation_t *revocation,
    const agw_revoked_entry_t *partner);
static agw_revoked_result_t agw_revoked_add_new(agw_revoked_set_t *set,
    const agw_revocation_t *revocation, uint32_t account, agw_hash_t id);
static void agw_revoked_insert(agw_revoked_set_t *set,
    const agw_revocation_t *revocation, uint32_t account, agw_hash_t id);
static uint32_t agw_revoked_time(int64_t time);
static int agw_revoked_refuses(const agw_revoked_set_t *set,
    agw_revocation_kind_t kind, agw_hash_t id,
    const agw_revoked_token_t *token);


size_t
agw_revoked_set_capacity(size_t size)
{
    if (size < sizeof(agw_revoked_set_t)) {
        return 0;
    }

    return agw_revoked_table_capacity(size - sizeof(agw_revoked_set_t),
                                      sizeof(agw_revoked_entry_t));
}


agw_revoked_set_t *
agw_revoked_set_create(void *p, size_t size, const uint64_t key[2])
{
    agw_revoked_set_t  *set = p;

    memset(set, 0, sizeof(agw_revoked_set_t));

    set->bytes = size;
    set->key[0] = key[0];
    set->key[1] = key[1];
    set->generation = 1;
    set->layout = AGW_REVOKED_LAYOUT;

    agw_revoked_table_init(&set->table, set + 1, sizeof(agw_revoked_entry_t),
                           agw_revoked_set_capacity(size));

    __atomic_store_n(&set->magic, AGW_REVOKED_MAGIC, __ATOMIC_RELEASE);

    return set;
}


int
agw_revoked_set_is_valid(const void *p, size_t size)
{
    const agw_revoked_set_t  *set = p;

    return set->magic == AGW_REVOKED_MAGIC
           && set->layout == AGW_REVOKED_LAYOUT
           && set->bytes == size
           && set->table.slot_size == sizeof(agw_revoked_entry_t)
           && set->table.capacity == agw_revoked_set_capacity(size);
}


agw_revoked_result_t
agw_revoked_set_add(agw_revoked_set_t *set,
    const agw_revocation_t *revocation)
{
    return agw_revoked_set_add_some(set, revocation, 1);
}


agw_revoked_result_t
agw_revoked_set_add_some(agw_revoked_set_t *set,
    const agw_revocation_t *revocations, size_t n)
{
    size_t                some;
    agw_revoked_result_t  result;

    result = AGW_REVOKED_SET_OK;

    agw_revoked_write_begin(set);

    while (n != 0) {
        some = n < AGW_REVOKED_AHEAD ? n : AGW_REVOKED_AHEAD;

        if (agw_revoked_add_ahead(set, revocations, some)
            != AGW_REVOKED_SET_OK)
        {
            result = AGW_REVOKED_SET_FULL;
        }

        revocations += some;
        n -= some;
    }

    agw_revoked_write_end(set);

    return result;
}


void
agw_revoked_set_raise_floor(agw_revoked_set_t *set, int64_t floor)
{
    agw_revoked_write_begin(set);

    if (floor > set->floor) {
        __atomic_store_n(&set->floor, floor, __ATOMIC_SEQ_CST);
        agw_revoked_next_generation(set);
        agw_revoked_set_raise_stamp(set, floor);

        set->unswept = set->table.capacity;
    }

    agw_revoked_write_end(set);
}


void
agw_revoked_set_raise_stamp(agw_revoked_set_t *set, int64_t stamp)
{
    if (stamp > set->stamp) {
        __atomic_store_n(&set->stamp, stamp, __ATOMIC_RELAXED);
    }
}


/* slots that were never used are skipped at once */

int
agw_revoked_set_sweep(agw_revoked_set_t *set)
{
    uint32_t  i, rest;

    agw_revoked_write_begin(set);

    agw_revoked_remove_merged(set, AGW_REVOKED_SWEEP);

    for (i = 0; i < AGW_REVOKED_SWEEP && set->merged == 0; i++) {

        if (set->swept == set->table.high_water) {
            rest = set->table.capacity - set->swept;
            set->unswept -= rest < set->unswept ? rest : set->unswept;
            set->swept = 0;
        }

        if (set->unswept == 0) {
            break;
        }

        set->unswept--;

        agw_revoked_sweep_slot(set, ++set->swept);
    }

    agw_revoked_table_reclaim(&set->table);

    agw_revoked_write_end(set);

    return (int) set->to_sweep;
}


int
agw_revoked_set_is_unswept(const agw_revoked_set_t *set)
{
    return (int) __atomic_load_n(&set->to_sweep, __ATOMIC_RELAXED);
}


size_t
agw_revoked_set_count(const agw_revoked_set_t *set)
{
    return set->table.capacity
           - __atomic_load_n(&set->table.free_count, __ATOMIC_RELAXED);
}


size_t
agw_revoked_set_size(const agw_revoked_set_t *set)
{
    return set->table.capacity;
}


int64_t
agw_revoked_set_stamp(const agw_revoked_set_t *set)
{
    return __atomic_load_n(&set->stamp, __ATOMIC_RELAXED);
}


int64_t
agw_revoked_set_floor(const agw_revoked_set_t *set)
{
    return __atomic_load_n(&set->floor, __ATOMIC_ACQUIRE);
}


uint64_t
agw_revoked_set_generation(const agw_revoked_set_t *set)
{
    return __atomic_load_n(&set->generation, __ATOMIC_ACQUIRE);
}


/*
 * An entry is removed only after the floor, or its partner's cut-off, has been
 * raised above it.  So these two are read last: they refuse what a removed
 * entry has refused.
 */

agw_revoked_lookup_t
agw_revoked_set_lookup(const agw_revoked_set_t *set,
    const agw_revoked_token_t *token, uint64_t *generation)
{
    int         revoked;
    unsigned    i;
    int64_t     floor;
    uint64_t    before;
    agw_hash_t  id, owner, business, partner;

    id = agw_revoked_pair(set, token->partner_id, token->jti);
    partner = agw_siphash(set->key, token->partner_id);

    if (token->business_id.len) {
        owner = agw_revoked_pair(set, token->partner_id, token->business_id);
        business = agw_siphash(set->key, token->business_id);
    }

    /* read before the look-up: a change in between is found the next time */

    *generation = agw_revoked_set_generation(set);

    for (i = 0; i < AGW_REVOKED_TRIES; i++) {
        before = agw_revoked_table_read_begin(&set->table);

        revoked = agw_revoked_table_find(&set->table, AGW_REVOCATION_TOKEN, id)
                  != 0;

        if (token->business_id.len) {
            revoked |= agw_revoked_refuses(set, AGW_REVOCATION_OWNER, owner,
                                           token)
                       | agw_revoked_refuses(set, AGW_REVOCATION_BUSINESS,
                                             business, token);
        }

        revoked |= agw_revoked_refuses(set, AGW_REVOCATION_PARTNER, partner,
                                       token);

        floor = __atomic_load_n(&set->floor, __ATOMIC_ACQUIRE);

        if (!agw_revoked_table_read_is_valid(&set->table, before)) {
            continue;
        }

        if (token->seq >= 0 && token->seq < floor) {
            return AGW_LOOKUP_BELOW_FLOOR;
        }

        return revoked ? AGW_LOOKUP_REVOKED : AGW_LOOKUP_NOT_REVOKED;
    }

    return AGW_LOOKUP_RETRY_LOCKED;
}


/*
 * An entry's place in a large set is in no cache of the processor: those of
 * several entries are loaded at the same time.
 */

static agw_revoked_result_t
agw_revoked_add_ahead(agw_revoked_set_t *set,
    const agw_revocation_t *revocations, size_t n)
{
    size_t                i;
    agw_hash_t            id[AGW_REVOKED_AHEAD], partner[AGW_REVOKED_AHEAD];
    agw_revoked_result_t  result;

    for (i = 0; i < n; i++) {
        id[i] = agw_revoked_id(set, &revocations[i]);
        partner[i] = agw_siphash(set->key, revocations[i].partner_id);

        agw_revoked_table_prefetch(&set->table, id[i]);
        agw_revoked_table_prefetch(&set->table, partner[i]);
    }

    for (i = 0; i < n; i++) {
        agw_revoked_table_prefetch_slot(&set->table, id[i]);
        agw_revoked_table_prefetch_slot(&set->table, partner[i]);
    }

    result = AGW_REVOKED_SET_OK;

    for (i = 0; i < n; i++) {
        if (agw_revoked_add_one(set, &revocations[i], id[i], partner[i])
            != AGW_REVOKED_SET_OK)
        {
            result = AGW_REVOKED_SET_FULL;
        }
    }

    return result;
}


static agw_revoked_result_t
agw_revoked_add_one(agw_revoked_set_t *set,
    const agw_revocation_t *revocation, agw_hash_t id, agw_hash_t partner)
{
    uint32_t              n, account, time;
    agw_revoked_entry_t  *entry;
    agw_revoked_result_t  result;

    time = agw_revoked_time(revocation->time);
    result = AGW_REVOKED_SET_OK;

    account = revocation->partner_id.len == 0
              ? 0 : agw_revoked_table_find(&set->table, AGW_REVOCATION_PARTNER,
                                           partner);

    n = agw_revoked_table_find(&set->table, revocation->kind, id);

    if (account != 0
        && agw_revoked_is_covered(revocation,
                                  agw_revoked_entry(set, account)))
    {
        /* it would refuse nothing more */

    } else if (n == 0) {
        result = agw_revoked_add_new(set, revocation, account, id);

    } else {
        entry = agw_revoked_entry(set, n);

        agw_revoked_raise(set, entry, revocation->stamp, time);

        if (n == account) {
            agw_revoked_merge_covered(set, account);

        } else if (account != 0
                   && revocation->kind != AGW_REVOCATION_BUSINESS)
        {
            agw_revoked_account_raise(agw_revoked_entry(set, account),
                                      revocation->stamp, time);

        } else if (account != 0 && entry->account == 0) {
            entry->account = account;
            agw_revoked_account_add(set, n);
        }
    }

    if (result == AGW_REVOKED_SET_OK) {
        agw_revoked_set_raise_stamp(set, revocation->stamp);
    }

    return result;
}


/* whether the cut-off of its partner refuses all that this entry would */

static int
agw_revoked_is_covered(const agw_revocation_t *revocation,
    const agw_revoked_entry_t *partner)
{
    if (revocation->kind != AGW_REVOCATION_TOKEN
        && revocation->kind != AGW_REVOCATION_OWNER)
    {
        return 0;
    }

    return agw_revoked_is_refused(revocation, partner)
           || (revocation->stamp <= partner->stamp
               && agw_revoked_time(revocation->time) <= partner->time);
}


/* a cut-off of a partner cannot stand in for an entry of a business */

static agw_revoked_result_t
agw_revoked_add_new(agw_revoked_set_t *set,
    const agw_revocation_t *revocation, uint32_t account, agw_hash_t id)
{
    int       business, open;
    uint32_t  needed;

    business = (revocation->kind == AGW_REVOCATION_BUSINESS);
    open = (account == 0 && revocation->partner_id.len != 0);
    needed = (uint32_t) (business + open);

    if (agw_revoked_make_room(set, needed) != AGW_REVOKED_SET_OK) {
        return AGW_REVOKED_SET_FULL;
    }

    if (open) {
        account = agw_revoked_account_open(set,
                          agw_siphash(set->key, revocation->partner_id));
    }

    if (business
        || (revocation->kind != AGW_REVOCATION_PARTNER
            && agw_revoked_make_room(set, 1) == AGW_REVOKED_SET_OK))
    {
        agw_revoked_insert(set, revocation, account, id);

    } else {
        agw_revoked_raise(set, agw_revoked_entry(set, account),
                          revocation->stamp,
                          agw_revoked_time(revocation->time));
    }

    if (account != 0
        && agw_revoked_entry(set, account)->count
           > set->table.capacity / AGW_REVOKED_SHARE)
    {
        agw_revoked_merge(set, account);
    }

    return AGW_REVOKED_SET_OK;
}


static void
agw_revoked_insert(agw_revoked_set_t *set,
    const agw_revocation_t *revocation, uint32_t account, agw_hash_t id)
{
    uint32_t              n;
    agw_revoked_entry_t  *entry;

    n = agw_revoked_table_alloc(&set->table);
    entry = agw_revoked_entry(set, n);

    __atomic_store_n(&entry->stamp, revocation->stamp, __ATOMIC_RELAXED);
    __atomic_store_n(&entry->time, agw_revoked_time(revocation->time),
                     __ATOMIC_RELAXED);
    entry->account = account;

    agw_revoked_table_link(&set->table, n, revocation->kind, id);
    agw_revoked_next_generation(set);
    agw_revoked_account_add(set, n);
}


static uint32_t
agw_revoked_time(int64_t time)
{
    if (time < 0) {
        return 0;
    }

    return time > UINT32_MAX ? UINT32_MAX : (uint32_t) time;
}


/* an entry of that time, which is cut to what fits, refuses all before it */

static int
agw_revoked_refuses(const agw_revoked_set_t *set, agw_revocation_kind_t kind,
    agw_hash_t id, const agw_revoked_token_t *token)
{
    int64_t                     stamp, time;
    uint32_t                    n;
    const agw_revoked_entry_t  *entry;

    n = agw_revoked_table_find(&set->table, kind, id);

    if (n == 0) {
        return 0;
    }

    entry = agw_revoked_entry(set, n);
    stamp = __atomic_load_n(&entry->stamp, __ATOMIC_ACQUIRE);

    if (token->seq >= 0) {
        return token->seq < stamp;
    }

    time = __atomic_load_n(&entry->time, __ATOMIC_ACQUIRE);

    return stamp != 0 && (token->iat <= time + token->ahead
                          || time == UINT32_MAX);
}
