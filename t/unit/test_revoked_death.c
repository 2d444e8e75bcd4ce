
/*
 * A process dies in the middle of a change, after any of its stores: it is
 * run step by step, and each image of the set that it leaves behind is taken
 * for its last.  Readers understand it as it is, and the next change puts it
 * in order: nothing that was added is lost or there twice, and counts are
 * right.
 */


#include "revoked.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>


#define SIZE      40
#define QUARTER   10


typedef struct {
    agw_revoked_set_t  *set;         /* the one that the process changes */
    agw_revoked_set_t  *before;      /* its last image */
    agw_revoked_set_t  *image;       /* one to be put in order */
    uint64_t            generation;  /* before the change */
    uint32_t            reserved;      /* slots, before and after it */
    uint32_t            holds;
    unsigned            images;
} death_t;


static death_t
death_of(void)
{
    death_t         death;
    const uint64_t  key[2] = { 5, 6 };

    memset(&death, 0, sizeof(death));

    death.set = mmap(NULL, set_bytes(SIZE), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(death.set != MAP_FAILED);

    memset(death.set, 0xa5, set_bytes(SIZE));
    agw_revoked_set_create(death.set, set_bytes(SIZE), key);

    return death;
}


/* what was added before: of "p" a quarter, of others a few; 9 slots spare */

static void
fill(agw_revoked_set_t *set)
{
    unsigned  i;

    for (i = 0; i < QUARTER; i++) {
        assert_int_equal(add(set, AGW_REVOCATION_TOKEN, S("p"), numbered(i),
            10 + i), 0);
    }

    for (i = 0; i < 4; i++) {
        add(set, AGW_REVOCATION_OWNER, S("q"), numbered(i), 30 + i);
        add(set, AGW_REVOCATION_BUSINESS, S("q"), unit_format("b%u", i),
            40 + i);
        add(set, AGW_REVOCATION_TOKEN, S("r"), numbered(i), 50 + i);
        add(set, AGW_REVOCATION_TOKEN, S("r"), numbered(i), 54 + i);
    }

    add(set, AGW_REVOCATION_PARTNER, S("s"), UNIT_NONE, 60);

    assert_int_equal(reserve(set, AGW_REVOCATION_BUSINESS, S("q"), 3), 0);
}


/* as long as no floor is raised over it */

static void
all_are_refused(const agw_revoked_set_t *set)
{
    unsigned  i;

    for (i = 0; i < QUARTER; i++) {
        unit_assert(lookup(set, S("p"), S("x"), numbered(i), 9)
            != AGW_LOOKUP_NOT_REVOKED, "p, %u", i);
    }

    for (i = 0; i < 4; i++) {
        unit_assert(lookup(set, S("q"), numbered(i), S("x"), 29)
            != AGW_LOOKUP_NOT_REVOKED, "q, %u", i);
        unit_assert(lookup(set, S("z"), unit_format("b%u", i), S("x"), 39)
            != AGW_LOOKUP_NOT_REVOKED, "b, %u", i);
        unit_assert(lookup(set, S("r"), S("x"), numbered(i), 53)
            != AGW_LOOKUP_NOT_REVOKED, "r, %u", i);
    }

    assert_int_not_equal(lookup(set, S("s"), S("x"), S("x"), 59),
        AGW_LOOKUP_NOT_REVOKED);
}


/* those of partners that are not merged, and those that are new enough */

static void
the_others_live(const agw_revoked_set_t *set)
{
    assert_int_equal(lookup(set, S("z"), S("x"), S("x"), 99),
        AGW_LOOKUP_NOT_REVOKED);
    assert_int_equal(lookup(set, S("p"), S("x"), S("x"), 99),
        AGW_LOOKUP_NOT_REVOKED);
    assert_int_equal(lookup(set, S("q"), S("x"), S("x"), 99),
        AGW_LOOKUP_NOT_REVOKED);
    assert_int_equal(lookup(set, S("r"), S("x"), S("x"), 99),
        AGW_LOOKUP_NOT_REVOKED);
    assert_int_equal(lookup(set, S("s"), S("x"), S("x"), 99),
        AGW_LOOKUP_NOT_REVOKED);
}


/* added is what the change adds, which is there, or is not */

static void
check_image(death_t *death, const agw_revocation_t *added)
{
    int                   seen;
    unsigned              i;
    agw_revoked_set_t    *set;
    agw_revoked_entry_t  *entry;

    set = death->image;
    memcpy(set, death->set, set_bytes(SIZE));
    death->images++;

    all_are_refused(set);
    the_others_live(set);

    seen = added != NULL
           && lookup(set, added->partner_id, added->business_id, added->jti,
                      added->stamp - 1) != AGW_LOOKUP_NOT_REVOKED;

    /* the next change, of somebody who has nothing to do with it */

    agw_revoked_set_release_all(set, AGW_REVOKED_PROCESSES - 1);

    is_in_order(set);
    none_is_there_twice(set);
    all_are_refused(set);
    the_others_live(set);

    assert_true(set->reserved_slots == death->reserved
        || set->reserved_slots == death->reserved + death->holds);

    /* who saw it, or may have, looks again, and it is not lost */

    if (seen) {
        assert_true(agw_revoked_set_generation(set) > death->generation);
        assert_int_not_equal(lookup(set, added->partner_id, added->business_id,
            added->jti, added->stamp - 1), AGW_LOOKUP_NOT_REVOKED);
        assert_true(agw_revoked_set_stamp(set) >= added->stamp);
    }

    /* its row is read again; once it is there, it is not added twice */

    if (added != NULL) {
        assert_int_equal(agw_revoked_set_add(set, added), 0);
        assert_int_not_equal(lookup(set, added->partner_id, added->business_id,
            added->jti, added->stamp - 1), AGW_LOOKUP_NOT_REVOKED);
        assert_true(agw_revoked_set_generation(set) > death->generation);
        is_in_order(set);
        none_is_there_twice(set);
    }

    /* what is not above the floor goes, whoever was to sweep it */

    sweep(set);

    for (i = 1; i <= set->table.high_water; i++) {
        entry = agw_revoked_entry(set, i);
        assert_true(entry->slot.kind == 0 || entry->stamp > set->floor
            || entry->slot.kind == AGW_REVOCATION_PARTNER);
    }

    /* all goes when it is to go, and all fits again */

    for (i = 0; i < AGW_REVOKED_PROCESSES; i++) {
        agw_revoked_set_release_all(set, i);
    }

    agw_revoked_set_raise_floor(set, 1000);
    sweep(set);
    assert_int_equal(agw_revoked_set_count(set), 0);

    for (i = 0; i < SIZE; i++) {
        assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE,
            unit_format("n%u", i), 2000), 0);
    }

    assert_int_equal(add(set, AGW_REVOCATION_BUSINESS, UNIT_NONE, S("n"),
        2000), AGW_REVOKED_SET_FULL);
    is_in_order(set);
    unit_free_all(NULL);
}


