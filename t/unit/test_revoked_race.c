
/*
 * Processes read while another adds and purges: what is revoked all the time
 * is refused all the time, and what never was is not.
 */


#include "index.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>


#define READERS   3
#define STABLE    64
#define SECONDS   1.5


static double
seconds(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


/* exit codes: 0 all was well, 1 a false negative, 2 a false positive */

static void
read_on(const agw_index_t *index, volatile uint64_t *reads)
{
    int        rc;
    char       text[16];
    unsigned   i;
    agw_str_t  jti;

    jti.data = (unsigned char *) text;

    for (i = 0; ; i = (i + 1) % STABLE) {
        jti.len = (size_t) snprintf(text, sizeof(text), "t%u", i);

        rc = is_refused(index, S("stable"), UNIT_NONE, jti, NOW);

        if (rc == 0) {
            _exit(1);
        }

        if (is_refused(index, S("p"), S("cut"), S("any"), NOW) == 0
            || is_refused(index, S("cut"), S("b"), S("any"), NOW) == 0)
        {
            _exit(1);
        }

        if (is_refused(index, S("never"), S("never"), jti, NOW) == 1
            || is_refused(index, S("stable"), S("never"), S("x"), NOW) == 1)
        {
            _exit(2);
        }

        (*reads)++;
    }
}


/* entries that come and go, and a death now and then; returns the rounds */

static uint64_t
write_on(agw_index_t *index)
{
    char               text[16];
    double             until;
    int64_t            now;
    uint64_t           rounds;
    unsigned           i, n;
    agw_str_t          jti;
    agw_revocation_t   entry;

    jti.data = (unsigned char *) text;

    until = seconds() + SECONDS;
    now = NOW;
    n = 0;

    for (rounds = 0; seconds() < until; rounds++) {
        for (i = 0; i < 200; i++) {
            jti.len = (size_t) snprintf(text, sizeof(text), "m%u", n++);
            entry = token_entry(S("moving"), S("b"), jti, now, now + 2);
            unit_assert(agw_index_add(index, &entry, now) == AGW_INDEX_OK,
                        "round %llu", (unsigned long long) rounds);
        }

        if (rounds % 5 == 0) {
            agw_slots_begin(index);
            (void) agw_slots_take(index);
        }

        agw_index_purge(index, ++now);
    }

    return rounds;
}


static void
readers_beside_a_writer(void **state)
{
    int                status;
    pid_t              pid[READERS];
    size_t             size;
    unsigned           i;
    uint64_t          *reads, rounds;
    agw_index_t       *index;
    agw_revocation_t   entry;
    const uint64_t     key[2] = { 5, 6 };

    (void) state;

    size = index_bytes(1024);
    index = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(index != MAP_FAILED);

    reads = (uint64_t *) ((char *) index + (size + 7) / 8 * 8);
    agw_index_create(index, size, key);

    for (i = 0; i < STABLE; i++) {
        entry = token_entry(S("stable"), UNIT_NONE, numbered(i), 0,
                            INT64_MAX);
        assert_int_equal(agw_index_add(index, &entry, NOW), AGW_INDEX_OK);
    }

    add_cutoff(index, AGW_REVOKED_BUSINESS, S("cut"), NOW);
    add_cutoff(index, AGW_REVOKED_PARTNER, S("cut"), NOW);

    entry = cutoff_entry(AGW_REVOKED_BUSINESS, S("cut"), NOW, INT64_MAX);
    agw_index_add(index, &entry, NOW);
    entry = cutoff_entry(AGW_REVOKED_PARTNER, S("cut"), NOW, INT64_MAX);
    agw_index_add(index, &entry, NOW);

    for (i = 0; i < READERS; i++) {
        pid[i] = fork();
        assert_true(pid[i] != -1);

        if (pid[i] == 0) {
            read_on(index, &reads[i * 8]);
        }
    }

    rounds = write_on(index);

    for (i = 0; i < READERS; i++) {
        kill(pid[i], SIGKILL);
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);

        unit_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
                    "reader %u: %s", i, WIFEXITED(status)
                    ? WEXITSTATUS(status) == 1 ? "a revoked token passed"
                                               : "another one was refused"
                    : "it crashed");
        unit_assert(reads[i * 8] > 100, "reader %u read %llu times", i,
                    (unsigned long long) reads[i * 8]);
    }

    assert_true(rounds > 10);
    munmap(index, size + 4096);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        unit_case(readers_beside_a_writer),
    };

    return cmocka_run_group_tests_name("index race", tests, NULL, NULL);
}
