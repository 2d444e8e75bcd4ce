
/*
 * What the table means: entries by what they refuse, and a share for each
 * partner.
 */


#include "agw_slots.h"


#define AGW_INDEX_MAGIC     0x61677769       /* "agwi" */
#define AGW_INDEX_LAYOUT    1

#define AGW_INDEX_TRIES     8

/*
 * Of the entries, what no token may take: a cut-off finds room where tokens
 * fill the rest, and then makes some, of the tokens that it covers.
 */

#define AGW_INDEX_RESERVE   16

/* and what one partner's tokens may take */

#define AGW_INDEX_SHARE     4


static agw_hash_t agw_index_id(const agw_index_t *index,
    const agw_revocation_t *revocation);
static agw_index_result_t agw_index_room(const agw_index_t *index,
    const agw_revocation_t *revocation);
static int agw_index_is_absorbed(const agw_index_t *index,
    const agw_revocation_t *revocation);
static int agw_index_is_covered(const agw_index_t *index,
    const agw_revocation_t *revocation, agw_revoked_t kind, agw_str_t id);
static void agw_index_make_room(agw_index_t *index, int64_t now);
static int agw_index_share_spent(const agw_index_t *index,
    agw_str_t partner_id);
static void agw_index_insert(agw_index_t *index,
    const agw_revocation_t *revocation, agw_hash_t id);
static uint32_t agw_index_tally(agw_index_t *index, agw_str_t partner_id);
static int64_t agw_index_cutoff_of(const agw_index_t *index,
    agw_revoked_t kind, agw_str_t id);
static agw_hash_t agw_index_token_id(const agw_index_t *index,
    agw_str_t partner_id, agw_str_t jti);


size_t
agw_index_capacity(size_t size)
{
    size_t  n;

    if (size < sizeof(agw_index_t)) {
        return 0;
    }

    size -= sizeof(agw_index_t);

    /* heads are at most as many as slots */

    n = size / (sizeof(agw_slot_t) + sizeof(uint32_t));

    return n > UINT32_MAX / 2 ? UINT32_MAX / 2 : n;
}


agw_index_t *
agw_index_create(void *p, size_t size, const uint64_t key[2])
{
    agw_index_t  *index = p;

    memset(index, 0, sizeof(agw_index_t));

    index->bytes = size;
    index->key[0] = key[0];
    index->key[1] = key[1];
    index->capacity = (uint32_t) agw_index_capacity(size);
    index->heads = agw_slots_heads(index->capacity);
    index->generation = 1;
    index->layout = AGW_INDEX_LAYOUT;

    agw_slots_clear(index);

    __atomic_store_n(&index->magic, AGW_INDEX_MAGIC, __ATOMIC_RELEASE);

    return index;
}


int
agw_index_is_valid(const void *p, size_t size)
{
    const agw_index_t  *index = p;

    return index->magic == AGW_INDEX_MAGIC
           && index->layout == AGW_INDEX_LAYOUT
           && index->bytes == size
           && index->capacity == agw_index_capacity(size)
           && index->heads == agw_slots_heads(index->capacity);
}


agw_index_result_t
agw_index_admits(agw_index_t *index, const agw_revocation_t *revocation,
    int64_t now)
{
    agw_index_result_t  result;

    if (agw_slots_find(index, revocation->kind,
                       agw_index_id(index, revocation)) != 0)
    {
        return AGW_INDEX_OK;
    }

    result = agw_index_room(index, revocation);

    if (result != AGW_INDEX_OK) {
        agw_slots_begin(index);
        agw_index_make_room(index, now);
        agw_slots_end(index);

        result = agw_index_room(index, revocation);
    }

    if (result != AGW_INDEX_OK
        || revocation->kind != AGW_REVOKED_TOKEN)
    {
        return result;
    }

    if (!agw_index_share_spent(index, revocation->partner_id)) {
        return AGW_INDEX_OK;
    }

    agw_slots_begin(index);
    agw_index_make_room(index, now);
    agw_slots_end(index);

    return agw_index_share_spent(index, revocation->partner_id)
           ? AGW_INDEX_SHARE_SPENT : AGW_INDEX_OK;
}