typedef void (*change_pt)(agw_revoked_set_t *set,
    const agw_revocation_t *entry);


/* returns in the process that is watched; it stops before it returns */

static pid_t
watched(void)
{
    int    status;
    pid_t  pid;

    fflush(stdout);
    pid = fork();
    assert_true(pid != -1);

    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1) {
            _exit(9);
        }

        raise(SIGSTOP);
        return 0;
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);

    if (WIFEXITED(status) && WEXITSTATUS(status) == 9) {
        print_message("no process may be watched here\n");
        skip();
    }

    assert_true(WIFSTOPPED(status));

    return pid;
}


/* the blocks of each image are freed with it: a case has none of its own */

static void
die_everywhere(death_t *death, change_pt change,
    const agw_revocation_t *entry)
{
    int    status;
    pid_t  pid;

    death->generation = agw_revoked_set_generation(death->set);
    death->reserved = death->set->reserved_slots;
    death->images = 0;

    death->before = malloc(set_bytes(SIZE));
    death->image = malloc(set_bytes(SIZE));
    assert_non_null(death->before);
    assert_non_null(death->image);

    pid = watched();

    if (pid == 0) {
        change(death->set, entry);
        _exit(0);
    }

    memcpy(death->before, death->set, set_bytes(SIZE));

    for ( ;; ) {
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);

        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            break;
        }

        unit_assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP,
            "status %x", status);

        if (memcmp(death->before, death->set, set_bytes(SIZE)) != 0) {
            memcpy(death->before, death->set, set_bytes(SIZE));
            check_image(death, entry);
        }
    }

    is_in_order(death->set);

    printf("# %u images\n", death->images);
    assert_true(death->images > 2);

    free(death->before);
    free(death->image);
    munmap(death->set, set_bytes(SIZE));
}


