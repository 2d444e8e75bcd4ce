
/*
 * Preloaded into a Redis by AGW::Redis: its wall clock is as many seconds off
 * as the file AGW_WALL_CLOCK says.  libfaketime cannot be: it allocates, and
 * the allocator of Redis asks for the time.
 */


#define _GNU_SOURCE

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>


static time_t
wall_clock_offset(void)
{
    int          fd;
    char         text[32];
    ssize_t      n;
    const char  *file;

    file = getenv("AGW_WALL_CLOCK");
    if (file == NULL) {
        return 0;
    }

    fd = (int) syscall(SYS_openat, AT_FDCWD, file, O_RDONLY);
    if (fd == -1) {
        return 0;
    }

    n = read(fd, text, sizeof(text) - 1);

    (void) close(fd);

    text[n > 0 ? n : 0] = '\0';

    return (time_t) atoll(text);
}


int
clock_gettime(clockid_t id, struct timespec *ts)
{
    int  rc;

    rc = (int) syscall(SYS_clock_gettime, id, ts);

    if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        ts->tv_sec += wall_clock_offset();
    }

    return rc;
}


int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    struct timespec  ts;

    (void) tz;

    if (clock_gettime(CLOCK_REALTIME, &ts) == -1) {
        return -1;
    }

    tv->tv_sec = ts.tv_sec;
    tv->tv_usec = ts.tv_nsec / 1000;

    return 0;
}


time_t
time(time_t *now)
{
    struct timespec  ts;

    if (clock_gettime(CLOCK_REALTIME, &ts) == -1) {
        return -1;
    }

    if (now) {
        *now = ts.tv_sec;
    }

    return ts.tv_sec;
}
