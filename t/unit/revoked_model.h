
/*
 * What is known of revoked tokens, in plain arrays: whom a set is to refuse,
 * and whom it may not.
 */


#ifndef REVOKED_MODEL_H_INCLUDED_
#define REVOKED_MODEL_H_INCLUDED_


#include "revoked.h"


#define PARTNERS     5
#define BUSINESSES   30
#define TOKENS       96
#define RESERVED         12
#define ROWS         64


/* of an entry that was repeated: the highest, and those two of one row each */

typedef struct {
    int64_t           stamp;         /* 0: none */
    int64_t           time;
    int64_t           time_stamp;
    int64_t           stamp_time;
} model_entry_t;


typedef enum {
    MODEL_LIVES = 0,
    MODEL_MAY_LIVE,                  /* by a row that was purged, it does not */
    MODEL_REVOKED
} model_answer_t;


typedef struct {
    unsigned          partner;
    unsigned          business;      /* BUSINESSES: none */
    unsigned          number;        /* of its jti */
    int64_t           seq;           /* AGW_SEQ_NONE in another issuer's */
    int64_t           iat;
    int               dead;
    model_entry_t     entry;
} model_token_t;


/* what is written to the store, or was; a token may be gone meanwhile */

typedef struct {
    agw_revocation_kind_t     kind;
    unsigned          partner;
    unsigned          business;
    unsigned          number;
    unsigned          process;
    int64_t           seq;
    model_entry_t     entry;
} model_row_t;


typedef struct {
    agw_revoked_set_t  *set;
    uint32_t            seed;
    size_t              capacity;
    int64_t             last;        /* stamp */
    int64_t             floor;
    int64_t             now;
    uint32_t            age;         /* stamps that a purge leaves */
    unsigned            issued;
    model_token_t       tokens[TOKENS];
    model_entry_t       owners[PARTNERS][BUSINESSES];
    model_entry_t       businesses[BUSINESSES];
    model_entry_t       partners[PARTNERS];

    /* all that could be merged, and what was */

    model_entry_t       highest[PARTNERS];
    int64_t             latest[PARTNERS];
    model_entry_t       merged[PARTNERS];

    /* before a step */

    uint32_t            counts[PARTNERS];
    uint32_t            room;

    model_row_t         reserved[RESERVED];
    unsigned            nreserved;
    model_row_t         rows[ROWS];
    unsigned            nrows;
} model_t;


/* what happened, to see that all of it does */

static struct {
    unsigned long       steps, histories, merged, full, spent, crashes;
    unsigned long       revoked, forgotten, lived, swept;
} seen;


static inline agw_str_t
partner_id(unsigned n)
{
    static unsigned char  letters[] = "pqrst";

    return (agw_str_t) { n < PARTNERS, &letters[n < PARTNERS ? n : 0] };
}


static inline agw_str_t
business_id(unsigned n)
{
    static unsigned char  letters[] = "abcdefghijklmnopqrstuvwxyzABCD";

    return (agw_str_t) { n < BUSINESSES, &letters[n < BUSINESSES ? n : 0] };
}


static inline uint32_t
dice(model_t *m, uint32_t sides)
{
    return unit_random(&m->seed) % sides;
}


static inline void
raise(model_entry_t *entry, const model_entry_t *by)
{
    if (by->stamp > entry->stamp) {
        entry->stamp = by->stamp;
        entry->stamp_time = by->time;
    }

    if (by->time > entry->time
        || (by->time == entry->time && by->stamp > entry->time_stamp))
    {
        entry->time = by->time;
        entry->time_stamp = by->stamp;
    }
}


/* buf is for the jti */

static inline agw_revocation_t
revocation_of(const model_row_t *row, char buf[16])
{
    agw_revocation_t  revocation;

    memset(&revocation, 0, sizeof(revocation));

    revocation.kind = row->kind;
    revocation.stamp = row->entry.stamp;
    revocation.time = row->entry.time;
    revocation.partner_id = partner_id(row->partner);

    if (row->kind == AGW_REVOCATION_TOKEN) {
        revocation.jti.data = (unsigned char *) buf;
        revocation.jti.len = (size_t) snprintf(buf, 16, "t%u", row->number);
        revocation.seq = row->seq;
        revocation.seq_known = (row->seq >= 0);

    } else if (row->kind != AGW_REVOCATION_PARTNER) {
        revocation.business_id = business_id(row->business);
    }

    return revocation;
}


static inline model_answer_t
ends(const model_t *m, const model_entry_t *entry,
    const model_token_t *token)
{
    if (entry->stamp == 0) {
        return MODEL_LIVES;
    }

    if (token->seq >= 0) {
        return token->seq < entry->stamp ? MODEL_REVOKED : MODEL_LIVES;
    }

    if (token->iat > entry->time + AHEAD) {
        return MODEL_LIVES;
    }

    return token->iat <= entry->stamp_time + AHEAD
           || entry->time_stamp > m->floor ? MODEL_REVOKED : MODEL_MAY_LIVE;
}


/* by the entries that name it */

static inline model_answer_t
model_ask(const model_t *m, const model_token_t *token)
{
    model_answer_t  a, b;

    if (token->entry.stamp != 0) {
        return MODEL_REVOKED;
    }

    a = ends(m, &m->partners[token->partner], token);

    if (token->business < BUSINESSES) {
        b = ends(m, &m->owners[token->partner][token->business], token);
        a = b > a ? b : a;
        b = ends(m, &m->businesses[token->business], token);
        a = b > a ? b : a;
    }

    return a;
}