static void
add_entry(agw_revoked_set_t *set, const agw_revocation_t *entry)
{
    if (agw_revoked_set_add(set, entry) != AGW_REVOKED_SET_OK) {
        _exit(1);
    }
}


static void
raise_floor(agw_revoked_set_t *set, const agw_revocation_t *entry)
{
    (void) entry;

    agw_revoked_set_raise_floor(set, 53);
}


static void
sweep_set(agw_revoked_set_t *set, const agw_revocation_t *entry)
{
    (void) entry;

    (void) agw_revoked_set_sweep(set);
}


static void
hold_room(agw_revoked_set_t *set, const agw_revocation_t *entry)
{
    (void) entry;

    if (reserve(set, AGW_REVOCATION_BUSINESS, S("new"), 5) != 0) {
        _exit(1);
    }
}


static void
give_room_back(agw_revoked_set_t *set, const agw_revocation_t *entry)
{
    (void) entry;

    release(set, AGW_REVOCATION_BUSINESS, S("new"), 5);
}


static void
release_all(agw_revoked_set_t *set, const agw_revocation_t *entry)
{
    (void) entry;

    agw_revoked_set_release_all(set, 3);
}


static void
while_it_adds(void **state)
{
    size_t             i;
    death_t            death;
    agw_revocation_t   entry;

    /* a new account, an old one, and none; one that is there */

    static const struct {
        agw_revocation_kind_t  kind;
        agw_str_t      partner;
        agw_str_t      id;
    } cases[] = {
        { AGW_REVOCATION_TOKEN, agw_string("new"), agw_string("j") },
        { AGW_REVOCATION_TOKEN, agw_string("q"), agw_string("j") },
        { AGW_REVOCATION_OWNER, agw_string("s"), agw_string("b") },
        { AGW_REVOCATION_BUSINESS, agw_string("new"), agw_string("b") },
        { AGW_REVOCATION_BUSINESS, agw_string(""), agw_string("b") },
        { AGW_REVOCATION_PARTNER, agw_string("new"), agw_string("") },
        { AGW_REVOCATION_OWNER, agw_string("q"), agw_string("t1") },
        { AGW_REVOCATION_PARTNER, agw_string("s"), agw_string("") },
    };

    (void) state;

    for (i = 0; i < UNIT_COUNT(cases); i++) {
        death = death_of();
        fill(death.set);

        entry = entry_of(cases[i].kind, cases[i].partner, cases[i].id, 99);
        entry.time++;

        if (entry.kind == AGW_REVOCATION_TOKEN) {
            entry.business_id = S("x");
        }

        die_everywhere(&death, add_entry, &entry);
    }
}


/* past the quarter */

static void
while_it_merges(void **state)
{
    death_t            death;
    agw_revocation_t   entry;

    (void) state;

    death = death_of();
    fill(death.set);

    entry = entry_of(AGW_REVOCATION_TOKEN, S("p"), S("j"), 99);
    die_everywhere(&death, add_entry, &entry);

    /* a cut-off that absorbs them */

    death = death_of();
    fill(death.set);

    entry = entry_of(AGW_REVOCATION_PARTNER, S("p"), UNIT_NONE, 99);
    die_everywhere(&death, add_entry, &entry);
}


/* all the room that is left is taken, and one more needs some */

