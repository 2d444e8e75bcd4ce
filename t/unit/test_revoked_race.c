
/*
 * Threads read while another adds, merges, sweeps, and dies: what is revoked
 * is never reported as living from the return of agw_revoked_set_add() on,
 * and what lives never as revoked.
 */


#include "revoked.h"

#include <pthread.h>
#include <time.h>


#define READERS   3
#define STABLE    64
#define SIZE      512
#define SECONDS   1.5

/*
 * Three ages of stamps: those that come and go, tokens that live all the
 * time, and entries that are there all the time.
 */

#define LIVING    ((int64_t) 1 << 40)
#define LASTING   ((int64_t) 1 << 41)


typedef struct {
    agw_revoked_set_t  *set;
    unsigned            done;
    int64_t             added;       /* the stamp of the last that returned */
    pthread_mutex_t     lock;
} race_t;


typedef struct {
    race_t             *race;
    pthread_t           thread;
    uint64_t            reads;
    uint64_t            locked;      /* look-ups that needed the lock */
    const char         *fault;
} reader_t;


static double
seconds(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


static agw_str_t
name(char buf[24], const char *prefix, long long n)
{
    agw_str_t  s;

    s.len = (size_t) snprintf(buf, 24, "%s%lld", prefix, n);
    s.data = (unsigned char *) buf;

    return s;
}


static agw_revoked_lookup_t
reader_lookup(reader_t *reader, agw_str_t partner, agw_str_t business,
    agw_str_t jti, int64_t seq)
{
    race_t                *race = reader->race;
    agw_revoked_lookup_t   answer;

    reader->reads++;

    answer = lookup(race->set, partner, business, jti, seq);

    if (answer != AGW_LOOKUP_RETRY_LOCKED) {
        return answer;
    }

    reader->locked++;

    pthread_mutex_lock(&race->lock);
    answer = lookup(race->set, partner, business, jti, seq);
    pthread_mutex_unlock(&race->lock);

    return answer;
}


/* those that are there all the time, and their neighbours */

static const char *
look_at_lasting(reader_t *reader, agw_str_t jti)
{
    if (reader_lookup(reader, S("stable"), UNIT_NONE, jti, LIVING)
            != AGW_LOOKUP_REVOKED
        || reader_lookup(reader, S("p"), S("cut"), S("x"), LIVING)
           != AGW_LOOKUP_REVOKED
        || reader_lookup(reader, S("stable"), S("own"), S("x"), LIVING)
           != AGW_LOOKUP_REVOKED
        || reader_lookup(reader, S("cut"), S("b"), S("x"), LIVING)
           != AGW_LOOKUP_REVOKED)
    {
        return "a revoked token lives";
    }

    if (reader_lookup(reader, S("never"), S("never"), jti, LIVING)
            != AGW_LOOKUP_NOT_REVOKED
        || reader_lookup(reader, S("stable"), S("never"), S("x"), LIVING)
           != AGW_LOOKUP_NOT_REVOKED
        || reader_lookup(reader, S("moving0"), S("b"), S("x"), LIVING)
           != AGW_LOOKUP_NOT_REVOKED
        || reader_lookup(reader, S("never"), S("own"), S("x"), LIVING)
           != AGW_LOOKUP_NOT_REVOKED)
    {
        return "a living token is revoked";
    }

    return NULL;
}


/* those that came lately, be they there, merged, or forgotten */

static const char *
look_at_moving(reader_t *reader, int64_t added, uint32_t back)
{
    char     jti[24], partner[24];
    int64_t  n;

    n = added - back;

    if (n > 0
        && reader_lookup(reader, name(partner, "moving", n % 3), S("b"),
                   name(jti, "m", n), n - 1)
           == AGW_LOOKUP_NOT_REVOKED)
    {
        return "a token lives that was revoked just now";
    }

    return NULL;
}


/*
 * A cached token is looked up only where the generation is another: the one
 * that is remembered is to be of before the look-up, or an entry that came
 * in between would be missed for good.
 */

static const char *
remember_the_next(reader_t *reader, int64_t added)
{
    int                    done, lives;
    char                   jti[24], partner[24];
    int64_t                n;
    race_t                *race = reader->race;
    uint64_t               generation;
    unsigned               i;
    agw_revoked_token_t    token;
    agw_revoked_lookup_t   answer;

    n = added + 1;
    generation = 0;

    token.partner_id = name(partner, "moving", n % 3);
    token.business_id = S("b");
    token.jti = name(jti, "m", n);
    token.seq = n - 1;
    token.iat = NOW;
    token.ahead = AHEAD;

    for (i = 0; i < 2000; i++) {
        done = __atomic_load_n(&race->added, __ATOMIC_ACQUIRE) >= n;

        if (generation != agw_revoked_set_generation(race->set)) {
            answer = agw_revoked_set_lookup(race->set, &token, &generation);
            lives = (answer == AGW_LOOKUP_NOT_REVOKED);

            if (answer == AGW_LOOKUP_RETRY_LOCKED) {
                return NULL;
            }

        } else {
            lives = 1;
        }

        if (!lives) {
            return NULL;
        }

        if (done) {
            return "a token lives by what was remembered";
        }
    }

    return NULL;
}


static void *
read_on(void *data)
{
    char           jti[24];
    race_t        *race;
    int64_t        added;
    uint32_t       seed;
    unsigned       i;
    reader_t      *reader = data;

    race = reader->race;
    added = 0;
    seed = 77;

    for (i = 0; reader->fault == NULL; i = (i + 1) % STABLE) {

        if (__atomic_load_n(&race->done, __ATOMIC_RELAXED)) {
            break;
        }

        if (agw_revoked_set_count(race->set) > SIZE
            || agw_revoked_set_stamp(race->set) != LASTING
            || agw_revoked_set_floor(race->set) >= LIVING
            || agw_revoked_set_generation(race->set) == 0
            || agw_revoked_set_is_unswept(race->set) > 1)
        {
            reader->fault = "a number is wrong";
            break;
        }

        reader->fault = look_at_lasting(reader, name(jti, "t", i));

        if (reader->fault == NULL) {
            added = __atomic_load_n(&race->added, __ATOMIC_ACQUIRE);
            reader->fault = look_at_moving(reader, added,
                unit_random(&seed) % 4);
        }

        if (reader->fault == NULL) {
            reader->fault = look_at_moving(reader, added,
                unit_random(&seed) % SIZE);
        }

        if (reader->fault == NULL) {
            reader->fault = remember_the_next(reader, added);
        }
    }

    return NULL;
}


/* of one partner past its quarter, of two that fill the rest, a purge */

static void
write_some(race_t *race, int64_t *stamp, unsigned round)
{
    char               jti[24], partner[24];
    unsigned           i;
    agw_revocation_t   entry;

    for (i = 0; i < 200; i++) {
        pthread_mutex_lock(&race->lock);

        ++*stamp;
        entry = entry_of(AGW_REVOCATION_TOKEN,
            name(partner, "moving", *stamp % 3), name(jti, "m", *stamp),
            *stamp);

        /* who died before, left it changing, and with a slot in hand */

        if (round % 5 == 0 && i % 64 == 0) {
            (void) agw_revoked_table_write_begin(&race->set->table);
            (void) agw_revoked_table_alloc(&race->set->table);
        }

        assert_int_equal(agw_revoked_set_add(race->set, &entry), 0);

        pthread_mutex_unlock(&race->lock);

        __atomic_store_n(&race->added, *stamp, __ATOMIC_RELEASE);
    }

    pthread_mutex_lock(&race->lock);

    if (round % 3 == 0) {
        agw_revoked_set_raise_floor(race->set, *stamp - round % 300);
    }

    (void) agw_revoked_set_sweep(race->set);

    pthread_mutex_unlock(&race->lock);
}


static void
add_lasting(agw_revoked_set_t *set)
{
    unsigned  i;

    for (i = 0; i < STABLE; i++) {
        assert_int_equal(add(set, AGW_REVOCATION_TOKEN, S("stable"),
            numbered(i), LASTING), 0);
    }

    add(set, AGW_REVOCATION_OWNER, S("stable"), S("own"), LASTING);
    add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE, S("cut"), LASTING);
    add(set, AGW_REVOCATION_PARTNER, S("cut"), UNIT_NONE, LASTING);
}


