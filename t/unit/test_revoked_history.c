
/*
 * Random histories against a small model: tokens are issued, revoked in
 * every way, reserved, released, merged, swept, forgotten; processes die, and
 * clocks step.  What was revoked never lives again, and what was not lives,
 * unless the entries of its partner were merged, when they may be.
 *
 * AGW_STEPS=20000000 AGW_SEED=7 build/unit/test_revoked_history
 */


#include "revoked_model.h"


#define STEPS     200000
#define HISTORY   1000               /* steps of one set */
#define DAY       86400


/* whether so many slots can't be had, whatever is merged */

static int
is_short(const model_t *m, uint32_t needed)
{
    const agw_revoked_set_t  *set;

    set = m->set;

    return (uint64_t) set->table.free_count + set->merged_count + set->mergeable
           < (uint64_t) set->reserved_slots + needed;
}


static void
add_row(model_t *m, const model_row_t *row, int certain)
{
    int                    open;
    char                   buf[16];
    uint64_t               generation;
    agw_revocation_t       revocation;
    agw_revoked_result_t   result;

    revocation = revocation_of(row, buf);
    open = (row->partner < PARTNERS
            && account_of(m->set, partner_id(row->partner)) == NULL);
    generation = agw_revoked_set_generation(m->set);

    result = agw_revoked_set_add(m->set, &revocation);

    if (result == AGW_REVOKED_SET_OK) {
        in_force(m, row);
        return;
    }

    assert_int_equal(result, AGW_REVOKED_SET_FULL);
    assert_false(certain);
    assert_true(is_short(m, (row->kind == AGW_REVOCATION_BUSINESS) + open));
    assert_true(agw_revoked_set_generation(m->set) == generation);
    seen.full++;
}


static void
issue(model_t *m)
{
    model_token_t  *token;

    token = &m->tokens[m->issued % TOKENS];
    memset(token, 0, sizeof(model_token_t));

    token->number = ++m->issued;
    token->partner = dice(m, 3) ? dice(m, PARTNERS) : 0;
    token->business = dice(m, dice(m, 2) ? 6 : BUSINESSES + 1);
    token->iat = m->now;
    token->seq = m->last;

    if (dice(m, 5) == 0) {
        token->seq = -1;
        token->iat += dice(m, AHEAD + 1);
    }
}


/* a partner revokes one, or a statement ends it */

static model_row_t
some_row(model_t *m)
{
    model_row_t     row;
    model_token_t  *token;

    memset(&row, 0, sizeof(row));

    row.entry.time = m->now;
    row.seq = -1;

    switch (dice(m, 16)) {

    case 0:
        row.kind = AGW_REVOCATION_PARTNER;
        row.partner = dice(m, PARTNERS);
        return row;

    case 1:
    case 2:
        row.kind = AGW_REVOCATION_BUSINESS;
        row.partner = dice(m, PARTNERS);
        row.business = dice(m, BUSINESSES);
        return row;

    case 3:
    case 4:
    case 5:
        row.kind = AGW_REVOCATION_OWNER;
        row.partner = dice(m, PARTNERS);
        row.business = dice(m, dice(m, 2) ? 6 : BUSINESSES);
        return row;

    default:
        token = &m->tokens[dice(m, TOKENS)];
        row.kind = AGW_REVOCATION_TOKEN;
        row.partner = token->partner;
        row.number = token->number;
        row.seq = token->seq;
        row.entry.time = token->seq < 0 ? token->iat
                                        : dice(m, 2) ? m->now : 0;
        return row;
    }
}


/* it is in the store; what another process read of it has no seq */

static void
commit(model_t *m, model_row_t *row)
{
    row->entry.stamp = ++m->last;

    m->rows[m->nrows++ % ROWS] = *row;
}


static void
hold_row(model_t *m)
{
    char                   buf[16];
    uint32_t               needed;
    model_row_t            row;
    agw_revocation_t       revocation;
    agw_revoked_entry_t   *partner;

    if (m->nreserved == RESERVED) {
        return;
    }

    row = some_row(m);
    row.process = dice(m, 4);
    revocation = revocation_of(&row, buf);

    switch (agw_revoked_set_reserve(m->set, &revocation, row.process)) {

    case AGW_REVOKED_SET_OK:
        m->reserved[m->nreserved++] = row;
        return;

    case AGW_REVOKED_SET_SHARE_USED:
        partner = account_of(m->set, revocation.partner_id);
        assert_int_equal(row.kind, AGW_REVOCATION_BUSINESS);
        assert_true(partner->businesses + partner->reserved >= m->capacity / 4);
        seen.spent++;
        return;

    default:
        partner = account_of(m->set, revocation.partner_id);
        needed = (partner == NULL) + (row.kind != AGW_REVOCATION_PARTNER);
        assert_true(is_short(m, needed));
        assert_true(partner == NULL || row.kind == AGW_REVOCATION_BUSINESS
            || partner->reserved == 0);
        seen.full++;
    }
}