static inline void
check_token(const model_t *m, const model_token_t *token)
{
    char                  buf[16];
    model_answer_t        is;
    uint64_t              generation;
    agw_revoked_token_t   wanted;
    agw_revoked_lookup_t  answer;

    wanted.partner_id = partner_id(token->partner);
    wanted.business_id = business_id(token->business);
    wanted.jti.data = (unsigned char *) buf;
    wanted.jti.len = (size_t) snprintf(buf, sizeof(buf), "t%u",
        token->number);
    wanted.seq = token->seq;
    wanted.iat = token->iat;
    wanted.ahead = AHEAD;

    answer = agw_revoked_set_lookup(m->set, &wanted, &generation);

    if (token->seq >= 0 && token->seq < m->floor) {
        assert_int_equal(answer, AGW_LOOKUP_BELOW_FLOOR);
        seen.forgotten++;
        return;
    }

    is = model_ask(m, token);

    /* with a seq: what was ever revoked is refused, for good */

    assert_false(token->dead && token->seq >= 0 && is != MODEL_REVOKED);

    if (is == MODEL_LIVES && ends(m, &m->merged[token->partner], token)) {
        is = MODEL_REVOKED;
    }

    unit_assert(is == MODEL_MAY_LIVE
        || answer == (is == MODEL_LIVES ? AGW_LOOKUP_NOT_REVOKED
                                        : AGW_LOOKUP_REVOKED),
        "a token of %u: %d, not %d; seq %lld, iat %lld", token->partner,
        answer, is, (long long) token->seq, (long long) token->iat);

    if (answer == AGW_LOOKUP_REVOKED) {
        seen.revoked++;

    } else {
        seen.lived++;
    }
}


static inline uint32_t
count_of(const model_t *m, unsigned partner)
{
    agw_revoked_entry_t  *by;

    by = account_of(m->set, partner_id(partner));

    return by == NULL ? 0 : by->count;
}


static inline void
before_step(model_t *m)
{
    unsigned  p;

    for (p = 0; p < PARTNERS; p++) {
        m->counts[p] = count_of(m, p);
    }

    m->room = m->set->table.free_count - m->set->reserved_slots;
}


/* one partner has too many, or there is no room and none has more */

static inline void
check_merge(const model_t *m, unsigned partner)
{
    unsigned  p;

    if (m->counts[partner] + 1 > m->capacity / 4) {
        return;
    }

    unit_assert(m->room < 2, "partner %u was merged, but there is room",
        partner);

    for (p = 0; p < PARTNERS; p++) {
        unit_assert(m->counts[p] <= m->counts[partner]
            || count_of(m, p) <= 1, "partner %u was merged, %u has more",
            partner, p);
    }
}


/*
 * Cut-offs are what partners were cut off at, or what could be merged; in a
 * step that added nothing, one entry, or more.
 */

static inline void
check_merged(model_t *m, int added)
{
    unsigned              p;
    model_entry_t         is;
    agw_revoked_entry_t  *by;

    for (p = 0; p < PARTNERS; p++) {
        by = account_of(m->set, partner_id(p));

        is.stamp = by ? by->stamp : 0;
        is.time = by ? by->time : 0;
        is.stamp_time = is.time;
        is.time_stamp = is.stamp;

        if (is.stamp == 0) {
            assert_true(m->partners[p].stamp <= m->floor);
            assert_true(m->merged[p].stamp <= m->floor);
            memset(&m->merged[p], 0, sizeof(model_entry_t));
            continue;
        }

        if (is.stamp == m->merged[p].stamp && is.time == m->merged[p].time) {
            continue;
        }

        if (is.stamp != m->partners[p].stamp
            || is.time != m->partners[p].time)
        {
            assert_true(is.stamp <= m->highest[p].stamp
                || is.stamp == m->partners[p].stamp);
            assert_true(is.time <= m->latest[p]);
            assert_true(is.stamp >= m->merged[p].stamp);
            assert_true(is.time >= m->merged[p].time);
        }

        if (is.stamp != m->partners[p].stamp) {
            assert_int_not_equal(added, 0);

            if (added == 1) {
                check_merge(m, p);
            }

            seen.merged++;
        }

        m->merged[p] = is;
    }
}


/* in force: tokens that were issued before are dead from here on */

static inline void
in_force(model_t *m, const model_row_t *row)
{
    unsigned        i;
    model_token_t  *token;

    switch (row->kind) {

    case AGW_REVOCATION_OWNER:
        raise(&m->owners[row->partner][row->business], &row->entry);
        break;

    case AGW_REVOCATION_BUSINESS:
        raise(&m->businesses[row->business], &row->entry);
        break;

    case AGW_REVOCATION_PARTNER:
        raise(&m->partners[row->partner], &row->entry);
        break;

    default:
        break;
    }

    if (row->kind == AGW_REVOCATION_TOKEN
        || row->kind == AGW_REVOCATION_OWNER)
    {
        raise(&m->highest[row->partner], &row->entry);
    }

    if (row->kind != AGW_REVOCATION_BUSINESS
        && row->entry.time > m->latest[row->partner])
    {
        m->latest[row->partner] = row->entry.time;
    }

    for (i = 0; i < TOKENS; i++) {
        token = &m->tokens[i];

        if (row->kind == AGW_REVOCATION_TOKEN && token->number == row->number) {
            raise(&token->entry, &row->entry);
        }

        if (model_ask(m, token) == MODEL_REVOKED) {
            token->dead = 1;
        }
    }
}


#endif /* REVOKED_MODEL_H_INCLUDED_ */
