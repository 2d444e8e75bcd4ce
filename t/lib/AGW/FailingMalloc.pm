package AGW::FailingMalloc;

# An nginx in which one malloc() fails: the file that all of its processes share
# says which one from now on, and after that how often it was so.

use strict;
use warnings;

use Exporter 'import';

use AGW::Files qw(spew);

our @EXPORT_OK = qw(arm no_compiler preload);

my $failing = <<'C';
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

static volatile struct {
    int64_t  left;
    int64_t  failed;
} *shared;

static void *(*next)(size_t);

__attribute__((constructor)) static void
begin(void)
{
    void  *p;

    p = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED,
             open(SHARED, O_RDWR), 0);

    if (p == MAP_FAILED) {
        abort();
    }

    shared = p;
}

void *
malloc(size_t size)
{
    if (next == NULL) {
        next = (void *(*)(size_t)) dlsym(RTLD_NEXT, "malloc");
    }

    if (shared != NULL && shared->left != 0 && --shared->left == 0) {
        shared->failed++;
        errno = ENOMEM;
        return NULL;
    }

    return next(size);
}
C

my $cc = $ENV{CC} // 'cc';
my $shared;


sub no_compiler {
    return system("command -v $cc >/dev/null 2>&1") != 0;
}


# for the next nginx that is started, whose prefix that is

sub preload {
    my ($prefix) = @_;

    $shared = spew("$prefix/shared", pack 'q2', 0, 0);
    spew("$prefix/x.c", $failing);

    my $said = `$cc -shared -fPIC -O1 -DSHARED='"$shared"' \\
        -o $prefix/failing.so $prefix/x.c -ldl 2>&1`;

    die "$cc: $said" if $? != 0;

    # in front of a sanitizer's, which would rather be the first

    $ENV{ASAN_OPTIONS} = join ':', grep { defined } $ENV{ASAN_OPTIONS},
        'verify_asan_link_order=0';
    $ENV{AGW_PRELOAD} = join ':', grep { defined } "$prefix/failing.so",
        $ENV{AGW_PRELOAD};

    return;
}


# which malloc() is to fail from now on, 0 for none; returns how many did

sub arm {
    my ($which) = @_;

    open my $fh, '+<:raw', $shared or die "$shared: $!\n";
    sysread $fh, my $was, 16;
    sysseek $fh, 0, 0;
    syswrite $fh, pack 'q2', $which, 0;

    return (unpack 'q2', $was)[1];
}


1;