agw_index_result_t
agw_index_add(agw_index_t *index, const agw_revocation_t *revocation,
    int64_t now)
{
    uint32_t             n;
    agw_hash_t           id;
    agw_slot_t          *slot;
    agw_index_result_t   result;

    id = agw_index_id(index, revocation);

    agw_slots_begin(index);

    result = AGW_INDEX_OK;
    n = agw_slots_find(index, revocation->kind, id);

    if (n == 0 && agw_index_is_absorbed(index, revocation)) {
        result = AGW_INDEX_OK;

    } else if (n == 0) {
        result = agw_index_room(index, revocation);

        if (result != AGW_INDEX_OK) {
            agw_index_make_room(index, now);
            result = agw_index_room(index, revocation);
        }

        if (result == AGW_INDEX_OK) {
            agw_index_insert(index, revocation, id);
        }

    } else {
        slot = agw_slot(index, n);

        if (revocation->cutoff > slot->cutoff) {
            __atomic_store_n(&slot->cutoff, revocation->cutoff,
                             __ATOMIC_SEQ_CST);
            __atomic_add_fetch(&index->generation, 1, __ATOMIC_SEQ_CST);
        }

        if (revocation->expires_at > slot->expires_at) {
            slot->expires_at = revocation->expires_at;
        }
    }

    if (revocation->kind != AGW_REVOKED_TOKEN) {
        index->swept = 0;            /* it may cover tokens */
    }

    agw_slots_end(index);

    return result;
}


void
agw_index_purge(agw_index_t *index, int64_t now)
{
    agw_slots_begin(index);
    agw_slots_sweep(index, now);
    index->swept = now;
    agw_slots_end(index);
}


/* whether a cut-off that is there refuses that token, for as long */

static int
agw_index_is_absorbed(const agw_index_t *index,
    const agw_revocation_t *revocation)
{
    return revocation->kind == AGW_REVOKED_TOKEN && revocation->cutoff != 0
           && (agw_index_is_covered(index, revocation, AGW_REVOKED_PARTNER,
                                    revocation->partner_id)
               || agw_index_is_covered(index, revocation,
                                       AGW_REVOKED_BUSINESS,
                                       revocation->business_id));
}


static int
agw_index_is_covered(const agw_index_t *index,
    const agw_revocation_t *revocation, agw_revoked_t kind, agw_str_t id)
{
    uint32_t           n;
    const agw_slot_t  *by;

    n = id.len ? agw_slots_find(index, kind, agw_siphash(index->key, id)) : 0;

    if (n == 0) {
        return 0;
    }

    by = agw_slot(index, n);

    return revocation->cutoff <= by->cutoff
           && revocation->expires_at <= by->expires_at;
}


/* a look at everything, and so not twice in a second for nothing */

static void
agw_index_make_room(agw_index_t *index, int64_t now)
{
    if (index->swept != now) {
        agw_slots_sweep(index, now);
        index->swept = now;
    }
}


static int
agw_index_share_spent(const agw_index_t *index, agw_str_t partner_id)
{
    uint32_t  n;

    n = agw_slots_find(index, AGW_SLOT_TALLY,
                       agw_siphash(index->key, partner_id));

    return n != 0 && agw_slot(index, n)->tokens
                     >= index->capacity / AGW_INDEX_SHARE;
}


size_t
agw_index_count(const agw_index_t *index)
{
    return index->capacity - __atomic_load_n(&index->spare, __ATOMIC_RELAXED);
}


size_t
agw_index_size(const agw_index_t *index)
{
    return index->capacity;
}


uint64_t
agw_index_generation(const agw_index_t *index)
{
    return __atomic_load_n(&index->generation, __ATOMIC_ACQUIRE);
}


int
agw_index_refuses(const agw_index_t *index, const agw_index_token_t *token)
{
    int         refused;
    unsigned    i;
    uint64_t    purges;
    agw_hash_t  id;

    id = agw_index_token_id(index, token->partner_id, token->jti);

    for (i = 0; i < AGW_INDEX_TRIES; i++) {
        purges = __atomic_load_n(&index->purges, __ATOMIC_ACQUIRE);

        refused = agw_slots_find(index, AGW_REVOKED_TOKEN, id) != 0
                  || token->iat <= agw_index_cutoff_of(index,
                                       AGW_REVOKED_PARTNER, token->partner_id)
                  || token->iat <= agw_index_cutoff_of(index,
                                       AGW_REVOKED_BUSINESS,
                                       token->business_id);

        __atomic_thread_fence(__ATOMIC_SEQ_CST);

        if (__atomic_load_n(&index->purges, __ATOMIC_ACQUIRE) == purges) {
            return refused;
        }
    }

    return -1;
}