static void
readers_beside_a_writer(void **state)
{
    race_t     race;
    double     until;
    int64_t    stamp;
    unsigned   i, round;
    reader_t   readers[READERS];

    (void) state;

    memset(&race, 0, sizeof(race));
    memset(readers, 0, sizeof(readers));

    race.set = set_of(SIZE);
    assert_int_equal(pthread_mutex_init(&race.lock, NULL), 0);

    add_lasting(race.set);

    for (i = 0; i < READERS; i++) {
        readers[i].race = &race;
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_on,
            &readers[i]), 0);
    }

    stamp = 0;
    until = seconds() + SECONDS;

    for (round = 0; seconds() < until; round++) {
        write_some(&race, &stamp, round);
    }

    __atomic_store_n(&race.done, 1, __ATOMIC_RELAXED);

    for (i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);

        unit_assert(readers[i].fault == NULL, "reader %u: %s", i,
            readers[i].fault);
        unit_assert(readers[i].reads > 1000, "reader %u read %llu times", i,
            (unsigned long long) readers[i].reads);

        printf("# reader %u: %llu reads, %llu with the lock\n", i,
            (unsigned long long) readers[i].reads,
            (unsigned long long) readers[i].locked);
    }

    printf("# %u rounds, %lld entries, %llu purges\n", round,
        (long long) stamp, (unsigned long long) race.set->table.reclaims);

    pthread_mutex_destroy(&race.lock);

    assert_true(round > 10);
    assert_true(race.set->table.reclaims > 100);
    is_in_order(race.set);
}


