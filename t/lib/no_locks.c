
/*
 * A file system without locks, as a network's may be: preloaded between nginx
 * and the C library.
 */


#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>


typedef int (*no_locks_pt)(int fd, int cmd, ...);

int fcntl64(int fd, int cmd, ...);


int
fcntl64(int fd, int cmd, ...)
{
    void         *arg;
    va_list       args;
    no_locks_pt   next;

    va_start(args, cmd);
    arg = va_arg(args, void *);
    va_end(args);

    if (cmd == F_SETLK || cmd == F_SETLKW || cmd == F_GETLK) {
        errno = ENOLCK;
        return -1;
    }

    next = (no_locks_pt) dlsym(RTLD_NEXT, "fcntl64");

    return next(fd, cmd, arg);
}
