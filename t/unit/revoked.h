
/* An index of a test's own, and entries for it. */


#ifndef INDEX_H_INCLUDED_
#define INDEX_H_INCLUDED_


#include "unit.h"

#include "agw_slots.h"


#define NOW   1700000000
#define LATER (NOW + 3600)


/* the bytes of an index with room for that many entries */

static inline size_t
index_bytes(size_t entries)
{
    return sizeof(agw_index_t)
           + entries * (sizeof(agw_slot_t) + sizeof(uint32_t));
}


static inline agw_index_t *
index_of(size_t entries)
{
    size_t                 size;
    static const uint64_t  key[2] = { 3, 4 };

    size = index_bytes(entries);

    return agw_index_create(unit_alloc(size), size, key);
}


static inline agw_revocation_t
token_entry(agw_str_t partner, agw_str_t business, agw_str_t jti,
    int64_t iat, int64_t expires_at)
{
    agw_revocation_t  entry;

    memset(&entry, 0, sizeof(entry));

    entry.kind = AGW_REVOKED_TOKEN;
    entry.partner_id = partner;
    entry.business_id = business;
    entry.jti = jti;
    entry.cutoff = iat;
    entry.expires_at = expires_at;

    return entry;
}


static inline agw_revocation_t
cutoff_entry(agw_revoked_t kind, agw_str_t id, int64_t cutoff,
    int64_t expires_at)
{
    agw_revocation_t  entry;

    memset(&entry, 0, sizeof(entry));

    entry.kind = kind;
    entry.cutoff = cutoff;
    entry.expires_at = expires_at;

    if (kind == AGW_REVOKED_BUSINESS) {
        entry.business_id = id;

    } else {
        entry.partner_id = id;
    }

    return entry;
}


static inline agw_index_result_t
add_token(agw_index_t *index, agw_str_t partner, agw_str_t business,
    agw_str_t jti, int64_t iat)
{
    agw_revocation_t  entry;

    entry = token_entry(partner, business, jti, iat, LATER);

    return agw_index_add(index, &entry, NOW);
}


static inline agw_index_result_t
add_cutoff(agw_index_t *index, agw_revoked_t kind, agw_str_t id,
    int64_t cutoff)
{
    agw_revocation_t  entry;

    entry = cutoff_entry(kind, id, cutoff, LATER);

    return agw_index_add(index, &entry, NOW);
}


static inline int
is_refused(const agw_index_t *index, agw_str_t partner, agw_str_t business,
    agw_str_t jti, int64_t iat)
{
    agw_index_token_t  token;

    token.partner_id = partner;
    token.business_id = business;
    token.jti = jti;
    token.iat = iat;

    return agw_index_refuses(index, &token);
}


/* "t<n>" in a block of its own */

static inline agw_str_t
numbered(unsigned n)
{
    char       text[16];
    agw_str_t  s;

    s.len = (size_t) snprintf(text, sizeof(text), "t%u", n);
    s.data = (unsigned char *) text;

    return unit_copy(s);
}


#endif /* INDEX_H_INCLUDED_ */