/* a reader that stood on a slot looks again, before that is of use again */

static void
readers_are_told(void **state)
{
    uint64_t              before;
    unsigned              i;
    agw_revoked_set_t    *set;
    agw_revoked_table_t  *table;

    (void) state;

    set = set_of(40);
    table = &set->table;

    for (i = 0; i < 10; i++) {
        add(set, AGW_REVOCATION_TOKEN, S("p"), numbered(i), 1 + i);
    }

    /* what changes nothing that they stand on, tells nobody */

    before = agw_revoked_table_read_begin(table);
    add(set, AGW_REVOCATION_OWNER, S("q"), S("b"), 44);
    add(set, AGW_REVOCATION_TOKEN, S("p"), S("more"), 71);
    assert_true(agw_revoked_table_read_is_valid(table, before));

    /* merged entries are there until they are removed */

    assert_int_not_equal(set->merged_count, 0);
    sweep(set);
    assert_false(agw_revoked_table_read_is_valid(table, before));

    before = agw_revoked_table_read_begin(table);
    agw_revoked_set_raise_floor(set, 45);
    assert_true(agw_revoked_table_read_is_valid(table, before));
    sweep(set);
    assert_false(agw_revoked_table_read_is_valid(table, before));

    before = agw_revoked_table_read_begin(table);
    assert_int_equal(reserve(set, AGW_REVOCATION_TOKEN, S("new"), 1), 0);
    assert_true(agw_revoked_table_read_is_valid(table, before));
    release(set, AGW_REVOCATION_TOKEN, S("new"), 1);
    assert_false(agw_revoked_table_read_is_valid(table, before));

    before = agw_revoked_table_read_begin(table);
    table->changing = 1;
    agw_revoked_set_release_all(set, 1);
    assert_false(agw_revoked_table_read_is_valid(table, before));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(readers_beside_a_writer),
        unit_case(readers_are_told),
    };

    return cmocka_run_group_tests_name("revoked race", tests, NULL, NULL);
}