static void
while_it_makes_room(void **state)
{
    unsigned           i;
    death_t            death;
    agw_revocation_t   entry;

    (void) state;

    death = death_of();
    fill(death.set);

    for (i = 0; death.set->table.free_count > death.set->reserved_slots; i++) {
        add(death.set, AGW_REVOCATION_BUSINESS, UNIT_NONE,
            unit_format("more%u", i), 70);
    }

    entry = entry_of(AGW_REVOCATION_BUSINESS, S("new"), S("b"), 99);
    die_everywhere(&death, add_entry, &entry);
}


static void
while_it_removes_what_was_merged(void **state)
{
    death_t  death;

    (void) state;

    death = death_of();
    fill(death.set);
    add(death.set, AGW_REVOCATION_OWNER, S("p"), S("o"), 80);
    add(death.set, AGW_REVOCATION_TOKEN, S("p"), numbered(3), 85);
    assert_int_not_equal(death.set->merged_count, 0);

    die_everywhere(&death, sweep_set, NULL);
}


static void
while_it_sweeps(void **state)
{
    death_t  death;

    (void) state;

    death = death_of();
    fill(death.set);
    die_everywhere(&death, raise_floor, NULL);

    /* "r" keeps its entries, all others lose theirs, and their accounts */

    death = death_of();
    fill(death.set);
    agw_revoked_set_raise_floor(death.set, 53);
    die_everywhere(&death, sweep_set, NULL);
}


static void
while_it_reserves(void **state)
{
    death_t  death;

    (void) state;

    death = death_of();
    fill(death.set);
    death.holds = 1;
    die_everywhere(&death, hold_room, NULL);

    death = death_of();
    fill(death.set);
    hold_room(death.set, NULL);
    death.holds = (uint32_t) -1;
    die_everywhere(&death, give_room_back, NULL);

    death = death_of();
    fill(death.set);
    death.holds = (uint32_t) -1;
    die_everywhere(&death, release_all, NULL);
}


/* who puts in order what another left, dies too */

static void
while_it_repairs(void **state)
{
    uint32_t              n;
    death_t               death;
    agw_revoked_table_t  *table;

    (void) state;

    death = death_of();
    fill(death.set);
    add(death.set, AGW_REVOCATION_OWNER, S("p"), S("o"), 80);

    /* it had a slot in hand, one unlinked, and its counts were wrong */

    table = &death.set->table;

    (void) agw_revoked_table_write_begin(table);
    n = agw_revoked_table_alloc(table);
    agw_revoked_entry(death.set, n)->slot.kind = AGW_REVOCATION_TOKEN;
    n = agw_revoked_table_find(table, AGW_REVOCATION_TOKEN,
        agw_siphash(death.set->key, S("p:t0")));
    assert_int_not_equal(n, 0);
    agw_revoked_table_unlink(table, n);

    table->free_count -= 7;
    death.set->merged_count += 3;
    death.set->mergeable += 5;
    account_of(death.set, S("r"))->count = 1000;

    death.holds = (uint32_t) -1;
    die_everywhere(&death, release_all, NULL);
}


/*
 * The story: a worker died between publishing an entry and telling of it.
 * The entry was found to be there when its row was read again, and nothing
 * was told; who had looked it up before went on with a token that was revoked.
 */

static void
before_it_told_of_an_entry(void **state)
{
    uint64_t            generation;
    agw_revoked_set_t  *set;

    (void) state;

    set = set_of(SIZE);
    fill(set);
    generation = agw_revoked_set_generation(set);

    assert_int_equal(add(set, AGW_REVOCATION_TOKEN, S("p"), S("j"), 99), 0);
    set->generation = generation;
    set->stamp = 98;
    set->table.changing = 1;

    assert_int_equal(add(set, AGW_REVOCATION_TOKEN, S("p"), S("j"), 99), 0);
    assert_true(agw_revoked_set_generation(set) > generation);
    assert_true(agw_revoked_set_stamp(set) == 99);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(while_it_adds),
        unit_case(while_it_merges),
        unit_case(while_it_makes_room),
        unit_case(while_it_removes_what_was_merged),
        unit_case(while_it_sweeps),
        unit_case(while_it_reserves),
        unit_case(while_it_repairs),
        unit_case(before_it_told_of_an_entry),
    };

    return cmocka_run_group_tests_name("revoked death", tests, NULL, NULL);
}
