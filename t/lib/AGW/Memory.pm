package AGW::Memory;

# What is in the memory of another process.

use strict;
use warnings;

use Exporter 'import';
use POSIX ();

our @EXPORT_OK = qw(can_read find free_at_once);

# A secret is found by any run of so many of its bytes: what is freed loses
# its first ones to the allocator.

my $RUN = 16;
my $STEP = 8;

# What is larger is a sanitizer's shadow: terabytes, and no bytes of nginx's.

my $SHADOW = 1 << 30;


# A sanitizer keeps what was freed for a while, to notice who reads it: not in
# an nginx that is started from now on.  Returns the KB by which a worker may
# grow: a sanitizer has books of its own.

sub free_at_once {
    $ENV{ASAN_OPTIONS} = join ':', grep { defined } $ENV{ASAN_OPTIONS},
        'quarantine_size_mb=0', 'thread_local_quarantine_size_kb=0';

    return $ENV{AGW_PRELOAD} ? 1024 : 512;
}


# whether this process may read another's

sub can_read {
    my $pid = fork() // die "fork: $!\n";

    if (!$pid) {
        sleep 10;
        POSIX::_exit(0);
    }

    my $can = eval { scalar(writable($pid)) > 0 };

    kill 'KILL', $pid;
    waitpid $pid, 0;

    return $can;
}


# [start, size] of each run of pages that a process has touched: its
# thread pool has 250 MB of stack that no thread ever used.

sub touched {
    my ($pid, $start, $size) = @_;

    my $page = POSIX::sysconf(POSIX::_SC_PAGESIZE());
    my ($first, $count) = ($start / $page, $size / $page);
    my ($map, @runs) = '';

    open my $pagemap, '<:raw', "/proc/$pid/pagemap" or die "pagemap: $!\n";
    sysseek $pagemap, $first * 8, 0 or die "seek: $!\n";
    sysread $pagemap, $map, $count * 8;

    my @pages = map { $_ >> 62 } unpack 'Q*', $map;

    die "pagemap: cut short\n" if @pages != $count;

    for my $i (grep { $pages[$_] } 0 .. $#pages) {
        push @runs, [$start + $i * $page, 0]
            if !@runs || $runs[-1][0] + $runs[-1][1] != $start + $i * $page;
        $runs[-1][1] += $page;
    }

    return @runs;
}


# [start, bytes, name] of each part that the process can write to; of memory
# that it shares, what others wrote too

sub writable {
    my ($pid) = @_;

    open my $maps, '<', "/proc/$pid/maps" or die "maps: $!\n";
    open my $mem, '<:raw', "/proc/$pid/mem" or die "mem: $!\n";

    my @parts;

    while (my $line = readline $maps) {
        my ($from, $to, $mode, $name) = $line
            =~ /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+ *(.*)$/ or next;

        next if $mode !~ /^rw/;

        no warnings 'portable';

        my ($start, $size) = (hex $from, hex($to) - hex $from);

        next if $size > $SHADOW;

        push @parts, map { [$_->[0], bytes_at($mem, @$_),
            $name || 'anonymous'] } $mode =~ /s$/ ? [$start, $size]
                : touched($pid, $start, $size);
    }

    return @parts;
}


sub bytes_at {
    my ($mem, $start, $size) = @_;

    my $bytes = '';

    sysseek $mem, $start, 0 or die "seek: $!\n";

    while (length $bytes < $size) {
        my $got = sysread $mem, $bytes, $size - length $bytes,
            length $bytes;

        die "mem: $!\n" if !defined $got;
        last if $got == 0;
    }

    return $bytes;
}


# Those of {name => bytes} of which a run is there, as [name, where].

sub find {
    my ($pid, $secrets) = @_;

    my (%names, @found, %seen);

    for my $name (keys %$secrets) {
        my $bytes = $secrets->{$name};

        for (my $i = 0; $i + $RUN <= length $bytes; $i += $STEP) {
            $names{ substr $bytes, $i, $RUN } = [$name, $i];
        }
    }

    return unless %names;

    my $any = join '|', map { quotemeta } keys %names;

    for my $part (writable($pid)) {
        my ($start, $bytes, $where) = @$part;

        while ($bytes =~ /($any)/g) {
            my ($name, $i) = @{ $names{$1} };

            next if $seen{"$name $where"}++;
            push @found, [$name, sprintf '%s 0x%x (byte %d)', $where,
                $start + $-[1], $i];
        }
    }

    return @found;
}


1;