int
agw_index_cutoff(const agw_index_t *index, agw_str_t partner_id,
    agw_str_t business_id, int64_t *cutoff)
{
    int64_t   partner, business;
    unsigned  i;
    uint64_t  purges;

    for (i = 0; i < AGW_INDEX_TRIES; i++) {
        purges = __atomic_load_n(&index->purges, __ATOMIC_ACQUIRE);

        partner = agw_index_cutoff_of(index, AGW_REVOKED_PARTNER, partner_id);
        business = agw_index_cutoff_of(index, AGW_REVOKED_BUSINESS,
                                       business_id);

        __atomic_thread_fence(__ATOMIC_SEQ_CST);

        if (__atomic_load_n(&index->purges, __ATOMIC_ACQUIRE) == purges) {
            *cutoff = partner > business ? partner : business;
            return 0;
        }
    }

    return -1;
}


static agw_hash_t
agw_index_id(const agw_index_t *index, const agw_revocation_t *revocation)
{
    switch (revocation->kind) {

    case AGW_REVOKED_TOKEN:
        return agw_index_token_id(index, revocation->partner_id,
                                  revocation->jti);

    case AGW_REVOKED_BUSINESS:
        return agw_siphash(index->key, revocation->business_id);

    default:
        return agw_siphash(index->key, revocation->partner_id);
    }
}


/* a partner's first token takes two slots, and tokens leave some */

static agw_index_result_t
agw_index_room(const agw_index_t *index, const agw_revocation_t *revocation)
{
    uint32_t  needed;

    needed = 1;

    if (revocation->kind == AGW_REVOKED_TOKEN) {
        needed += index->capacity / AGW_INDEX_RESERVE;

        if (agw_slots_find(index, AGW_SLOT_TALLY,
                           agw_siphash(index->key, revocation->partner_id))
            == 0)
        {
            needed++;
        }
    }

    return agw_slots_room(index) < needed ? AGW_INDEX_FULL : AGW_INDEX_OK;
}


/* there is room */

static void
agw_index_insert(agw_index_t *index, const agw_revocation_t *revocation,
    agw_hash_t id)
{
    uint32_t     n, tally;
    agw_slot_t  *slot;

    tally = 0;

    if (revocation->kind == AGW_REVOKED_TOKEN) {
        tally = agw_index_tally(index, revocation->partner_id);
    }

    n = agw_slots_take(index);
    slot = agw_slot(index, n);

    slot->kind = revocation->kind;
    slot->id = id;
    slot->cutoff = revocation->cutoff;
    slot->expires_at = revocation->expires_at;
    slot->tally = tally;

    if (tally != 0) {
        agw_slot(index, tally)->tokens++;

        if (revocation->business_id.len) {
            slot->business = agw_siphash(index->key,
                                         revocation->business_id);
        }
    }

    agw_slots_link(index, n);

    __atomic_add_fetch(&index->generation, 1, __ATOMIC_SEQ_CST);
}


/* the slot that counts a partner's tokens, a new one where there is none */

static uint32_t
agw_index_tally(agw_index_t *index, agw_str_t partner_id)
{
    uint32_t     n;
    agw_hash_t   id;
    agw_slot_t  *slot;

    id = agw_siphash(index->key, partner_id);
    n = agw_slots_find(index, AGW_SLOT_TALLY, id);

    if (n != 0) {
        return n;
    }

    n = agw_slots_take(index);
    slot = agw_slot(index, n);

    slot->kind = AGW_SLOT_TALLY;
    slot->id = id;

    agw_slots_link(index, n);

    return n;
}


/* -1 where there is none, or no id */

static int64_t
agw_index_cutoff_of(const agw_index_t *index, agw_revoked_t kind,
    agw_str_t id)
{
    uint32_t  n;

    n = id.len ? agw_slots_find(index, kind, agw_siphash(index->key, id)) : 0;

    if (n == 0) {
        return -1;
    }

    return __atomic_load_n(&agw_slot(index, n)->cutoff,
                           __ATOMIC_ACQUIRE);
}


/* no id has a colon in it */

static agw_hash_t
agw_index_token_id(const agw_index_t *index, agw_str_t partner_id,
    agw_str_t jti)
{
    agw_str_t       id;
    unsigned char   buf[2 * AGW_ID_MAX + 1];

    id.data = buf;
    id.len = 0;

    if (partner_id.len <= AGW_ID_MAX && jti.len <= AGW_ID_MAX) {
        memcpy(buf, partner_id.data, partner_id.len);
        buf[partner_id.len] = ':';
        memcpy(buf + partner_id.len + 1, jti.data, jti.len);

        id.len = partner_id.len + 1 + jti.len;
    }

    return agw_siphash(index->key, id);
}