/* the store has written one of those that are reserved, or could not */

static void
written(model_t *m)
{
    char               buf[16];
    unsigned           i;
    model_row_t        row;
    agw_revocation_t   revocation;

    if (m->nreserved == 0) {
        return;
    }

    i = dice(m, m->nreserved);
    row = m->reserved[i];
    m->reserved[i] = m->reserved[--m->nreserved];

    if (dice(m, 4)) {
        commit(m, &row);
    }

    revocation = revocation_of(&row, buf);
    agw_revoked_set_release(m->set, &revocation, row.process);

    if (row.entry.stamp != 0) {
        add_row(m, &row, 1);
    }
}


/* a process dies, of which some had been written; another one reads those */

static void
leave(model_t *m)
{
    unsigned     i, process;
    model_row_t  row;

    process = dice(m, 4);
    agw_revoked_set_release_all(m->set, process);

    for (i = 0; i < m->nreserved; /* void */) {
        row = m->reserved[i];

        if (row.process != process) {
            i++;
            continue;
        }

        m->reserved[i] = m->reserved[--m->nreserved];

        if (dice(m, 2)) {
            commit(m, &row);
            row.seq = -1;
            add_row(m, &row, 0);
        }
    }
}


static void
statement(model_t *m)
{
    model_row_t  row;

    row = some_row(m);

    if (row.kind == AGW_REVOCATION_BUSINESS && dice(m, 2)) {
        row.partner = PARTNERS;
    }

    commit(m, &row);
    row.seq = -1;
    add_row(m, &row, 0);
}


/* once more, as after a restart of another process; those that are there */

static void
read_again(model_t *m)
{
    model_row_t  row;

    if (m->nrows == 0) {
        return;
    }

    row = m->rows[dice(m, m->nrows < ROWS ? m->nrows : ROWS)];

    if (row.entry.stamp <= m->floor) {
        return;
    }

    if (row.kind == AGW_REVOCATION_BUSINESS) {
        row.partner = PARTNERS;
    }

    row.seq = -1;
    add_row(m, &row, 0);
}


static void
forget(model_entry_t *entry, int64_t floor)
{
    if (entry->stamp <= floor) {
        memset(entry, 0, sizeof(model_entry_t));
    }
}


/* a purge; the entries may go later than the tokens that they name */

static void
purge(model_t *m)
{
    unsigned  i, p;
    int64_t   floor;

    floor = m->last - dice(m, m->age);

    if (floor > m->floor) {
        m->floor = floor;
    }

    agw_revoked_set_raise_floor(m->set, floor);
    assert_true(agw_revoked_set_floor(m->set) == m->floor);

    for (i = 0; i < TOKENS && dice(m, 4); i++) {
        check_token(m, &m->tokens[i]);
    }

    sweep(m->set);
    seen.swept++;

    for (p = 0; p < PARTNERS; p++) {
        for (i = 0; i < BUSINESSES; i++) {
            forget(&m->owners[p][i], m->floor);
        }

        forget(&m->partners[p], m->floor);
    }

    for (i = 0; i < BUSINESSES; i++) {
        forget(&m->businesses[i], m->floor);
    }

    for (i = 0; i < TOKENS; i++) {
        forget(&m->tokens[i].entry, m->floor);
    }
}


/* all that can be made anew from what is linked is lost */

static void
crash(model_t *m)
{
    uint32_t               n;
    agw_revoked_entry_t   *entry;
    agw_revoked_table_t   *table;

    table = &m->set->table;

    for (n = dice(m, 3); n != 0; n--) {
        if (table->high_water < table->capacity) {
            entry = agw_revoked_entry(m->set, ++table->high_water);
            memset(entry, 0x5a, sizeof(agw_revoked_entry_t));
        }
    }

    for (n = 1; n <= table->high_water; n++) {
        entry = agw_revoked_entry(m->set, n);
        entry->slot.link = dice(m, 0x7fffffff);
        entry->slot.prev = dice(m, 0x7fffffff);

        if (entry->slot.kind == AGW_REVOCATION_PARTNER) {
            entry->first = dice(m, 0x7fffffff);
            entry->count = dice(m, 0x7fffffff);
            entry->businesses = dice(m, 0x7fffffff);
            entry->high_stamp = dice(m, 0x7fffffff);
            entry->high_time = dice(m, 0x7fffffff);
        }
    }

    table->free_count = dice(m, 0x7fffffff);
    table->free_list = dice(m, 0x7fffffff);
    table->unlinked_list = dice(m, 0x7fffffff);
    table->changing = 1;

    m->set->reserved_writes = dice(m, 0x7fffffff);
    m->set->reserved_slots = dice(m, 0x7fffffff);
    m->set->mergeable = dice(m, 0x7fffffff);
    m->set->merged = dice(m, 0x7fffffff);
    m->set->merged_count = dice(m, 0x7fffffff);
    m->set->unswept = 0;
    memset(m->set->classes, 0x5a, sizeof(m->set->classes));

    /* readers go on */

    for (n = 0; n < TOKENS; n++) {
        check_token(m, &m->tokens[n]);
    }

    agw_revoked_set_release(m->set, &(agw_revocation_t) {
        .kind = AGW_REVOCATION_TOKEN, .partner_id = S("nobody") }, 1000);

    is_in_order(m->set);
    seen.crashes++;
}


