
/*
 * A disk as slow, as full or as broken as a test wants: preloaded into nginx
 * by t/lib/AGW/Disk.pm, between SQLite and the C library.  What it does, and
 * how often, is in a file that all processes and the test share.
 */


#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>


#define SLOW_HELD_MAX  20000                 /* ms: no test waits for longer */


/* of which file: the store, its log of pages written ahead, any other */

typedef enum {
    SLOW_MAIN = 0,
    SLOW_WAL,
    SLOW_OTHER
} slow_file_t;


/* AGW::Disk has the same numbers */

typedef struct {
    _Atomic uint32_t  delay;                 /* ms of each sync */
    _Atomic uint32_t  held;                  /* whether syncs wait */
    _Atomic uint32_t  sync_error;            /* errno of each sync, or 0 */
    _Atomic uint32_t  write_error;           /* errno of each write, or 0 */
    _Atomic uint64_t  began[2];              /* syncs, by slow_file_t */
    _Atomic uint64_t  ended[2];
    _Atomic uint64_t  in_loop;               /* those of no thread */
} slow_disk_t;


typedef int (*slow_sync_pt)(int fd);
typedef ssize_t (*slow_write_pt)(int fd, const void *buf, size_t n,
    off64_t offset);


static slow_disk_t    *slow_disk;
static slow_sync_pt    slow_fsync, slow_fdatasync;
static slow_write_pt   slow_pwrite;


/*
 * Before the server has a say: it clears its environment, and what is mapped
 * here is the same memory in each process that it forks.
 */

__attribute__((constructor)) static void
slow_open(void)
{
    int          fd;
    void        *p;
    const char  *name;

    slow_fsync = (slow_sync_pt) dlsym(RTLD_NEXT, "fsync");
    slow_fdatasync = (slow_sync_pt) dlsym(RTLD_NEXT, "fdatasync");
    slow_pwrite = (slow_write_pt) dlsym(RTLD_NEXT, "pwrite64");

    name = getenv("AGW_DISK");
    if (name == NULL) {
        return;
    }

    fd = open(name, O_RDWR | O_CLOEXEC);
    if (fd == -1) {
        perror(name);
        _exit(2);
    }

    p = mmap(NULL, sizeof(slow_disk_t), PROT_READ | PROT_WRITE, MAP_SHARED,
             fd, 0);

    if (p == MAP_FAILED) {
        perror("mmap");
        _exit(2);
    }

    slow_disk = p;
    close(fd);
}


static slow_file_t
slow_file_of(int fd)
{
    char     link[64], path[PATH_MAX];
    ssize_t  n;

    (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);

    n = readlink(link, path, sizeof(path) - 1);
    if (n < 4) {
        return SLOW_OTHER;
    }

    if (memcmp(path + n - 4, "-wal", 4) == 0) {
        return SLOW_WAL;
    }

    return memcmp(path + n - 3, ".db", 3) == 0 ? SLOW_MAIN : SLOW_OTHER;
}


static void
slow_sleep(uint32_t ms)
{
    struct timespec  left;

    left.tv_sec = ms / 1000;
    left.tv_nsec = (long) (ms % 1000) * 1000000;

    while (nanosleep(&left, &left) == -1 && errno == EINTR) {
        /* void */
    }
}


static int
slow_sync(int fd, slow_sync_pt sync)
{
    int          rc;
    uint32_t     waited;
    slow_file_t  file;

    if (slow_disk == NULL) {
        return sync(fd);
    }

    file = slow_file_of(fd);

    if (file == SLOW_OTHER) {
        return sync(fd);
    }

    atomic_fetch_add(&slow_disk->began[file], 1);

    if (gettid() == getpid()) {
        atomic_fetch_add(&slow_disk->in_loop, 1);
    }

    slow_sleep(atomic_load(&slow_disk->delay));

    for (waited = 0; waited < SLOW_HELD_MAX; waited++) {

        if (!atomic_load(&slow_disk->held)) {
            break;
        }

        slow_sleep(1);
    }

    errno = (int) atomic_load(&slow_disk->sync_error);

    rc = errno ? -1 : sync(fd);

    atomic_fetch_add(&slow_disk->ended[file], 1);

    return rc;
}


int
fsync(int fd)
{
    return slow_sync(fd, slow_fsync);
}


int
fdatasync(int fd)
{
    return slow_sync(fd, slow_fdatasync);
}


ssize_t
pwrite64(int fd, const void *buf, size_t n, off64_t offset)
{
    uint32_t  error;

    error = slow_disk ? atomic_load(&slow_disk->write_error) : 0;

    if (error && slow_file_of(fd) != SLOW_OTHER) {
        errno = (int) error;
        return -1;
    }

    return slow_pwrite(fd, buf, n, offset);
}