/* how many entries it may have added, or 2 for more */

static int
step(model_t *m)
{
    switch (dice(m, 40)) {

    case 0:
        purge(m);
        return 0;

    case 1:
        if (dice(m, 4) == 0) {
            crash(m);
        }

        return 0;

    case 2:
        leave(m);
        return 2;

    case 3:
        m->now += (int64_t) dice(m, 4 * DAY) - 2 * DAY;
        return 0;

    case 4:
        agw_revoked_set_sweep(m->set);
        return 0;

    case 5:
    case 6:
    case 7:
        read_again(m);
        return 1;

    case 8:
    case 9:
    case 10:
    case 11:
        statement(m);
        return 1;

    case 12:
    case 13:
    case 14:
    case 15:
    case 16:
    case 17:
    case 18:
    case 19:
        hold_row(m);
        return 1;

    case 20:
    case 21:
    case 22:
    case 23:
    case 24:
    case 25:
    case 26:
    case 27:
    case 28:
        written(m);
        return 1;

    default:
        m->now += dice(m, 3);
        issue(m);
        return 0;
    }
}


static void
history(uint32_t seed, unsigned steps)
{
    int              added;
    void            *p;
    size_t           size;
    model_t          m;
    unsigned         i, k;
    const uint64_t   key[2] = { seed, 1 };

    memset(&m, 0, sizeof(m));

    m.seed = seed;
    m.now = NOW;
    m.last = 1000;
    m.age = 50u << dice(&m, 6);
    m.capacity = 12 + dice(&m, 60);

    size = set_bytes(m.capacity);
    p = malloc(size);
    assert_non_null(p);
    memset(p, 0x3c, size);
    m.set = agw_revoked_set_create(p, size, key);

    for (i = 0; i < TOKENS; i++) {
        issue(&m);
    }

    for (i = 0; i < steps; i++) {
        before_step(&m);
        added = step(&m);

        check_merged(&m, added);

        for (k = 0; k < 4; k++) {
            check_token(&m, &m.tokens[dice(&m, TOKENS)]);
        }

        if (i % 32 == 0) {
            is_in_order(m.set);
            none_is_there_twice(m.set);

            for (k = 0; k < TOKENS; k++) {
                check_token(&m, &m.tokens[k]);
            }
        }
    }

    free(p);

    seen.steps += steps;
    seen.histories++;
}


static unsigned long
from_environment(const char *name, unsigned long value)
{
    const char  *text;

    text = getenv(name);

    return text ? strtoul(text, NULL, 10) : value;
}


static void
histories(void **state)
{
    uint32_t       seed;
    unsigned long  i, steps;

    (void) state;

    steps = from_environment("AGW_STEPS", STEPS);
    i = from_environment("AGW_SEED", 1);

    while (seen.steps < steps) {
        seed = (uint32_t) (i++ * 2654435761u) | 1;
        printf("# seed %lu\r", i - 1);

        history(seed, HISTORY);
    }

    printf("# %lu histories up to seed %lu, %lu steps: %lu merges, "
           "%lu full, %lu shares spent, %lu purges, %lu crashes; "
           "%lu revoked, %lu forgotten, %lu lived\n", seen.histories, i - 1,
        seen.steps, seen.merged, seen.full, seen.spent, seen.swept,
        seen.crashes, seen.revoked, seen.forgotten, seen.lived);

    /* all of that has happened */

    assert_true(seen.merged > steps / 1000);
    assert_true(seen.full > steps / 10000);
    assert_true(seen.crashes > steps / 1000);
    assert_true(seen.lived > steps / 10);
    assert_true(seen.revoked > steps / 10);
    assert_true(seen.forgotten > steps / 10);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(histories),
    };

    return cmocka_run_group_tests_name("revoked history", tests, NULL, NULL);
}
